"""Intervals, quantiles, the weights of the experts and the drift log, as a user sees them."""

import copy

import numpy as np
import pandas as pd
import pytest
from helpers import content, hourly

from tsrnn import RNNForecaster
from tsrnn.baselines import LinearForecaster, NaiveForecaster, SeasonalNaiveForecaster
from tsrnn.evaluate import backtest, prequential
from tsrnn.metrics import coverage, mean_width, winkler

EVERY = {
    "rnn": lambda **p: RNNForecaster(
        3, hidden_size=6, max_iter=5, window_size=16, random_state=0, **p
    ),
    "linear": lambda **p: LinearForecaster(3, **p),
    "naive": lambda **p: NaiveForecaster(3, **p),
    "seasonal naive": lambda **p: SeasonalNaiveForecaster(3, **p),
}


@pytest.fixture(params=EVERY)
def make(request):
    return EVERY[request.param]


def test_intervals_and_quantiles_come_behind_the_targets(make):
    model = make().fit(hourly(400, n_columns=2))
    plain, before = model.forecast(), content(vars(model))
    full = model.forecast(coverage=[0.5, 0.9], quantiles=[0.1])
    bands = ["lower_0.5", "upper_0.5", "lower_0.9", "upper_0.9", "quantile_0.1"]
    names = [f"{target}_{band}" for target in ("s0", "s1") for band in bands]
    assert list(full.columns) == ["s0", "s1", *names]
    pd.testing.assert_frame_equal(full[["s0", "s1"]], plain, check_exact=True)
    assert np.isfinite(full).all(axis=None)
    for target in ("s0", "s1"):
        order = ["lower_0.9", "lower_0.5", None, "upper_0.5", "upper_0.9"]
        columns = [target if band is None else f"{target}_{band}" for band in order]
        assert (np.diff(full[columns], axis=1) >= 0).all()
        assert (full[f"{target}_quantile_0.1"] > full[f"{target}_lower_0.9"]).all()
        assert (full[f"{target}_quantile_0.1"] < full[f"{target}_upper_0.9"]).all()
    two = model.forecast(2, coverage=0.9)
    pd.testing.assert_frame_equal(two, full[two.columns][:2], check_exact=True)
    assert content(vars(model)) == before


def test_coverage_is_a_parameter_and_says_what_it_expects():
    series = hourly(300)
    model = EVERY["rnn"](coverage=0.8).fit(series)
    assert list(model.forecast().columns) == ["s0", "s0_lower_0.8", "s0_upper_0.8"]
    assert list(model.forecast(coverage=0.5).columns) == ["s0", "s0_lower_0.5", "s0_upper_0.5"]
    assert model.predict(series).shape == (300, 3)
    for wrong in (0.0, 1.0, 90, [0.5, 1.5], "most"):
        with pytest.raises(ValueError, match="between 0 and 1"):
            model.forecast(coverage=wrong)
    with pytest.raises(ValueError, match="between 0 and 1"):
        model.forecast(quantiles=[0.0])
    with pytest.raises(ValueError, match="between 0 and 1"):
        EVERY["rnn"](coverage=90).fit(series)


def test_bounds_hold_for_intervals_too():
    model = RNNForecaster(3, lower=9.0, upper=11.0, hidden_size=6, max_iter=5, random_state=0).fit(
        hourly(300)
    )
    forecast = model.forecast(coverage=0.99)
    assert forecast.min(axis=None) >= 9.0
    assert forecast.max(axis=None) <= 11.0


@pytest.mark.parametrize("learn", ["partial_fit", "update"])
def test_any_split_gives_the_same_intervals_and_weights(make, learn):
    series = hourly(440)
    series[350:380] = np.nan
    whole = make().fit(series[:300])
    parts = copy.deepcopy(whole)
    getattr(whole, learn)(series[300:])
    for row in range(300, 440):
        getattr(parts, learn)(series[row : row + 1])
    pd.testing.assert_frame_equal(
        whole.forecast(coverage=0.9), parts.forecast(coverage=0.9), check_exact=True
    )
    assert content(vars(whole)) == content(vars(parts))


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    [
        "linear",
        "naive",
        *(pytest.param(k, marks=pytest.mark.slow) for k in ("rnn", "seasonal naive")),
    ],
)
def test_intervals_cover_their_share_of_what_follows(kind):
    series = hourly(4000)
    result = prequential(
        EVERY[kind]().fit(series[:1000]), series[1000:], coverage=[0.5, 0.9], chunk=3
    )
    overall = result.metrics.loc["all", "all"]
    assert overall["coverage_0.9"] == pytest.approx(0.9, abs=0.015)
    assert overall["coverage_0.5"] == pytest.approx(0.5, abs=0.03)


def test_what_comes_never_reaches_an_interval_issued_before(make):
    series = hourly(420)
    model = make().fit(series[:400])
    changed = series.copy()
    changed.iloc[410:] = 1e3
    for rows in (series, changed):
        result = prequential(model, rows[400:], coverage=0.9).forecasts
        early = result[result["cutoff"] <= series.index[409]]
        early = early.drop(columns=["actual", "p_value"]).reset_index(drop=True)
        if rows is series:
            expected = early
    pd.testing.assert_frame_equal(early, expected, check_exact=True)


def test_prequential_scores_intervals_as_the_metrics_do():
    series = hourly(500, n_columns=2)
    series.iloc[450, 0] = np.nan
    model = LinearForecaster(3, lags=4).fit(series[:400])
    result = prequential(model, series[400:], coverage=[0.5, 0.9])
    table = result.forecasts
    for name, part in [("s0", table[table["target"] == "s0"]), ("all", table)]:
        scores = result.metrics.loc[name, "all"]
        part = part[part["actual"].notna()]
        bounds = part["lower_0.9"], part["upper_0.9"]
        assert scores["coverage_0.9"] == pytest.approx(coverage(part["actual"], *bounds))
        assert scores["width_0.9"] == pytest.approx(mean_width(*bounds))
        assert scores["Winkler_0.9"] == pytest.approx(winkler(part["actual"], *bounds, 0.9))
    first = model.forecast(coverage=[0.5, 0.9])
    row = table[(table["target"] == "s1") & (table["step"] == 2)].iloc[0]
    assert row["upper_0.5"] == first["s1_upper_0.5"].iloc[1]
    assert row["lower_0.9"] == first["s1_lower_0.9"].iloc[1]
    names = ["MAE", "RMSE", "MASE", "sMAPE"]
    assert list(prequential(model, series[400:]).metrics.columns) == names


def test_evaluations_take_the_coverage_of_the_model():
    series = hourly(330)
    model = EVERY["rnn"](coverage=0.8)
    result = prequential(model.fit(series[:300]), series[300:])
    assert result.forecasts["target"].unique() == ["s0"]
    assert {"lower_0.8", "upper_0.8"} < set(result.forecasts.columns)
    result = backtest(model, series, initial=300, step=10, coverage=0.5)
    assert {"lower_0.5", "upper_0.5"} < set(result.forecasts.columns)
    assert {"coverage_0.5", "width_0.5", "Winkler_0.5"} < set(result.metrics.columns)


def test_weights_of_the_experts_can_be_seen_and_move_under_update():
    data = hourly(500, n_columns=2)
    model = EVERY["rnn"](season=(24,)).fit(data[:400])
    weights = model.expert_weights_
    names = ["recurrent", "linear", "per_step", "naive", "seasonal_naive_24"]
    names += ["seasonal_change_24", "mean", "exponential_smoothing", "damped_trend"]
    names += ["holt_winters_24", "log_holt_winters_24"]
    assert list(weights.columns) == names
    assert list(weights.index) == [(s, h) for s in ("s0", "s1") for h in (1, 2, 3)]
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    model.update(data[400:])
    assert (model.expert_weights_ != weights).any(axis=None)


@pytest.mark.parametrize(
    ("kind", "freq"), [*((kind, "h") for kind in EVERY), *(("naive", f) for f in ("D", "MS", None))]
)
def test_drift_is_logged_where_it_happens(kind, freq):
    """Kind: a log of numbers alone: each change has its time, its kind and what was done."""
    series = hourly(900)
    rng = np.random.default_rng(0)
    series["s0"] = rng.normal(size=900)
    series.iloc[700:] *= 6.0
    if freq is None:
        series = series.reset_index(drop=True)
    else:
        series.index = pd.date_range("1950-01-01", periods=900, freq=freq)
    params = {} if freq is None else {"freq": freq}
    model = EVERY[kind](**params).fit(series[:600])
    model.partial_fit(series[600:800])
    log = model.drift_log_
    assert list(log.columns) == [
        "time",
        "target",
        "error",
        "level",
        "scale",
        "phase",
        "kind",
        "done",
    ]
    risen = log[log["error"] > 2]
    assert risen["time"].isin(series.index[700:740]).any()
    assert not risen["time"].isin(series.index[300:700]).any()
    assert (log["target"] == "s0").all()
    of_errors = log[log["kind"] == "error"]
    assert len(of_errors)
    assert (of_errors["done"] == "weights of experts and widths of intervals follow").all()
    later = model.partial_fit(series[800:]).drift_log_
    pd.testing.assert_frame_equal(later[: len(log)], log)
    assert model.reset_state().drift_log_.empty
