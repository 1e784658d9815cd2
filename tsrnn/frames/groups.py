"""Rows of many series arranged for a learner: side by side where series move together."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tsrnn.partitions import alone, gathered, here

NEVER = np.iinfo(np.int64).min // 2  # position of the last row of a series without one
FIRST = np.zeros((1, 1), dtype=np.intp)  # the rows of a call of one row
MISSING = -1  # in the place of the number of a row that is missing


@dataclass
class Group:
    """Consecutive positions at which the same series have rows, missing or not.

    Attributes
    ----------
    start : int
        Position of the first.
    series : ndarray of int, shape (B,)
        Ascending.
    fresh : ndarray of bool, shape (B,)
        Series that start a new run.
    rows : ndarray of int, shape (T, B)
        Where the rows are among those of the call; -1: they are missing.
    """

    start: int
    series: np.ndarray
    fresh: np.ndarray
    rows: np.ndarray

    def __len__(self):
        return len(self.rows)

    def take(self, values):
        """Return the values (n, ...) of the rows of a call as (T, B, ...), NaN where missing."""
        if self.rows is FIRST:
            return values[:, None]
        if self.missing is None:
            return values[self.rows]
        taken = values[self.rows]
        taken[self.missing] = np.nan
        return taken

    @cached_property
    def missing(self):
        """Where rows are missing, bool of shape (T, B); None: nowhere."""
        missing = self.rows < 0
        return missing if missing.any() else None


def arrange(series, positions, steps, policy):
    """Arrange the rows of a call position by position, series that move together side by side.

    Parameters
    ----------
    series, positions : ndarray of int, shape (n,)
        In any order.
    steps : ndarray of int, shape (n,)
        From the row before of its series, 0 for its first one.
    policy : {"raise", "fill", "reset"}
        What becomes of rows that are missing.

    Returns
    -------
    list of Group
        In the order in which they are to be taken in: rows that are missing before a row come
        just before it, since until then nobody knew.

    Examples
    --------
    Two series, of which the second misses a row, and then both do:

    >>> groups = arrange(
    ...     series=np.array([0, 1, 0, 0, 1, 0, 1]),
    ...     positions=np.array([5, 5, 6, 7, 7, 9, 9]),
    ...     steps=np.array([1, 1, 1, 1, 2, 2, 2]),
    ...     policy="fill",
    ... )
    >>> for group in groups:
    ...     print(group.start, group.series.tolist(), group.rows.tolist())
    5 [0, 1] [[0, 1]]
    6 [0] [[2]]
    6 [1] [[-1]]
    7 [0, 1] [[3, 4], [-1, -1], [5, 6]]
    """
    if len(series) == 1 and steps[0] <= 1 and alone():  # a streamed row
        return [Group(int(positions[0]), series, steps == 0, FIRST)]
    order = np.lexsort((series, positions))
    series, positions, steps = series[order], positions[order], steps[order]
    fresh, missing = steps == 0, np.maximum(steps - 1, 0)
    if policy == "reset":
        fresh, missing = fresh | (missing > 0), np.zeros_like(missing)
    starts = np.flatnonzero(np.append(True, np.diff(positions) != 0)[: len(positions)])
    stops = np.append(starts[1:], len(order))[: len(starts)]
    at = positions[starts]
    joined = _joined(series, fresh, starts) if len(starts) else np.zeros(0, bool)
    owner, gaps = np.arange(len(starts)), None  # which own position each one is, -1: none
    if not alone():
        everywhere, joined, gaps = _of_all_partitions(at, joined, missing, starts, stops)
        owner = np.where(np.isin(everywhere, at), np.searchsorted(at, everywhere), -1)
        at = everywhere
    firsts = np.flatnonzero(~joined)
    groups = []
    for first, last in zip(firsts, np.append(firsts[1:], len(at)) - 1, strict=True):
        own = whole = slice(0, 0)
        if owner[first] >= 0:
            own = slice(starts[owner[first]], stops[owner[first]])
            whole = slice(own.start, stops[owner[last]])
        present, start = series[own], int(at[first])
        gap = missing[own] if gaps is None else gaps[first]
        if gap.min() == gap.max():
            start -= int(gap[0])
        else:
            for n in np.unique(gap[gap > 0])[::-1]:
                late = present[missing[own] == n]
                nothing = np.broadcast_to(MISSING, (int(n), len(late)))
                groups.append(Group(start - int(n), late, np.zeros(len(late), bool), nothing))
        rows = np.full((int(at[last]) - start + 1, len(present)), MISSING)
        known = order[whole].reshape(last + 1 - first, len(present))
        rows[at[first : last + 1] - start] = known
        groups.append(Group(start, present, fresh[own], rows))
    return groups


def _of_all_partitions(at, joined, missing, starts, stops):
    """Return what `arrange` goes by, of the rows of all partitions.

    Parameters
    ----------
    at : ndarray of int, shape (n,)
        Own positions.
    joined : ndarray of bool, shape (n,)
        As of `_joined`.
    missing : ndarray of int
        Rows that are missing before each own row.
    starts, stops : ndarray of int, shape (n,)
        The own rows of each position.

    Returns
    -------
    everywhere : ndarray of int, shape (m,)
        Positions.
    joined : ndarray of bool, shape (m,)
        Whether the series of all partitions are those of the position before.
    gaps : list of ndarray of int, length m
        How many rows are missing before some series there.
    """
    facts = [
        (number, position, is_joined, gap)
        for number, (position, is_joined, start, stop) in enumerate(
            zip(at, joined, starts, stops, strict=True)
        )
        for gap in np.unique(missing[start:stop])
    ]
    facts = np.array(facts, dtype=np.int64).reshape(-1, 4)
    partition = here()
    facts[:, 0] = partition.number
    facts = gathered(facts)
    everywhere, place = np.unique(facts[:, 1], return_inverse=True)
    present, same = np.zeros((2, len(everywhere), partition.n_partitions), dtype=bool)
    present[place, facts[:, 0]] = True
    same[place, facts[:, 0]] = facts[:, 2]
    joined = np.append(False, (present[1:] == present[:-1]).all(axis=1))[: len(everywhere)]
    joined &= (same | ~present).all(axis=1)
    gaps = [facts[place == n, 3] for n in range(len(everywhere))]
    return everywhere, joined, gaps


def _joined(series, fresh, starts):
    """Tell which positions have the series of the position before, none of them fresh.

    Such rows go on from there: what is missing between is missing of all of them.
    """
    sizes = np.diff(np.append(starts, len(series)))
    before = np.arange(len(series)) - np.repeat(sizes, sizes)
    same = np.logical_and.reduceat(series == series[before], starts)
    same[1:] &= sizes[1:] == sizes[:-1]
    same[0] = False
    return same & ~np.logical_or.reduceat(fresh, starts)
