"""Exponential smoothing of many series, compiled; as of `kernels.numpy_.panel_smoothing`.

A row lies at one place of the ring for all series, so that steps and phases are numbers and series
run in the inner loops, which write one or two arrays each: so they are vectorized. For one stream,
`smoothing` follows its settings one after the other.
"""

import numpy as np

from tsrnn.kernels.numba_.maths import compiled, inner, put, take
from tsrnn.kernels.numba_.smoothing import before, highest_logarithm, limit_after
from tsrnn.kernels.numpy_.smoothing import FURTHEST, LARGEST_LOG, LOSS_DISCOUNT, SMALLEST, TINY


def move_series(first, columns, labels, seen, row, seasonal, settings, zero, state):
    """Move the states of streams of a panel by a row; see the NumPy twin."""
    b, J = len(columns), len(labels)
    scratch, until = np.empty((8, b)), first + b
    for j in range(J):
        some = slice(j * b, j * b + b)
        of_row = labels[j, first:until], seen[first:until], zero[some]
        _move_target(j, some, of_row, columns, row, seasonal, settings, state, scratch)


def _move_target(j, some, of_row, columns, row, seasonal, settings, state, scratch):
    """Move the states of the streams of a target, which are some of the block's."""
    (labels, seen, zero), (rates, periods, logs, _) = of_row, settings
    level, trend, first_mean, loss, n_known, limit = state
    n_known, limit, b = n_known[some], limit[some], len(labels)
    n_plain = len(periods) - seasonal.shape[1]
    known, logarithm, equal, season = scratch[0], scratch[1], scratch[2], scratch[3]
    error, old, rate, age = scratch[4], scratch[5], scratch[6], scratch[7]
    for s in range(b):
        there, above = np.isfinite(labels[s]), labels[s] - zero[s]
        known[s] = 1.0 if there else 0.0
        limit[s] = limit_after(limit[s], above, n_known[s]) if there else limit[s]
        logarithm[s] = np.log(above) if above > SMALLEST else 0.0
    for s in range(b):
        equal[s] = 1.0 / (n_known[s] + 1.0)
        age[s] = seen[s]
    for a in range(len(periods)):
        period, is_log, base, slope = periods[a], logs[a] > 0.0, level[a, some], trend[a, some]
        alpha, beta, phi, gamma = rates[a]
        mean, lost, values = first_mean[a, some], loss[a, some], logarithm if is_log else labels
        season[:] = 0.0
        if period > 1:
            states = seasonal[before(row, period, len(seasonal)), a - n_plain, j]
            take(states, columns, season)
            _from_mean(season, mean, age, period)
        for s in range(b):
            is_old = (period == 1 or age[s] >= period) and n_known[s] > 0.0
            old[s] = 1.0 if is_old else 0.0
        for s in range(b):
            found = values[s] - (base[s] + phi * slope[s]) - season[s]
            error[s] = found if known[s] > 0.0 else 0.0
        if is_log:
            for s in range(b):
                limited = min(max(error[s], -LARGEST_LOG), LARGEST_LOG)
                error[s] = limited if old[s] > 0.0 else error[s]
        for s in range(b):
            found = alpha if alpha > equal[s] else equal[s]
            rate[s] = equal[s] if period > 1 and age[s] < period else found
        for s in range(b):
            step = rate[s] * error[s]
            base[s] += phi * slope[s] + step
            slope[s] = phi * slope[s] + (beta * step if old[s] > 0.0 else 0.0)
        if period > 1:
            for s in range(b):
                own = 1.0 / (np.floor(age[s] / period) + 1.0)
                season[s] += (gamma if gamma > own else own) * error[s]
            for s in range(b):
                start = values[s] if known[s] > 0.0 else base[s]
                season[s] = start if age[s] < period else season[s]
            for s in range(b):
                mean[s] = base[s] if age[s] == period - 1.0 else mean[s]
            put(seasonal[row, a - n_plain, j], columns, season)
        for s in range(b):
            moved = LOSS_DISCOUNT * lost[s] + error[s] * error[s]
            lost[s] = moved if known[s] * old[s] > 0.0 else lost[s]
    for s in range(b):
        n_known[s] += known[s]


def _from_mean(season, mean, age, period):
    """Measure seasonal states of a season before; there are none in the first."""
    for s in range(len(season)):
        found = season[s] - (mean[s] if age[s] - period < period else 0.0)
        season[s] = 0.0 if age[s] < period else found


def forecast_series(first, columns, seen, row, seasonal, settings, zero, state, place, out):
    """Write the forecasts of streams of a panel after a row; see the NumPy twin."""
    b, J, experts = len(columns), out.shape[2], settings[3]
    G, until = experts[-1] + 1, first + b
    scratch, weights = np.empty((6 + G, b)), np.empty((len(experts), b))
    for j in range(J):
        some = slice(j * b, j * b + b)
        _weigh(experts, state[3], some, weights, scratch)
        for m in range(len(out)):
            out[m, place : place + G, j, first:until] = 0.0
        for a in range(len(experts)):
            of_stream = seen[first:until], zero[some], weights[a]
            _add_forecasts(
                a, j, some, of_stream, columns, row, seasonal, settings, state, scratch,
                out, place + experts[a], slice(first, until),
            )  # fmt: skip


def _weigh(experts, loss, some, weights, scratch):
    """Write the weights of settings by their losses, (A, b) each; of sum 1 for each expert."""
    A, b = weights.shape
    least, total = scratch[0], scratch[6:]
    total[:] = 0.0
    for a in range(A):
        if a == 0 or experts[a] != experts[a - 1]:  # the settings of an expert are neighbours
            least[:] = np.inf
            for other in range(a, A):
                if experts[other] == experts[a]:
                    lost = loss[other, some]
                    for s in range(b):
                        least[s] = lost[s] if lost[s] < least[s] else least[s]
        lost, weight, sums = loss[a, some], weights[a], total[experts[a]]
        for s in range(b):
            ratio = (least[s] + TINY) / (lost[s] + TINY)
            ratio *= ratio
            ratio *= ratio
            weight[s] = ratio
            sums[s] += ratio
    for a in range(A):
        weight, sums = weights[a], total[experts[a]]
        for s in range(b):
            weight[s] /= sums[s]


def _add_forecasts(
    a, j, some, of_stream, columns, row, seasonal, settings, state, scratch, out, place, of_row
):  # fmt: skip
    """Add the forecasts of a setting to those at a place, by its weights; NaN where it sleeps."""
    (seen, zero, weight), (rates, periods, logs, _) = of_stream, settings
    level, trend, first_mean, _, n_known, limit = state
    level, trend, mean = level[a, some], trend[a, some], first_mean[a, some]
    n_known, limit, b, period = n_known[some], limit[some], len(seen), periods[a]
    is_log, k, length = logs[a] > 0.0, a - len(periods) + seasonal.shape[1], len(seasonal)
    season, age, factor, change = scratch[0], scratch[1], scratch[2], scratch[3]
    highest, level_above = scratch[4], scratch[5]
    for s in range(b):
        asleep = n_known[s] == 0.0 or (is_log and limit[s] == 0.0)
        asleep = asleep or (period > 1 and seen[s] + 1 < period)
        weight[s] = np.nan if asleep else weight[s]
        age[s] = seen[s]
    if is_log:
        for s in range(b):
            most = highest_logarithm(limit[s])
            middle = min(level[s], most)
            highest[s] = min(FURTHEST, most - middle)
            factor[s], level_above[s] = weight[s] * np.exp(middle), level[s] - middle
    slope, phase = 0.0, 0
    for m in range(len(out)):
        slope, to = rates[a, 2] * (slope + 1.0), out[m, place, j, of_row]
        if period == 1:
            for s in range(b):
                to[s] += weight[s] * (level[s] + slope * trend[s])
            continue
        phase = (period if phase == 0 else phase) - 1
        take(seasonal[before(row, phase, length), k, j], columns, season)
        for s in range(b):
            found = slope * trend[s] + season[s]
            change[s] = found - (mean[s] if age[s] - phase < period else 0.0)
        if is_log:
            for s in range(b):
                found = _exp(min(max(change[s] + level_above[s], -FURTHEST), highest[s]))
                to[s] += factor[s] * found + weight[s] * zero[s]
        else:
            for s in range(b):
                to[s] += weight[s] * (level[s] + change[s])


def _exp(x):
    """Return the exponential of a number of at most `FURTHEST`, without a branch.

    By its series at an eighth, whose remainder is below the rounding.
    """
    x *= 0.125
    total = x * (1.0 / 87178291200.0) + 1.0 / 6227020800.0
    total = total * x + 1.0 / 479001600.0
    total = total * x + 1.0 / 39916800.0
    total = total * x + 1.0 / 3628800.0
    total = total * x + 1.0 / 362880.0
    total = total * x + 1.0 / 40320.0
    total = total * x + 1.0 / 5040.0
    total = total * x + 1.0 / 720.0
    total = total * x + 1.0 / 120.0
    total = total * x + 1.0 / 24.0
    total = total * x + 1.0 / 6.0
    total = total * x + 0.5
    total = (total * x + 1.0) * x + 1.0
    total *= total
    total *= total
    return total * total


_from_mean, _weigh = inner(_from_mean, False), inner(_weigh, False)
_exp, _add_forecasts = inner(_exp, {"contract"}), inner(_add_forecasts, {"contract"})
_move_target = inner(_move_target, False)
move_series = compiled(move_series, False, allocates=True)
forecast_series = compiled(forecast_series, False, allocates=True)
