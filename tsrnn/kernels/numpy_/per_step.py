"""A readout for each step of the horizon, row by row."""

import numpy as np

#: Columns of the rows that features are looked up in: the newest known value, the mean of the
#: newest values of its phase of the season, a slower one, the mean of all phases, the number of
#: values known of the phase (in a new row: 1 where its value is known, else 0), and zeros; behind
#: them the inputs that are known ahead.
LEVEL, FAST, SLOW, MEAN, COUNT, ZERO = range(6)
N_COLUMNS = 6

RENEW_EVERY = 4  # labels between two weights whose penalty is put back

QUIETLY = np.errstate(over="ignore", invalid="ignore", divide="ignore")


def follow_profiles(values, start, season, rates):
    """Fill in the profiles of the rows from `start` on, in place.

    A profile is recursive over the phase: the newest row of a phase holds what is known of it, so
    that a feature of an earlier origin can be looked up again when its label has come. The profiles
    of a phase that has not been known yet are NaN.

    Parameters
    ----------
    values : ndarray of shape (rows, S, C)
    start : int
        At least `season`.
    season : int
    rates : tuple of float
        Weights of a new value in the fast and the slow profile and in the mean. Of a phase that has
        been seen less often, all values count alike.
    """
    fast_rate, slow_rate, mean_rate = rates
    for row in range(start, len(values)):
        now, before = values[row], values[row - season]
        known, level = now[:, COUNT] > 0.0, now[:, LEVEL]
        count = before[:, COUNT] + known
        equal = 1.0 / np.maximum(count, 1.0)
        for column, rate in ((FAST, fast_rate), (SLOW, slow_rate)):
            past = np.where(known & np.isnan(before[:, column]), level, before[:, column])
            now[:, column] = past + np.where(known, np.maximum(rate, equal) * (level - past), 0.0)
        mean = values[row - 1, :, MEAN]
        now[:, MEAN] = mean + np.where(known, mean_rate * (level - mean), 0.0)
        now[:, COUNT] = count


def step_features(values, origins, table, at_step):
    """Return the features (S, M, K) of each step, as seen from an origin of its own.

    A feature is the difference of two values that lie at or before the origin, 0 where one of them
    has not been seen yet. Behind those stand 1 and the inputs at the step itself.

    Parameters
    ----------
    values : ndarray of shape (rows, S, C)
    origins : ndarray of int, shape (M,)
        Rows.
    table : tuple
        Rows back from the origin (M, L, 2), and columns (L, 2), of either value; number of inputs
        that are known ahead.
    at_step : ndarray of shape (S, inputs)
        The inputs at the step; zeros leave their effect out.
    """
    back, columns, n_ahead = table
    at = origins[:, None, None] - back
    x = np.ones((values.shape[1], len(origins), len(columns) + 1 + n_ahead))
    found = values[at[..., 0], :, columns[:, 0]] - values[at[..., 1], :, columns[:, 1]]
    found[np.isnan(found)] = 0.0  # what has not been seen yet
    x[..., : len(columns)] = found.transpose(2, 0, 1)
    x[..., len(columns) + 1 :] = at_step[:, None]
    return x


@QUIETLY
def follow_steps(values, labels, may_learn, table, state, limits, learning):
    """Learn rows one by one, and issue the forecasts of each.

    Parameters
    ----------
    values : ndarray of shape (earlier rows + n, S, C)
    labels : ndarray of shape (n, S)
        Of the new rows, NaN where missing.
    may_learn : ndarray of bool, shape (M + n,)
        Whether labels count for the last M rows before these, and for these, as origins.
    table : tuple
        See `step_features`.
    state : tuple of ndarray
        Covariances (S, M, K, K), weights (S, M, K), and number of labels (S, M).
    limits : tuple
        λ, the penalty of each stream (S,), the most surprise and the largest mean eigenvalue.
    learning : bool

    Returns
    -------
    forecasts : ndarray of shape (n, S, M)
        By the weights after each row, without the effects of inputs at the step.
    effects : ndarray of shape (n, S, M, inputs)
        Weights of those after each row.
    state : tuple of ndarray
    restarted : bool
        Whether a part started anew because it was not finite.
    """
    state = tuple(array.copy() for array in state)
    n, n_steps, restarted = len(labels), state[1].shape[1], False
    forecasts, steps = np.empty((*labels.shape, n_steps)), np.arange(1, n_steps + 1)
    effects = np.empty((*forecasts.shape, table[2]))
    unknown = np.zeros((labels.shape[1], table[2]))
    for row in range(n):
        newest = len(values) - n + row
        if learning:
            origins = newest - steps
            known = may_learn[n_steps + row - steps] & np.isfinite(labels[row])[:, None]
            if known.any():
                x = step_features(values, origins, table, values[newest, :, N_COLUMNS:])
                target = np.where(known, labels[row][:, None] - values[origins, :, LEVEL].T, 0.0)
                restarted |= _learn(x, target, known, state, limits)
        x = step_features(values, np.full(n_steps, newest), table, unknown)
        change = (state[1] * x).sum(axis=2)
        lost = ~np.isfinite(change)
        if lost.any():
            restarted, change[lost] = True, 0.0
            state[1][lost] = 0.0
            _start_covariance(state[0], lost, np.broadcast_to(limits[1][:, None], lost.shape)[lost])
        forecasts[row] = values[newest, :, LEVEL, None] + change
        effects[row] = state[1][..., state[1].shape[2] - table[2] :]
    return forecasts, effects, state, restarted


def _learn(x, target, known, state, limits):
    """Take one step of recursive least squares in place; tell whether something started anew."""
    P, weights, counts = state
    forgetting, ridges, most_surprise, most_eigenvalue = limits
    v, restarted = np.matmul(P, x[..., None])[..., 0], False
    surprise = (x * v).sum(axis=2)
    far = known & ~((surprise >= 0.0) & (surprise < most_surprise))
    if far.any():
        size = np.maximum((x * x).sum(axis=2), 1.0)
        broken = far & ~((surprise >= 0.0) & np.isfinite(surprise))
        size[broken] = np.maximum(ridges[:, None], size / (0.1 * most_surprise))[broken]
        restarted = bool(broken.any())
        _start_covariance(P, far, size[far])
        v = np.matmul(P, x[..., None])[..., 0]
        surprise = (x * v).sum(axis=2)
    denominator = (forgetting + surprise)[..., None]
    step = (target - (weights * x).sum(axis=2))[..., None] / denominator
    weights += np.where(known[..., None], v * step, 0.0)
    u = np.where(known[..., None], v / np.sqrt(denominator), 0.0)
    P -= u[..., :, None] * u[..., None, :]
    bounded = known & (np.einsum("smkk->sm", P) < most_eigenvalue * x.shape[2])
    P *= np.where(bounded, 1.0 / forgetting, 1.0)[..., None, None]
    counts += known
    due = known & (counts % RENEW_EVERY == 0)
    if due.any():
        _renew(P, weights, counts, due, ridges, forgetting)
    return restarted


def _renew(P, weights, counts, due, ridges, forgetting):
    """Put back what has faded of the penalty of one weight, in turn: P⁻¹ ← P⁻¹ + δ e e'."""
    n_features = weights.shape[2]
    at = ((counts // RENEW_EVERY - 1) % n_features)[..., None]
    faded = ridges[:, None, None] * (1.0 - forgetting ** (RENEW_EVERY * n_features))
    p = np.take_along_axis(P, at[..., None], axis=2)[..., 0, :]
    root = np.sqrt(1.0 / faded + np.take_along_axis(p, at, axis=2))
    u = np.where(due[..., None], p / root, 0.0)
    weights -= u / root * np.take_along_axis(weights, at, axis=2)
    P -= u[..., :, None] * u[..., None, :]


def _start_covariance(P, which, size):
    P[which] = np.eye(P.shape[2]) / size[:, None, None]
