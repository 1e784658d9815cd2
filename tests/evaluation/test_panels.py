"""Panels from a rolling origin, and MASE in units of the history, however it is evaluated."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from helpers import hourly, melted
from sklearn.base import clone

from tsrnn import RNNForecaster, metrics
from tsrnn.baselines import LinearForecaster, NaiveForecaster
from tsrnn.evaluate import backtest, prequential

FORMS = ["columns", "time in the index", "levels"]
QUICK = {"hidden_size": 4, "max_iter": 3, "window_size": 16, "random_state": 0}


def panel_in(form, wide):
    """Rows in one of the forms of a panel, and the parameters of its model."""
    long = melted(wide).sort_values(["time", "id"], ignore_index=True)
    if form == "columns":
        return long, {"id_col": "id", "time_col": "time"}
    if form == "levels":
        return long.set_index(["id", "time"]), {}
    return long.set_index("time"), {"id_col": "id"}


@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_a_backtest_of_a_panel_is_that_of_its_series(form, refit):
    """Kind: panels that an evaluation refused: `backtest` is that of each series.

    Of naive forecasters, series tell each other nothing.
    """
    wide = hourly(60, 3) * [1.0, 10.0, 100.0]
    rows, params = panel_in(form, wide)
    options = {"initial": 40, "step": 6, "refit": refit}
    result = backtest(NaiveForecaster(3, **params), rows, **options)
    alone = backtest(NaiveForecaster(3), wide, **options)
    keys = ["target", "cutoff", "step"]
    found = result.forecasts.drop(columns="target").rename(columns={"id": "target"})
    found = found.sort_values(keys, ignore_index=True)
    expected = alone.forecasts.sort_values(keys, ignore_index=True)
    columns = [*keys, "time", "actual", "forecast"]
    pd.testing.assert_frame_equal(
        found[columns], expected[columns], check_dtype=False, check_index_type=False
    )
    for name in ("MAE", "MASE"):
        assert result.metrics.loc[("all", "all"), name] == pytest.approx(
            alone.metrics.loc[("all", "all"), name]
        )
    assert set(result.model.cutoff_) == {wide.index[57]}


@cache
def evaluated_by_days(form, kind):
    """Evaluations of a panel by day, whose times are of some kind."""
    wide, days = hourly(60, 2), pd.date_range("2024-01-01", periods=60)
    times = {
        "stamps": days,
        "texts": days.strftime("%Y-%m-%d"),
        "dates": pd.Index(days.date, dtype=object),
        "periods": days.to_period("D"),
    }[kind]
    rows, params = panel_in(form, wide.set_axis(times.rename("time")))
    model = NaiveForecaster(2, **params)
    first = rows.iloc[:100]
    results = (
        prequential(model.fit(first), rows[100:]),
        backtest(model, rows, initial=40, step=7),
    )
    return [result.forecasts[["actual", "forecast"]] for result in results]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["texts", "dates", "periods"])
def test_times_of_a_panel_may_be_of_any_kind(form, kind):
    """Kind: times that a panel reads and its evaluation did not: as those of time stamps."""
    evaluated = (evaluated_by_days(form, kind) for kind in ("stamps", kind))
    for expected, found in zip(*evaluated, strict=True):
        assert expected["actual"].notna().any()
        pd.testing.assert_frame_equal(found, expected)


def test_stamps_of_a_panel_are_snapped_as_its_model_does():
    """Kind: clocks that jitter, each series by another length: one stamp, and scored."""
    wide = hourly(60, 2)
    rows = melted(wide).sort_values(["time", "id"], ignore_index=True)
    late = pd.to_timedelta(np.random.default_rng(0).integers(0, 5, len(rows)), unit="s")
    even = {"id_col": "id", "time_col": "time"}
    expected = prequential(NaiveForecaster(2, **even).fit(rows[:80]), rows[80:])
    off = rows.assign(time=rows["time"] + late)
    found = prequential(NaiveForecaster(2, snap="10s", **even).fit(off[:80]), off[80:])
    pd.testing.assert_frame_equal(found.forecasts, expected.forecasts)
    folds = {"initial": 40, "step": 7}
    expected = backtest(NaiveForecaster(2, **even), rows, **folds)
    blank = NaiveForecaster(2, snap="10s", **even)
    for model in (blank, clone(blank).fit(off)):
        found = backtest(model, off, **folds)
        pd.testing.assert_frame_equal(found.forecasts, expected.forecasts)


def test_origins_of_a_panel_are_time_stamps():
    """However many series have a row at each; rows count only in seconds."""
    wide = hourly(60, 2)
    rows, params = panel_in("columns", wide)
    rows = rows[~((rows["id"] == "s1") & (rows["time"] < wide.index[20]))]
    result = backtest(NaiveForecaster(2, **params), rows, initial=40, step=5, folds=3)
    cutoffs = result.forecasts["cutoff"].unique()
    assert cutoffs.tolist() == wide.index[[44, 49, 54]].tolist()
    with pytest.raises(ValueError, match="60 time stamps and initial is 60"):
        backtest(NaiveForecaster(2, **params), rows, initial=60, step=5)


def test_a_backtest_of_a_panel_with_intervals_and_known_inputs():
    wide = hourly(70, 2)
    rows, params = panel_in("columns", wide)
    rows = rows.assign(price=np.arange(len(rows)) % 5)
    model = RNNForecaster(2, target="value", future_cols="price", coverage=0.8, **params, **QUICK)
    calls = []
    result = backtest(model, rows, initial=60, step=4, progress=lambda *done: calls.append(done))
    assert calls == [(1, 3), (2, 3), (3, 3)]
    table = result.forecasts
    assert table["forecast"].notna().all() and len(table) == 3 * 2 * 2
    assert (table["lower_0.8"] <= table["upper_0.8"]).all()
    assert "2 series: 3 origins" in repr(result)


@pytest.mark.parametrize("is_panel", [False, True])
def test_mase_is_the_same_from_prequential_and_backtest(is_panel):
    """Kind: one score in two units, MASE of 1.18 and 0.48: the training part sets the scale."""
    wide = hourly(100, 2) * [1.0, 50.0]
    wide[70:] *= 3.0  # changes in the scored rows are others
    rows, params = panel_in("columns", wide) if is_panel else (wide, {})
    n = 140 if is_panel else 70
    for model in (NaiveForecaster(3, **params), LinearForecaster(3, **params)):
        walked = prequential(model.fit(rows[:n]), rows[n:], learn=False)
        rolled = backtest(model, rows, initial=70, step=1, refit=False)
        pd.testing.assert_frame_equal(walked.metrics, rolled.metrics)
    scale = wide[:70].diff().abs().mean()
    table = walked.forecasts
    scale = table["id" if is_panel else "target"].map(scale)
    expected = metrics.mase(table["actual"], table["forecast"], scale)
    assert walked.metrics.loc[("all", "all"), "MASE"] == pytest.approx(expected)


def test_the_scale_stays_that_of_the_fit():
    rows = hourly(100)
    model = NaiveForecaster().fit(rows[:50])
    scale = model.naive_error_.copy()
    model.partial_fit(rows[50:70] * 9).update(rows[70:80] * 9)
    pd.testing.assert_series_equal(model.naive_error_, scale)


def test_series_that_the_history_lacks_are_left_out_of_mase():
    wide = hourly(60, 2)
    rows, params = panel_in("columns", wide)
    old = rows[(rows["id"] == "s0") & (rows["time"] < wide.index[50])]
    new = rows[rows["time"] >= wide.index[50]]
    metrics_of_all = prequential(NaiveForecaster(**params).fit(old), new).metrics
    known = prequential(NaiveForecaster(**params).fit(old), new[new["id"] == "s0"]).metrics
    at = ("all", "all")
    assert metrics_of_all.loc[at, "MASE"] == pytest.approx(known.loc[at, "MASE"])
    assert metrics_of_all.loc[at, "MAE"] != known.loc[at, "MAE"]
