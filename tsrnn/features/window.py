"""Raw rows of a stream as arrays, the only form in which they are remembered."""

from dataclasses import dataclass, replace

import numpy as np

from tsrnn.features.carried import carried
from tsrnn.features.outlier_filter import PLAIN, Screen, filter_outliers, follow_usual
from tsrnn.kernels import compiled_kernels
from tsrnn.kernels.numpy_.seasons import bridge_gap, follow_season, looked_back
from tsrnn.persistence.registry import saved


@saved("window")
@dataclass  # never changed; to have that refused (frozen=True) makes one at thrice the price
class Window:
    """n consecutive rows, one for each step of the time axis.

    Attributes
    ----------
    targets : ndarray of shape (n, S)
        Scaled targets, NaN where missing or absurd.
    inputs : ndarray of shape (n, E)
        Scaled past inputs; in new rows NaN where missing, behind others carried forward.
    calendar : ndarray of shape (n, C)
        Calendar features of the step after each row.
    levels : ndarray of shape (n, S)
        Targets; of missing ones the newest known value, or, given seasons, what
        `follow_season` says and, once a value has come, `bridge_gap`. NaN before the first row.
    spreads : ndarray of shape (n, S) or None
        Usual change at each row, where outliers count as missing (see `filter_outliers`).
    refused : ndarray of shape (n, S) or None
        Newest absurd target at each row, NaN if one was believed since; None without spreads.
    jumps : ndarray of shape (n, S) or None
        What is taken out of targets and levels since the series jumped to where its history never
        was, and forecasts are to be shifted by; None without spreads.
    missing : ndarray of bool, shape (n, E), or None
        Where inputs were carried forward; None in new rows.
    screen : Screen
        What outliers are filtered by after the last row.
    """

    targets: np.ndarray
    inputs: np.ndarray
    calendar: np.ndarray
    levels: np.ndarray | None = None
    spreads: np.ndarray | None = None
    refused: np.ndarray | None = None
    jumps: np.ndarray | None = None
    missing: np.ndarray | None = None
    screen: Screen = PLAIN

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, rows):
        if rows.indices(len(self)) == (0, len(self), 1):
            return self  # as it never changes
        return self._map(lambda a: a[rows])

    def copy(self):
        """Return a record that shares no memory with this one."""
        return self._map(np.copy)

    def append(self, new, n_kept=None, loop=None, seasons=()):
        """Return this record with new rows behind it, missing values carried forward.

        Parameters
        ----------
        new : Window
        n_kept : int, optional
            How many of these rows are kept, the newest ones; by default all of them.
        loop : callable, optional
            What appends to records with spreads in the place of NumPy, with the same result:
            ``loop(fields, new_fields, n_kept, limits, seasons)`` returns the fields. For a row it
            is much faster.
        seasons : tuple of int, optional
            By which levels of missing targets go on: see `follow_season`.
        """
        n_kept = len(self) if n_kept is None else min(n_kept, len(self))
        if loop and self.spreads is not None and self.screen.is_quiet:
            found = Window(*loop(*self.joining(new, n_kept), seasons), self.screen)
            if self.screen.known is None:
                return found
            if np.isnan(found.refused[n_kept:]).all():
                return found._after_usual(n_kept)
        old, inputs = self[len(self) - n_kept :], carried(new.inputs, self.inputs[-1])
        screen = self.screen
        if self.spreads is None:
            targets, guarded = new.targets, (None,) * 3
            before = old.levels[-looked_back(seasons) :]
            levels = _levels(targets, before, self.levels[-1], seasons)
        else:
            screen = screen.opened(new.targets.shape[1])
            by = screen, screen.of(inputs)
            rows = new.targets, *self.guard, *by, old.levels[-looked_back(seasons) :], seasons
            targets, levels, *guarded = filter_outliers(*rows)
            before = old.spreads, old.refused, old.jumps
            guarded = map(np.concatenate, zip(before, guarded, strict=True))
        return Window(
            np.concatenate([old.targets, targets]),
            np.concatenate([old.inputs, inputs]),
            np.concatenate([old.calendar, new.calendar]),
            np.concatenate([old.levels, levels]),
            *guarded,
            np.concatenate([old.missing, np.isnan(new.inputs)]),
            screen,
        )

    def _after_usual(self, start):
        """Return the record whose screen has seen the rows from `start` on, none refused."""
        inputs = self.screen.of(self.inputs[start:])
        known = follow_usual(self.screen.known, inputs, self.targets[start:])
        return replace(self, screen=replace(self.screen, known=known))

    def continued(self, new, reach, memory, seasons=()):
        """Return the rows that n new ones look back on with those behind, and where those start.

        Given seasons, levels of missing rows that a new one ends are bridged, if it comes alone.

        Parameters
        ----------
        new : Window
        reach, memory : int
            Rows that a row looks at before itself, and rows to keep after the new ones.
        seasons : tuple of int, optional
            See `append`.
        """
        n_kept = min(len(self), max(reach, looked_back(seasons), memory - len(new)))
        loops = compiled_kernels()
        rows = self.append(new, n_kept, loops and loops.append_rows, seasons)
        if seasons and len(new) == 1 and np.isnan(rows.targets[n_kept - 1]).any():
            bridge_gap(rows.levels, rows.targets, n_kept, seasons)
        return rows, n_kept

    def without(self, values, seasons=()):
        """Return this record without the newest run of values (S,), by stream; NaN: of none.

        Its rows are missing, those between them too, and levels go on from the row before. Nothing
        is changed where no such row is left.
        """
        targets, levels = self.targets.copy(), self.levels.copy()
        jumps = 0.0 if self.jumps is None else self.jumps
        known = np.isfinite(targets)
        others = np.cumsum((known & (targets != values - jumps))[::-1], axis=0)[::-1]
        run = known & (others == 0) & np.isfinite(values) & (others[0] > 0)
        if not run.any():
            return self
        targets[run] = np.nan
        first = run.argmax(axis=0)
        missing = run.any(axis=0) & (np.arange(len(run))[:, None] >= first)
        start = int(first[run.any(axis=0)].min())
        follow_season(levels, missing[start:], seasons)
        return replace(self, targets=targets, levels=levels)

    def newest(self, n_rows):
        """Return the newest rows, at most so many: a view where that keeps little more alive."""
        if len(self) <= n_rows:
            return self
        rows = self[len(self) - n_rows :]
        return rows.copy() if len(self) > 2 * n_rows else rows

    def joining(self, new, n_kept):
        """Return what a compiled loop needs to append new rows: see `append`."""
        given = tuple(map(np.ascontiguousarray, (new.targets, new.inputs, new.calendar)))
        return self.fields, given, n_kept, self.screen.limits

    @property
    def filter_start(self):
        """What `filter_outliers` goes on from in rows that are not next to these."""
        if self.spreads is None:
            return None
        return *(values.copy() for values in self.guard), self.screen

    @property
    def guard(self):
        """What `filter_outliers` goes on from after the last row."""
        return self.levels[-1], self.spreads[-1], self.refused[-1], self.jumps[-1]

    def shifted(self, values, start):
        """Return values (n, S, ...) of the rows from `start` on with their jumps put back."""
        if self.jumps is None:
            return values
        return values + self.jumps[start:].reshape(len(values), -1, *[1] * (values.ndim - 2))

    def followed_by(self, inputs, start):
        """Return the inputs from a row on, and more of them (m, E), carried forward."""
        return np.concatenate([self.inputs[start:], carried(inputs, self.inputs[-1])])

    def padded(self, n, filter_start=None, *, held=False, seasons=()):
        """Return the start of a stream: n rows that were never seen, then these rows.

        The levels of those rows are NaN; where they are to be `held`, they are the first ones.
        Values missing at the start are the mean of the scaled history, zero. With `filter_start`,
        what `filter_outliers` starts from, absurd targets are taken for missing ones from here
        on (see `filter_outliers`), and levels of missing ones go on by the seasons.
        """
        n_streams = self.targets.shape[1]
        zeros, unseen = np.zeros(n_streams), np.full((1, n_streams), np.nan)
        inputs, screen = carried(self.inputs, np.zeros(self.inputs.shape[1:])), PLAIN
        if filter_start is None:
            targets, guarded = self.targets, (None,) * 3
            levels = _levels(targets, unseen, zeros, seasons)
        else:
            *guard, screen = filter_start
            screen = screen.opened(n_streams)
            by = screen, screen.of(inputs)
            rows = self.targets, *guard, *by, None, seasons
            targets, levels, *guarded = filter_outliers(*rows)
            guarded = (_repeat_first(values, n) for values in guarded)
        return Window(
            np.concatenate([np.full((n, n_streams), np.nan), targets]),
            _repeat_first(inputs, n),
            _repeat_first(self.calendar, n),
            np.concatenate([np.repeat(levels[:1] if held else unseen, n, axis=0), levels]),
            *guarded,
            _repeat_first(np.isnan(self.inputs), n),
            screen,
        )

    @property
    def fields(self):
        """The arrays by row, in the order of the attributes."""
        return (
            self.targets,
            self.inputs,
            self.calendar,
            self.levels,
            self.spreads,
            self.refused,
            self.jumps,
            self.missing,
        )

    def _map(self, change):
        fields = (None if field is None else change(field) for field in self.fields)
        return Window(*fields, self.screen)


def _levels(targets, before, newest, seasons):
    """Return the levels (n, S) of new targets, of which none is absurd, after those before."""
    levels, missing = carried(targets, newest), np.isnan(targets)
    if not seasons or not missing.any():
        return levels
    joined = np.concatenate([before, levels])
    follow_season(joined, missing, seasons)
    return joined[len(before) :]


def _repeat_first(values, n):
    return np.concatenate([np.repeat(values[:1], n, axis=0), values])
