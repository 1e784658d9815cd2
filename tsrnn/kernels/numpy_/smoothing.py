"""Exponential smoothing of many settings side by side, row by row."""

import numpy as np

from tsrnn.kernels.numpy_.seasons import rows_back

TINY = 1e-12  # squared error, in units of the history's spread: below it settings are equally right
LOSS_DISCOUNT = 0.98  # of the squared errors by which settings are weighed
SMALLEST = 1e-9  # in units of the history's spread: a logarithm is taken of nothing less
LARGEST_LOG = 1.0  # error of a logarithm that is learnt from: a value near zero is no collapse
FURTHEST = 2.5  # of a logarithm: forecasts lie within a factor of 12 of the level
MOST_GROWTH = np.log(2.0)  # of a logarithm: nothing larger than twice the largest value is forecast
NO_LIMIT = 1.0  # files of 0.1.0 know only that all values were positive
MOST_NUMBERS = 2**16  # that rows are forecast by at once


def follow_smoothing(labels, seasonal, settings, n_steps, zero, n_rows, state):
    r"""Move the states over rows, and forecast after each.

    A setting is an additive damped state, in the error-correction form of [1]_,

    .. math:: e = y - (l + \phi b + s), \quad l \leftarrow l + \phi b + \alpha e, \quad
              b \leftarrow \phi b + \beta \alpha e, \quad s \leftarrow s + \gamma e .

    Where a label is missing, e is 0. Of a state that has seen few rows, :math:`\alpha` is 1 over
    their number, and :math:`\gamma` 1 over the seasons seen, so that all count alike. The first
    season is kept as it was; what it is measured from is its mean, known at its end.

    Parameters
    ----------
    labels : ndarray of shape (n, S)
        NaN where missing.
    seasonal : ndarray of shape (reach + n, A', S)
        Seasonal state of each row, the newest one of its phase, of the settings that have one, the
        last A' of them; that of the new rows is written.
    settings : tuple of ndarray
        Rates :math:`\alpha, \beta, \phi, \gamma` (A, 4), rows of a season (A,), 1 for none, whether
        logarithms are smoothed (A,), and the expert that each setting belongs to (A,).
    n_steps : int
        M.
    zero : ndarray of shape (S,)
        Where zero is, in the units of the labels.
    n_rows : int
        Rows seen before these.
    state : tuple of ndarray
        Level, trend, mean of the first season and loss (A, S), labels seen (S,), and minus the
        largest of them above zero (S,): 0 once one was not positive, `NO_LIMIT` before the first.

    Returns
    -------
    forecasts : ndarray of shape (n, M, G, S)
        Of each expert: the mean of its settings, weighed by their errors one step ahead. NaN where
        there is none yet: no label has come, the first season is not over, or a value was not
        positive.
    state : tuple of ndarray

    References
    ----------
    .. [1] R. Hyndman, A. Koehler, J. Ord, R. Snyder (2008), Forecasting with exponential
       smoothing, chapter 2.
    """
    state = tuple(array.copy() for array in state)
    (n, S), experts = labels.shape, settings[3]
    lengths, columns = season_lengths(settings), np.arange(seasonal.shape[1])
    ahead = rows_back(np.arange(1, n_steps + 1)[:, None], lengths)
    forecasts, reach = np.empty((n, n_steps, experts.max() + 1, S)), len(seasonal) - n
    seen = n_rows + np.arange(n)[:, None]
    after = tuple(np.empty((n, *array.shape)) for array in state)
    for row in range(n):
        now = reach + row
        past = seasonal[now - lengths, columns]
        seasonal[now] = move_states(labels[row], seen[row], past, settings, zero, state)
        for arrays, array in zip(after, state, strict=True):
            arrays[row] = array
    size = max(1, MOST_NUMBERS // (n_steps * len(experts) * S))
    for start in range(0, n, size):
        rows = np.arange(start, min(start + size, n))
        newest = seasonal[reach + rows[:, None, None] - ahead, columns]
        states = tuple(array[rows] for array in after)
        forecasts[rows] = forecast_states(seen[rows], newest, settings, zero, states)
    return forecasts, state


def season_lengths(settings):
    """Return the rows of a season (A',) of the settings that have one, which come last."""
    return settings[1][settings[1] > 1]


def move_states(labels, seen, past, settings, zero, state):
    """Move the states of streams by a row, in place; see `follow_smoothing`.

    Parameters
    ----------
    labels : ndarray of shape (S,)
    seen : ndarray of int, shape (1,) or (S,)
        Rows seen before this one.
    past : ndarray of shape (A', S)
        Seasonal states one season before the row.
    settings, zero, state
        As for `follow_smoothing`.

    Returns
    -------
    ndarray of shape (A', S)
        Seasonal states of the row.
    """
    rates, periods, logs, _ = settings
    alpha, beta, phi, gamma = rates.T[..., None]
    periods, is_log, lengths = periods[:, None], logs[:, None] > 0, season_lengths(settings)
    level, trend, first_mean, loss, n_known, limit = state
    some = slice(len(periods) - len(lengths), None)
    above, known = labels - zero, np.isfinite(labels)
    is_above = above > SMALLEST
    first = n_known == 0
    lower = np.where(first, -above, np.minimum(limit, -above))
    np.copyto(limit, lower, where=is_above & (first | (limit < 0.0)))
    limit[known & ~is_above] = 0.0
    value = np.where(is_log, np.log(np.where(is_above, above, 1.0)), labels)
    base = level + phi * trend
    error, equal = value - base, 1.0 / (n_known + 1.0)
    young = (periods > 1) & (seen < periods)
    past = past - _first(seen - lengths[:, None], lengths, first_mean[some])
    error[some] -= np.where(young[some], 0.0, past)
    error = np.where(known, error, 0.0)
    rate = np.where(young, equal, np.maximum(alpha, equal))
    old = ~young & (n_known > 0)
    np.copyto(error, np.clip(error, -LARGEST_LOG, LARGEST_LOG), where=is_log & old)
    step = rate * error
    np.add(base, step, out=level)
    trend *= phi
    trend += np.where(old, beta * step, 0.0)
    slowest = np.maximum(gamma[some], 1.0 / (seen // periods[some] + 1.0))
    season = past + slowest * error[some]
    np.copyto(first_mean, level, where=(periods > 1) & (seen == periods - 1))
    np.copyto(loss, LOSS_DISCOUNT * loss + error * error, where=known & old)
    n_known += known
    return np.where(young[some], np.where(known, value[some], level[some]), season)


def forecast_states(seen, newest, settings, zero, state):
    """Return the forecasts (..., M, G, S) of experts after rows; see `follow_smoothing`.

    Parameters
    ----------
    seen : ndarray of int, shape (..., 1) or (..., S)
        Rows seen before these.
    newest : ndarray of shape (..., M, A', S)
        Newest seasonal states of the phase of each step.
    settings, zero
        As for `follow_smoothing`.
    state : tuple of ndarray
        As there, after each of the rows.
    """
    rates, periods, logs, experts = settings
    level, trend, first_mean, loss, n_known, limit = state
    lengths, periods = season_lengths(settings), periods[:, None]
    some, steps = slice(len(periods) - len(lengths), None), np.arange(1, newest.shape[-3] + 1)
    first = np.flatnonzero(np.diff(experts, prepend=-1))  # setting of each expert
    is_log = np.flatnonzero(logs > 0)
    seen, n_known = seen[..., None, :], n_known[..., None, :]
    asleep = ((periods > 1) & (seen + 1 < periods)) | (n_known == 0)
    asleep[..., is_log, :] |= limit[..., None, :] == 0
    least = np.minimum.reduceat(loss, first, axis=-2)
    share = (least[..., experts, :] + TINY) / (loss + TINY)
    share *= share
    share *= share
    share /= np.add.reduceat(share, first, axis=-2)[..., experts, :]
    share[asleep] = np.nan
    damping = np.cumsum(rates[:, 2] ** steps[:, None], axis=0)  # (M, A)
    level, trend = level[..., None, :, :], trend[..., None, :, :]
    found = level + damping[..., None] * trend  # (..., M, A, S)
    found[..., some, :] += newest
    rows = seen[..., None, :, :] - rows_back(steps[:, None], lengths)[..., None]
    found[..., some, :] -= _first(rows, lengths, first_mean[..., None, some, :])
    if len(is_log):
        most = highest_logarithm(limit)[..., None, None, :]
        middle = np.minimum(level[..., is_log, :], most)
        highest = np.minimum(middle + FURTHEST, most)
        limited = np.clip(found[..., is_log, :], middle - FURTHEST, highest)
        found[..., is_log, :] = np.exp(limited) + zero
    found *= share[..., None, :, :]
    return np.add.reduceat(found, first, axis=-2)


def highest_logarithm(limit):
    """Return the logarithms (..., S) above which nothing is forecast.

    Where a level jumps, logarithms of values near zero jump far, and the peaks of a season would
    be forecast at many times of anything ever seen.

    Parameters
    ----------
    limit : ndarray of shape (..., S)
        Minus the largest values; none where it is positive.
    """
    most = np.log(np.maximum(-limit, SMALLEST)) + MOST_GROWTH
    return np.where(limit > 0.0, np.inf, most)


def _first(rows, periods, first_mean):
    """Return what the seasonal states of rows (..., A', 1 or S) are measured from."""
    return np.where(rows < periods[:, None], first_mean, 0.0)
