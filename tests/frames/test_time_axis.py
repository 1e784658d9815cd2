"""Where rows lie: frequencies, time zones, units, gaps, and rows out of place."""

import numpy as np
import pandas as pd
import pytest

from tsrnn.frames.time_axis import TimeAxis

RULES = ["h", "15min", "D", "B", "W-SUN", "ME", "MS", "QE", "s"]


@pytest.mark.parametrize("tz", [None, "Europe/Berlin"])
@pytest.mark.parametrize("rule", RULES)
def test_the_future_goes_on_as_pandas_would(rule, tz):
    index = pd.date_range("2024-03-28", periods=60, freq=rule, tz=tz, name="when")
    axis = TimeAxis.of(index[:40]._with_freq(None))
    stamps = axis.stamps(index[:40], 40)
    np.testing.assert_array_equal(axis.steps_after(stamps, None), np.arange(1, 41))
    future = axis.index(axis.following(stamps[-1], 20))
    pd.testing.assert_index_equal(future, index[40:]._with_freq(None))
    later = axis.stamps(index[40:], 20, cutoff=stamps[-1])
    np.testing.assert_array_equal(axis.steps_after(later, stamps[-1]), np.arange(1, 21))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_units_do_not_matter(unit):
    index = pd.date_range("2024", periods=6, freq="h")
    axis = TimeAxis.of(index.as_unit("s"))
    stamps = axis.stamps(index.as_unit(unit), 6)
    np.testing.assert_array_equal(stamps, index.as_unit("ns").asi8)
    assert axis.index(stamps).unit == "s"


def test_hours_through_both_clock_changes_are_regular():
    for day in ("2024-03-30", "2024-10-26"):
        index = pd.date_range(day, periods=72, freq="h", tz="Europe/Berlin")
        axis = TimeAxis.of(index[:30])
        stamps = axis.stamps(index, 72)
        np.testing.assert_array_equal(axis.steps_after(stamps, None), np.arange(1, 73))
        wall = pd.DatetimeIndex(axis.wall_ns(stamps).view("M8[ns]"))
        assert list(wall.hour) == list(index.hour)


@pytest.mark.parametrize("rule", ["h", "ME"])
def test_gaps_are_counted_in_steps(rule):
    index = pd.date_range("2020", periods=30, freq=rule)
    axis = TimeAxis.of(index[:10])
    cutoff = axis.stamps(index[:10], 10)[-1]
    kept = index[[10, 14, 15]]
    steps = axis.steps_after(axis.stamps(kept, 3, cutoff), cutoff)
    np.testing.assert_array_equal(steps, [1, 5, 6])


def test_a_history_with_gaps_still_has_a_frequency():
    index = pd.date_range("2024", periods=50, freq="h").delete([7, 20, 21])
    axis = TimeAxis.of(index)
    assert axis.step_ns == 3600 * 10**9
    steps = axis.steps_after(axis.stamps(index, len(index)), None)
    assert steps[-1] == 50


def test_arrays_and_row_numbers_count_on():
    axis = TimeAxis.of(None)
    np.testing.assert_array_equal(axis.stamps(None, 3), [0, 1, 2])
    np.testing.assert_array_equal(axis.stamps(pd.RangeIndex(100, 102), 2), [100, 101])
    np.testing.assert_array_equal(axis.stamps(pd.RangeIndex(2), 2, cutoff=7), [8, 9])
    assert list(axis.index(axis.following(9, 2))) == [10, 11]


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (pd.DatetimeIndex(["2024-01-02", "2024-01-01", "2024-01-03"]), r"1 \(2024-01-01"),
        (pd.DatetimeIndex(["2024-01-01", "2024-01-01", "2024-01-03"]), "duplicate.*duplicated"),
        (pd.DatetimeIndex(["2024-01-01", None, "2024-01-03"]), "NaT"),
        (pd.DatetimeIndex(["2024-01-01", "2024-01-02", "2024-01-09", "2024-02-01"]), "resample"),
        (pd.DatetimeIndex(["2024-01-01", "2024-01-02"]), "pass freq"),
        (pd.Index(["a", "b"]), "to_datetime"),
    ],
)
def test_a_history_out_of_order_is_refused_with_a_remedy(index, message):
    with pytest.raises(ValueError, match=message):
        TimeAxis.of(index)


def test_rows_that_do_not_fit_the_history_are_refused():
    index = pd.date_range("2024", periods=10, freq="h")
    axis = TimeAxis.of(index)
    cutoff = axis.stamps(index, 10)[-1]
    with pytest.raises(ValueError, match="tz_convert"):
        axis.stamps(index.tz_localize("UTC"), 10)
    with pytest.raises(ValueError, match="expected a DatetimeIndex"):
        axis.stamps(None, 3)
    with pytest.raises(ValueError, match="found 2 rows not newer than the cutoff"):
        axis.steps_after(axis.stamps(index[8:], 2), cutoff)
    with pytest.raises(ValueError, match="resample"):
        axis.steps_after(axis.stamps(index[:2] + pd.Timedelta("10.5h"), 2), cutoff)
    with pytest.raises(ValueError, match="without, as at fit"):
        TimeAxis.of(None).stamps(index, 10)


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
@pytest.mark.parametrize("unit", ["s", "ns"])
def test_the_index_after_a_cutoff_is_made_of_what_follows(unit, zone):
    start = pd.Timestamp("2024-03-30 20:00", tz=zone)  # the clocks change on the next day
    index = pd.date_range(start, periods=9, freq="h", name="time").as_unit(unit)
    axis, hour = TimeAxis.of(index), 3_600_000_000_000
    for row in [*range(520), 255, 3, 10_000]:  # stretches end at 256 and 512
        cutoff = axis.start + (row - 5) * hour
        for n in (1, 24):
            found, expected = axis.index_after(cutoff, n), axis.index(axis.following(cutoff, n))
            pd.testing.assert_index_equal(found, expected, exact=True)
            assert found.freq == expected.freq
            assert found.unit == unit


def test_the_index_after_a_cutoff_is_nobody_s_to_change():
    axis = TimeAxis.of(pd.date_range("2024-01-01", periods=9, freq="h"))
    with pytest.raises(ValueError, match="read-only"):
        axis.index_after(axis.start, 3).values[:] = np.datetime64("1970")  # noqa: PD011


def test_the_index_after_a_cutoff_close_to_the_end_of_time():
    index = pd.date_range("2262-04-01", periods=9, freq="D", unit="ns")
    axis = TimeAxis.of(index)
    after = axis.index_after(int(index.asi8[-1]), 2)
    np.testing.assert_array_equal(after, pd.DatetimeIndex(["2262-04-10", "2262-04-11"]))
