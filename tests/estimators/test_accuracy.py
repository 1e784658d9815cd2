"""Defaults on real streams: better than the baselines, and learning pays."""

import pytest

from tsrnn import RNNForecaster, datasets
from tsrnn.baselines import LinearForecaster, SeasonalNaiveForecaster
from tsrnn.evaluate import prequential
from tsrnn.metrics import mse

pytestmark = pytest.mark.slow


def error(model, data, n_fit, n_rows, learn=True):
    """MSE over all steps, forecasting and then learning row by row."""
    model = model if hasattr(model, "cutoff_") else model.fit(data[:n_fit])
    result = prequential(model, data[n_fit : n_fit + n_rows], learn=learn)
    return mse(result.forecasts["actual"], result.forecasts["forecast"])


def test_electricity_a_day_ahead_beats_seasonal_naive_and_least_squares():
    data = datasets.load_electricity()
    ours = error(RNNForecaster(24, random_state=0), data, 4000, 1500)
    assert ours < error(LinearForecaster(24), data, 4000, 1500)
    assert ours < error(SeasonalNaiveForecaster(24), data, 4000, 1500)
    assert ours < error(SeasonalNaiveForecaster(24, season=168), data, 4000, 1500)


def test_one_absurd_value_costs_the_following_weeks_next_to_nothing():
    data = datasets.load_electricity()[:5000]
    spoilt = data.copy()
    spoilt.iloc[4100] += 1000.0 * data.std()
    model = RNNForecaster(24, max_iter=50, random_state=0).fit(data[:4000])
    results = [prequential(model, rows[4000:]).forecasts for rows in (data, spoilt)]
    later = results[0]["cutoff"] >= data.index[4100 + 24]
    errors = [mse(results[0]["actual"][later], r["forecast"][later]) for r in results]
    assert errors[1] == pytest.approx(errors[0], rel=0.05)


@pytest.mark.parametrize("horizon", [1, 24])
def test_learning_from_every_row_beats_frozen_weights_through_a_level_shift(horizon):
    sensor = "188 Quay Street Lower Albert (NS)"  # a lasting drop on 2024-03-20
    data = datasets.load_pedestrians([sensor]).loc["2023-10-01":"2024-05-31"]
    n_fit = len(data.loc[:"2024-02-29"])
    model = RNNForecaster(horizon, random_state=0).fit(data[:n_fit])
    learning = error(model, data, n_fit, 1500)
    # The mixture of a frozen model still moves to the experts that cope: it comes close.
    assert learning < error(model, data, n_fit, 1500, learn=False)
    assert learning < 0.9 * error(LinearForecaster(horizon), data, n_fit, 1500)
