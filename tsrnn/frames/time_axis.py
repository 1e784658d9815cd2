"""The time axis of a stream: where rows lie, which come next, and which are out of place."""

from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

from tsrnn.frames.frequency import (
    DAY_NS,
    DAYS_REMEDY,
    HOUR_NS,
    fixed_ns,
    infer_frequency,
    infer_step,
    snap_remedy,
    snapped,
)
from tsrnn.frames.times import read_times
from tsrnn.persistence.registry import saved

NAT = np.iinfo(np.int64).min  # NaT as a number
LAST = np.iinfo(np.int64).max  # in the year 2262
STRETCH = 256  # rows whose index is made at once
STRETCHES = 4  # kept, for as many horizons
CUTS = 8  # indexes made at once where rows follow each other
LOCALIZED = "X.tz_localize('Europe/London', ambiguous='infer')"  # a remedy
NANOSECONDS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1000, "ns": 1}


@saved("time-axis")
@dataclass(frozen=True)
class TimeAxis:
    """Rows at integer positions: steps of a frequency from the start, or numbers of rows.

    A stamp is what a position stands for: nanoseconds (UTC, or wall time where naive) of a time
    stamp or of the start of a period, or the number of a row.

    Attributes
    ----------
    counts : bool
        Whether rows have numbers or are just counted, for want of time stamps.
    freq : pandas.offsets.BaseOffset or None
        None where rows are counted, or where only their order matters.
    step_ns : int or None
        Nanoseconds of a step, or None where steps differ (months, say).
    start : int or None
        Stamp of position 0, which fixes the phase of the steps.
    tz, name, unit
        Of the index, given back to every forecast.
    step : int or None
        Between the numbers of rows; None where these are no times, so that rows only follow each
        other.
    period : str or None
        Frequency of the periods that the rows came with.
    snap_ns : int
        Nanoseconds by which stamps may be off their position.
    """

    counts: bool
    freq: Any = None
    step_ns: int | None = None
    start: int | None = None
    tz: Any = None
    name: Any = None
    unit: str = "ns"
    step: int | None = None
    period: str | None = None
    snap_ns: int = 0

    def __getstate__(self):
        """Return what is copied and pickled: no caches, which another thread may move meanwhile."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def of(cls, index, freq=None, regular=True, snap=None):
        """Read the axis off the index of a history.

        Parameters
        ----------
        index : pandas.Index or None
            As `read_times` reads them.
        freq : str, pandas.offsets.BaseOffset or int, optional
            Overrules what is inferred.
        regular : bool
            False: times need no frequency, only the order of rows matters. Row numbers from 0 on,
            which pandas gives to any frame, then say nothing.
        snap : str or pandas.Timedelta, optional
            Most that time stamps may be off the frequency.
        """
        index = None if index is None else read_times(index)
        if index is None or pd.api.types.is_integer_dtype(index.dtype):
            name = None if index is None else index.name
            require_increasing_numbers(index)
            if index is None or (not regular and _is_default(index)):
                return cls(counts=True, name=name)
            if not regular:
                return cls(True, start=int(index[0]) if len(index) else 0, name=name)
            step = infer_step(index.to_numpy(np.int64), freq)
            return cls(True, start=int(index[0]) if len(index) else 0, name=name, step=step)
        require_increasing(index)
        if isinstance(index, pd.PeriodIndex):
            axis = cls.of(index.to_timestamp(), freq or _freq_of(index), regular)
            return replace(axis, period=index.freqstr)
        if not regular:
            return cls(False, tz=index.tz, name=index.name, unit=index.unit)
        snap_ns = 0 if snap is None else _tolerance(snap)
        if snap_ns:
            index = _on_grid(index, freq, snap_ns)
        freq = _offset(freq) if freq is not None else index.freq or infer_frequency(index)
        step_ns, start = fixed_ns(freq, index.tz), int(index[:1].as_unit("ns").asi8[0])
        axis = cls(False, freq, step_ns, start, index.tz, index.name, index.unit)
        return axis.snapping(snap)

    def snapping(self, snap):
        """Return the axis with another tolerance, as ``snap`` of `of`.

        Raises
        ------
        ValueError
            It is half a step or more.
        """
        if self.counts or self.freq is None:
            return self
        snap_ns = 0 if snap is None else _tolerance(snap)
        if snap_ns and 2 * snap_ns >= self.shortest_step_ns:
            raise ValueError(
                f"found snap={snap!r} and steps of {self.freq.freqstr}, expected less than half a "
                "step; pass less, or resample first"
            )
        return replace(self, snap_ns=snap_ns)

    @property
    def ordered(self):
        """Whether rows have time stamps, or numbers, of which only the order matters."""
        if self.counts:
            return self.step is None and self.start is not None
        return self.freq is None

    def just_follows(self, times, panel):
        """Whether rows are counted on from the last one, for want of times that tell where."""
        if times is None:
            return True
        numbers = pd.api.types.is_integer_dtype(times.dtype)
        return numbers and self.step is None and not panel

    def stamps(self, times):
        """Return the stamps (n,) of an index of the history's kind and time zone.

        Raises
        ------
        ValueError
            The index is of another kind or time zone, or holds NaT.
        """
        if self.counts:
            self._require_numbers(times)
            return read_times(times).to_numpy(dtype=np.int64)
        return self._known(self._stamped(times))

    def _known(self, times):
        """Return the stamps (n,) of a DatetimeIndex; refuse NaT."""
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
            return self._numbered(times)
        if self.step_ns is not None and times is not None and len(times) == 1:
            stamp = self._stamp_of_one(times)  # of a streamed row: integers are faster
            position, rest = divmod(stamp - self.start, self.step_ns)
            if not rest and abs(stamp) < LAST:
                return np.array([position])
        times = self._stamped(times)
        stamps = self._known(times)
        if self.step_ns is not None:
            positions, rest = np.divmod(stamps - self.start + self.snap_ns, self.step_ns)
            misplaced = rest > 2 * self.snap_ns
        else:
            first, last = int(stamps.min()) - self.snap_ns, int(stamps.max()) + self.snap_ns
            grid, origin = self._grid_between(first, last)
            rows = np.searchsorted(grid, stamps - self.snap_ns).clip(max=len(grid) - 1)
            positions, misplaced = rows - origin, np.abs(grid[rows] - stamps) > self.snap_ns
        if misplaced.any():
            self._refuse(stamps[misplaced])
        return positions

    def _stamp_of_one(self, times):
        """Return the only one of times, which may be NaT or beyond `LAST`, in nanoseconds.

        Those of the dtype of the row before are of its kind, zone and unit: pandas takes longer to
        tell each of these.
        """
        dtype, per_unit = self._dated[0]
        if times.dtype is not dtype:
            times = self._stamped(times)
            per_unit = NANOSECONDS[times.unit]
            if self.period is None:
                self._dated[0] = times.dtype, per_unit  # in one assignment: other threads read it
        return int(times.asi8[0]) * per_unit

    @cached_property
    def _dated(self):
        """The dtype of stamps last found to be of this axis' zone; nanoseconds of its unit."""
        return [(None, 1)]

    def _numbered(self, numbers):
        """Return the positions (n,) of row numbers."""
        if self.step is None:
            return numbers.to_numpy(dtype=np.int64)
        numbers = read_times(numbers)
        if len(numbers) == 1:  # a streamed row
            position, rest = divmod(int(numbers[0]) - self.start, self.step)
            if not rest:
                return np.array([position])
        positions, rest = np.divmod(numbers.to_numpy(dtype=np.int64) - self.start, self.step)
        if rest.any():
            found = ", ".join(map(str, numbers[rest != 0][:3]))
            raise ValueError(
                f"found {int((rest != 0).sum())} row numbers ({found} ...) off the steps of "
                f"{self.step} from {self.start}, expected numbers on them, as at fit; number new "
                f"rows on from the last one (model.cutoff_ + {self.step}), or fit again with freq=1"
            )
        return positions

    def stamps_at(self, positions):
        """Return the stamps of positions, the inverse of `positions`."""
        if self.counts:
            return positions if self.step is None else self.start + self.step * positions
        if not len(positions):
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
            ends = self._timestamp(grid[-1]), self._timestamp(last)
            index = pd.date_range(*ends, freq=self.freq)
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
                edge = {side: self._timestamp(stamp)}
                index = pd.date_range(**edge, periods=n_steps + 1, freq=self.freq)
                return index.as_unit("ns").asi8
            except (pd.errors.OutOfBoundsDatetime, OverflowError):
                if n_steps == n:
                    raise
        raise AssertionError

    # ------------------------------------------------------------------------------------------

    def _require_numbers(self, times):
        if not pd.api.types.is_integer_dtype(times.dtype):
            raise ValueError(
                f"found times of type {times.dtype}, expected rows without time stamps, as at fit; "
                "fit again with them, or pass row numbers or X.reset_index(drop=True)"
            )

    def _stamped(self, index):
        """Return times as a DatetimeIndex, of periods their starts; refuse those of other kinds."""
        dated = isinstance(index, pd.DatetimeIndex) and self.period is None
        if dated and index.tz is self.tz:
            return index  # as nearly always
        expected = "a DatetimeIndex" if self.period is None else f"periods of {self.period}"
        if isinstance(index, pd.PeriodIndex) and self.period is not None:
            if index.freqstr == self.period:
                return index.to_timestamp()
            raise ValueError(
                f"found periods of {index.freqstr}, expected {expected}, as at fit; convert them: "
                f"X.set_index(X.index.asfreq({self.period!r}))"
            )
        if not dated:
            found = "rows without an index" if index is None else f"a {type(index).__name__}"
            remedy = (
                "pass a DataFrame or Series indexed by time, such as by X.index.to_timestamp() of "
                "periods"
                if self.period is None
                else f"convert time stamps by X.index.to_period({self.period!r})"
            )
            raise ValueError(f"found {found}, expected {expected}, as at fit; {remedy}")
        if str(index.tz) != str(self.tz):
            raise ValueError(
                f"found time zone {index.tz}, expected {self.tz}, as at fit; convert with "
                "X.tz_convert(...) (or X.tz_localize(...) for naive stamps)"
            )
        return index

    def may_come_twice(self, late, newest):
        """Whether a late stamp may be local time without a zone, of when clocks go back."""
        dated = not self.counts and self.period is None and self.tz is None
        fine = self.freq is None or self.shortest_step_ns <= HOUR_NS
        return dated and fine and newest - late < HOUR_NS

    def _refuse(self, misplaced):
        found = ", ".join(str(self.label(s)) for s in misplaced[:3])
        raise ValueError(
            f"found {len(misplaced)} rows off the frequency {self.freq.freqstr} "
            f"({found} ...), expected evenly spaced rows; resample first: "
            f"X.resample({self.freq.freqstr!r}).mean(), or pass another freq"
            f"{self._snap_remedy(misplaced)}"
        )

    def _snap_remedy(self, misplaced):
        """Return the words that tell of ``snap=``, if stamps are just beside the frequency."""
        positions = self._nearest(misplaced)
        off = int(np.abs(self.stamps_at(positions) - misplaced).max())
        if off == HOUR_NS and self.shortest_step_ns >= DAY_NS:
            return DAYS_REMEDY
        return snap_remedy(off, self.shortest_step_ns)

    def _nearest(self, stamps):
        """Return the nearest positions of a few stamps."""
        if self.step_ns is not None:
            return (stamps - self.start + self.step_ns // 2) // self.step_ns
        grid, origin = self._grid_between(int(stamps.min()), int(stamps.max()))
        after = np.searchsorted(grid, stamps).clip(1, len(grid) - 1)
        nearer = stamps - grid[after - 1] < grid[after] - stamps
        return after - nearer - origin

    def index(self, stamps):
        """Return positions as an index of the kind the rows came with."""
        if self.counts:
            return pd.Index(stamps, name=self.name)
        times = stamps.view("M8[ns]").astype(f"M8[{self.unit}]")
        times.flags.writeable = False  # as pandas 3 gives its values: other indexes may share them
        index = pd.DatetimeIndex(times, name=self.name)
        if self.tz is not None:
            return index.tz_localize("UTC").tz_convert(self.tz)
        return index if self.period is None else index.to_period(self.period)

    def index_at(self, positions):
        """Return positions as an index of the kind the rows came with."""
        return self.index(self.stamps_at(positions))

    def index_after(self, position, n):
        """Return the n positions after one as an index.

        Of rows that follow each other it is cut out of one stretch, `CUTS` indexes at a time: each
        takes half as long as one alone, and a third of what pandas takes to make one.
        """
        index = self._cuts.pop((position, n), None)  # given away once: its name is the caller's
        if index is None:
            stretch, row = self.stretch_after(position, n)
            index, n_ahead = self._cut(stretch, row, n), 0
            if self._newest_cut[0] == (position - 1, n):
                n_ahead = min(CUTS, len(stretch) - n - row)  # what the stretch holds
                self._cuts.clear()
            for k in range(1, n_ahead):
                self._cuts[position + k, n] = self._cut(stretch, row + k, n)
        self._newest_cut[0] = position, n
        return index

    def _cut(self, stretch, row, n):
        if not isinstance(stretch, pd.DatetimeIndex):
            return stretch[row : row + n]
        return pd.DatetimeIndex(stretch.array[row : row + n], name=self.name, copy=False)

    @cached_property
    def _cuts(self):
        """Indexes of the positions that are likely to be asked for next, by position and length."""
        return {}

    @cached_property
    def _newest_cut(self):
        """Position and length of the index that was asked for last."""
        return [None]

    def stretch_after(self, position, n):
        """Return an index that holds the n positions after one, and where the first of them stands.

        Of rows that follow each other it is the same one for a while.
        """
        block, row = divmod(position, STRETCH)
        stretch = self._stretches.get((block, n))
        if stretch is None:
            if self.counts or self.near_the_end(position, 2 * STRETCH + n):
                return self.index_at(position + 1 + np.arange(n)), 0
            stretch = self.index_at(block * STRETCH + 1 + np.arange(STRETCH + n))
            if len(self._stretches) == STRETCHES:
                self._stretches.clear()
            self._stretches[block, n] = stretch
        return stretch, row

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
        """Return one stamp as the user knows it: a Timestamp, a Period or a row number."""
        if self.counts:
            return int(stamp)
        if self.period is not None:
            return pd.Timestamp(int(stamp), unit="ns").to_period(self.period)
        return self._timestamp(stamp)

    def _timestamp(self, stamp):
        utc = pd.Timestamp(int(stamp), unit="ns", tz=self.tz and "UTC")
        return (utc.tz_convert(self.tz) if self.tz else utc).as_unit(self.unit)

    def wall_ns(self, stamps):
        """Return wall-clock nanoseconds of positions (the zone's local time, DST included)."""
        if self.tz is None:
            return stamps
        return self.index(stamps).tz_localize(None).as_unit("ns").asi8


def require_increasing_numbers(index):
    """Refuse row numbers that do not increase.

    Raises
    ------
    ValueError
        It names the remedy.
    """
    if index is None or (index.is_monotonic_increasing and not index.duplicated().any()):
        return
    raise ValueError(
        "found row numbers that do not increase, expected rows in the order of time; sort them "
        "(X.sort_index()), or drop the numbers (X.reset_index(drop=True)); if they are rows of "
        "several series, name the column of their ids: id_col=..."
    )


def _is_default(numbers):
    """Tell whether row numbers are those of a frame without an index of its own."""
    return isinstance(numbers, pd.RangeIndex) and numbers.start == 0 and numbers.step == 1


def require_each_once(times):
    """Refuse times of one stream that come twice, before its columns are looked at.

    Row numbers must increase as well.

    Raises
    ------
    ValueError
        It names the rows and the remedies.
    """
    if times is None:
        return
    if pd.api.types.is_integer_dtype(times.dtype):
        require_increasing_numbers(times)
    elif not times.is_unique:
        require_increasing(times)


def doubled_remedy(index):
    """Return the words that say what to do about time stamps that come twice."""
    doubled = index[index.duplicated()]
    naive = isinstance(index, pd.DatetimeIndex) and index.tz is None
    if naive and doubled.max() - doubled.min() < pd.Timedelta(HOUR_NS) and doubled.is_unique:
        return (
            "if it is the hour that comes twice when clocks go back, say in which zone: "
            f"{LOCALIZED}; if the rows are of several series, "
            "name the column of their ids: id_col=...; else keep one of each: "
            "X[~X.index.duplicated()]"
        )
    return (
        "if the rows are of several series, name the column of their ids: id_col=...; else keep "
        "one of each: X[~X.index.duplicated()]"
    )


def _freq_of(periods):
    """Return the frequency of the starts of periods, of which some may be missing."""
    if periods.freqstr == "D":
        with suppress(ValueError):  # days with rows missing
            if (found := infer_frequency(periods.to_timestamp())) == to_offset("B"):
                return found
    starts = pd.period_range(periods[0], periods=3, freq=periods.freq).to_timestamp()
    return (starts.freq or infer_frequency(starts)).base * infer_step(periods.asi8)


def _offset(freq):
    """Return ``freq`` as an offset of pandas."""
    try:
        return to_offset(freq)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"found freq={freq!r}, expected a frequency as pandas writes it, such as 'h', '15min', "
            "'D' or 'MS'"
        ) from error


def _tolerance(snap):
    """Return ``snap`` in nanoseconds; a number alone, which would be read as them, is refused."""
    problem = ValueError(f"found snap={snap!r}, expected a length of time such as '30s'")
    has_unit = not isinstance(snap, str) or any(c.isalpha() or c == ":" for c in snap)
    if isinstance(snap, Real) or not has_unit:
        raise problem
    try:
        tolerance = pd.Timedelta(snap)
    except (ValueError, TypeError) as error:
        raise problem from error
    if not tolerance > pd.Timedelta(0):
        raise ValueError(f"found snap={snap!r}, expected more than nothing, such as '30s', or None")
    return tolerance.as_unit("ns").value


def _on_grid(index, freq, snap_ns):
    """Return time stamps of a history moved onto its frequency, each once.

    Raises
    ------
    ValueError
        Two of them meet.
    """
    moved = snapped(index, snap_ns, None if freq is None else fixed_ns(_offset(freq), index.tz))
    if not moved.is_unique:
        row = int(moved.duplicated().argmax())
        raise ValueError(
            f"found two rows near {moved[row]}, at {index[row - 1]} and {index[row]}, expected one "
            "for each step; drop one of them, or pass less as snap"
        )
    return moved


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
    elif (bad := index.duplicated()).any():  # pandas 2 says so of a slice too, if of the whole
        problem = "with duplicate time stamps"
        remedy = doubled_remedy(index)
    else:
        bad = np.append(False, np.diff(index.asi8) < 0)
        problem, remedy = "out of time order", "sort first: X.sort_index()"
    rows = np.flatnonzero(bad)
    if not len(rows):
        return
    first = ", ".join(f"{row} ({index[row]})" for row in rows[:3])
    raise ValueError(
        f"found {len(rows)} rows {problem}: {first}{' ...' if len(rows) > 3 else ''}; expected "
        f"strictly increasing time stamps: {remedy}"
    )
