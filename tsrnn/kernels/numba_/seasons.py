"""Missing rows that go on as those before, compiled; as of `kernels.numpy_.seasons`.

No shortcut of the compiler's: the very numbers of NumPy come out, whichever of the two is asked.
"""

import numpy as np

from tsrnn.kernels.numba_.maths import inlined, inner
from tsrnn.kernels.numpy_.seasons import DOUBT, RECENT, SHORTEST_GAP, WEIGHTS

FIRST, SECOND, THIRD = WEIGHTS


def gap_end(targets, start):
    """Return the first row from `start` on that ends a gap; see the NumPy twin."""
    for n in range(max(start, SHORTEST_GAP), len(targets)):
        for s in range(targets.shape[1]):
            length = 0
            while length < SHORTEST_GAP and np.isnan(targets[n - 1 - length, s]):
                length += 1
            if length == SHORTEST_GAP and np.isfinite(targets[n, s]):
                return n
    return len(targets)


def gone_on(levels, now, s, seasons):
    """Return the level of a missing row; see `follow_season`."""
    level = found = levels[now - 1, s]
    if np.isnan(level):  # no row before
        return levels[now, s]
    longest = 0
    for season in seasons:
        product = square = most = 0.0
        for row in range(max(now - RECENT, season + 1), now):
            change = levels[row, s] - levels[row - 1, s]
            before = _usual(levels, row, s, season, 1) - _usual(levels, row - 1, s, season, 0)
            if np.isfinite(change) and np.isfinite(before):
                most = max(most, abs(change))
                product += change * before
                square += before * before
        if square > 0.0 and season > longest:
            step = _usual(levels, now, s, season, 1) - _usual(levels, now - 1, s, season, 0)
            step -= _drift(levels, now, s, season)
            if np.isfinite(step):
                longest, step = season, min(max(step, -most), most)
                slope = min(max(product, 0.0), square) / square
                found = level + slope * step - _faded(levels, now, s, season)
    return found


def _faded(levels, now, s, season):
    """Return by how much the deviation from the seasons before fades at a row."""
    first = max(now - RECENT, season + 1)
    total = product = square = 0.0
    count = 0
    for row in range(first, now):
        deviation = levels[row, s] - _usual(levels, row, s, season, 0)
        if np.isfinite(deviation):
            total += deviation
            count += 1
    mean = total / max(count, 1)
    before = levels[first - 1, s] - _usual(levels, first - 1, s, season, 0) - mean
    for row in range(first, now):
        deviation = levels[row, s] - _usual(levels, row, s, season, 0) - mean
        if np.isfinite(before) and np.isfinite(deviation):
            product += before * deviation
            square += before * before
        before = deviation
    if square == 0.0 or not np.isfinite(before):
        return 0.0
    return min(max(1.0 - DOUBT - product / square, 0.0), 1.0) * before


def _drift(levels, now, s, season):
    """Return the mean change of what is usual from the season before a row to the next."""
    end = now - 1 + season
    change = _usual(levels, end, s, season, season) - _usual(levels, now - 1, s, season, 0)
    return change / season


def _usual(levels, row, s, season, ago):
    """Return the weighted mean of levels one to three seasons before; see the NumPy twin."""
    one, seen = levels[row - season, s], row - ago
    if seen < 2 * season or np.isnan(levels[seen - 2 * season, s]):
        return one
    two = levels[row - 2 * season, s]
    if seen < 3 * season or np.isnan(levels[seen - 3 * season, s]):
        return (FIRST * one + SECOND * two) / (FIRST + SECOND)
    three = levels[row - 3 * season, s]
    return (FIRST * one + SECOND * two + THIRD * three) / (FIRST + SECOND + THIRD)


_usual, gap_end = inner(_usual, False), inlined(gap_end, False)
_drift = inlined(_drift, False)
_faded = inlined(_faded, False)
gone_on = inlined(gone_on, False)
