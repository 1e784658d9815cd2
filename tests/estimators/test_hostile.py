"""Hostile streams: whatever finite numbers come, forecasts stay finite and find their way back."""

import tracemalloc
import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from helpers import fit_once

from tsrnn import NumericalWarning, RNNForecaster
from tsrnn.baselines import LinearForecaster
from tsrnn.online import encoder

N_FIT, N_NEW = 200, 350


def daily(n_rows=N_FIT + N_NEW):
    rng = np.random.default_rng(0)
    values = 50 + 10 * np.sin(2 * np.pi * np.arange(n_rows) / 24) + rng.normal(size=n_rows)
    return pd.Series(values, pd.date_range("2020", periods=n_rows, freq="h"))


def model(horizon=6, **params):
    settings = {"max_iter": 10, "hidden_size": 6, "random_state": 0, **params}
    return RNNForecaster(horizon, **settings)


def spoil(kind):
    y = daily()
    if kind == "almost constant history":
        y[:N_FIT] = 50 + 1e-9 * y[:N_FIT]
    elif kind == "unit change":
        y[250:] *= 1e4
    elif kind == "sentinel":
        y[250:350] = 1e6
    elif kind == "stuck":
        y[250:450] = y.iloc[249]
    elif kind == "missing":
        y[250:450] = np.nan
    elif kind == "spikes":
        y[250:450:17] = 1e9
    return y


KINDS = ["almost constant history", "unit change", "sentinel", "stuck", "missing", "spikes"]
LARGE = ["unit change", "sentinel", "spikes"]


@pytest.mark.parametrize(
    ("kind", "forgetting"),
    [
        *((kind, 0.9) for kind in KINDS),
        *(pytest.param(kind, 0.9995, marks=pytest.mark.slow) for kind in LARGE),
    ],
)
def test_forecasts_stay_finite(kind, forgetting):
    """Numbers beyond what doubles resolve may lose a covariance: it starts anew, and a warning says
    so. Here alone: values a billion times the history's spread, remembered for ten rows."""
    y = spoil(kind)
    ours = fit_once(model(forgetting=forgetting), y[:N_FIT])
    for row in range(N_FIT, len(y), 5):
        forecast = ours.forecast().to_numpy()
        assert np.isfinite(forecast).all(), row
        with warnings.catch_warnings():
            if (kind, forgetting) == ("almost constant history", 0.9):
                warnings.simplefilter("ignore", NumericalWarning)
            ours.partial_fit(y[row : row + 5])


def late_error(forecaster, y, n_rows=100):
    forecaster = fit_once(forecaster, y[:N_FIT]).partial_fit(y[N_FIT:-n_rows])
    prediction = forecaster.predict(y[-n_rows:])[:-1, 0]
    return np.abs(prediction - y.to_numpy()[1 - n_rows :]).mean()


@cache
def clean_error():
    return late_error(model(), daily())


@cache
def fitted_to_clean(n_fit):
    return model(1).fit(daily()[:n_fit])


@pytest.mark.parametrize("kind", ["spikes", "missing", "stuck"])
def test_what_has_passed_is_nearly_forgotten(kind):
    assert late_error(model(), spoil(kind)) < 1.5 * clean_error()


@pytest.mark.slow
def test_a_unit_change_is_learnt_as_fast_as_by_least_squares_alone():
    y = daily(N_FIT + 2000)
    y[500:] *= 1e3
    assert late_error(model(), y) < 1.2 * late_error(LinearForecaster(6), y)


@pytest.mark.parametrize("n_fit", [100, N_FIT])
@pytest.mark.parametrize("place", [0, 60])
def test_a_spike_in_the_history_is_not_taken_for_its_scale(n_fit, place):
    y = daily()
    clean = fitted_to_clean(n_fit)
    y.iloc[place] = 1e6
    spoilt = model(1).fit(y[:n_fit])
    new = y[n_fit : n_fit + 200]
    errors = [np.abs(m.predict(new)[:-1] - new.to_numpy()[1:]).mean() for m in (clean, spoilt)]
    assert errors[1] < 1.3 * errors[0]


@pytest.mark.parametrize("panel", [False, True])
@pytest.mark.parametrize("kind", [RNNForecaster, LinearForecaster])
def test_a_readout_beyond_the_memory_is_refused_before_it_is_allocated(kind, panel, monkeypatch):
    """Of 100 targets with 2,400 lags; no network is trained before."""
    rows = pd.DataFrame(np.ones((2500, 100)), pd.date_range("2024", periods=2500, freq="h"))
    rows.columns = rows.columns.astype(str)
    if panel:
        rows = rows.assign(id="one")
    model = kind(2, lags=2400, id_col="id" if panel else None)
    monkeypatch.setattr(encoder, "train", None)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"found 100 targets .* GiB, expected at most 4 GiB"):
            model.fit(rows)
        assert tracemalloc.get_traced_memory()[1] < 1e9  # copies of the rows
    finally:
        tracemalloc.stop()
