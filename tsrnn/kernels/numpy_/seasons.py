"""Seasons: where the newest row of a phase lies, and missing rows that go on as the one before."""

import numpy as np

RECENT = 168  # newest changes by which it is told how far a stream repeats its season


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


def follow_season(levels, missing, seasons):
    """Let the levels of missing rows go on as those of a season before did; in place.

    A missing row changes by as much as the row a season before it, times the slope, between 0 and
    1, of the newest 168 changes on those a season before them. So lags of a stream with a pattern
    tell that pattern through days without values, and a random walk stays where it was.

    Parameters
    ----------
    levels : ndarray of shape (n + m, S)
        Of n rows, NaN before the first one, and m new ones, missing ones carried forward.
    missing : ndarray of bool, shape (m, S)
    seasons : tuple of int
        In rows. Of each row the longest one counts that has been seen.

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


def looked_back(seasons):
    """Return the rows that `follow_season` looks at before a missing one."""
    return max(seasons) + RECENT + 1 if seasons else 1


def _gone_on(levels, now, seasons):
    """Return the levels (S,) of a missing row; see `follow_season`."""
    newest = levels[now - 1]
    level = newest = np.where(np.isfinite(newest), newest, levels[now])  # of no row before
    for season in sorted(seasons):  # the longest, which has the last word, comes last
        first = max(now - RECENT, season + 1)
        if first >= now:
            continue
        changes = np.diff(levels[first - 1 : now], axis=0)
        before = np.diff(levels[first - 1 - season : now - season], axis=0)
        seen = np.isfinite(changes) & np.isfinite(before)
        before = np.where(seen, before, 0.0)
        # One after the other, as compiled code adds.
        product = np.cumsum(np.where(seen, changes, 0.0) * before, axis=0)[-1]
        square = np.cumsum(before * before, axis=0)[-1]
        step = levels[now - season] - levels[now - season - 1]
        known = (square > 0.0) & np.isfinite(step)
        slope = product.clip(0.0, square) / np.where(known, square, 1.0)
        level = np.where(known, newest + slope * step, level)
    return level
