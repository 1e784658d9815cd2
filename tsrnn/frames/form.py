"""The form in which rows come: of one stream, or of many series by id."""

import reprlib
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tsrnn.frames.native import PLAIN, framed, incoming, indexed, plain_columns, time_of
from tsrnn.frames.times import are_times, read_times
from tsrnn.frames.validation import row_index
from tsrnn.persistence.registry import saved


class Parts(NamedTuple):
    """The rows of a call, taken apart."""

    X: Any  # without ids and times
    ids: pd.Index | None  # of each row; None: all are of one stream
    times: pd.Index | None  # None: rows are counted
    first: int = 0  # number of the first row, where they are


@saved("form")
@dataclass(frozen=True)
class Form:
    """The form in which rows come, and in which forecasts go.

    Attributes
    ----------
    has_ids : bool
        Whether rows are those of a panel, each of a series by id, or of one stream.
    id_name, time_name : label
        Names of the id and the time, of columns or of index levels.
    levels : bool
        Both are levels of the index, (id, time).
    id_column, time_column : bool
        They are columns of the frame; the time is otherwise its index, and ids that are neither
        come as an array beside X.
    native : str or None
        Library whose frames came, if not pandas. Of one stream the column of times then becomes
        the index.
    dates : bool
        Whether that column is of dates.
    """

    has_ids: bool
    id_name: Any = None
    time_name: Any = None
    levels: bool = False
    id_column: bool = False
    time_column: bool = False
    native: str | None = None
    dates: bool = False

    @classmethod
    def of(cls, X, ids=None, id_col=None, time_col=None):
        """Read the form off the rows of ``fit``.

        Raises
        ------
        ValueError
            Ids come in two ways at once, or named columns are not there.
        """
        index = row_index(X)
        levels = isinstance(index, pd.MultiIndex)
        ways = [id_col is not None, levels, ids is not None]
        if sum(ways) > 1:
            raise ValueError(
                f"found ids in more than one way (id_col={id_col!r}, index levels: {levels}, ids= "
                f"given: {ids is not None}), expected one; drop the others"
            )
        if levels:
            if index.nlevels != 2:
                raise ValueError(
                    f"found an index of {index.nlevels} levels, expected two, (id, time); use "
                    "X.set_index([id, time])"
                )
            if are_times(index.levels[0]) and not are_times(index.levels[1]):
                raise ValueError(
                    f"found an index of (time, id), levels {list(index.names)}, expected (id, "
                    "time); use X.swaplevel()"
                )
            return cls(True, *index.names, levels=True)
        name = None if index is None else index.name
        dated = time_col is not None
        if ids is not None:
            return cls(True, "id", time_col if dated else name, time_column=dated)
        for role, label in (("id_col", id_col), ("time_col", time_col)):
            if label is not None and not (isinstance(X, pd.DataFrame) and label in X.columns):
                found = list(X.columns) if isinstance(X, pd.DataFrame) else type(X).__name__
                raise ValueError(
                    f"found {role}={label!r} and X with the columns {found}, expected a DataFrame "
                    f"with that column; correct {role}, or pass X.reset_index()"
                )
        named = id_col is not None
        return cls(named, id_col, time_col if dated else name, False, named, dated)

    @classmethod
    def of_native(cls, X, native, ids=None, id_col=None, time_col=None):
        """Read the form off a frame of another library, which `incoming` has made one of pandas.

        Without ``time_col``, the only column of time stamps is that of times.

        Raises
        ------
        ValueError
            As `of`, or several columns may tell the times.
        """
        time = time_of(X) if time_col is None else time_col
        form = cls.of(X, ids, id_col, time)
        of_stream = {} if form.has_ids else {"time_column": False}
        return replace(form, time_name=time, native=native, **of_stream)

    @property
    def just_follows(self):
        """Whether rows have no times of any kind, so that an index says nothing."""
        return self.native is not None and self.time_name is None

    def received(self, data, name="X"):
        """Return rows as they are passed in as a frame of pandas or an array, in this form.

        Raises
        ------
        ValueError, ImportError
            As `incoming`.
        """
        if type(data) in PLAIN or isinstance(data, (pd.DataFrame, pd.Series)) or data is None:
            return self._timed(data)
        if self.levels:
            found = incoming(data, name)
            named = isinstance(found, pd.DataFrame) and {self.id_name, self.time_name} <= {*found}
            return found.set_index([self.id_name, self.time_name]) if named else found
        if self.time_column or self.just_follows:
            return incoming(data, name)
        return indexed(data, self.time_name, name)

    def _timed(self, data):
        """Return rows of pandas as they are, or by the column that another library's times are."""
        if self.native is None or self.has_ids or not isinstance(data, pd.DataFrame):
            return data
        return data.set_index(self.time_name) if self.time_name in data.columns else data

    def native_parts(self, data):
        """Return a frame of another library as `Parts`; None where it has to be `received` first.

        So it is where rows have no times, or a column is neither of numbers, time stamps nor texts.
        """
        if self.native is None or self.levels or self.just_follows:
            return None
        columns = plain_columns(data)
        if columns is None or not isinstance(columns.get(self.time_name), pd.DatetimeIndex):
            return None
        times, ids = columns.pop(self.time_name), None
        if self.has_ids:
            if not (self.id_column and self.time_column and self.id_name in columns):
                return None
            ids = pd.Index(columns.pop(self.id_name), name=self.id_name)
            _require_ids(ids)
        if not columns:
            return None
        return Parts(framed(columns, None if self.has_ids else times), ids, times)

    @property
    def in_order(self):
        """How rows with ids are brought into order."""
        return (
            "sort by id and time and drop duplicates; of local time, where clocks go back, "
            "say in which zone: tz_localize(..., ambiguous=...)"
        )

    def take_apart(self, X, ids=None, name="X"):
        """Return X without ids and times, the ids (n,), and the times, as `Parts`.

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
            return Parts(X.reset_index(drop=True), ids, read_times(times, name))
        if ids is not None and not self.has_ids:
            raise ids_refused(ids)
        index = row_index(X)
        times = index if isinstance(index, pd.DatetimeIndex) else None
        if times is not None and not (self.has_ids or self.time_column or self.just_follows):
            return Parts(X, None, times)  # nearly every row of a stream
        named = [self.id_name] * self.id_column + [self.time_name] * self.time_column
        if named:
            missing = [c for c in named if not isinstance(X, pd.DataFrame) or c not in X.columns]
            if missing:
                raise ValueError(
                    f"found {name} without the columns {missing}, expected them, as at fit; add "
                    f"them (an index becomes a column by {name}.reset_index())"
                )
            times = read_times(X[self.time_name], name) if self.time_column else times
            ids = pd.Index(X[self.id_name]) if self.id_column else ids
            X = X.iloc[:, [n for n, c in enumerate(X.columns) if c not in named]]  # drop is slow
        if times is None and index is not None:  # row numbers of a panel are those of all its rows
            times = read_times(index, name) if not self.has_ids or are_times(index) else None
        if not self.has_ids:
            first = times[0] if isinstance(times, pd.RangeIndex) and len(times) else 0
            return Parts(X, None, None if self.just_follows else times, first)
        if ids is None:
            raise ValueError("found ids=None, expected the id of each row, as at fit; pass ids")
        if not self.id_column:
            ids = pd.Index(np.asarray(ids))
            if ids.ndim != 1 or len(ids) != len(X):
                raise ValueError(
                    f"found {len(ids)} ids for {len(X)} rows, expected one for each row"
                )
        _require_ids(ids)
        return Parts(X.reset_index(drop=True) if hasattr(X, "index") else X, ids, times)


def ids_refused(ids):
    """Return the error about ids that were given to a forecaster of one stream."""
    return ValueError(
        f"found ids={reprlib.repr(ids)}, expected None: rows are those of one stream without ids; "
        "leave ids out, or fit with id_col, an (id, time) index or ids"
    )


def _require_ids(ids):
    if ids.hasnans:
        raise ValueError(
            f"found {int(ids.isna().sum())} rows without an id, expected an id in each; drop "
            "those rows or name their series"
        )
