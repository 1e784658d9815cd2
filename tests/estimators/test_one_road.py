"""One stream and a panel go one road: the same rows, refused or taken, and the same answers."""

import copy

import numpy as np
import pandas as pd
import pytest
from helpers import content, hourly

from tsrnn import RNNForecaster, RNNRegressor
from tsrnn.baselines import LinearForecaster, NaiveForecaster, SeasonalNaiveForecaster

BASELINES = [NaiveForecaster, SeasonalNaiveForecaster, LinearForecaster]
KINDS = ["stream", "panel"]


def as_kind(kind, rows):
    """Return rows of one series as they are, or as a panel of one series."""
    if kind == "stream":
        return rows
    index = pd.MultiIndex.from_arrays([["a"] * len(rows), rows.index], names=["id", "time"])
    return rows.set_axis(index)


def fitted(kind, rows, make=LinearForecaster, **params):
    return make(3, **params).fit(as_kind(kind, rows))


@pytest.mark.parametrize("freq", ["h", "B", "MS"])
@pytest.mark.parametrize("tz", [None, "Europe/Berlin"])
@pytest.mark.parametrize("make", BASELINES[:2])
def test_a_panel_of_one_series_forecasts_as_one_stream(make, freq, tz):
    rows = hourly(110)
    rows.index = pd.date_range("2000-03-01", periods=110, freq=freq, tz=tz, name="time")
    rows = rows.drop(rows.index[[30, 75, 90]])
    stream, panel = (fitted(kind, rows[:60], make, freq=freq) for kind in KINDS)
    np.testing.assert_allclose(
        stream.predict(rows[60:]), panel.predict(as_kind("panel", rows[60:])), rtol=1e-12
    )
    for model, kind in ((stream, "stream"), (panel, "panel")):
        model.update(as_kind(kind, rows[60:]))
    pd.testing.assert_frame_equal(
        stream.forecast(), panel.forecast().droplevel("id"), check_freq=False, rtol=1e-12
    )
    assert panel.cutoff_["a"] == stream.cutoff_
    assert panel.future_index().get_level_values("time").equals(stream.future_index())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gap", ["fill", "reset"])
def test_late_rows_gaps_and_restarts_are_alike(kind, gap):
    rows = hourly(300)
    model = fitted(kind, rows[:200], gap=gap, max_gap=5)
    before = content(model._state)
    with pytest.raises(ValueError, match=r"3 rows not newer than the cutoff .*late='drop'"):
        model.update(as_kind(kind, rows[197:210]))
    with pytest.raises(ValueError, match=r"gap of 6 missing rows.*at most 5.*reset_state"):
        model.update(as_kind(kind, rows[206:210]))
    with pytest.raises(ValueError, match="1 rows that are doubled"):
        model.update(as_kind(kind, rows.iloc[[200, 200]]))
    with pytest.raises(ValueError, match="out of time order"):
        model.update(as_kind(kind, rows.iloc[[201, 200]]))
    assert content(model._state) == before
    dropping = fitted(kind, rows[:200], late="drop").update(as_kind(kind, rows[190:210]))
    assert dropping.n_late_ == 10
    model.reset_state()
    for call in (model.forecast, model.future_index):
        with pytest.raises(ValueError, match="no row since reset_state"):
            call()
    assert model.update(as_kind(kind, rows[250:253])).forecast().shape[0] == 3


@pytest.mark.parametrize("freq", ["h", "MS", "B"])
def test_rows_of_before_the_history_may_come_after_a_reset(freq):
    rows = hourly(200)
    rows.index = pd.date_range("2000-03-01", periods=200, freq=freq)
    model = LinearForecaster(3).fit(rows[100:])
    assert model.predict(rows[:90]).shape == (90, 3)
    model.reset_state().update(rows[:60])
    assert model.cutoff_ == rows.index[59]
    pd.testing.assert_index_equal(model.forecast().index, rows.index[60:63]._with_freq(None))


def test_a_target_without_a_known_value_gets_its_unit_from_the_first():
    rows = hourly(260, n_columns=2)
    rows.iloc[:220, 1] = np.nan
    model = RNNForecaster(2, hidden_size=4, max_iter=3, random_state=0)
    with pytest.warns(UserWarning, match="no known value of the targets"):
        model.fit(rows[:200])
    assert model.forecast().iloc[:, 1].isna().all()
    parts = copy.deepcopy(model)
    model.partial_fit(rows[200:])
    for row in range(200, 260):
        parts.partial_fit(rows[row : row + 1])
    assert content(parts._state) == content(model._state)
    assert np.abs(model.forecast() - rows[200:].mean()).iloc[:, 1].max() < 50


def test_streams_have_nothing_to_forget():
    model = fitted("stream", hourly(100))
    for ids in (None, "a"):
        with pytest.raises(ValueError, match="without ids"):
            model.forget(ids)
    X = hourly(100, n_columns=2)
    regressor = RNNRegressor(hidden_size=4, max_iter=3)
    with pytest.raises(ValueError, match="without ids"):
        regressor.fit(X[["s0"]], X["s1"], ids=["a"] * 100)


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_a_regressor_asks_for_the_order_of_its_rows_alone(zone):
    X = hourly(200, n_columns=2)
    rng = np.random.default_rng(0)
    X.index = pd.Timestamp("2024", tz=zone) + pd.to_timedelta(rng.uniform(1, 9, 200).cumsum(), "h")
    model = RNNRegressor(hidden_size=4, max_iter=3, random_state=0)
    model.fit(X[["s0"]][:150], X["s1"][:150])
    assert model.cutoff_ == X.index[149]
    with pytest.raises(ValueError, match="found 1 rows not newer than the cutoff"):
        model.update(X[["s0"]][149:])
    model.update(X[["s0"]][150:180])
    assert model.cutoff_ == X.index[179]
    assert model.reset_state().cutoff_ is None
    model.partial_fit(X[["s0"]][:9], X["s1"][:9])
    assert model.cutoff_ == X.index[8]
