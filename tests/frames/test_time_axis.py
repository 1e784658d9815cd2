"""Where rows lie: frequencies, time zones, units, gaps, and rows out of place."""

import copy
import pickle

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
    np.testing.assert_array_equal(axis.positions(index), np.arange(60))
    pd.testing.assert_index_equal(axis.index_after(39, 20), index[40:]._with_freq(None))
    np.testing.assert_array_equal(axis.stamps_at(np.arange(60)), index.as_unit("ns").asi8)


@pytest.mark.parametrize("tz", [None, "Europe/Berlin"])
@pytest.mark.parametrize("rule", RULES)
def test_rows_before_the_history_have_positions_too(rule, tz):
    index = pd.date_range("2020-03-28", periods=700, freq=rule, tz=tz)[100:]
    axis = TimeAxis.of(index[500:]._with_freq(None))
    np.testing.assert_array_equal(axis.positions(index[::-1]), np.arange(-500, 100)[::-1])
    pd.testing.assert_index_equal(axis.index_at(np.arange(-500, 100)), index._with_freq(None))


@pytest.mark.parametrize(("rule", "tz"), [("B", None), ("MS", None), ("D", "Europe/Berlin")])
def test_a_grid_by_the_calendar_is_made_once_for_many_rows(rule, tz, monkeypatch):
    index = pd.date_range("2020-01-01", periods=500, freq=rule, tz=tz)
    axis, made, date_range = TimeAxis.of(index[:40]._with_freq(None)), [], pd.date_range

    def noted(*args, **kwargs):
        found = date_range(*args, **kwargs)
        made.append(len(found))
        return found

    monkeypatch.setattr(pd, "date_range", noted)
    for row in range(40, 500):
        assert axis.positions(index[row : row + 1])[0] == row
    assert len(made) < 5
    assert sum(made) < 1100


@pytest.mark.parametrize("stamp", ["2262-03-31", "1678-01-03"])
def test_stamps_at_the_ends_of_time_have_positions_by_the_calendar(stamp):
    axis = TimeAxis.of(pd.date_range("2024-01-01", periods=9, freq="B"))
    times = pd.DatetimeIndex([stamp], dtype="M8[ns]")
    expected = np.busday_count("2024-01-01", stamp)
    np.testing.assert_array_equal(axis.positions(times), [expected])


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_units_do_not_matter(unit):
    index = pd.date_range("2024", periods=6, freq="h")
    axis = TimeAxis.of(index.as_unit("s"))
    stamps = axis.stamps(index.as_unit(unit))
    np.testing.assert_array_equal(stamps, index.as_unit("ns").asi8)
    for row in range(6):  # of one row it is another way
        np.testing.assert_array_equal(axis.stamps(index[[row]].as_unit(unit)), stamps[[row]])
    assert axis.index(stamps).unit == "s"


def test_hours_through_both_clock_changes_are_regular():
    for day in ("2024-03-30", "2024-10-26"):
        index = pd.date_range(day, periods=72, freq="h", tz="Europe/Berlin")
        axis = TimeAxis.of(index[:30])
        np.testing.assert_array_equal(axis.positions(index), np.arange(72))
        wall = pd.DatetimeIndex(axis.wall_ns(axis.stamps(index)).view("M8[ns]"))
        assert list(wall.hour) == list(index.hour)


@pytest.mark.parametrize("rule", ["h", "ME"])
def test_gaps_are_counted_in_steps(rule):
    index = pd.date_range("2020", periods=30, freq=rule)
    axis = TimeAxis.of(index[:10])
    np.testing.assert_array_equal(axis.positions(index[[10, 14, 15]]), [10, 14, 15])


def test_a_history_with_gaps_still_has_a_frequency():
    index = pd.date_range("2024", periods=50, freq="h").delete([7, 20, 21])
    axis = TimeAxis.of(index)
    assert axis.step_ns == 3600 * 10**9
    assert axis.positions(index)[-1] == 49


def test_row_numbers_are_positions():
    axis = TimeAxis.of(None)
    np.testing.assert_array_equal(axis.positions(pd.RangeIndex(100, 102)), [100, 101])
    assert list(axis.index_after(9, 2)) == [10, 11]
    assert axis.shortest_step_ns is None


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
    with pytest.raises(ValueError, match="tz_convert"):
        axis.positions(index.tz_localize("UTC"))
    with pytest.raises(ValueError, match="expected a DatetimeIndex"):
        axis.positions(None)
    with pytest.raises(ValueError, match="resample"):
        axis.positions(index[:2] + pd.Timedelta("10.5h"))
    with pytest.raises(ValueError, match="without time stamps, as at fit"):
        TimeAxis.of(None).positions(index)


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
@pytest.mark.parametrize("unit", ["s", "ns"])
def test_the_index_after_a_cutoff_is_made_of_what_follows(unit, zone):
    start = pd.Timestamp("2024-03-30 20:00", tz=zone)  # the clocks change on the next day
    index = pd.date_range(start, periods=9, freq="h", name="time").as_unit(unit)
    axis = TimeAxis.of(index)
    for row in [*range(520), 255, 3, 10_000, -300]:  # stretches end at 256 and 512
        for n in (1, 24):
            found = axis.index_after(row - 5, n)
            expected = axis.index_at(row - 4 + np.arange(n))
            pd.testing.assert_index_equal(found, expected, exact=True)
            assert found.freq == expected.freq
            assert found.unit == unit


def test_the_index_after_a_cutoff_is_nobody_s_to_change():
    axis = TimeAxis.of(pd.date_range("2024-01-01", periods=9, freq="h"))
    with pytest.raises(ValueError, match="read-only"):
        axis.index_after(0, 3).values[:] = np.datetime64("1970")  # noqa: PD011


def test_indexes_after_cutoffs_that_follow_each_other_are_made_ahead_and_given_away_once():
    index = pd.date_range("2024", periods=40, freq="h")
    axis = TimeAxis.of(index[:9])
    positions = [*range(20), 19, 19, 7, *range(5, 20)]
    found = [axis.index_after(position, 3) for position in positions]
    assert axis._cuts
    assert len(set(map(id, found))) == len(found)
    for position, after in zip(positions, found, strict=True):
        after.name = "mine"
        expected = index[position + 1 : position + 4]._with_freq(None).rename("mine")
        pd.testing.assert_index_equal(after, expected)
    assert axis.index_after(20, 3).name is None


def test_a_row_of_another_zone_is_refused_after_rows_of_the_own_one():
    index = pd.date_range("2024", periods=40, freq="h", tz="Europe/Lisbon")
    axis = TimeAxis.of(index[:9])
    assert axis.positions(index[9:10]).tolist() == [9]
    for other in (index.tz_convert("UTC"), index.tz_localize(None)):
        with pytest.raises(ValueError, match="found time zone"):
            axis.positions(other[10:11])
    assert axis.positions(index[10:11].as_unit("s")).tolist() == [10]
    assert axis.positions(index[11:12]).tolist() == [11]


def test_the_index_after_a_cutoff_close_to_the_end_of_time():
    index = pd.date_range("2262-04-01", periods=9, freq="D", unit="ns")
    axis = TimeAxis.of(index)
    after = axis.index_after(8, 2)
    np.testing.assert_array_equal(after, pd.DatetimeIndex(["2262-04-10", "2262-04-11"]))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda axis: pickle.loads(pickle.dumps(axis))])
def test_what_is_copied_holds_no_caches(copied):
    """Kind: a copy made while another thread forecasts: caches move, and are nobody else's."""
    axis = TimeAxis.of(pd.date_range("2024-01-01", periods=48, freq="h"))
    for position in range(48, 52):
        axis.index_after(position, 3)
    assert set(vars(axis)) > set(vars(copied(axis)))
    assert copied(axis) == axis
    pd.testing.assert_index_equal(copied(axis).index_after(60, 3), axis.index_after(60, 3))
