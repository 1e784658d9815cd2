"""Raw rows of a stream as arrays, the only form in which they are remembered."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Record:
    """n consecutive rows, one for each step of the time axis.

    Attributes
    ----------
    targets : ndarray of shape (n, S)
        Scaled targets, NaN where missing.
    inputs : ndarray of shape (n, E)
        Scaled past inputs, NaN where missing.
    calendar : ndarray of shape (n, C)
        Calendar features of the step after each row.
    levels : ndarray of shape (n, S)
        Targets with missing ones replaced by the newest known value (`carried`).
    """

    targets: np.ndarray
    inputs: np.ndarray
    calendar: np.ndarray
    levels: np.ndarray | None = None

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, rows):
        return self._map(lambda a: a[rows])

    def copy(self):
        """Return a record that shares no memory with this one."""
        return self._map(np.copy)

    def append(self, new):
        """Return this record with new rows behind it, missing values carried forward."""
        return Record(
            np.concatenate([self.targets, new.targets]),
            np.concatenate([self.inputs, _carry(new.inputs, self.inputs[-1])]),
            np.concatenate([self.calendar, new.calendar]),
            np.concatenate([self.levels, _carry(new.targets, self.levels[-1])]),
        )

    def padded(self, n):
        """Return the start of a stream: n rows that hold the first levels, then these rows.

        Values missing at the start are the mean of the scaled history, zero.
        """
        n_streams = self.targets.shape[1]
        levels = _carry(self.targets, np.zeros(n_streams))
        inputs = _carry(self.inputs, np.zeros(self.inputs.shape[1]))
        return Record(
            np.concatenate([np.full((n, n_streams), np.nan), self.targets]),
            _repeat_first(inputs, n),
            _repeat_first(self.calendar, n),
            _repeat_first(levels, n),
        )

    def _map(self, change):
        levels = None if self.levels is None else change(self.levels)
        return Record(change(self.targets), change(self.inputs), change(self.calendar), levels)


def _carry(values, previous):
    """Replace missing values (n, S) by the newest known one of their column."""
    known = np.isfinite(values)
    if known.all():
        return values
    rows = np.where(known, np.arange(1, len(values) + 1)[:, None], 0)
    newest = np.maximum.accumulate(rows, axis=0)
    return np.take_along_axis(np.concatenate([previous[None], values]), newest, axis=0)


def _repeat_first(values, n):
    return np.concatenate([np.repeat(values[:1], n, axis=0), values])
