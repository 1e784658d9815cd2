"""Forecasts and interval ends within the bounds of the targets, which ``lower="auto"`` finds."""

import numpy as np
import pandas as pd
import pytest
from helpers import content

from tsrnn import RNNForecaster

SMALL = {"hidden_size": 4, "max_iter": 3, "random_state": 0}


@pytest.fixture(scope="module")
def counts():
    """Mostly zeros, and one value below 0 at row 60."""
    values = np.random.default_rng(0).poisson(0.4, 70).astype(float)
    values[60] = -3.0
    return pd.DataFrame({"sold": values}, pd.date_range("2024", periods=70, name="day"))


def test_what_was_never_negative_is_not_forecast_to_be(counts):
    model = RNNForecaster(5, **SMALL).fit(counts[:40])
    free = RNNForecaster(5, lower=None, **SMALL).fit(counts[:40])
    found, unbounded = model.forecast(coverage=0.9), free.forecast(coverage=0.9)
    assert unbounded["sold_lower_0.9"].min() < 0.0
    pd.testing.assert_frame_equal(found, unbounded.clip(lower=0.0))
    assert (model.predict(counts[40:60]) >= 0.0).all()


def test_a_fall_towards_zero_is_forecast_down_to_zero():
    """Here the forecasts themselves would go below, not the ends of their intervals alone."""
    falling = pd.Series(np.linspace(40.0, 1.0, 60), pd.date_range("2024", periods=60), name="left")
    forecasts = {}
    for lower in ("auto", 0.0, None):
        model = RNNForecaster(8, lower=lower, **SMALL).fit(falling[:50]).partial_fit(falling[50:])
        forecasts[lower] = model.forecast()["left"].to_numpy()
        rows = RNNForecaster(8, lower=lower, **SMALL).fit(falling[:50]).predict(falling[50:])
        np.testing.assert_array_equal(rows.min() < 0.0, lower is None)
    assert forecasts[None].min() < 0.0
    assert forecasts["auto"].min() == forecasts[0.0].min() == 0.0


def test_a_negative_value_lifts_the_bound_also_within_predict(counts):
    model = RNNForecaster(5, **SMALL).fit(counts[:40])
    rows, before = model.predict(counts[40:]), content(model._state)
    assert content(model._state) == before
    for row in range(30):
        model.update(counts[40 + row : 41 + row])
        np.testing.assert_array_equal(model.forecast()["sold"], rows[row])
    assert model.forecast(coverage=0.9)["sold_lower_0.9"].min() < 0.0


def test_a_series_of_a_panel_has_its_own_bound(counts):
    history = counts[:40]
    signed = history.assign(sold=history["sold"] - 2.0)
    long = pd.concat([history.assign(shop="a"), signed.assign(shop="b")]).reset_index()
    model = RNNForecaster(3, id_col="shop", time_col="day", **SMALL).fit(long)
    low = model.forecast(coverage=0.9).groupby("shop")["sold_lower_0.9"].min()
    assert low["a"] == 0.0
    assert low["b"] < -1.0
    new = counts[40:41].assign(shop="c").reset_index()
    assert model.partial_fit(new).forecast(ids="c", coverage=0.9)["sold_lower_0.9"].min() < 0.0


@pytest.mark.parametrize("lower", ["none", "Auto", np.nan])
def test_other_bounds_are_refused(counts, lower):
    with pytest.raises((ValueError, TypeError), match="lower"):
        RNNForecaster(lower=lower, **SMALL).fit(counts)
