"""The time axis of a stream: where rows lie, which come next, and which are out of place."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

from tsrnn.frames.frequency import fixed_ns, infer_frequency
from tsrnn.persistence.registry import saved

NAT = np.iinfo(np.int64).min  # NaT as a number
LAST = np.iinfo(np.int64).max  # in the year 2262
STRETCH = 256  # rows whose index is made at once
STRETCHES = 4  # kept, for as many horizons
NANOSECONDS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1000, "ns": 1}


@saved("time-axis")
@dataclass(frozen=True)
class TimeAxis:
    """Rows at integer positions: steps of a frequency from the start, or numbers of rows.

    A stamp is what a position stands for: nanoseconds (UTC, or wall time where naive), or the
    position itself where rows are counted.

    Attributes
    ----------
    counts : bool
        Whether rows are counted, for want of time stamps.
    freq : pandas.offsets.BaseOffset or None
        None where rows are counted, or where only their order matters.
    step_ns : int or None
        Nanoseconds of a step, or None where steps differ (months, say).
    start : int or None
        Stamp of position 0, which fixes the phase of the steps.
    tz, name, unit
        Of the index, given back to every forecast.
    """

    counts: bool
    freq: Any = None
    step_ns: int | None = None
    start: int | None = None
    tz: Any = None
    name: Any = None
    unit: str = "ns"

    @classmethod
    def of(cls, index, freq=None, regular=True):
        """Read the axis off the index of a history.

        Parameters
        ----------
        index : pandas.Index or None
        freq : str or pandas.offsets.BaseOffset, optional
            Overrules what is inferred.
        regular : bool
            False: time stamps need no frequency, only their order matters.
        """
        if not isinstance(index, pd.DatetimeIndex):
            require_countable(index)
            return cls(counts=True, name=None if index is None else index.name)
        require_increasing(index)
        if not regular:
            return cls(False, tz=index.tz, name=index.name, unit=index.unit)
        freq = to_offset(freq) if freq is not None else index.freq or infer_frequency(index)
        step_ns, start = fixed_ns(freq, index.tz), int(index[:1].as_unit("ns").asi8[0])
        return cls(False, freq, step_ns, start, index.tz, index.name, index.unit)

    @property
    def ordered(self):
        """Whether rows have time stamps of which only the order matters."""
        return self.freq is None and not self.counts

    def stamps(self, times):
        """Return the stamps (n,) of an index of the history's kind and time zone.

        Raises
        ------
        ValueError
            The index is of another kind or time zone, or holds NaT.
        """
        self._require_kind(times)
        stamps = _nanoseconds(times)
        if NAT in stamps.tolist() if len(stamps) == 1 else (stamps == NAT).any():
            raise ValueError(
                f"found {int(times.isna().sum())} rows without a time stamp (NaT), expected one in "
                "each; drop those rows"
            )
        return stamps

    def positions(self, times):
        """Return the positions (n,) of times in any order.

        Parameters
        ----------
        times : pandas.Index of length n
            Time stamps, or row numbers where rows are counted.

        Raises
        ------
        ValueError
            They are of another kind or time zone than the history's, NaT, or off the frequency.
        """
        if self.counts:
            self._require_numbers(times)
            return times.to_numpy(dtype=np.int64)
        self._require_kind(times)
        if len(times) == 1 and self.step_ns is not None:  # a streamed row: integers are faster
            stamp = _nanoseconds_of_one(times)
            position, rest = divmod(stamp - self.start, self.step_ns)
            if not rest and abs(stamp) < LAST:
                return np.array([position])
        stamps = self.stamps(times)
        if self.step_ns is not None:
            positions, rest = np.divmod(stamps - self.start, self.step_ns)
            misplaced = rest != 0
        else:
            grid, origin = self._grid_between(int(stamps.min()), int(stamps.max()))
            rows = np.searchsorted(grid, stamps).clip(max=len(grid) - 1)
            positions, misplaced = rows - origin, grid[rows] != stamps
        if misplaced.any():
            self._refuse(stamps[misplaced])
        return positions

    def stamps_at(self, positions):
        """Return the stamps of positions, the inverse of `positions`."""
        if self.counts or not len(positions):
            return positions
        if self.step_ns is not None:
            return self.start + self.step_ns * positions
        grid, origin = self._grid_at(int(positions.min()), int(positions.max()))
        return grid[positions + origin]

    # --- frequencies by the calendar ----------------------------------------------------------

    @cached_property
    def _calendar_grid(self):
        """Stamps of a stretch of positions, and the number of them before position 0."""
        return [(np.array([self.start]), 0)]

    def _grid_at(self, first, last):
        """Return stamps that hold positions from first to last, and where among them 0 is."""
        grid, origin = self._calendar_grid[0]
        if origin + first < 0:
            longer = self._earlier(grid, -first - origin)
            grid, origin = longer, origin + len(longer) - len(grid)
        if origin + last >= len(grid):
            grid = self._later(grid, origin + last + 1 - len(grid))
        self._calendar_grid[0] = grid, origin  # in one assignment: other threads read it
        return grid, origin

    def _grid_between(self, first, last):
        """Return stamps that reach from one stamp to another, where time lasts; as `_grid_at`."""
        grid, origin = self._calendar_grid[0]
        try:
            while grid[0] > first:
                grid, origin = self._grid_at(-origin - 1, 0)
            if grid[-1] < last:
                grid, origin = self._grid_at(0, len(grid) - origin)
        except (pd.errors.OutOfBoundsDatetime, OverflowError):
            pass  # what is not on the grid then is refused
        if grid[-1] < last:  # more than a stretch later
            index = pd.date_range(self.label(grid[-1]), self.label(last), freq=self.freq)
            grid = np.concatenate([grid, index.as_unit("ns").asi8[1:]])
            self._calendar_grid[0] = grid, origin
        return grid, origin

    def _later(self, grid, n):
        """Return the grid and at least ``n`` stamps more; a stretch more, while time lasts."""
        return np.concatenate([grid, self._steps_from(grid[-1], n, "start")[1:]])

    def _earlier(self, grid, n):
        return np.concatenate([self._steps_from(grid[0], n, "end")[:-1], grid])

    def _steps_from(self, stamp, n, side):
        for n_steps in (max(n, STRETCH), n):
            try:
                edge = {side: self.label(stamp)}
                index = pd.date_range(**edge, periods=n_steps + 1, freq=self.freq)
                return index.as_unit("ns").asi8
            except (pd.errors.OutOfBoundsDatetime, OverflowError):
                if n_steps == n:
                    raise
        raise AssertionError

    # ------------------------------------------------------------------------------------------

    def _require_numbers(self, times):
        if isinstance(times, pd.DatetimeIndex) or not pd.api.types.is_integer_dtype(times.dtype):
            raise ValueError(
                f"found times of type {times.dtype}, expected rows without time stamps, as at fit; "
                "fit again with them, or pass row numbers or X.reset_index(drop=True)"
            )

    def _require_kind(self, index):
        if not isinstance(index, pd.DatetimeIndex):
            found = "rows without an index" if index is None else f"a {type(index).__name__}"
            raise ValueError(
                f"found {found}, expected a DatetimeIndex, as at fit; pass a DataFrame or Series "
                "indexed by time"
            )
        if index.tz is not self.tz and str(index.tz) != str(self.tz):
            raise ValueError(
                f"found time zone {index.tz}, expected {self.tz}, as at fit; convert with "
                "X.tz_convert(...) (or X.tz_localize(...) for naive stamps)"
            )

    def _refuse(self, misplaced):
        found = ", ".join(str(self.label(s)) for s in misplaced[:3])
        raise ValueError(
            f"found {len(misplaced)} rows off the frequency {self.freq.freqstr} "
            f"({found} ...), expected evenly spaced rows; resample first: "
            f"X.resample({self.freq.freqstr!r}).mean(), or pass another freq"
        )

    def index(self, stamps):
        """Return positions as an index of the kind the rows came with."""
        if self.counts:
            return pd.Index(stamps, name=self.name)
        times = stamps.view("M8[ns]").astype(f"M8[{self.unit}]")
        times.flags.writeable = False  # as pandas 3 gives its values: other indexes may share them
        utc = pd.DatetimeIndex(times, name=self.name)
        return utc if self.tz is None else utc.tz_localize("UTC").tz_convert(self.tz)

    def index_at(self, positions):
        """Return positions as an index of the kind the rows came with."""
        return self.index(self.stamps_at(positions))

    def index_after(self, position, n):
        """Return the n positions after one as an index.

        Of rows that follow each other it is cut out of one stretch: pandas makes an index in thrice
        the time.
        """
        block, row = divmod(position, STRETCH)
        stretch = self._stretches.get((block, n))
        if stretch is None:
            if self.counts or self.near_the_end(position, 2 * STRETCH + n):
                return self.index_at(position + 1 + np.arange(n))
            stretch = self.index_at(block * STRETCH + 1 + np.arange(STRETCH + n))
            if len(self._stretches) == STRETCHES:
                self._stretches.clear()
            self._stretches[block, n] = stretch
        return stretch[row : row + n]

    def near_the_end(self, position, n):
        """Whether so many rows around a position may leave the time that pandas can tell."""
        margin = 2 * n * self.shortest_step_ns  # twice: steps differ, by weekends for instance
        stamp = int(self.stamps_at(np.array([position]))[0])
        return not margin - LAST < stamp < LAST - margin

    @cached_property
    def shortest_step_ns(self):
        """Nanoseconds of a step, of the shortest one where they differ; None without stamps."""
        if self.freq is None or self.step_ns is not None:
            return self.step_ns
        ahead = pd.date_range("2001-01-01", periods=3, freq=self.freq).as_unit("ns").asi8
        return int(np.diff(ahead).min())

    @cached_property
    def _stretches(self):
        return {}

    def label(self, stamp):
        """Return one position as the user knows it: a Timestamp or a row number."""
        if self.counts:
            return int(stamp)
        utc = pd.Timestamp(int(stamp), unit="ns", tz=self.tz and "UTC")
        return (utc.tz_convert(self.tz) if self.tz else utc).as_unit(self.unit)

    def wall_ns(self, stamps):
        """Return wall-clock nanoseconds of positions (the zone's local time, DST included)."""
        if self.tz is None:
            return stamps
        return self.index(stamps).tz_localize(None).as_unit("ns").asi8


def require_countable(index):
    """Refuse an index that is neither time stamps nor increasing row numbers.

    Raises
    ------
    ValueError
        It says what the index is, and the remedy.
    """
    if index is None:
        return
    if isinstance(index, pd.PeriodIndex):
        raise ValueError(
            "found a PeriodIndex, expected time stamps; convert it: "
            "X.set_index(X.index.to_timestamp())"
        )
    if pd.api.types.is_integer_dtype(index.dtype):
        if index.is_monotonic_increasing and index.is_unique:
            return
        raise ValueError(
            "found row numbers that do not increase, expected rows in the order of time; sort them "
            "(X.sort_index()), or drop the numbers (X.reset_index(drop=True))"
        )
    raise ValueError(
        f"found an index of type {index.dtype}, expected time stamps or row numbers; convert it "
        "with X.set_index(pd.to_datetime(...)) or drop it with X.reset_index(drop=True)"
    )


def _nanoseconds(index):
    """Return time stamps in nanoseconds; of one, pandas would take as long as for thousands."""
    if len(index) == 1:
        stamp = _nanoseconds_of_one(index)
        if abs(stamp) < LAST:
            return np.array([stamp])
    return index.as_unit("ns").asi8


def _nanoseconds_of_one(index):
    """Return the only time stamp, which may be NaT or beyond `LAST`, in nanoseconds."""
    return int(index.asi8[0]) * NANOSECONDS[index.unit]


def require_increasing(index):
    """Refuse time stamps that are missing, doubled or out of order.

    Raises
    ------
    ValueError
        It names the rows and the remedy.
    """
    if len(index) == 1 and index.asi8[0] != NAT:
        return  # a streamed row, for which pandas would build a hash table
    if index.is_monotonic_increasing and index.is_unique and not index.hasnans:
        return
    if index.hasnans:
        bad, problem, remedy = index.isna(), "without a time stamp (NaT)", "drop those rows"
    elif not index.is_unique:
        bad, problem = index.duplicated(), "with duplicate time stamps"
        remedy = "keep one of each: X[~X.index.duplicated()]"
    else:
        bad = np.append(False, np.diff(index.asi8) < 0)
        problem, remedy = "out of time order", "sort first: X.sort_index()"
    rows = np.flatnonzero(bad)
    first = ", ".join(f"{row} ({index[row]})" for row in rows[:3])
    raise ValueError(
        f"found {len(rows)} rows {problem}: {first}{' ...' if len(rows) > 3 else ''}; expected "
        f"strictly increasing time stamps: {remedy}"
    )
