"""Missing rows that go on as those before, compiled; as of `kernels.numpy_.seasons`.

No shortcut of the compiler's: the very numbers of NumPy come out, whichever of the two is asked.
"""

import numpy as np

from tsrnn.kernels.numba_.maths import inlined
from tsrnn.kernels.numpy_.seasons import DOUBT, RECENT, SHORTEST_GAP


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
            before = _change_before(levels, row, s, season)
            if np.isfinite(change) and np.isfinite(before):
                most = max(most, abs(change))
                product += change * before
                square += before * before
        if square > 0.0 and season > longest:
            step = _change_before(levels, now, s, season) - _drift(levels, now, s, season)
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
        deviation = _deviation(levels, row, s, season)
        if np.isfinite(deviation):
            total += deviation
            count += 1
    mean = total / max(count, 1)
    before = _deviation(levels, first - 1, s, season) - mean
    for row in range(first, now):
        deviation = _deviation(levels, row, s, season) - mean
        if np.isfinite(before) and np.isfinite(deviation):
            product += before * deviation
            square += before * before
        before = deviation
    if square == 0.0 or not np.isfinite(before):
        return 0.0
    return min(max(1.0 - DOUBT - product / square, 0.0), 1.0) * before


def _deviation(levels, row, s, season):
    """Return by how much a row is off the mean of those one and two seasons before."""
    usual = levels[row - season, s]
    if row >= 2 * season:
        two = levels[row - 2 * season, s]
        if np.isfinite(two):
            usual = 0.5 * (usual + two)
    return levels[row, s] - usual


def _change_before(levels, row, s, season):
    """Return by how much a level changed one and two seasons before a row, in the mean."""
    one = levels[row - season, s] - levels[row - season - 1, s]
    if row > 2 * season:
        two = levels[row - 2 * season, s] - levels[row - 2 * season - 1, s]
        if np.isfinite(two):
            return 0.5 * (one + two)
    return one


def _drift(levels, now, s, season):
    """Return the mean change of a row in the two seasons before one, or in the one seen."""
    newest = levels[now - 1, s]
    if now > 2 * season:
        two = (newest - levels[now - 1 - 2 * season, s]) / (2 * season)
        if np.isfinite(two):
            return two
    return (newest - levels[now - 1 - season, s]) / season


_change_before, _drift = inlined(_change_before, False), inlined(_drift, False)
_deviation, gap_end = inlined(_deviation, False), inlined(gap_end, False)
_faded = inlined(_faded, False)
gone_on = inlined(gone_on, False)
