"""Sensors of a panel that are stuck: what they repeat is missing, in any split of the rows."""

import copy

import numpy as np
import pandas as pd
import pytest
from helpers import content, hourly
from helpers.internals import learner_of

import tsrnn
from tsrnn import RNNForecaster
from tsrnn.online.panel_stuck import StuckSensors

PANEL = {"id_col": "id", "time_col": "time", "target": "y"}
SMALL = {"hidden_size": 4, "max_iter": 3, "random_state": 0, "dtype": np.float64}
N_FIT, FIRST, LAST = 200, 206, 250


def long_of(wide):
    rows = wide.rename_axis("time").melt(ignore_index=False, var_name="id", value_name="y")
    return rows.reset_index().sort_values(["time", "id"], kind="stable")


def stamps(wide, first, last):
    return long_of(wide[first:last])


@pytest.fixture(scope="module")
def model():
    return RNNForecaster(3, **PANEL, **SMALL).fit(long_of(hourly(N_FIT, 3)))


def rows_with(value):
    """Return rows of which one series holds a value for a while, and the same without them.

    In place of the first of these stands the value; the next is missing, as the row before it was.
    """
    stuck = hourly(280, 3)
    stuck.iloc[FIRST:LAST, 1] = stuck.iloc[FIRST, 1] if value == "same" else value
    missing = stuck.copy()
    missing.iloc[FIRST + 1 : LAST, 1] = np.nan
    return stuck, missing


@pytest.mark.parametrize("how", ["partial_fit", "update"])
def test_what_is_repeated_is_missing(model, how):
    """And what is carried on from is the value before the run, wherever the sensor stopped."""
    for value in ("same", -3.0):
        stuck, missing = rows_with(value)
        found, expected = (
            getattr(copy.deepcopy(model), how)(stamps(wide, N_FIT, LAST - 1))
            for wide in (stuck, missing)
        )
        windows = [learner_of(one).memory.window for one in (found, expected)]
        np.testing.assert_array_equal(*(window.targets.array for window in windows))
        newest = windows[0].newest.read(learner_of(found).clock, slice(None))
        unit = found._state.scaling
        before = newest[0, 1] * unit.scale[0, 1] + unit.mean[0, 1]
        np.testing.assert_allclose(before, stuck.iloc[FIRST - 1, 1], rtol=1e-9)
        getattr(found, how)(stamps(stuck, LAST - 1, LAST + 1))
        assert found._state.watch.length.tolist() == [[1, 1, 1]]


def test_levels_of_missing_rows_go_on_as_the_profile_does():
    """Rows by rows, in the middle of a pattern: those of a stuck sensor, and those missing.

    Held against the pattern itself; of a random walk they stay where they were.
    """
    t = np.arange(24 * 20)
    rng = np.random.default_rng(0)
    day = 5 * np.sin(t * np.pi / 12) + 2 * np.cos(t * np.pi / 6)
    values = {"day": 20 + day + 0.1 * rng.normal(size=len(t)), "walk": rng.normal(size=len(t))}
    wide = pd.DataFrame(values, pd.date_range("2024", periods=len(t), freq="h"))
    wide["walk"] = wide["walk"].cumsum()
    wide = wide.assign(stuck=wide["day"] + 3 * np.roll(day, 5), like=wide["day"])
    first, last = 24 * 16 + 7, 24 * 18 + 3
    broken = wide.copy()
    broken.iloc[first:last, [0, 1]] = np.nan
    broken.loc[broken.index[first:last], "stuck"] = 20.0
    model = RNNForecaster(2, **PANEL, **SMALL).fit(stamps(wide, 0, 24 * 15))
    model.partial_fit(stamps(broken, 24 * 15, last))
    window, unit = learner_of(model).memory.window, model._state.scaling
    clock = learner_of(model).clock
    rows = np.arange(clock - (last - first) + 1, clock + 1)
    levels = window.levels.read(rows, slice(None))[:, 0] * unit.scale[0] + unit.mean[0]
    found = pd.DataFrame(levels, wide.index[first:last], model._state.ids)
    assert np.abs(found["day"] - wide["day"][first:last]).max() < 1.0
    assert np.abs(found["stuck"] - wide["stuck"][first:last])[1:].max() < 2.0
    assert np.abs(found["walk"] - wide["walk"].iloc[first - 1]).max() < 1.0
    assert (found["like"] == wide["like"][first:last]).all()


def test_a_run_that_starts_anew_has_agreed_with_no_profile_yet(model):
    def agreement(model):
        learner = learner_of(model)
        return learner.memory.window.agreement.read(learner.clock, slice(None))

    assert (agreement(model)[..., 1] > 0).all()
    again = copy.deepcopy(model).reset_state(["s1"])
    again.partial_fit(stamps(hourly(N_FIT + 1, 3), N_FIT, N_FIT + 1))
    found = agreement(again)
    assert (found[:, 1] == 0).all()
    assert (found[:, [0, 2], 1] > 0).all()


def test_rows_and_kills_make_no_difference(model, tmp_path):
    stuck, _ = rows_with(0.0)
    new = stamps(stuck, N_FIT, 270)
    predicted, before = model.predict(new).reshape(-1, 3, 3), content(model)
    at_once, by_stamp = copy.deepcopy(model).partial_fit(new), copy.deepcopy(model)
    updated = copy.deepcopy(model)
    assert content(model) == before
    for row in range(N_FIT, 270):
        now = stamps(stuck, row, row + 1)
        by_stamp.partial_fit(now)
        if row in (FIRST, FIRST + 1, FIRST + 2, LAST - 1, LAST):
            by_stamp.save(tmp_path / "model")
            by_stamp = tsrnn.load(tmp_path / "model")
        if row % 9 == 0:
            found = updated.update(now).forecast()["y"].to_numpy().reshape(3, 3)
            np.testing.assert_allclose(found, predicted[row - N_FIT], rtol=1e-9)
        else:
            updated.update(now)
    assert content(by_stamp._state.watch) == content(at_once._state.watch)
    expected = at_once.forecast(coverage=0.9)
    pd.testing.assert_frame_equal(by_stamp.forecast(coverage=0.9), expected, rtol=1e-9)


def test_limits_are_those_of_each_series():
    """Counts that always repeat are believed as of one stream, and so are series not known yet."""
    wide = hourly(100, 4)
    wide["s3"] = np.where(np.arange(100) % 20 < 15, 0.0, 5.0)
    wide.iloc[40:43, 2] = 1.0
    rows = long_of(wide)
    young = rows[(rows["id"] == "s0") & (rows["time"] >= wide.index[60])].assign(id="s4")
    model = RNNForecaster(3, **PANEL, **SMALL).fit(pd.concat([rows, young]))
    watch = model._state.watch
    assert watch.limit.tolist() == [[1, 1, 3, 45, 24]]
    assert watch.typical.tolist() == [24]
    new = stamps(wide, 90, 100).query("id == 's0'").assign(id="new")
    model.partial_fit(new.assign(time=new["time"] + pd.Timedelta("10h")))
    assert model._state.watch.limit.tolist() == [[1, 1, 3, 45, 24, 24]]
    assert model._state.watch.length[0].tolist() == [1, 1, 1, 5, 1, 1]
    model.reset_state("s3")
    assert model._state.watch.length[0].tolist() == [1, 1, 1, 0, 1, 1]
    assert model.forget(["s0", "s1"])._state.watch.limit.tolist() == [[3, 45, 24, 24]]


@pytest.mark.slow
def test_a_value_that_stays_is_how_things_are():
    wide = hourly(420, 2)
    wide.iloc[220:, 0] = 4.0
    model = RNNForecaster(3, max_gap=48, **PANEL, **SMALL).fit(stamps(wide, 0, N_FIT))
    model.partial_fit(stamps(wide, N_FIT, 420))
    assert np.abs(model.forecast(ids="s0")["y"] - 4.0).max() < 0.5


def test_runs_are_those_of_a_plain_loop():
    rng = np.random.default_rng(0)
    series = np.sort(rng.integers(0, 5, 600))
    targets = rng.integers(0, 8, (600, 2)).astype(float)
    targets[rng.random((600, 2)) < 0.1] = np.nan
    watch = StuckSensors.of(targets, series, np.ones((2, 6)), 48)
    for place in range(6):
        for target in range(2):
            values = targets[series == place, target]
            values, longest, length, before = values[np.isfinite(values)], 0, 0, np.nan
            for row, value in enumerate(values):
                again = row > 0 and value == values[row - 1]
                before = before if again or not row else values[row - 1]
                length = length + 1 if again else 1
                longest = max(longest, length)
            expected = [length, before] if place < 5 else [0, np.nan]
            found = watch.length[target, place], watch.before[target, place]
            np.testing.assert_array_equal(found, expected)
            if place < 5:
                hardly = longest <= 4 and len(values) >= 100
                expected = longest if hardly else max(24, 3 * longest)
                assert watch.limit[target, place] == expected


@pytest.mark.slow
def test_the_week_after_a_dead_sensor_is_as_without(tmp_path):
    """Issue 18: exactly 0 for a week, then the pattern again, with a kill in the middle.

    Errors a day ahead of the week after, relative to a run without it; 1.7 to 3.4 where nothing
    watches. Each series has a daily pattern of its own, which the pooled readouts know by the lags
    alone: 1.1 to 1.6 where missing rows stay at the value before.
    """
    n_fit, dead, end = 24 * 38, 24 * 38, 24 * 45
    t = np.arange(24 * 53)
    wide = {}
    for number in range(4):
        noise = np.random.default_rng(10 + number).normal(size=len(t))
        for row in range(1, len(t)):
            noise[row] += 0.8 * noise[row - 1]
        day = np.sin(number + t * np.pi / 12) + 0.5 * np.sin(5 * number + t * np.pi / 6)
        wide[f"s{number}"] = 10 + 8 * day + 3 * np.sin(t * np.pi / 84) + noise
    wide = pd.DataFrame(wide, pd.date_range("2024", periods=len(t), freq="h"))
    broken = wide.copy()
    broken.iloc[dead:end, 0] = 0.0
    model = RNNForecaster(24, **{**PANEL, **SMALL, "max_iter": 5}).fit(stamps(wide, 0, n_fit))
    errors = []
    for rows in (wide, broken):
        later = copy.deepcopy(model).partial_fit(stamps(rows, dead, end - 70))
        later.save(tmp_path / "model")
        later = tsrnn.load(tmp_path / "model").partial_fit(stamps(rows, end - 70, end))
        found = []
        for day in range(end, end + 7 * 24, 24):
            now = stamps(rows, day, day + 24)
            ahead = later.predict(now)[now["id"] == "s0"]
            actual = np.lib.stride_tricks.sliding_window_view(wide["s0"].iloc[day + 1 :], 24)[:24]
            found.append(np.abs(ahead - actual).mean())
            later.partial_fit(now)
        errors.append(np.mean(found))
    assert errors[1] < 1.1 * errors[0]
