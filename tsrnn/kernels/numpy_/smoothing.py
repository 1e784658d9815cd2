"""Exponential smoothing of many settings side by side, row by row."""

import numpy as np

from tsrnn.kernels.numpy_.seasons import rows_back

TINY = 1e-12  # squared error, in units of the history's spread: below it settings are equally right
LOSS_DISCOUNT = 0.98  # of the squared errors by which settings are weighed
SMALLEST = 1e-9  # in units of the history's spread: a logarithm is taken of nothing less
LARGEST_LOG = 1.0  # error of a logarithm that is learnt from: a value near zero is no collapse
FURTHEST = 2.5  # of a logarithm: forecasts lie within a factor of 12 of the level


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
        Level, trend, mean of the first season and loss (A, S), labels seen (S,), and (S,) whether
        all were positive.

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
    rates, periods, logs, experts = settings
    alpha, beta, phi, gamma = rates.T[..., None]
    level, trend, first_mean, loss, n_known, positive = (array.copy() for array in state)
    (n, S), A, G = labels.shape, len(periods), experts.max() + 1
    forecasts, is_log = np.empty((n, n_steps, G, S)), logs[:, None] > 0
    has_season, reach = (periods > 1)[:, None], len(seasonal) - n
    some = slice(A - seasonal.shape[1], A)  # that have seasons
    lengths, columns = periods[some], np.arange(seasonal.shape[1])
    steps = np.arange(1, n_steps + 1)[:, None]
    damping = np.cumsum(phi[:, 0] ** steps, axis=0)  # (M, A)
    ahead = rows_back(steps, lengths)
    member = experts == np.arange(G)[:, None]
    for row in range(n):
        now, seen = reach + row, n_rows + row
        young = has_season & (seen < periods)[:, None]
        y, above = labels[row], labels[row] - zero
        known = np.isfinite(y)
        positive[known & ~(above > SMALLEST)] = 0.0
        value = np.where(is_log, np.log(np.where(above > SMALLEST, above, 1.0)), y)
        season = np.zeros((A, S))
        past = seasonal[now - lengths, columns]
        past = past - _first(seen - lengths, lengths, first_mean[some])
        season[some] = np.where(young[some], 0.0, past)
        base = level + phi * trend
        error = np.where(known, value - base - season, 0.0)
        equal = 1.0 / (n_known + 1.0)
        rate = np.where(young, equal, np.maximum(alpha, equal))
        old = ~young & (n_known > 0)
        limited = np.clip(error, -LARGEST_LOG, LARGEST_LOG)
        error = np.where(is_log & old, limited, error)
        level = base + rate * error
        trend = phi * trend + np.where(old, beta * rate * error, 0.0)
        visits = (seen // periods)[:, None]
        season = season + np.maximum(gamma, 1.0 / (visits + 1.0)) * error
        raw = np.where(known, value, level)
        seasonal[now] = np.where(young, raw, season)[some]
        ended = has_season & (seen == periods - 1)[:, None]
        first_mean = np.where(ended, level, first_mean)
        counts = known & old
        loss = np.where(counts, LOSS_DISCOUNT * loss + error * error, loss)
        n_known += known
        asleep = (has_season & (seen + 1 < periods)[:, None]) | (n_known == 0)
        asleep |= is_log & (positive == 0)
        with np.errstate(invalid="ignore"):
            least = np.array([np.where(m[:, None], loss, np.inf).min(axis=0) for m in member])
        share = (least[experts] + TINY) / (loss + TINY)
        share *= share
        share *= share
        for g in range(G):
            share[member[g]] /= share[member[g]].sum(axis=0)
        found = level + damping[..., None] * trend  # (M, A, S)
        looked_at = now - ahead
        found[:, some] += seasonal[looked_at, columns]
        found[:, some] -= _first(seen - ahead, lengths, first_mean[some])
        limited = np.clip(found, level - FURTHEST, level + FURTHEST)
        found = np.where(is_log, np.exp(np.where(is_log, limited, 0.0)) + zero, found)
        found = np.where(asleep, np.nan, found * share)
        for g in range(G):
            forecasts[row, :, g] = found[:, member[g]].sum(axis=1)
    return forecasts, (level, trend, first_mean, loss, n_known, positive)


def _first(row, periods, first_mean):
    """Return what the seasonal state of a row (..., A) is measured from, (..., A, S)."""
    return np.where((row < periods)[..., None], first_mean, 0.0)
