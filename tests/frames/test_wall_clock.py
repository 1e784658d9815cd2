"""The wall clock against pandas, stamp by stamp."""

import numpy as np
import pandas as pd
import pytest

from tsrnn.frames.calendar import Calendar
from tsrnn.frames.reader import Rows
from tsrnn.frames.time_axis import TimeAxis
from tsrnn.frames.wall_clock import WallClock

ZONES = [
    ("Europe/London", "h"),
    ("Australia/Sydney", "15min"),
    ("Australia/Lord_Howe", "30min"),  # by half an hour
    ("Africa/Casablanca", "h"),  # twice a year, a month apart
    ("America/New_York", "10min"),
]


def clock_of(zone, freq, start="2023-12-31 22:00"):
    index = pd.date_range(start, periods=4, freq=freq, tz=zone)
    axis = TimeAxis.of(index)
    return WallClock.of(axis, Calendar.of_step(axis.step_ns))


@pytest.mark.parametrize(("zone", "freq"), ZONES)
def test_slots_are_steps_of_the_wall_clock(zone, freq):
    clock = clock_of(zone, freq)
    positions = np.arange(-9_000, 18_000, 7 if freq == "10min" else 1)
    stamps = clock.axis.index_at(positions)
    wall = stamps.tz_localize(None) - pd.Timestamp("2023-12-31 22:00")
    expected = wall // pd.Timedelta(1, freq[-3:] if freq != "h" else "h")
    steps = {"h": 1, "15min": 15, "30min": 30, "10min": 10}[freq]
    expected = (expected // steps).to_numpy()
    np.testing.assert_array_equal(clock.slots(positions), expected)
    again = clock_of(zone, freq)  # asked for one by one, in another order
    found = [again.slots(np.array([p]))[0] for p in positions[::-401]]
    np.testing.assert_array_equal(found, expected[::-401])


@pytest.mark.parametrize(("zone", "freq"), ZONES)
def test_stretches_of_one_shift_end_where_clocks_change(zone, freq):
    clock = clock_of(zone, freq)
    slots = clock.slots(np.arange(30_000))
    position = 0
    while position < 20_000:
        shift, last = clock.shift_at(position, 50)
        last = min(last, 29_998)
        assert (np.diff(slots[position : last + 1]) == 1).all()
        assert slots[position] == position + shift
        assert last == 29_998 or slots[last + 1] != slots[last] + 1
        position = last + 1


@pytest.mark.parametrize(("zone", "freq"), ZONES)
def test_the_first_position_of_a_slot(zone, freq):
    """Of one that is left out, the first position after it."""
    clock = clock_of(zone, freq)
    positions = np.arange(12_000)
    slots = clock.slots(positions)
    asked = np.arange(11_000)
    seen = {}
    for position, slot in zip(positions, slots, strict=True):
        seen.setdefault(slot, position)
    following = [next(seen[s] for s in range(slot, slot + 9) if s in seen) for slot in asked]
    np.testing.assert_array_equal(clock.positions(asked), following)


def test_half_a_step_is_told_by_whole_hours():
    """Hours of Lord Howe Island stand at half past in winter; they are those of `Index.hour`."""
    clock = clock_of("Australia/Lord_Howe", "h", "2024-01-01")
    positions = np.arange(5_000)
    hours = clock.axis.index_at(positions).hour
    np.testing.assert_array_equal(clock.slots(positions) % 24, hours)


@pytest.mark.parametrize(
    ("zone", "freq"),
    [(None, "h"), ("UTC", "h"), ("Asia/Tokyo", "h"), ("+02:00", "h"), ("Europe/London", "D"),
     ("Europe/London", "4h"), ("Asia/Kolkata", "h")],
)  # fmt: skip
def test_no_clock_where_days_are_alike(zone, freq):
    assert clock_of(zone, freq, "2024-01-01") is None


@pytest.mark.skipif(
    pd.Timestamp("2100-07-01", tz="Europe/London").utcoffset() == pd.Timedelta(0),
    reason="pandas 2 takes zones of pytz, which knows no clock change after 2037",
)
def test_stamps_at_the_end_of_time():
    """2262 is as far as nanoseconds reach."""
    clock = clock_of("Europe/London", "h", "2255-01-01")
    positions = np.array([0, 5_000, 63_000, 64_000])
    assert (clock.slots(positions) - positions).tolist() == [0, 1, 0, 0]
    assert clock_of("Europe/London", "h", "2262-01-01") is None


def test_the_calendar_is_that_of_slots():
    clock = clock_of("Europe/London", "h", "2024-03-30")
    slots = np.arange(60)
    wall = (np.datetime64("2024-03-30") + (slots + 1) * np.timedelta64(1, "h")).astype("M8[ns]")
    expected = clock.calendar.features(wall.view("i8"))
    np.testing.assert_array_equal(clock.calendar_after(0, 60), expected)


def test_rows_at_their_slots():
    """Of two rows of one slot, the first stays, series by series."""
    clock = clock_of("Europe/Rome", "h", "2024-10-27 00:00")
    positions = np.array([1, 3, 2, 3, 4])  # 01:00, twice 02:00, 03:00
    series = np.array([0, 1, 0, 0, 0])
    values = np.arange(5.0)[:, None]
    placed = clock.placed(Rows(series, positions, values, values[:, :0]))
    assert placed.positions.tolist() == [1, 2, 2, 3]
    assert placed.targets[:, 0].tolist() == [0.0, 1.0, 2.0, 4.0]
