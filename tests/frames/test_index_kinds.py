"""Indexes as people bring them: row numbers, periods, texts, dates, gaps, jitter, two frequencies.

Each test stands for a kind, which its docstring names.
"""

import datetime

import numpy as np
import pandas as pd
import pytest
from helpers import content

from tsrnn import load
from tsrnn.baselines import LinearForecaster, NaiveForecaster, SeasonalNaiveForecaster
from tsrnn.frames.time_axis import TimeAxis
from tsrnn.frames.times import read_times


def ramp(index):
    return pd.Series(np.arange(len(index), dtype=float), index, name="y")


def ahead(index, horizon=2, **params):
    """Return the index of what is forecast after rows at these times."""
    return NaiveForecaster(horizon, **params).fit(ramp(index)).forecast().index


# --- row numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        (pd.RangeIndex(0, 400, 2), [400, 402]),
        (pd.RangeIndex(100, 160), [160, 161]),
        (pd.RangeIndex(0, 24_000, 60), [24_000, 24_060]),
        (pd.Index([0, 60, 120, 300, 360], name="row"), [420, 480]),
        (pd.Index([-3, -2, -1], dtype="int8"), [0, 1]),
        (pd.Index([5, 6, 7], dtype="Int64"), [8, 9]),
    ],
)
def test_numbers_of_rows_are_times(numbers, expected):
    """Row numbers are times: their start, their step and a gap count."""
    found = ahead(numbers)
    assert found.tolist() == expected
    assert found.name == numbers.name


def test_a_gap_between_row_numbers_is_rows_that_are_missing():
    """A gap in row numbers is rows that are missing, as of time stamps; of a panel too."""
    numbers = np.r_[0:100, 150:250]
    season = np.array([0.0, 5.0, 1.0, 2.0, 4.0, 3.0, 9.0])
    frame = pd.DataFrame({"y": season[numbers % 7]}, numbers)
    expected = season[np.arange(250, 257) % 7]
    model = SeasonalNaiveForecaster(7, season=7)
    found = model.fit(frame).forecast()
    np.testing.assert_allclose(found["y"], expected, atol=1e-12)
    assert found.index.tolist() == list(range(250, 257))
    parts = SeasonalNaiveForecaster(7, season=7).fit(frame[:100]).partial_fit(frame[100:])
    pd.testing.assert_frame_equal(parts.forecast(), found)
    panel = frame.rename_axis("n").reset_index().assign(id="a")
    model = SeasonalNaiveForecaster(7, season=7, id_col="id", time_col="n").fit(panel)
    np.testing.assert_allclose(model.forecast()["y"], expected, atol=1e-12)
    with pytest.raises(ValueError, match=r"gap of 4750 missing rows before 5000"):
        NaiveForecaster().fit(frame).update(frame[-1:].set_axis([5000]))


def test_row_numbers_that_were_seen_are_late():
    """Row numbers seen before are late: refused or dropped; rows numbered anew are told how."""
    rows = ramp(pd.RangeIndex(0, 100, 2))
    model = NaiveForecaster(2).fit(rows[:40])
    before = content(vars(model))
    with pytest.raises(ValueError, match=r"10 rows not newer than the cutoff 78.*at 60"):
        model.partial_fit(rows[30:])
    with pytest.raises(ValueError, match=r"set_axis\(pd.RangeIndex\(80, ...\)\)"):
        model.update(ramp(range(0, 4, 2)))
    with pytest.raises(ValueError, match=r"off the steps of 2 from 0.*model.cutoff_ \+ 2"):
        model.update(ramp([80, 83]))
    assert content(vars(model)) == before
    dropping = NaiveForecaster(2, late="drop").fit(rows[:40]).partial_fit(rows[30:])
    assert (dropping.n_late_, dropping.cutoff_) == (10, 98)
    assert dropping.forecast().index.tolist() == [100, 102]


def test_rows_of_arrays_are_counted_on():
    """No numbers at all: arrays follow each other, whatever numbered frames would do."""
    model = NaiveForecaster(2).fit(np.arange(20.0)).partial_fit(np.arange(5.0))
    assert (model.cutoff_, model.forecast().index.tolist()) == (24, [25, 26])


def test_row_numbers_in_a_file(tmp_path):
    """Numbers as an index, saved: the step and the start come back."""
    model = NaiveForecaster(2).fit(ramp(pd.RangeIndex(10, 40, 3)))
    model.save(tmp_path / "m.tsrnn")
    again = load(tmp_path / "m.tsrnn").update(ramp([46]))
    assert (again.cutoff_, again.forecast().index.tolist()) == (46, [49, 52])


def test_steps_of_row_numbers_that_do_not_fit_are_two_readings():
    """Numbers that are no multiples of a step: the error says how to read them."""
    with pytest.raises(ValueError, match=r"steps of 4, and some of 6.*pass freq=2.*reset_index"):
        ahead(pd.Index([0, 4, 8, 14, 18, 22]))
    assert ahead(pd.Index([0, 4, 8, 14, 18, 22]), freq=2).tolist() == [24, 26]
    with pytest.raises(ValueError, match="freq='h' and rows with numbers"):
        ahead(pd.RangeIndex(9), freq="h")
    with pytest.raises(ValueError, match=r"beyond 2\*\*60; if they are time stamps"):
        ahead(pd.Index([2**61, 2**61 + 1, 2**61 + 2]))


def test_future_rows_are_picked_by_number():
    """X_future of numbered rows: by number, else in order."""
    model = LinearForecaster(2).fit(ramp(pd.RangeIndex(0, 80, 2)))
    assert model.future_index().tolist() == [80, 82]


# --- periods, texts, dates ------------------------------------------------------------------------


@pytest.mark.parametrize("freq", ["h", "D", "M", "Q", "Y", "W-SUN", "2D", "15min"])
def test_periods_come_back_as_periods(freq, tmp_path):
    """Periods are times, with one missing: steps, cutoff, X and forecasts are periods too."""
    periods = pd.period_range("2020-01-01", periods=30, freq=freq, name="when")
    kept = periods[:28].delete(5)
    model = NaiveForecaster(2).fit(ramp(kept))
    pd.testing.assert_index_equal(model.forecast().index, periods[28:], exact=True)
    assert model.cutoff_ == periods[27]
    model.save(tmp_path / "m.tsrnn")
    again = load(tmp_path / "m.tsrnn").update(ramp(periods[28:29]))
    assert (again.cutoff_, again.forecast().index[0]) == (periods[28], periods[29])
    with pytest.raises(ValueError, match=r"not newer than the cutoff"):
        model.update(ramp(periods[27:28]))


@pytest.mark.parametrize("missing", [[], [5, 40]])
def test_periods_of_business_days_are_business_days(missing):
    """Periods of days without a weekend are business days; with single days missing, days."""
    whole = pd.bdate_range("2024-01-03", periods=85).to_period("D")
    pd.testing.assert_index_equal(ahead(whole[:80].delete(missing), 5), whole[80:])
    days = pd.period_range("2024-01-03", periods=82, freq="D")
    pd.testing.assert_index_equal(ahead(days[:80].delete([4, 9, 33])), days[80:])


def test_periods_are_not_mixed_with_time_stamps():
    """Periods after time stamps and the other way round: the remedy names the conversion."""
    days = pd.date_range("2024", periods=20, name="day")
    with pytest.raises(ValueError, match=r"found a PeriodIndex.*to_timestamp"):
        NaiveForecaster().fit(ramp(days[:9])).update(ramp(days[9:].to_period()))
    model = NaiveForecaster().fit(ramp(days[:9].to_period()))
    with pytest.raises(
        ValueError, match=r"found a DatetimeIndex, expected periods of D.*to_period"
    ):
        model.update(ramp(days[9:]))
    with pytest.raises(ValueError, match="periods of M, expected periods of D"):
        model.update(ramp(pd.period_range("2025", periods=3, freq="M")))


def test_periods_of_a_panel():
    """Periods as times of a panel, in a column and in an index of two levels."""
    months = pd.period_range("2023-01", periods=14, freq="M", name="month")
    long = pd.DataFrame({"id": ["a", "b"] * 14, "month": months.repeat(2), "y": np.arange(28.0)})
    model = NaiveForecaster(1, id_col="id", time_col="month").fit(long[:-2])
    found = model.partial_fit(long[-2:]).forecast()
    assert found["month"].tolist() == [months[-1] + 1] * 2
    assert found["y"].tolist() == [26, 27]
    levels = NaiveForecaster(1).fit(long.set_index(["id", "month"])).forecast()
    pd.testing.assert_frame_equal(levels.reset_index(), found)


@pytest.mark.parametrize(
    "change",
    [
        lambda days: days.strftime("%Y-%m-%d"),
        lambda days: days.strftime("%Y-%m-%dT%H:%M:%S").astype(object),
        lambda days: pd.Index([day.date() for day in days], dtype=object),
        lambda days: pd.Index([day.to_pydatetime() for day in days], dtype=object),
        lambda days: pd.Index(days.strftime("%Y-%m-%d")).astype("category"),
        lambda days: days.astype("timestamp[ns][pyarrow]"),
        lambda days: days.astype("date32[pyarrow]"),
        lambda days: days.strftime("%Y-%m-%d").astype("string[pyarrow]"),
    ],
    ids=["text", "iso", "date", "datetime", "category", "arrow", "arrow date", "arrow text"],
)
def test_dates_are_read_in_any_form(change, request):
    """Dates in any form are times: texts, objects, Arrow's types, in the index and in a column."""
    if "arrow" in request.node.callspec.id:
        pytest.importorskip("pyarrow")
    days = pd.date_range("2024-02-20", periods=30)
    index = change(days).rename("day")
    model = NaiveForecaster(2).fit(ramp(index[:20])).partial_fit(ramp(index[20:]))
    expected = pd.date_range("2024-03-21", periods=2, name="day")
    np.testing.assert_array_equal(model.forecast().index, expected)
    frame = pd.DataFrame({"day": index, "y": np.arange(30.0), "id": "a"})
    for params in ({"id_col": "id"}, {"target": "y"}):
        rows = frame if "id_col" in params else frame[["day", "y"]]
        model = NaiveForecaster(2, time_col="day", **params).fit(rows[:20]).update(rows[20:])
        found = model.forecast()
        times = found["day"] if "id_col" in params else found.index
        np.testing.assert_array_equal(times, expected)


def test_texts_that_are_no_dates_are_refused():
    """Texts in another form, and other objects: named, with the remedy."""
    with pytest.raises(ValueError, match=r"such as '31/01/2024', expected time stamps, or texts"):
        ahead(pd.Index(["31/01/2024", "01/02/2024", "02/02/2024"]))
    with pytest.raises(ValueError, match="type float64, expected time stamps or row numbers"):
        ahead(pd.Index([0.5, 1.5, 2.5]))
    mixed = pd.Index(["2024-01-01T00:00+01:00", "2024-07-01T00:00+02:00"])
    with pytest.raises(ValueError, match=r"utc="):
        read_times(mixed)
    assert read_times(pd.Index([datetime.date(2024, 1, 31)])).day.tolist() == [31]


# --- calendars with gaps --------------------------------------------------------------------------


@pytest.mark.parametrize("tz", [None, "America/New_York"])
@pytest.mark.parametrize("rule", ["B", "ME", "MS", "QE", "QS", "YE", "BME", "BMS", "2MS"])
def test_a_calendar_with_gaps_is_that_calendar(rule, tz):
    """A calendar with gaps stays that calendar: business days, months, quarters, years."""
    n_rows = 260 if rule == "B" else 30
    whole = pd.date_range("2021-01-04", periods=n_rows, freq=rule, tz=tz)
    kept = whole[:-2].delete([5, 11, 12])
    pd.testing.assert_index_equal(ahead(kept), whole[-2:]._with_freq(None))
    axis = TimeAxis.of(kept)
    np.testing.assert_array_equal(
        axis.positions(kept), np.delete(np.arange(n_rows - 2), [5, 11, 12])
    )


def test_days_that_may_be_business_days_are_two_readings():
    """A few days, none of a weekend, with gaps: the error names both readings and ``freq``."""
    days = pd.bdate_range("2024-01-03", periods=8).delete([3])
    with pytest.raises(ValueError, match=r"business days or days with rows missing; pass freq='B'"):
        ahead(days)
    assert ahead(days, freq="B")[0] == pd.Timestamp("2024-01-15")
    assert ahead(days, freq="D")[0] == pd.Timestamp("2024-01-13")
    assert ahead(pd.date_range("2024-01-01", periods=30).delete([7, 20]))[0].day == 31


# --- jitter ---------------------------------------------------------------------------------------


def jittered(n_rows, spread, start="2024-03-01", freq="min", seed=0):
    even = pd.date_range(start, periods=n_rows, freq=freq)
    off = np.random.default_rng(seed).uniform(0, spread, n_rows).round(3)
    return even, even + pd.to_timedelta(off, "s")


def test_stamps_off_the_minute_are_snapped():
    """Clocks that jitter: refused with the remedy, then moved onto the grid, in any split."""
    even, index = jittered(120, 4.0)
    with pytest.raises(ValueError, match="pass snap='5s'"):
        ahead(index)
    model = NaiveForecaster(2, snap="10s").fit(ramp(index[:80]))
    np.testing.assert_array_equal(model.forecast().index, even[80:82])
    rows = ramp(index)
    whole = NaiveForecaster(2, snap="10s").fit(rows[:80]).partial_fit(rows[80:])
    for row in range(80, 120):
        model.partial_fit(rows[row : row + 1])
    assert content(vars(model)) == content(vars(whole))
    assert model.cutoff_ == even[-1]
    with pytest.raises(ValueError, match=r"rows off the frequency min.*pass snap"):
        NaiveForecaster(2).fit(ramp(even[:80])).update(ramp(index[80:]))
    with pytest.raises(ValueError, match="off the frequency"):
        model.update(ramp(even[-1:] + pd.Timedelta("90s")))


def test_two_stamps_that_meet_are_refused():
    """Jitter of two rows onto one step, in the history and later."""
    even, index = jittered(60, 4.0)
    twice = index.insert(31, even[30] + pd.Timedelta("6s"))
    with pytest.raises(ValueError, match="found two rows near 2024-03-01 00:30:00"):
        ahead(twice, snap="10s")
    model = NaiveForecaster(snap="10s").fit(ramp(index[:20]))
    with pytest.raises(
        ValueError, match="doubled, or have come to be so by snap='10s', such as row"
    ):
        model.update(ramp(twice[20:]))
    with pytest.raises(ValueError, match="not newer than the cutoff"):
        model.update(ramp(index[19:20] + pd.Timedelta("2s")))


@pytest.mark.parametrize(
    ("freq", "start", "spread", "snap"),
    [
        ("h", "2024-03-01", 200, "5min"),
        ("7min", "2024-03-01", 4, "5s"),
        ("D", "2024-03-01", 900, "1h"),
        ("MS", "2024-03-01", 7200, "3h"),
        ("min", "2024-03-01 00:00:30", 3, "4s"),
    ],
)
def test_jitter_of_any_frequency(freq, start, spread, snap):
    """Jitter around hours, odd minutes, days, months, half minutes; with a row missing."""
    even, index = jittered(60, spread, start, freq)
    found = ahead(index[:50].delete(7), snap=snap)
    np.testing.assert_array_equal(found, even[50:52])


@pytest.mark.parametrize("snap", ["40s", "2 apples", "-1s", 0, 5, 5.0, "5", "+5", np.int64(5)])
def test_a_tolerance_that_says_nothing_is_refused(snap):
    """``snap`` of more than half a step, or that is none."""
    with pytest.raises(ValueError, match=r"found snap|than snap="):
        ahead(jittered(60, 4.0)[1], snap=snap)


def test_a_clock_that_comes_to_jitter(tmp_path):
    """An even history, then stamps off the minute: refused, and ``set_params`` is the way on."""
    even, index = jittered(120, 4.0)
    model = NaiveForecaster(2).fit(ramp(even[:80]))
    before = content(vars(model))
    with pytest.raises(ValueError, match="pass snap='5s'"):
        model.partial_fit(ramp(index[80:]))
    for snap in ("40s", "2 apples", 0):
        with pytest.raises(ValueError, match="found snap="):
            model.set_params(snap=snap)
    assert content(vars(model)) == before
    model.set_params(snap="5s").save(tmp_path / "m.tsrnn")
    again = load(tmp_path / "m.tsrnn").partial_fit(ramp(index[80:]))
    assert content(vars(again)) == content(vars(model.partial_fit(ramp(index[80:]))))
    expected = [even[-1] + pd.Timedelta(minutes, "min") for minutes in (1, 2)]
    assert again.forecast().index.tolist() == expected
    with pytest.raises(ValueError, match="off the frequency"):
        again.set_params(snap=None).update(ramp(index[-1:] + pd.Timedelta("1min")))


# --- panels and clocks ----------------------------------------------------------------------------


def test_a_series_of_another_frequency_is_named():
    """Two frequencies in one panel: a weekly, monthly or faster series is named; gaps are none."""
    hours = pd.date_range("2024-01-01", periods=24 * 7 * 6, freq="h", name="time")
    hourly = pd.DataFrame({"id": "hourly", "y": 1.0}, hours)
    weekly = hourly[::168].assign(id="weekly")
    gone = hourly[np.random.default_rng(0).random(len(hours)) < 0.3].assign(id="gone")
    model = NaiveForecaster(id_col="id", time_col="time")
    with pytest.raises(ValueError, match=r"series 'weekly' with the frequency 168h, expected h"):
        model.fit(pd.concat([hourly, weekly]).reset_index())
    model.fit(pd.concat([hourly, gone]).reset_index())
    days = pd.date_range("2020-01-01", "2022-06-30", name="time")
    daily = pd.DataFrame({"id": "daily", "y": 1.0}, days)
    monthly = daily[days.is_month_end].assign(id="monthly").drop(pd.Timestamp("2020-05-31"))
    with pytest.raises(ValueError, match=r"series 'monthly' with the frequency ME, expected D"):
        model.fit(pd.concat([daily, monthly]).reset_index())
    fast = pd.DataFrame({"id": "fast", "y": 1.0}, hours[:30] + pd.Timedelta("7min"))
    fast.index = pd.date_range("2024-01-01", periods=30, freq="min", name="time")
    with pytest.raises(ValueError, match=r"series 'fast' with the frequency min, expected h"):
        model.fit(pd.concat([hourly, fast]).reset_index())


def test_a_series_of_another_frequency_that_comes_later_is_named():
    """Two frequencies, one of a new series after the fit: it is named; rows missing are none."""
    hours = pd.date_range("2024-01-01", periods=24 * 7 * 8, freq="h", name="time")
    hourly = pd.DataFrame({"id": "hourly", "y": 1.0}, hours)
    model = NaiveForecaster(id_col="id", time_col="time").fit(hourly[:168].reset_index())
    before = content(vars(model))
    weekly = hourly[::168].assign(id="weekly").reset_index()
    for call in (model.update, model.partial_fit, model.predict):
        with pytest.raises(
            ValueError, match=r"series 'weekly' with the frequency 168h, expected h"
        ):
            call(weekly)
    assert content(vars(model)) == before
    gone = hourly[np.random.default_rng(0).random(len(hours)) < 0.3].assign(id="gone")
    assert "gone" in model.partial_fit(gone.reset_index()).cutoff_.index


def test_the_hour_that_comes_twice_is_not_to_be_dropped():
    """An hour that comes twice in local time: the remedy, ``tz_localize``, keeps both rows."""
    local = pd.date_range("2024-10-26", periods=72, freq="h", tz="Europe/London").tz_localize(None)
    with pytest.raises(ValueError, match=r"clocks go back.*tz_localize\(.*ambiguous='infer'\)"):
        ahead(local)
    rows = pd.DataFrame({"id": "a", "time": local, "y": np.arange(72.0)})
    with pytest.raises(ValueError, match=r"doubled.*clocks go back.*tz_localize\(.*ambiguous="):
        NaiveForecaster(2, id_col="id", time_col="time").fit(rows)


@pytest.mark.parametrize("by_row", [True, False])
@pytest.mark.parametrize("of_panel", [True, False])
def test_the_hour_that_comes_twice_of_rows_to_come(by_row, of_panel):
    """An hour that comes twice in rows to come, one by one or together: the same remedy."""
    local = pd.date_range("2024-10-26", periods=72, freq="h", tz="Europe/London").tz_localize(None)
    rows, keys = ramp(local).to_frame(), {}
    if of_panel:
        rows = rows.rename_axis("time").reset_index().assign(id="a")
        keys = {"id_col": "id", "time_col": "time"}
    model = NaiveForecaster(2, **keys).fit(rows[:20])
    with pytest.raises(ValueError, match=r"clocks go back.*tz_localize\(.*ambiguous="):
        for start in range(20, 72) if by_row else [20]:
            model.partial_fit(rows[start : start + 1 if by_row else 72])
    days = NaiveForecaster(2).fit(ramp(pd.date_range("2024-10-26", periods=9)))
    with pytest.raises(ValueError, match=r"drop those already seen, or set late='drop'$"):
        days.update(ramp(pd.date_range("2024-11-03", periods=1)))


def test_the_hour_that_comes_twice_is_two_rows_with_a_zone():
    """An hour that comes twice, with a zone: both rows are read and written, of panels too."""
    local = pd.date_range("2024-10-26", periods=72, freq="h", tz="Europe/London")
    told = local.tz_localize(None).tz_localize("Europe/London", ambiguous="infer")
    assert told.tolist() == local.tolist()
    rows, at = ramp(told), 24 + 2  # behind the second 01:00
    found = SeasonalNaiveForecaster(3, season=5).fit(rows[:at]).forecast()
    assert found.index.strftime("%H:%M%z").tolist() == ["01:00+0000", "02:00+0000", "03:00+0000"]
    assert found["y"].tolist() == [21.0, 22.0, 23.0]
    panel = pd.DataFrame({"id": "a", "time": told, "y": rows.to_numpy()})
    model = SeasonalNaiveForecaster(3, season=5, id_col="id", time_col="time").fit(panel[:at])
    ahead_of_panel = model.partial_fit(panel[at : at + 1]).forecast()
    assert ahead_of_panel["time"].tolist() == list(told[at + 1 : at + 4])
    assert ahead_of_panel["y"].tolist() == [22.0, 23.0, 24.0]


def test_a_forgotten_id_is_asked_for():
    """Rows of several series without ``id_col``: the remedy names it, and drops no series."""
    days = pd.date_range("2024", periods=20, name="day").repeat(3)
    frame = pd.DataFrame({"shop": ["a", "b", "c"] * 20, "y": 1.0}, days)
    for rows, params in ((frame, {}), (frame.reset_index(), {"time_col": "day"})):
        with pytest.raises(
            ValueError, match="several series, name the column of their ids: id_col"
        ):
            NaiveForecaster(**params).fit(rows)
    with pytest.raises(ValueError, match="id_col"):
        NaiveForecaster(target="y").fit(frame.set_axis(np.arange(20).repeat(3)))
    model = NaiveForecaster(target="y").fit(frame[["y"]][:30:3])
    with pytest.raises(ValueError, match="several series, name the column of their ids: id_col"):
        model.partial_fit(frame[["y"]][30:])


@pytest.mark.parametrize(
    ("texts", "alike"),
    [(["2024-01-31", "2024-02-29"], True), (["2024-01-31 15:00Z", "2024-01-31T16:00+00:00"], True),
     (["2024-01-31T15:00+01", "2024-01-31T16:00+0100"], True), (["20240131T15", None], True),
     (["2024-01-31T15:00+01:00", "2024-06-30T15:00+02:00"], False),
     (["2024-01-31T15:00", "2024-01-31T16:00Z"], False)],
)  # fmt: skip
def test_texts_have_one_offset_from_utc(texts, alike):
    """Told without a warning made an error, which is not safe where other threads run."""
    index = pd.Index(texts, dtype=object)
    if alike:
        assert isinstance(read_times(index), pd.DatetimeIndex)
        return
    with pytest.raises(ValueError, match="all with an offset from UTC or none"):
        read_times(index)


@pytest.mark.parametrize("zone", ["UTC", None])
def test_days_of_a_zone_in_utc_are_told(zone):
    """Days of 23 to 25 hours, as bars stamped 04:00 and 05:00: the remedy names their zone."""
    days = pd.date_range("2024-01-01", periods=300, freq="D", tz="America/New_York")
    bars = pd.Series(np.arange(300.0), days.tz_convert("UTC").tz_localize(None).tz_localize(zone))
    for rows in (bars, bars[days.day_of_week < 5]):
        with pytest.raises(ValueError, match=r"tz_convert\('America/New_York'\)"):
            NaiveForecaster(2).fit(rows)
    model = NaiveForecaster(2).fit(bars[:60])
    with pytest.raises(ValueError, match=r"tz_convert\('America/New_York'\)"):
        model.update(bars[60:120])  # of which some are in summer
    told = bars.set_axis(days)
    assert NaiveForecaster(2).fit(told).forecast().index[0].hour == 0
