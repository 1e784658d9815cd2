"""Rows that are held back until there are enough of them to learn from."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from tsrnn.persistence.registry import saved


@saved("table")
@dataclass(frozen=True)
class Table:
    """A copy of a frame, a series or an array, of plain arrays that a file can hold.

    Attributes
    ----------
    form : {"DataFrame", "Series", "array"}
    columns : list of ndarray
        Of an array: itself. What is neither numbers nor bools is of objects, None where missing.
    names : list
        Of an array: empty.
    index : pandas.Index or None
    """

    form: str
    columns: list
    names: list
    index: pd.Index | None

    @classmethod
    def of(cls, data):
        """Copy rows as they were passed to a method."""
        if isinstance(data, pd.Series):
            return cls("Series", [_plain(data)], [data.name], data.index)
        if isinstance(data, pd.DataFrame):
            columns = [_plain(data.iloc[:, place]) for place in range(data.shape[1])]
            return cls("DataFrame", columns, data.columns.tolist(), data.index)
        return cls("array", [np.array(data)], [], None)

    def data(self):
        """Return the rows in the form they had."""
        if self.form == "array":
            return self.columns[0].copy()
        if self.form == "Series":
            return pd.Series(self.columns[0], self.index, name=self.names[0])
        frame = pd.DataFrame(dict(enumerate(self.columns)), self.index)
        return frame.set_axis(self.names, axis="columns")

    def followed_by(self, data, name):
        """Return these rows with others behind them, in the form they all have.

        Raises
        ------
        ValueError
            The others have another form or other columns.
        """
        other = Table.of(data)
        before, after = self.data(), other.data()
        if other.names != self.names and other.form == self.form:
            raise ValueError(
                f"found columns {other.names} of {name}, expected those of the rows held back, "
                f"{self.names}; pass the same columns in the same order"
            )
        if other.form != self.form or before.shape[1:] != after.shape[1:]:
            raise ValueError(
                f"found {name} as {_described(after)}, expected rows like those held back, "
                f"{_described(before)}; pass all of them in one form"
            )
        if self.form == "array":
            return np.concatenate([before, after])
        joined = pd.concat([before, after])
        counted = isinstance(before.index, pd.RangeIndex) and isinstance(after.index, pd.RangeIndex)
        if counted and not (joined.index.is_monotonic_increasing and joined.index.is_unique):
            joined = joined.reset_index(drop=True)  # chunks that are each numbered from 0
        return joined


@saved("held-rows")
class HeldRows(NamedTuple):
    """Rows of X and y.

    Examples
    --------
    >>> held = HeldRows.of(np.ones((1, 2)), np.ones(1))
    >>> X, y = held.followed_by(np.zeros((2, 2)), np.zeros(2))
    >>> X.shape, y
    ((3, 2), array([1., 0., 0.]))
    """

    X: Table
    y: Table

    @classmethod
    def of(cls, X, y):
        """Copy rows as they were passed to a method."""
        return cls(Table.of(X), Table.of(y))

    def followed_by(self, X, y):
        """Return X and y of all rows, those held back first; errors as of `Table`."""
        return self.X.followed_by(X, "X"), self.y.followed_by(y, "y")


def _plain(column):
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biuf":
        return column.to_numpy(copy=True)
    return column.astype(object).where(column.notna(), None).to_numpy()


def _described(data):
    kind = "an array" if isinstance(data, np.ndarray) else f"a {type(data).__name__}"
    return f"{kind} of shape {data.shape}"
