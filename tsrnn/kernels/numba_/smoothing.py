"""Exponential smoothing of many settings side by side, compiled; see the NumPy twin."""

import numpy as np

from tsrnn.kernels.numba_.maths import compiled, inner, on_stack
from tsrnn.kernels.numpy_.smoothing import (
    FURTHEST,
    LARGEST_LOG,
    LOSS_DISCOUNT,
    MOST_GROWTH,
    SMALLEST,
    TINY,
)


def follow_smoothing(labels, seasonal, settings, n_steps, zero, n_rows, state):
    """Move the states over rows, and forecast after each; see the NumPy twin."""
    moving = tuple(map(np.copy, state))
    (n, S), G = labels.shape, settings[3][-1] + 1
    forecasts = np.empty((n, n_steps, G, S))
    move_smoothing(labels, seasonal, settings, zero, n_rows, moving, forecasts)
    return forecasts, moving


def move_smoothing(labels, seasonal, settings, zero, n_rows, moving, forecasts):
    """As `follow_smoothing`, with the state in place, and forecasts written."""
    (n, S), G = labels.shape, settings[3][-1] + 1
    share, sums = on_stack(len(settings[1]), np.float64), on_stack(2 * G, np.float64)
    reach, scratch = len(seasonal) - n, (share, sums[:G], sums[G:])
    for row, s in np.ndindex(n, S):
        at = n_rows + row, reach + row, s, s
        move_stream(labels[row, s], zero[s], at, seasonal, settings, moving)
        forecast_stream(zero[s], at, seasonal, settings, moving, scratch, forecasts[row])


def move_stream(y, zero, at, seasonal, settings, moving):
    """Move the states of a stream by a row, in place.

    Parameters
    ----------
    y, zero : float
    at : tuple of int
        Rows seen before this one, its row of the seasonal states, and the stream's column there and
        in the others.
    seasonal : ndarray of shape (L, A', S)
        Where the row is before the L-th, rows of before the first are the last ones.
    settings, moving
        As for `move_smoothing`.
    """
    rates, periods, logs, _ = settings
    level, trend, first_mean, loss, n_known, limit = moving
    (seen, now, cell, s), A = at, len(periods)
    n_plain, known, above = A - seasonal.shape[1], np.isfinite(y), y - zero
    if known:
        limit[s] = limit_after(limit[s], above, n_known[s])
    logarithm = np.log(above) if above > SMALLEST else 0.0
    equal = 1.0 / (n_known[s] + 1.0)
    for a in range(A):
        period, k = periods[a], a - n_plain
        young = period > 1 and seen < period
        season = 0.0
        if period > 1 and not young:
            season = np.float64(seasonal[before(now, period, len(seasonal)), k, cell])
            if seen - period < period:
                season -= first_mean[a, s]
        value = logarithm if logs[a] > 0.0 else y
        base = level[a, s] + rates[a, 2] * trend[a, s]
        error = value - base - season if known else 0.0
        old = not young and n_known[s] > 0.0
        if logs[a] > 0.0 and old:
            error = min(max(error, -LARGEST_LOG), LARGEST_LOG)
        rate = equal if young else max(rates[a, 0], equal)
        level[a, s] = base + rate * error
        trend[a, s] = rates[a, 2] * trend[a, s]
        if old:
            trend[a, s] += rates[a, 1] * rate * error
        if young:
            seasonal[now, k, cell] = value if known else level[a, s]
            if seen == period - 1:
                first_mean[a, s] = level[a, s]
        elif period > 1:
            visits = seen // period
            seasonal[now, k, cell] = season + max(rates[a, 3], 1.0 / (visits + 1.0)) * error
        if known and old:
            loss[a, s] = LOSS_DISCOUNT * loss[a, s] + error * error
    if known:
        n_known[s] += 1.0


def forecast_stream(zero, at, seasonal, settings, moving, scratch, forecasts):
    """Write the forecasts (M, G, S) of a stream after a row, as of `move_stream`.

    `scratch` is room for A, for G and for G numbers.
    """
    rates, periods, logs, experts = settings
    level, trend, first_mean, loss, n_known, limit = moving
    (seen, now, cell, s), A, n_steps = at, len(periods), len(forecasts)
    share, least, total = scratch
    n_plain, length = A - seasonal.shape[1], len(seasonal)
    least[:], total[:] = np.inf, 0.0
    for a in range(A):
        least[experts[a]] = min(least[experts[a]], loss[a, s])
    for a in range(A):
        ratio = (least[experts[a]] + TINY) / (loss[a, s] + TINY)
        ratio *= ratio
        share[a] = ratio * ratio
        total[experts[a]] += share[a]
    forecasts[:, :, s], most = 0.0, highest_logarithm(limit[s])
    for a in range(A):
        period, g, k = periods[a], experts[a], a - n_plain
        asleep = n_known[s] == 0.0 or (logs[a] > 0.0 and limit[s] == 0.0)
        if asleep or (period > 1 and seen + 1 < period):
            forecasts[:, g, s] = np.nan
            continue
        weight, damping, slope, phase = share[a] / total[g], rates[a, 2], 0.0, 0
        base = level[a, s]
        middle = min(base, most)
        highest = min(middle + FURTHEST, most)
        for m in range(n_steps):
            slope = damping * (slope + 1.0)
            found = base + slope * trend[a, s]
            if period > 1:
                phase = period if phase == 0 else phase
                phase -= 1
                found += seasonal[before(now, phase, length), k, cell]
                if seen - phase < period:
                    found -= first_mean[a, s]
            if logs[a] > 0.0:
                found = np.exp(min(max(found, middle - FURTHEST), highest)) + zero
            forecasts[m, g, s] += weight * found


def limit_after(limit, above, n_known):
    """Return minus the largest value above zero, after a known one; see the NumPy kernel."""
    if not above > SMALLEST:
        return 0.0
    if n_known == 0.0:
        return -above
    return limit if limit >= 0.0 else min(limit, -above)


def highest_logarithm(limit):
    """Return the logarithm above which nothing is forecast; see the NumPy kernel."""
    return np.inf if limit > 0.0 else np.log(max(-limit, SMALLEST)) + MOST_GROWTH


def before(row, back, length):
    """Return the row of a ring so many rows before another."""
    row -= back
    return row + length if row < 0 else row


before, limit_after = inner(before, False), inner(limit_after, False)
highest_logarithm = inner(highest_logarithm, False)
move_stream, forecast_stream = inner(move_stream, False), inner(forecast_stream, False)
move_smoothing = compiled(move_smoothing, False)
