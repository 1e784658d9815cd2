"""Seasons: where the newest row of a phase lies, and missing rows that go on as those before."""

import numpy as np

RECENT = 168  # newest changes by which it is told how far a stream repeats its season
WEIGHTS = 3.0, 2.0, 1.0  # of levels one, two and three seasons before: one alone may be odd
DOUBT = 0.1  # share of a deviation by which even that of a random walk seems to fade in a row
SHORTEST_GAP = 4  # missing rows that are bridged; of fewer there is little to mend


def rows_back(steps, season):
    """Return how many rows before the newest one the newest of the same phase lies.

    Parameters
    ----------
    steps : int or ndarray of int
        Steps ahead of the newest row, from 1 on, whose phase is asked for.
    season : int or ndarray of int
        Rows of a season.

    Examples
    --------
    >>> rows_back(1, 24), rows_back(24, 24), rows_back(25, 24)
    (23, 0, 23)
    """
    return season * -(-steps // season) - steps


def shift_phases(rows, season, early):
    """Return what is kept of each phase, (n, ...), for a season that is so many rows earlier.

    Parameters
    ----------
    rows : ndarray of shape (n, ...)
        Of the newest n rows; what each holds is of its phase.
    season : int
        In rows, n at most.
    early : int
        Less than a season; negative: later.

    Examples
    --------
    >>> shift_phases(np.array([5, 1, 2, 3, 4]), season=4, early=1)
    array([1, 2, 3, 4, 1])
    """
    at = np.arange(len(rows)) + early
    at[at >= len(rows)] -= season
    at[at < 0] += season
    return rows[at]


def follow_season(levels, missing, seasons):
    """Let the levels of missing rows go on as those of a season before did; in place.

    A missing row changes by as much as the mean of the rows one, two and three seasons before it
    (weights 3, 2 and 1: one season alone may be an odd one, and the newest is the most alike), less
    what that changes by from season to season: a rise of those weeks is not made again. That is
    taken times the slope, between 0 and 1, of the newest 168 changes on those of such means, and is
    no more than the largest of those: nor is a jump of weeks ago. The deviation from the mean of
    seasons before fades to its own mean, by the share that it has faded by in those rows less a
    tenth, as that of a random walk seems to fade too [1]_. So lags of a stream with a pattern tell
    that pattern through days without values, an odd value before those is soon forgotten, and a
    random walk stays where it was.

    Parameters
    ----------
    levels : ndarray of shape (n + m, S)
        Of n rows, NaN before the first one, and m new ones, missing ones carried forward.
    missing : ndarray of bool, shape (m, S)
    seasons : tuple of int
        In rows. Of each row the longest one counts that has been seen.

    References
    ----------
    .. [1] D. A. Dickey, W. A. Fuller, "Distribution of the estimators for autoregressive time
       series with a unit root", Journal of the American Statistical Association 74 (1979).

    Examples
    --------
    >>> levels = np.array([1.0, 5.0, 2.0, 1.0, 5.0, 2.0, 1.0, np.nan, np.nan])[:, None]
    >>> follow_season(levels, np.ones((2, 1), dtype=bool), (3,))
    >>> levels.ravel()
    array([1., 5., 2., 1., 5., 2., 1., 5., 2.])
    """
    start = len(levels) - len(missing)
    for row in np.flatnonzero(missing.any(axis=1)):
        now = start + row
        levels[now] = np.where(missing[row], _gone_on(levels, now, seasons), levels[now])


def bridge_gap(levels, targets, now, seasons):
    """Let the levels of rows that were missing meet the value that is known after them; in place.

    By how much that value is off what `follow_season` says of it, the rows before are moved, in
    proportion to their distance from the last known one: as the mean of a random walk between two
    of its values [1]_. Else what comes after a gap would be compared with levels that have
    drifted. Streams without a gap of four rows at least that ends here stay as they are, and so do
    those of which nothing was known before it.

    Parameters
    ----------
    levels : ndarray of shape (n, S)
        Of all rows.
    targets : ndarray of shape (n, S)
        NaN where missing.
    now : int
        The row that may end a gap; `looked_back` rows lie before it, or all there were and one
        that was never seen.
    seasons : tuple of int

    References
    ----------
    .. [1] R. Durrett, *Probability: Theory and Examples*, on the Brownian bridge.

    Examples
    --------
    >>> targets = np.array([1.0, 5.0] * 8 + [np.nan] * 4 + [3.5])[:, None]
    >>> levels = np.array([1.0, 5.0] * 10 + [3.5])[:, None]
    >>> bridge_gap(levels, targets, now=20, seasons=(2,))
    >>> levels[15:].ravel()
    array([5. , 1.5, 6. , 2.5, 7. , 3.5])
    """
    lengths = gap_lengths(levels, targets, now, looked_back(seasons) - 1)
    ended = np.isfinite(targets[now]) & (lengths >= SHORTEST_GAP)
    if not ended.any():
        return
    error = levels[now] - _gone_on(levels, now, seasons)
    for stream in np.flatnonzero(ended):
        n = lengths[stream]
        shares = np.arange(1, n + 1) / (n + 1.0)
        levels[now - n : now, stream] += shares * error[stream]


def gap_lengths(levels, targets, now, most):
    """Return how many rows right before one are missing (S,), at most so many.

    0 where nothing was known before them.
    """
    lengths = np.zeros(targets.shape[1], dtype=np.intp)
    for stream in np.flatnonzero(np.isnan(targets[now - 1])):
        known = np.isfinite(targets[max(now - most, 0) : now, stream])
        n = known[::-1].argmax() if known.any() else len(known)
        first = now - n
        if first > 0 and np.isfinite(levels[first - 1, stream]):
            lengths[stream] = n
    return lengths


def gap_end(targets, start):
    """Return the first row from `start` on that ends a gap of some stream, n where none does.

    Parameters
    ----------
    targets : ndarray of shape (n, S)
        NaN where missing.
    start : int
    """
    first = max(start - SHORTEST_GAP, 0)
    missing = np.isnan(targets[first:])
    n_rows = len(missing) - SHORTEST_GAP
    if n_rows <= 0 or not missing.any():
        return len(targets)
    ends = ~missing[SHORTEST_GAP:]
    for row in range(SHORTEST_GAP):
        ends = ends & missing[row : row + n_rows]
    ends = ends.any(axis=1)
    return first + SHORTEST_GAP + int(ends.argmax()) if ends.any() else len(targets)


def looked_back(seasons):
    """Return the rows that `follow_season` looks at before a missing one."""
    return len(WEIGHTS) * max(seasons) + RECENT + 1 if seasons else 1


def _gone_on(levels, now, seasons):
    """Return the levels (S,) of a missing row; see `follow_season`."""
    newest = levels[now - 1]
    level = newest = np.where(np.isfinite(newest), newest, levels[now])  # of no row before
    for season in sorted(seasons):  # the longest, which has the last word, comes last
        first = max(now - RECENT, season + 1)
        if first >= now:
            continue
        changes = np.diff(levels[first - 1 : now], axis=0)
        rows = np.arange(first, now + 1)
        before = _usual(levels, rows, season, 1) - _usual(levels, rows - 1, season)
        before, step = before[:-1], before[-1] - _drift(levels, now, season)
        seen = np.isfinite(changes) & np.isfinite(before)
        changes, before = np.where(seen, changes, 0.0), np.where(seen, before, 0.0)
        # One after the other, as compiled code adds.
        product = np.cumsum(changes * before, axis=0)[-1]
        square = np.cumsum(before * before, axis=0)[-1]
        most = np.abs(changes).max(axis=0)
        step = np.clip(step, -most, most)
        known = (square > 0.0) & np.isfinite(step)
        slope = product.clip(0.0, square) / np.where(known, square, 1.0)
        faded = _faded(levels, first, now, season)
        level = np.where(known, newest + slope * step - faded, level)
    return level


def _faded(levels, first, now, season):
    """Return by how much deviations (S,) fade at a row, as they have from a first one on."""
    rows = np.arange(first - 1, now)
    deviations = levels[rows] - _usual(levels, rows, season)
    known = np.isfinite(deviations)
    count = known[1:].sum(axis=0)
    total = np.cumsum(np.where(known, deviations, 0.0)[1:], axis=0)[-1]
    deviations = deviations - total / np.maximum(count, 1)
    before, after = deviations[:-1], deviations[1:]
    seen = known[:-1] & known[1:]
    before, after = np.where(seen, before, 0.0), np.where(seen, after, 0.0)
    product = np.cumsum(before * after, axis=0)[-1]
    square = np.cumsum(before * before, axis=0)[-1]
    share = 1.0 - DOUBT - product / np.where(square > 0.0, square, 1.0)
    share = np.where(known[-1] & (square > 0.0), share.clip(0.0, 1.0), 0.0)
    return share * np.where(known[-1], deviations[-1], 0.0)


def _drift(levels, now, season):
    """Return the mean change (S,) of what is usual from the season before a row to the next."""
    ends = np.array([now - 1 + season])
    return (
        (_usual(levels, ends, season, season) - _usual(levels, ends - season, season)) / season
    )[0]


def _usual(levels, rows, season, ago=0):
    """Return the weighted mean of the levels one, two and three seasons before rows, (m, S).

    A season counts where the row `ago` rows before had been seen in it too: so what two such rows
    differ by is of the same seasons.
    """
    w1, w2, w3 = WEIGHTS
    one, two, three = (levels[np.maximum(rows - n * season, 0)] for n in (1, 2, 3))
    seen_two, seen_three = (
        (rows >= back)[:, None] & np.isfinite(levels[np.maximum(rows - back, 0)])
        for back in (ago + 2 * season, ago + 3 * season)
    )
    of_two = (w1 * one + w2 * two) / (w1 + w2)
    of_three = (w1 * one + w2 * two + w3 * three) / (w1 + w2 + w3)
    return np.where(seen_three, of_three, np.where(seen_two, of_two, one))
