"""What the calendar says about the step after each row, and the seasons of a frequency."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from pandas.tseries import offsets

from tsrnn.frames.frequency import DAY_NS
from tsrnn.persistence.registry import saved

WEEK_NS = 7 * DAY_NS
YEAR_NS = 31_556_952 * 10**9  # of the Gregorian calendar, on the average
DAYS_OF_YEAR = 365
MONDAY_NS = 4 * DAY_NS  # 1970-01-01 was a Thursday
MAX_SEASON = 2016  # rows: a week of 5 minutes
STRETCH = 256  # rows whose features are made at once
STRETCHES = 8  # kept

# Seasons of frequencies by the calendar, in their single steps.
CALENDAR_SEASONS = (
    ((offsets.BusinessDay, offsets.CustomBusinessDay), 5),
    (offsets.Day, 7),
    (offsets.Week, 52),
    ((offsets.MonthEnd, offsets.MonthBegin, offsets.BMonthEnd, offsets.BMonthBegin), 12),
    ((offsets.QuarterEnd, offsets.QuarterBegin, offsets.BQuarterEnd, offsets.BQuarterBegin), 4),
)


@saved("calendar")
@dataclass(frozen=True)
class Calendar:
    """Calendar features of wall-clock stamps.

    The columns are sine and cosine of the first and second harmonic of the day, those of the
    first harmonic of the week, and a weekend flag; a cycle that steps of this length cannot
    resolve is left out, all of them where rows have no time stamps. Behind them, for steps of a day
    to two weeks, stand two harmonics of the year, which are 0 until two years have passed since the
    first row: what has been seen once may be anything.

    Attributes
    ----------
    daily, weekly, yearly : bool
        Which cycles there are.
    """

    daily: bool
    weekly: bool
    yearly: bool = False

    @classmethod
    def of_step(cls, step_ns):
        """Choose the cycles for rows ``step_ns`` nanoseconds apart (None: no time stamps)."""
        if step_ns is None:
            return cls(False, False)
        yearly = DAY_NS <= step_ns <= 2 * WEEK_NS
        return cls(2 * step_ns <= DAY_NS, 2 * step_ns <= WEEK_NS, yearly)

    @property
    def n_harmonics(self):
        """Columns before the weekend flag."""
        return 4 * self.daily + 2 * self.weekly

    @property
    def n_cyclic(self):
        """Columns of the day and of the week, which come first."""
        return self.n_harmonics + self.weekly

    def features(self, wall_ns, first_ns=None):
        """Return the features (n, C) of wall-clock times in nanoseconds since 1970, shape (n,).

        `first_ns` is that of the first row, from which years are counted.
        """
        columns = []
        if self.daily:
            day = 2 * np.pi * ((wall_ns % DAY_NS) / DAY_NS)
            columns += [np.sin(day), np.cos(day), np.sin(2 * day), np.cos(2 * day)]
        if self.weekly:
            since_monday = (wall_ns - MONDAY_NS) % WEEK_NS
            week = 2 * np.pi * (since_monday / WEEK_NS)
            columns += [np.sin(week), np.cos(week), (since_monday >= 5 * DAY_NS).astype(float)]
        if self.yearly:
            year = 2 * np.pi * ((wall_ns % YEAR_NS) / YEAR_NS)
            harmonics = np.sin(year), np.cos(year), np.sin(2 * year), np.cos(2 * year)
            seen = first_ns is not None and wall_ns - first_ns >= 2 * YEAR_NS
            columns += [np.where(seen, harmonic, 0.0) for harmonic in harmonics]
        if not columns:
            return np.zeros((len(wall_ns), 0))
        return np.ascontiguousarray(np.array(columns).T)

    def after(self, axis, start, n):
        """Return the features (n, C) of the step after each of n positions of an axis.

        They are kept for stretches of rows: those of a streamed row are cut out of one.
        """
        if not (self.weekly or self.yearly):
            return np.zeros((n, 0))
        block, row = divmod(start, STRETCH)
        if row + n > STRETCH:
            return self._after(axis, start, n)
        stretch = self._stretches.get(block)
        if stretch is None:
            if axis.near_the_end(start, 2 * STRETCH):
                return self._after(axis, start, n)
            if len(self._stretches) == STRETCHES:
                self._stretches.clear()
            stretch = self._stretches[block] = self._after(axis, block * STRETCH, STRETCH)
        return stretch[row : row + n].copy()

    def _after(self, axis, start, n):
        wall = axis.wall_ns(axis.stamps_at(start + 1 + np.arange(n)))
        first = axis.wall_ns(axis.stamps_at(np.zeros(1, dtype=np.int64))) if self.yearly else None
        return self.features(wall, first)

    @cached_property
    def _stretches(self):
        """Features of stretches of positions, of the one axis that this is the calendar of."""
        return {}


def year_length(axis):
    """Return the rows of a year of days, None of other rows."""
    days = isinstance(axis.freq, offsets.Day) and axis.freq.n == 1
    return DAYS_OF_YEAR if days else None


def season_lengths(axis):
    """Seasons of a time axis in rows, shortest first.

    A day and a week of rows that divide them; a week of days, five business days, a year of
    weeks, months or quarters.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsrnn.frames.time_axis import TimeAxis
    >>> season_lengths(TimeAxis.of(pd.date_range("2024", periods=9, freq="h")))
    (24, 168)
    """
    weeks = isinstance(axis.freq, offsets.Day) and axis.freq.n % 7 == 0
    freq = offsets.Week(axis.freq.n // 7) if weeks else axis.freq
    for kinds, season in CALENDAR_SEASONS:
        if isinstance(freq, kinds):
            rows, rest = divmod(season, freq.n)
            return (rows,) if rows > 1 and not rest else ()
    if axis.step_ns is None:
        return ()
    rows = [cycle // axis.step_ns for cycle in (DAY_NS, WEEK_NS) if cycle % axis.step_ns == 0]
    return tuple(n for n in rows if 1 < n <= MAX_SEASON)
