"""Panels: which series each row belongs to, and rows arranged for a learner of many series."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.persistence.registry import saved


@saved("panel-form")
@dataclass(frozen=True)
class PanelForm:
    """The form in which the rows of a panel come, and in which forecasts go.

    Attributes
    ----------
    id_name, time_name : label
        Names of the id and the time, of columns or of index levels.
    levels : bool
        Both are levels of the index, (id, time).
    id_column, time_column : bool
        They are columns of the frame; the time is otherwise its index, and ids that are neither
        come as an array beside X.
    """

    id_name: Any
    time_name: Any
    levels: bool
    id_column: bool
    time_column: bool

    @classmethod
    def of(cls, X, ids, id_col, time_col):
        """Read the form off the rows of ``fit``; None where they are those of one stream.

        Raises
        ------
        ValueError
            Ids come in two ways at once, or named columns are not there.
        """
        index = X.index if isinstance(X, (pd.DataFrame, pd.Series)) else None
        levels = isinstance(index, pd.MultiIndex)
        ways = [id_col is not None, levels, ids is not None]
        if sum(ways) > 1:
            raise ValueError(
                f"found ids in more than one way (id_col={id_col!r}, index levels: {levels}, ids= "
                f"given: {ids is not None}), expected one; drop the others"
            )
        if not any(ways):
            return None
        if levels:
            if index.nlevels != 2:
                raise ValueError(
                    f"found an index of {index.nlevels} levels, expected two, (id, time); use "
                    "X.set_index([id, time])"
                )
            if isinstance(index.levels[0], pd.DatetimeIndex):
                raise ValueError(
                    f"found an index of (time, id), levels {list(index.names)}, expected (id, "
                    "time); use X.swaplevel()"
                )
            return cls(*index.names, True, False, False)
        if id_col is None:
            name = None if index is None else index.name
            return cls("id", name if time_col is None else time_col, False, False, bool(time_col))
        for role, label in (("id_col", id_col), ("time_col", time_col)):
            if label is not None and not (isinstance(X, pd.DataFrame) and label in X.columns):
                found = list(X.columns) if isinstance(X, pd.DataFrame) else type(X).__name__
                raise ValueError(
                    f"found {role}={label!r} and X with the columns {found}, expected a DataFrame "
                    f"with that column; correct {role}, or pass X.reset_index()"
                )
        name = X.index.name if time_col is None else time_col
        return cls(id_col, name, False, True, time_col is not None)

    def with_levels(self):
        """Return the form of forecasts where ids come beside X: they are levels of the index."""
        return replace(self, levels=True)

    def take_apart(self, X, ids=None, name="X"):
        """Return X without ids and times, the ids (n,), and the times as an index or None.

        Raises
        ------
        ValueError
            The rows are not in this form.
        """
        if self.levels:
            if not isinstance(getattr(X, "index", None), pd.MultiIndex):
                raise ValueError(
                    f"found rows of {name} without an (id, time) index, expected one, as at fit; "
                    f"use {name}.set_index([{self.id_name!r}, {self.time_name!r}])"
                )
            ids, times = (X.index.get_level_values(level) for level in (0, 1))
            _require_ids(ids)
            return X.reset_index(drop=True), ids, times
        named = [self.id_name] * self.id_column + [self.time_name] * self.time_column
        if named:
            missing = [c for c in named if not isinstance(X, pd.DataFrame) or c not in X.columns]
            if missing:
                raise ValueError(
                    f"found {name} without the columns {missing}, expected them, as at fit; add "
                    f"them (an index becomes a column by {name}.reset_index())"
                )
        times = getattr(X, "index", None)
        if self.time_column:
            times = pd.Index(X[self.time_name])
        elif not isinstance(times, pd.DatetimeIndex):
            times = None
        if self.id_column:
            ids = pd.Index(X[self.id_name])
        elif ids is None:
            raise ValueError("found ids=None, expected the id of each row, as at fit; pass ids")
        else:
            ids = pd.Index(np.asarray(ids))
            if ids.ndim != 1 or len(ids) != len(X):
                raise ValueError(
                    f"found {len(ids)} ids for {len(X)} rows, expected one for each row"
                )
        _require_ids(ids)
        rest = X.drop(columns=named) if named else X
        return rest.reset_index(drop=True) if hasattr(rest, "index") else rest, ids, times

    def frame(self, ids, times, values, columns):
        """Return forecasts (n, c) of these ids and times in the form the rows came in."""
        frame = pd.DataFrame(values, columns=columns)
        if self.levels or not self.id_column:
            names = [self.id_name, self.time_name]
            return frame.set_axis(pd.MultiIndex.from_arrays([ids, times], names=names))
        frame.insert(0, self.id_name, ids)
        if self.time_column:
            frame.insert(1, self.time_name, times)
            return frame
        return frame.set_axis(times)


def _require_ids(ids):
    if ids.hasnans:
        raise ValueError(
            f"found {int(ids.isna().sum())} rows without an id, expected an id in each; drop "
            "those rows or name their series"
        )


@dataclass(frozen=True)
class Group:
    """Consecutive positions at which the same series have rows, or none of them has.

    Attributes
    ----------
    start : int
    members : ndarray of int, shape (B,)
        Ascending.
    fresh : ndarray of bool, shape (B,)
        Series that start a new run.
    rows : list of ndarray of int, shape (B,), or None
        For each position, where the rows are among those of the call; None: they are missing.
    n_missing : int
        How many are.
    """

    start: int
    members: np.ndarray
    fresh: np.ndarray
    rows: list | None
    n_missing: int = 0

    def __len__(self):
        return self.n_missing if self.rows is None else len(self.rows)

    def goes_on(self, position, members):
        """Whether rows of these series at a position follow directly."""
        follows = self.rows is not None and position == self.start + len(self.rows)
        return follows and np.array_equal(members, self.members)


def arrange(series, positions, steps, policy):
    """Arrange the rows of a call position by position, series that move together side by side.

    Parameters
    ----------
    series, positions : ndarray of int, shape (n,)
        In any order.
    steps : ndarray of int, shape (n,)
        From the row before of its series, 0 for its first one.
    policy : {"fill", "reset"}
        What becomes of rows that are missing.

    Returns
    -------
    list of Group
        In the order in which they are to be taken in: rows that are missing before a row come
        just before it, since until then nobody knew.
    """
    order = np.lexsort((series, positions))
    series, positions, steps = series[order], positions[order], steps[order]
    edges = np.flatnonzero(np.diff(positions)) + 1
    groups = []
    for first, last in zip([0, *edges], [*edges, len(order)], strict=True):
        position, members = int(positions[first]), series[first:last]
        missing = np.maximum(steps[first:last] - 1, 0)
        fresh = steps[first:last] == 0
        if policy == "reset":
            fresh, missing = fresh | (missing > 0), np.zeros_like(missing)
        newest = groups[-1] if groups else None
        if newest and not fresh.any() and not missing.any() and newest.goes_on(position, members):
            newest.rows.append(order[first:last])
            continue
        for n in np.unique(missing[missing > 0])[::-1]:
            late = members[missing == n]
            groups.append(Group(position - int(n), late, np.zeros(len(late), bool), None, int(n)))
        groups.append(Group(position, members, fresh, [order[first:last]]))
    return groups
