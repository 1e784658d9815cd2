"""river's forecaster and regressor: river's own checks, and the numbers of the estimator itself."""

import copy
import doctest
import pickle

import numpy as np
import pandas as pd
import pytest
from helpers import hourly

pytest.importorskip("river")

from river import compat, evaluate, metrics
from river.checks import yield_checks

import tsrnn.integrations.river as module
from tsrnn import RNNForecaster, RNNRegressor
from tsrnn.integrations.river import RiverForecaster, RiverRegressor

SMALL = {"hidden_size": 4, "max_iter": 3, "random_state": 0}


def run_checks(model):
    """Run river's checks, return how many there were and how many the model asks to skip."""
    skipped, checks = model._unit_test_skips(), list(yield_checks(model))
    for check in checks:
        if check.__name__ not in skipped:
            check(model.clone())
    return len(checks), len(skipped)


def sales(n_rows=150):
    """Return rows with a price that is known ahead, and one past input."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"price": rng.integers(1, 4, n_rows), "visits": rng.normal(size=n_rows)})
    frame["sold"] = 20.0 - 5 * frame["price"] + rng.normal(size=n_rows)
    return frame.set_index(pd.date_range("2024", periods=n_rows, freq="h"))


@pytest.mark.parametrize("params", [*RiverForecaster._unit_test_params()])
def test_checks_of_forecasters(params):
    assert run_checks(RiverForecaster(**params)) == (16, 0)


@pytest.mark.slow
@pytest.mark.parametrize("params", [*RiverRegressor._unit_test_params()])
def test_checks_of_regressors(params):
    n_checks, n_skipped = run_checks(RiverRegressor(**params))
    assert (n_checks, n_skipped) == (25, 3)


def test_docstrings_are_true():
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("time", ["stamp", None])
def test_a_stream_is_the_one_of_the_estimator(time):
    series = hourly(150).iloc[:, 0]
    series.iloc[[20, 130]] = np.nan
    model = RiverForecaster(RNNForecaster(3, **SMALL), warm_up=100, time=time)
    for stamp, value in series.items():
        value = None if np.isnan(value) else value
        model.learn_one(value, None if time is None else {time: stamp})
    rows = series if time else series.reset_index(drop=True)
    expected = RNNForecaster(3, **SMALL).fit(rows[:100]).partial_fit(rows[100:])
    assert model.forecast(2) == expected.forecast(2).iloc[:, 0].tolist()
    assert model.fitted_model.cutoff_ == expected.cutoff_


@pytest.mark.parametrize("timed", [True, False])
def test_features_are_known_ahead_or_past_as_the_model_says(timed):
    rows = sales()
    parts = RNNForecaster(3, future_cols="price", **SMALL)
    model = RiverForecaster(parts, warm_up=100, time="stamp" if timed else None)
    dicts = rows.drop(columns="sold").to_dict("records")
    if timed:
        dicts = [{"stamp": stamp, **x} for stamp, x in zip(rows.index, dicts, strict=True)]
    for y, x in zip(rows["sold"][:140], dicts[:140], strict=True):
        model.learn_one(y, x)
    frame = rows if timed else rows.reset_index(drop=True)
    X, y = frame[["price", "visits"]], frame["sold"]
    expected = RNNForecaster(3, future_cols="price", **SMALL)
    expected.fit(X[:100], y[:100]).partial_fit(X[100:140], y[100:140])
    ahead = expected.forecast(3, X[["price"]][140:143])["sold"].tolist()
    assert model.forecast(3, dicts[140:143]) == ahead
    with pytest.raises(ValueError, match="X_future"):
        model.forecast(3)
    with pytest.raises(ValueError, match="found xs of 2 rows, expected horizon=3"):
        model.forecast(3, dicts[140:142])
    with pytest.raises(ValueError, match="price"):
        model.forecast(1, [{"stamp": rows.index[140], "visits": 1.0}])


def test_a_regressor_is_the_one_of_the_estimator():
    rows = sales()
    X, y = rows[["price", "visits"]].reset_index(drop=True), rows["sold"].reset_index(drop=True)
    model = RiverRegressor(RNNRegressor(**SMALL), warm_up=100)
    dicts = X.to_dict("records")
    for x, target in zip(dicts[:140], y[:140], strict=True):
        model.learn_one(dict(reversed(x.items())), target)  # in any order
    expected = RNNRegressor(**SMALL).fit(X[:100], y[:100]).partial_fit(X[100:140], y[100:140])
    assert model.predict_one(dicts[140]) == expected.predict(X[140:141])[0]


def test_the_warm_up_forecasts_zero():
    forecaster = RiverForecaster(RNNForecaster(2, **SMALL), warm_up=50)
    regressor = RiverRegressor(RNNRegressor(**SMALL), warm_up=50)
    for row in range(49):
        assert forecaster.forecast(2) == [0.0, 0.0]
        assert regressor.predict_one({"x": 1.0}) == 0.0
        forecaster.learn_one(np.sin(row))
        regressor.learn_one({"x": np.sin(row)}, row)
    assert forecaster.fitted_model is None
    forecaster.learn_one(1.0)
    assert forecaster.forecast(1) != [0.0]


@pytest.mark.parametrize("n_rows", [10, 60])
def test_keys_that_change_are_told_of_and_change_nothing(n_rows):
    forecaster = RiverForecaster(RNNForecaster(2, **SMALL), warm_up=50)
    regressor = RiverRegressor(RNNRegressor(**SMALL), warm_up=50)
    for row in range(n_rows):
        forecaster.learn_one(np.sin(row), {"a": 1.0 * row, "b": 2.0})
        regressor.learn_one({"a": 1.0 * row, "b": 2.0}, row)
    before = pickle.dumps((forecaster, regressor))
    message = r"without the keys \['b'\] and with the new keys \['c'\], expected \['a', 'b'\]"
    with pytest.raises(ValueError, match=message):
        forecaster.learn_one(1.0, {"a": 1.0, "c": 1.0})
    with pytest.raises(ValueError, match=message):
        regressor.learn_one({"a": 1.0, "c": 1.0}, 1.0)
    with pytest.raises(ValueError, match=message):
        regressor.predict_one({"a": 1.0, "c": 1.0})
    with pytest.raises(ValueError, match="could not convert"):
        forecaster.learn_one("many", {"a": 1.0, "b": 1.0})
    assert pickle.dumps((forecaster, regressor)) == before


def test_a_row_without_its_time_stamp_is_told_of():
    model = RiverForecaster(RNNForecaster(**SMALL), time="stamp")
    with pytest.raises(ValueError, match="expected the time stamp 'stamp'"):
        model.learn_one(1.0, {"x": 1.0})


def test_a_panel_is_refused():
    with pytest.raises(ValueError, match="id_col='shop', expected one of a single stream"):
        RiverForecaster(RNNForecaster(id_col="shop"))


def test_copies_go_on_by_themselves_and_clones_start_anew():
    series = hourly(120).iloc[:, 0].tolist()
    model = RiverForecaster(RNNForecaster(2, **SMALL), warm_up=100)
    for value in series[:110]:
        model.learn_one(value)
    forecast, copied = model.forecast(2), copy.deepcopy(model)
    copied.learn_one(series[110])
    assert model.forecast(2) == forecast != copied.forecast(2)
    assert model.clone().fitted_model is None
    assert not hasattr(model.model, "cutoff_")


def test_river_evaluates_it():
    rows = [({}, value) for value in hourly(160).iloc[:, 0].tolist()]
    model = RiverForecaster(RNNForecaster(3, **SMALL), warm_up=100)
    scored = evaluate.evaluate(rows, model, metrics.MAE(), horizon=3)
    assert np.isfinite(scored.get()).all()


def test_river_converts_a_regressor_itself():
    model = compat.convert_sklearn_to_river(RNNRegressor(**SMALL))
    assert model.predict_one({"x": 1.0}) == 0
    for row in range(60):
        model.learn_one({"x": float(row % 5)}, 2.0 * (row % 5))
    assert abs(model.predict_one({"x": 0.0})) < 1.0
