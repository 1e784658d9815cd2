"""Exponential smoothing of many settings side by side, compiled; see the NumPy twin."""

import numpy as np

from tsrnn.kernels.numba_.maths import compiled
from tsrnn.kernels.numpy_.smoothing import FURTHEST, LARGEST_LOG, LOSS_DISCOUNT, SMALLEST, TINY


def follow_smoothing(labels, seasonal, settings, n_steps, zero, n_rows, state):
    """Move the states over rows, and forecast after each; see the NumPy twin."""
    moving = tuple(map(np.copy, state))
    (n, S), G = labels.shape, settings[3][-1] + 1
    forecasts = np.empty((n, n_steps, G, S))
    move_smoothing(labels, seasonal, settings, zero, n_rows, moving, forecasts)
    return forecasts, moving


def move_smoothing(labels, seasonal, settings, zero, n_rows, moving, forecasts):
    """As `follow_smoothing`, with the state in place, and forecasts written."""
    rates, periods, logs, experts = settings
    level, trend, first_mean, loss, n_known, positive = moving
    (n, S), A, G = labels.shape, len(periods), experts[-1] + 1
    n_plain, reach, n_steps = A - seasonal.shape[1], len(seasonal) - n, forecasts.shape[1]
    forecasts[:] = 0.0
    share, least, total = np.empty(A), np.empty(G), np.empty(G)
    for row, s in np.ndindex(n, S):
        now, seen, y = reach + row, n_rows + row, labels[row, s]
        known, above = np.isfinite(y), labels[row, s] - zero[s]
        if known and not above > SMALLEST:
            positive[s] = 0.0
        logarithm = np.log(above) if above > SMALLEST else 0.0
        equal = 1.0 / (n_known[s] + 1.0)
        least[:], total[:] = np.inf, 0.0
        for a in range(A):
            period, k = periods[a], a - n_plain
            young = period > 1 and seen < period
            season = 0.0
            if period > 1 and not young:
                season = seasonal[now - period, k, s]
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
                seasonal[now, k, s] = value if known else level[a, s]
                if seen == period - 1:
                    first_mean[a, s] = level[a, s]
            elif period > 1:
                visits = seen // period
                seasonal[now, k, s] = season + max(rates[a, 3], 1.0 / (visits + 1.0)) * error
            if known and old:
                loss[a, s] = LOSS_DISCOUNT * loss[a, s] + error * error
            least[experts[a]] = min(least[experts[a]], loss[a, s])
        if known:
            n_known[s] += 1.0
        for a in range(A):
            ratio = (least[experts[a]] + TINY) / (loss[a, s] + TINY)
            ratio *= ratio
            share[a] = ratio * ratio
            total[experts[a]] += share[a]
        for a in range(A):
            period, g, k = periods[a], experts[a], a - n_plain
            asleep = n_known[s] == 0.0 or (logs[a] > 0.0 and positive[s] == 0.0)
            if asleep or (period > 1 and seen + 1 < period):
                forecasts[row, :, g, s] = np.nan
                continue
            weight, damping, slope, phase = share[a] / total[g], rates[a, 2], 0.0, 0
            at = level[a, s]
            for m in range(n_steps):
                slope = damping * (slope + 1.0)
                found = at + slope * trend[a, s]
                if period > 1:
                    phase = period if phase == 0 else phase
                    phase -= 1
                    found += seasonal[now - phase, k, s]
                    if seen - phase < period:
                        found -= first_mean[a, s]
                if logs[a] > 0.0:
                    found = np.exp(min(max(found, at - FURTHEST), at + FURTHEST)) + zero[s]
                forecasts[row, m, g, s] += weight * found


move_smoothing = compiled(move_smoothing, False)
