"""Short histories: any few rows fit, and seasons arrive with the rows that hold them."""

import numpy as np
import pandas as pd
import pytest

from tsrnn import RNNForecaster

SMALL = {"hidden_size": 4, "max_iter": 3, "random_state": 0}


def monthly(n_rows=84):
    """A year that repeats itself, and a little noise."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=12)[np.arange(n_rows) % 12] + 0.1 * rng.normal(size=n_rows)
    return pd.DataFrame({"sold": values}, pd.date_range("2015", periods=n_rows, freq="MS"))


@pytest.mark.parametrize("how", ["partial_fit", "update"])
def test_a_season_that_the_history_does_not_hold_arrives(how):
    rows = monthly()
    model, errors, naive = RNNForecaster(1, **SMALL).fit(rows[:10]), [], []
    assert model.expert_weights_.filter(like="12").to_numpy().sum() == 0.0
    for row in range(10, 84):
        if row >= 36:
            actual = rows["sold"].iloc[row]
            errors.append(model.forecast()["sold"].iloc[0] - actual)
            naive.append(rows["sold"].iloc[row - 12] - actual)
        getattr(model, how)(rows[row : row + 1])
    assert model.expert_weights_.filter(like="12").to_numpy().sum() > 0.8
    assert np.square(errors).mean() < 1.03 * np.square(naive).mean()


def test_a_season_arrives_within_predict_too():
    rows = monthly()
    model = RNNForecaster(2, **SMALL).fit(rows[:10])
    issued = model.predict(rows[10:])
    for row in range(10, 84):
        model.update(rows[row : row + 1])
        np.testing.assert_array_equal(model.forecast()["sold"], issued[row - 10])


@pytest.mark.parametrize("n_rows", [2, 3, 5, 8])
@pytest.mark.parametrize("horizon", [1, 12])
@pytest.mark.parametrize("options", [{}, {"lags": 24}, {"season": 365}])
def test_any_history_of_a_few_rows_fits(n_rows, horizon, options):
    rows = monthly()
    model = RNNForecaster(horizon, freq="MS", **options, **SMALL).fit(rows[:n_rows])
    assert np.isfinite(model.forecast(coverage=0.9)).all().all()
    assert np.isfinite(model.partial_fit(rows[n_rows:30]).forecast(coverage=0.9)).all().all()


@pytest.mark.parametrize("values", [np.zeros(12), np.full(12, 7.0), np.r_[np.nan, 4.0, np.nan]])
def test_what_never_moved_is_forecast_to_stay(values):
    rows = pd.DataFrame({"sold": values}, pd.date_range("2015", periods=len(values), freq="D"))
    forecast = RNNForecaster(20, freq="D", **SMALL).fit(rows).forecast(coverage=0.9)
    assert np.isfinite(forecast).all().all()
    np.testing.assert_allclose(forecast["sold"], np.nanmax(values), atol=1e-6)


def test_zeros_that_come_alive_are_followed():
    values = np.r_[np.zeros(40), 10.0 + np.random.default_rng(0).normal(size=60)]
    rows = pd.DataFrame({"sold": values}, pd.date_range("2015", periods=100, freq="D"))
    model = RNNForecaster(3, **SMALL).fit(rows[:30]).partial_fit(rows[30:])
    assert model.forecast()["sold"].between(7.0, 13.0).all()
