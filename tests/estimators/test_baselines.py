"""The linear baseline, feature by feature and solve by solve, against a slow reference."""

import numpy as np
import pandas as pd
import pytest
from helpers import hourly

from tsrnn.baselines import LinearForecaster, NaiveForecaster, SeasonalNaiveForecaster

FORGETTING = 0.9995
LAGS = 47


def reference_features(y, stamps, t):
    """The 47 values before the newest relative to it, the newest, the calendar, a constant.

    What lies before the first row counts as no change.
    """
    past = [y[t - k] - y[t] if k <= t else 0.0 for k in range(1, LAGS + 1)]
    ahead = stamps[t] + pd.Timedelta("1h")
    day = 2 * np.pi * (ahead.hour / 24)
    week = 2 * np.pi * (ahead.weekday() * 24 + ahead.hour) / 168
    harmonics = [f(a) for a in (day, 2 * day, week) for f in (np.sin, np.cos)]
    return np.array([*past, y[t], *harmonics, 1.0])


def reference_forecast(series, n_fit, t, horizon):
    """Weighted ridge, solved from scratch, on all origins whose label is in at row t."""
    mean, spread = series[:n_fit].mean(), series[:n_fit].std(ddof=0)
    y = ((series - mean) / spread).to_numpy()
    phi = np.array([reference_features(y, series.index, o) for o in range(t + 1)])
    forecast = []
    for h in range(1, horizon + 1):
        n = t + 1 - h  # origins with a label
        weight = FORGETTING ** np.arange(n - 1, -1, -1)
        gram = FORGETTING**n * np.eye(phi.shape[1]) + (phi[:n].T * weight) @ phi[:n]
        w = np.linalg.solve(gram, (phi[:n].T * weight) @ (y[h : t + 1] - y[:n]))
        forecast.append((y[t] + phi[t] @ w) * spread + mean)
    return forecast


def test_linear_is_exact_least_squares_on_the_features_it_names():
    series = hourly(500)["s0"]
    model = LinearForecaster(3).fit(series[:400])
    seen = 400
    for n_rows in (400, 401, 430, 500):
        if n_rows > seen:
            model.partial_fit(series[seen:n_rows])
        seen = n_rows
        expected = reference_forecast(series, 400, n_rows - 1, 3)
        np.testing.assert_allclose(model.forecast()["s0"], expected, rtol=1e-8)


def test_naive_repeats_the_newest_value():
    data = hourly(50, n_columns=2)
    model = NaiveForecaster(3).fit(data[:40]).partial_fit(data[40:45])
    np.testing.assert_allclose(model.forecast(), np.repeat(data.to_numpy()[44:45], 3, axis=0))
    np.testing.assert_allclose(
        model.predict(data[45:])[:, 3:], data.to_numpy()[45:, 1:].repeat(3, 1)
    )


@pytest.mark.parametrize("season", [5, 24, "auto"])
def test_seasonal_naive_repeats_the_last_season(season):
    data = hourly(100)
    model = SeasonalNaiveForecaster(30, season=season).fit(data[:60]).update(data[60:80])
    length = 24 if season == "auto" else season
    expected = [data.iloc[79 - length + 1 + h % length, 0] for h in range(30)]
    np.testing.assert_allclose(model.forecast()["s0"], expected)


def test_auto_season_is_the_naive_forecast_where_there_is_no_season():
    values = np.arange(30.0)
    assert (SeasonalNaiveForecaster(2).fit(values).forecast() == 29.0).all(axis=None)
