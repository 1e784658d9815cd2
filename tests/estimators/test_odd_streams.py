"""What a stream may come to, each with the figure seen (issue 18, "also to try")."""

import os
import time

import numpy as np
import pandas as pd
import pytest
from helpers import hourly, melted

import tsrnn
from tsrnn import RNNForecaster
from tsrnn.baselines import LinearForecaster
from tsrnn.evaluate import backtest

SMALL = {"hidden_size": 4, "max_iter": 3, "random_state": 0}
PANEL = {"id_col": "id", "time_col": "time", "target": "value"}


def panel_of(rows):
    return melted(rows).sort_values("time", kind="stable")


@pytest.mark.parametrize("n_missing", [1, 48])
def test_a_history_that_begins_with_missing_values(n_missing):
    """Left out: as if it began with its first value. Before, 1.11 to 1.15 times the error."""
    rows = hourly(400)
    late = rows.copy()
    late.iloc[:n_missing] = np.nan
    expected = RNNForecaster(3, **SMALL).fit(rows[n_missing:]).forecast()
    pd.testing.assert_frame_equal(RNNForecaster(3, **SMALL).fit(late).forecast(), expected)


def test_a_series_of_a_panel_that_begins_with_missing_values():
    """Rows before the first value of a series: as if it began there."""
    rows = panel_of(hourly(120, 3))
    late = rows.copy()
    first = rows["time"].min() + pd.Timedelta("20h")
    late.loc[(late["id"] == "s1") & (late["time"] < first), "value"] = np.nan
    without = late.dropna()
    found, expected = (
        LinearForecaster(3, **PANEL).fit(frame).forecast().set_index(["id", "time"]).sort_index()
        for frame in (late, without)
    )
    pd.testing.assert_frame_equal(found, expected)


@pytest.mark.parametrize("how", ["update", "partial_fit"])
def test_a_random_walk_is_followed_to_its_newest_row(how):
    """First step and newest row differ by 0.08 of a change on the average; after a NaN, 0.09."""
    rng = np.random.default_rng(0)
    index = pd.date_range("2024", periods=840, freq="h")
    walk = pd.DataFrame({"v": 100 + rng.normal(size=840).cumsum()}, index)
    model, found = RNNForecaster(5, **SMALL).fit(walk[:800]), []
    for row in range(800, 840):
        now = walk[row : row + 1]
        newest = walk["v"].iloc[row - row % 2]
        getattr(model, how)(now if row % 2 == 0 else now * np.nan)
        found.append(model.forecast()["v"].iloc[0] - newest)
    assert np.abs(found).mean() < 0.3


def test_the_time_zone_of_the_process_does_not_matter(monkeypatch):
    """``TZ`` changed between fit and stream: rows have a zone of their own; the same file."""
    rows = hourly(120, tz="Europe/Rome")
    model = LinearForecaster(3).fit(rows[:100])
    saved = tsrnn.dumps(model)
    try:
        monkeypatch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        elsewhere = tsrnn.loads(saved).partial_fit(rows[100:])
    finally:
        monkeypatch.undo()
        time.tzset()
    assert tsrnn.dumps(elsewhere) == tsrnn.dumps(model.partial_fit(rows[100:]))


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system sets no affinity")
def test_all_jobs_of_one_cpu():
    """``n_jobs=-1`` where one CPU is allowed."""
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        result = backtest(LinearForecaster(3), hourly(120), initial=80, step=20, n_jobs=-1)
    finally:
        os.sched_setaffinity(0, allowed)
    assert np.isfinite(result.forecasts["forecast"]).all()


def test_frames_may_be_written_to_after_a_call():
    """Frames that go in and come out: nothing of them is kept, to the byte."""
    rows = hourly(120)
    given, model = rows[:100].copy(), LinearForecaster(3)
    model.fit(given)
    saved = tsrnn.dumps(model)
    given.iloc[:] = 1e9
    ahead = model.forecast()
    ahead.iloc[:] = 1e9
    model.predict(rows[100:])[:] = 1e9
    assert tsrnn.dumps(model) == saved
    new, alone = rows[100:].copy(), tsrnn.loads(saved).partial_fit(rows[100:])
    model.partial_fit(new)
    new.iloc[:] = -1e9
    assert tsrnn.dumps(model) == tsrnn.dumps(alone)


def test_statics_that_are_missing():
    """Numbers and categories that a series lacks, at fit and of a new one."""
    rows = panel_of(hourly(90, 3))
    rows["size"] = rows["id"].map({"s0": 1.0, "s1": np.nan, "s2": 3.0})
    rows["kind"] = rows["id"].map({"s0": "x", "s1": None, "s2": "y"})
    model = RNNForecaster(3, static_cols=["size", "kind"], **PANEL, **SMALL).fit(rows[:240])
    model.partial_fit(rows[240:])
    new = {"time": rows["time"].max() + pd.Timedelta("1h"), "id": "new", "value": 10.0}
    model.partial_fit(pd.DataFrame([{**new, "size": np.nan, "kind": None}]))
    assert np.isfinite(model.forecast()["value"]).all()


@pytest.mark.parametrize("kind", ["stream", "panel"])
def test_a_month_is_filled_under_max_gap(kind):
    """A gap of a month: the error of the day after is that of noise."""
    rows = hourly(24 * 46, 1 if kind == "stream" else 3)
    model, form = LinearForecaster(24), lambda frame: frame
    if kind == "panel":
        model, form = RNNForecaster(24, **PANEL, **SMALL), panel_of
    model.fit(form(rows[: 24 * 12]))
    ahead = model.partial_fit(form(rows[24 * 42 : 24 * 43])).forecast()
    ahead = ahead["value"].to_numpy().reshape(3, 24).T if kind == "panel" else ahead.to_numpy()
    assert np.abs(ahead - rows[24 * 43 : 24 * 44].to_numpy()).mean() < 2.0


@pytest.mark.slow
def test_ten_thousand_new_ids_at_once():
    """Very many new series at once: 1.3 s for the rows, 0.2 s for their forecasts."""
    rows = panel_of(hourly(120, 3))
    model = RNNForecaster(3, **PANEL, **SMALL).fit(rows)
    new = pd.DataFrame({"id": [f"n{i}" for i in range(10_000)], "value": np.arange(10_000.0)})
    model.partial_fit(new.assign(time=rows["time"].max() + pd.Timedelta("1h")))
    ahead = model.forecast()
    assert len(ahead) == 3 * 10_003
    assert np.isfinite(ahead["value"]).all()


@pytest.mark.slow
def test_two_thousand_targets():
    """Very many columns, each a target: 7 s for the fit, 0.1 s a row."""
    rows = hourly(80, 2_000)
    model = RNNForecaster(2, hidden_size=3, max_iter=1, random_state=0).fit(rows[:79])
    assert np.isfinite(model.partial_fit(rows[79:]).forecast().to_numpy()).all()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["walk", "white"])
def test_widths_of_intervals(kind):
    """Widths that grow as the uncertainty does: as the square root of the step, or flat.

    Within 6 and 2 % of the true ones.
    """
    noise = np.random.default_rng(1).normal(size=6_000)
    values = noise.cumsum() if kind == "walk" else noise
    rows = pd.DataFrame({"v": values}, pd.date_range("2024", periods=6_000, freq="h"))
    model = RNNForecaster(12, coverage=0.9, lower=None, season=None, **SMALL).fit(rows[:3_000])
    widths = []
    for start in range(3_000, 6_000, 100):
        ahead = model.partial_fit(rows[start : start + 100]).forecast()
        widths.append((ahead["v_upper_0.9"] - ahead["v_lower_0.9"]).to_numpy())
    steps = np.arange(1, 13)
    true = 2 * 1.645 * (np.sqrt(steps) if kind == "walk" else np.ones(12))
    np.testing.assert_allclose(np.mean(widths, axis=0), true, rtol=0.15)
