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
    """Row positions as integers: nanoseconds (UTC, or wall time where naive) or a row count.

    Attributes
    ----------
    counts : bool
        Whether rows are counted, for want of time stamps.
    freq : pandas.offsets.BaseOffset or None
        None where rows are counted, or where only their order matters.
    step_ns : int or None
        Nanoseconds of a step, or None where steps differ (months, say).
    start : int or None
        Position of the first row, which fixes the phase of the steps.
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
            _require_countable(index)
            return cls(counts=True, name=None if index is None else index.name)
        _require_increasing(index)
        if not regular:
            return cls(False, tz=index.tz, name=index.name, unit=index.unit)
        freq = to_offset(freq) if freq is not None else index.freq or infer_frequency(index)
        step_ns, start = fixed_ns(freq, index.tz), int(index[:1].as_unit("ns").asi8[0])
        return cls(False, freq, step_ns, start, index.tz, index.name, index.unit)

    def stamps(self, index, n, cutoff=None):
        """Return the positions (n,) of new rows, strictly increasing.

        Parameters
        ----------
        index : pandas.Index or None
            None: an array, which goes on counting from the cutoff.
        n : int
        cutoff : int or None
            Position of the last row seen.

        Raises
        ------
        ValueError
            The index is of another kind or time zone than the history's, holds NaT, or is
            unsorted or duplicated.
        """
        if self.counts:
            if isinstance(index, pd.DatetimeIndex):
                raise ValueError(
                    "found rows with time stamps, expected rows without, as at fit; fit again "
                    "with a DatetimeIndex or pass X.reset_index(drop=True)"
                )
            _require_countable(index)
            if cutoff is None:
                cutoff = index[0] - 1 if isinstance(index, pd.RangeIndex) and n else -1
            return np.arange(cutoff + 1, cutoff + 1 + n)
        self._require_kind(index)
        _require_increasing(index)
        return _nanoseconds(index)

    def steps_after(self, stamps, cutoff):
        """Count the steps of the axis from the cutoff to each stamp, 1 for the next one.

        Parameters
        ----------
        stamps : ndarray of int64, shape (n,)
            Strictly increasing.
        cutoff : int or None
            None: the first stamp is the next one.

        Raises
        ------
        ValueError
            A stamp is not newer than the cutoff, or lies between two steps of the axis.
        """
        if cutoff is not None and stamps[0] <= cutoff:
            n_late = int((stamps <= cutoff).sum())
            raise ValueError(
                f"found {n_late} rows not newer than the cutoff {self.label(cutoff)}, the first at "
                f"{self.label(stamps[0])}; expected rows after it: drop those already seen"
            )
        if self.freq is None or (
            len(stamps) == 1 and cutoff is not None and stamps[0] - cutoff == self.step_ns
        ):  # the next one, as it is of most rows: the cutoff lies on the axis
            return np.arange(1, len(stamps) + 1)
        if self.step_ns is not None:
            misplaced = (stamps - self.start) % self.step_ns != 0
            start = stamps[0] - self.step_ns if cutoff is None else cutoff
            steps = (stamps - start) // self.step_ns
        else:
            grid = self._range(stamps[0] if cutoff is None else cutoff, end=stamps[-1])
            misplaced = ~np.isin(stamps, grid)
            steps = np.searchsorted(grid, stamps) + (cutoff is None)
        if misplaced.any():
            self._refuse(stamps[misplaced])
        return steps

    def positions(self, times):
        """Return the steps from the start of the axis to time stamps in any order.

        Parameters
        ----------
        times : pandas.Index of length n
            Time stamps, or row numbers where rows are counted.

        Returns
        -------
        ndarray of int64, shape (n,)

        Raises
        ------
        ValueError
            They are of another kind or time zone than the history's, NaT, or off the frequency.
        """
        if self.counts:
            if isinstance(times, pd.DatetimeIndex) or not pd.api.types.is_integer_dtype(
                times.dtype
            ):
                raise ValueError(
                    f"found times of type {times.dtype}, expected row numbers, as at fit"
                )
            return times.to_numpy(dtype=np.int64)
        self._require_kind(times)
        if times.hasnans:
            raise ValueError(
                f"found {int(times.isna().sum())} rows without a time stamp (NaT), expected one in "
                "each; drop those rows"
            )
        stamps = times.as_unit("ns").asi8
        if self.step_ns is not None:
            positions, rest = np.divmod(stamps - self.start, self.step_ns)
            misplaced = rest != 0
        else:
            grid = self._range(self.start, end=max(stamps.max(), self.start))
            positions = np.searchsorted(grid, stamps)
            misplaced = ~np.isin(stamps, grid)
        if misplaced.any():
            self._refuse(stamps[misplaced])
        return positions

    def stamps_at(self, positions):
        """Return the stamps of positions, the inverse of `positions`."""
        if self.counts or not len(positions):
            return positions
        if self.step_ns is not None:
            return self.start + self.step_ns * positions
        return self._range(self.start, periods=int(positions.max()) + 1)[positions]

    def _require_kind(self, index):
        if not isinstance(index, pd.DatetimeIndex):
            found = "an array" if index is None else f"a {type(index).__name__}"
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

    def following(self, cutoff, n):
        """Return the n positions after the cutoff."""
        if self.counts:
            return np.arange(cutoff + 1, cutoff + 1 + n)
        if self.step_ns is not None:
            return cutoff + self.step_ns * np.arange(1, n + 1)
        return self._range(cutoff, periods=n + 1)[1:]

    def before(self, cutoff, n):
        """Return the position n steps before the cutoff."""
        if self.counts:
            return cutoff - n
        if self.step_ns is not None:
            return cutoff - n * self.step_ns
        span = pd.date_range(end=self.label(cutoff), periods=n + 1, freq=self.freq)
        return int(span[:1].as_unit("ns").asi8[0])

    def index(self, stamps):
        """Return positions as an index of the kind the rows came with."""
        if self.counts:
            return pd.Index(stamps, name=self.name)
        times = stamps.view("M8[ns]").astype(f"M8[{self.unit}]")
        times.flags.writeable = False  # as pandas 3 gives its values: other indexes may share them
        utc = pd.DatetimeIndex(times, name=self.name)
        return utc if self.tz is None else utc.tz_localize("UTC").tz_convert(self.tz)

    def index_after(self, cutoff, n):
        """Return the n positions after the cutoff as an index.

        Of rows that follow each other it is cut out of one stretch: pandas makes an index in thrice
        the time.
        """
        ahead = (STRETCH + n) * (self.step_ns or 0)
        if self.counts or self.step_ns is None or cutoff > LAST - ahead:
            return self.index(self.following(cutoff, n))
        block, row = divmod((cutoff - self.start) // self.step_ns, STRETCH)
        stretch = self._stretches.get((block, n))
        if stretch is None:
            start = cutoff - row * self.step_ns
            stretch = self.index(self.following(start, STRETCH + n))
            if len(self._stretches) == STRETCHES:
                self._stretches.clear()
            self._stretches[block, n] = stretch
        return stretch[row : row + n]

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

    def _range(self, start, **kwargs):
        if "end" in kwargs:
            kwargs["end"] = self.label(kwargs["end"])
        index = pd.date_range(self.label(start), freq=self.freq, **kwargs)
        return index.as_unit("ns").asi8


def _require_countable(index):
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
        stamp = int(index.asi8[0]) * NANOSECONDS[index.unit]
        if abs(stamp) < LAST:
            return np.array([stamp])
    return index.as_unit("ns").asi8


def _require_increasing(index):
    """Name the rows that are missing, doubled or out of order."""
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
