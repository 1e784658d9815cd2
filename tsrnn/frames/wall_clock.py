"""The wall clock of a time zone whose clocks change: which rows are whole days apart on it."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from pandas.tseries import offsets

from tsrnn.frames.calendar import WEEK_NS, Calendar
from tsrnn.frames.time_axis import LAST, TimeAxis
from tsrnn.persistence.registry import saved

YEAR = 52  # weeks
YEARS_AHEAD = 12  # of a history's first row, in which clocks must change
MARGIN_NS = 2 * WEEK_NS  # at either end of the time that pandas can tell


class Changes(NamedTuple):
    """Clock changes between two positions."""

    first: int
    last: int
    starts: np.ndarray  # (k,), the first position after each
    shifts: np.ndarray  # (k + 1,), slot less position before, between and after them


@saved("wall-clock")
@dataclass(frozen=True)
class WallClock:
    """Slots: steps of a clock on the wall, counted from the first row, for positions of an axis.

    Where clocks go forward there are slots without a row; where they go back, some rows have the
    slots of others before them. As many slots make a day on every day, so that a season is a fixed
    number of slots, as it is not of rows. Where a clock change is no whole number of steps, slots
    are the nearest ones; half a step counts by the number of whole steps since midnight.

    Attributes
    ----------
    axis : TimeAxis
        With a time zone and steps of one length, less than a day.
    calendar : Calendar
        Of its rows.

    Examples
    --------
    Clocks go from 02:00 to 03:00: the third slot has no row.

    >>> import pandas as pd
    >>> hours = pd.date_range("2024-03-31 00:00", periods=4, freq="h", tz="Europe/Rome")
    >>> axis = TimeAxis.of(hours)
    >>> clock = WallClock.of(axis, Calendar.of_step(axis.step_ns))
    >>> clock.slots(np.arange(4))
    array([0, 1, 3, 4])
    >>> clock.positions(np.arange(5))
    array([0, 1, 2, 2, 3])
    """

    axis: TimeAxis
    calendar: Calendar

    @classmethod
    def of(cls, axis, calendar):
        """Return the clock of an axis, None where its days are of one length."""
        if axis.tz is None or axis.step_ns is None or isinstance(axis.freq, offsets.Day):
            return None
        clock = cls(axis, calendar)
        clock.shift_at(0, YEARS_AHEAD * YEAR * clock._week)
        return clock if len(clock._known[0].starts) else None

    def slots(self, positions):
        """Return the slots of positions, of any shape."""
        if not positions.size:
            return positions
        known = self._reaching(int(positions.min()), int(positions.max()))
        return positions + known.shifts[np.searchsorted(known.starts, positions, side="right")]

    def shift_at(self, position, n_ahead=0):
        """Return slot less position, and up to which position it is that.

        It may be longer than that, but for positions up to `n_ahead` on.
        """
        first, last, shift = self._stretch[0]  # of the row before, mostly
        if first <= position and position + n_ahead <= last:
            return shift, last
        known = self._reaching(position, position + n_ahead)
        stretch = int(known.starts.searchsorted(position, side="right"))
        more = stretch < len(known.starts)
        first = int(known.starts[stretch - 1]) if stretch else known.first
        last = int(known.starts[stretch]) - 1 if more else known.last
        shift = int(known.shifts[stretch])
        self._stretch[0] = first, last, shift
        return shift, last

    @cached_property
    def _stretch(self):
        """First and last position, and shift, of the stretch that was asked for last."""
        return [(0, -1, 0)]

    def positions(self, slots):
        """Return the first positions (n,) whose slots are those (n,); of none, the next ones."""
        reach = 2 * self._day
        known = self._reaching(int(slots.min()) - reach, int(slots.max()) + reach)
        candidates = slots - np.unique(known.shifts)[::-1, None]  # earliest first
        fits = self.slots(candidates) == slots
        first = np.take_along_axis(candidates, fits.argmax(axis=0)[None], axis=0)[0]
        skipped = ~fits.any(axis=0)
        if skipped.any():
            first[skipped] = self.positions(slots[skipped] + 1)
        return first

    def placed(self, rows):
        """Return rows (`Rows`) at their slots, the first of each slot of a series."""
        slots = self.slots(rows.positions)
        order = np.lexsort((rows.positions, slots, rows.series))
        again = np.append(False, (np.diff(slots[order]) == 0) & (np.diff(rows.series[order]) == 0))
        kept = np.sort(order[~again])
        return rows._replace(positions=slots).of(kept)

    def calendar_after(self, start, n):
        """Return the calendar features (n, C) of the slot after each of n slots."""
        return self._calendar.after(self._slot_axis, start, n)

    # --- clock changes ----------------------------------------------------------------------------

    @cached_property
    def _known(self):
        """The changes that have been looked up, in a list, to be replaced by more."""
        return [Changes(0, 0, np.zeros(0, np.int64), self._shifts(np.zeros(1, np.int64)))]

    def _reaching(self, low, high):
        """Return changes from one position to another, or of more."""
        first, last, starts, shifts = known = self._known[0]
        if first <= low and high <= last:
            return known
        if low < first:
            more = np.arange(first, low - YEAR * self._week, -self._week)[::-1]
            found, of_found = self._changes(more)
            first, starts = int(more[0]), np.append(found, starts)
            shifts = np.append(of_found[:-1], shifts)
        if high > last:
            more = np.arange(last, high + 4 * YEAR * self._week, self._week)
            found, of_found = self._changes(more)
            last, starts = int(more[-1]), np.append(starts, found)
            shifts = np.append(shifts, of_found[1:])
        self._known[0] = known = Changes(first, last, starts, shifts)  # other threads read it
        return known

    def _changes(self, positions):
        """Return where the shift changes between positions (n,), and what it is before and after.

        Positions are a week apart: clocks change once in that time.
        """
        shifts = self._shifts(positions)
        between = np.flatnonzero(np.diff(shifts))
        low, high = positions[between], positions[between + 1]
        before = shifts[between]
        while len(low) and (high - low).max() > 1:
            middle = (low + high) // 2
            same = self._shifts(middle) == before
            low, high = np.where(same, middle, low), np.where(same, high, middle)
        return high, np.append(shifts[:1], shifts[between + 1])

    def _shifts(self, positions):
        """Return slots less positions, of positions (n,), by the rules of the time zone."""
        step, start = self.axis.step_ns, self.axis.start
        low, high = (MARGIN_NS - LAST - start) // step, (LAST - MARGIN_NS - start) // step
        positions = positions.clip(low, high)
        wall = self.axis.wall_ns(start + step * positions)
        offset = wall - step * positions - self._start_ns
        nearest = (2 * offset + step) // (2 * step)
        by_midnight = wall // step - self._start_ns // step - positions
        return np.where(2 * (offset % step) == step, by_midnight, nearest)

    @cached_property
    def _start_ns(self):
        """Wall-clock nanoseconds of the first row."""
        return int(self.axis.wall_ns(np.array([self.axis.start]))[0])

    @cached_property
    def _week(self):
        return max(1, WEEK_NS // self.axis.step_ns)

    @cached_property
    def _day(self):
        return max(1, self._week // 7)

    @cached_property
    def _slot_axis(self):
        return replace(self.axis, tz=None, start=self._start_ns)

    @cached_property
    def _calendar(self):
        """A calendar of its own, which keeps stretches of slots."""
        return replace(self.calendar)
