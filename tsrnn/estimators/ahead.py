"""What each kind of estimator runs of the kernels, on a little data: see `compile_kernels`."""

import warnings

import numpy as np
import pandas as pd

from tsrnn.estimators.forecaster import RNNForecaster
from tsrnn.estimators.regressor import RNNRegressor
from tsrnn.kernels.ahead import used_by
from tsrnn.nn.cells import CELLS

N_ROWS = 500


def _frame(n_rows=N_ROWS, **more):
    hours = pd.date_range("2024-01-01", periods=n_rows, freq="h")
    day = np.sin(np.arange(n_rows) * (2 * np.pi / 24))
    noise = np.random.default_rng(0).normal(size=n_rows)
    return pd.DataFrame({"y": 10.0 + day + 0.1 * noise, **more}, index=hours)


def _stream(model, data):
    """Fit, and take in rows that come alone, some of them without a value, and many at once."""
    n_fitted = len(data) - 100
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(data[:n_fitted])
        for row in range(n_fitted, n_fitted + 3):
            model.partial_fit(data[row : row + 1])
        model.update(data[n_fitted + 3 : n_fitted + 4])
        missing = data[n_fitted + 4 : n_fitted + 5].copy()
        missing["y"] = np.nan
        model.partial_fit(missing)
        model.partial_fit(data[n_fitted + 5 : n_fitted + 60])
        model.update(data[n_fitted + 60 :])
        model.predict(data[n_fitted:])


@used_by
def forecasters():
    """Run a plain stream by each cell; several targets; past inputs, and those known ahead."""
    for cell in CELLS:
        _stream(RNNForecaster(24, cell=cell, max_iter=1, random_state=0), _frame())
    several = RNNForecaster(60, target=["y", "z"], max_iter=1, random_state=0)
    _stream(several, _frame(z=np.cos(np.arange(N_ROWS)), x=np.arange(N_ROWS) % 5.0))
    known = RNNForecaster(24, target="y", future_cols=["x"], max_iter=1, random_state=0)
    _stream(known, _frame(x=np.arange(N_ROWS) % 5.0))


@used_by
def panels():
    """Run a panel, without and with inputs known ahead."""
    series = [_frame(x=np.arange(N_ROWS) % 5.0).assign(id=name) for name in "abc"]
    long = pd.concat(series).rename_axis("time").reset_index().sort_values(["time", "id"])
    for options in ({}, {"target": "y", "future_cols": ["x"]}):
        data = long if options else long.drop(columns="x")
        model = RNNForecaster(
            24, id_col="id", time_col="time", max_iter=1, random_state=0, **options
        )
        _stream(model, data.reset_index(drop=True))


@used_by
def regressors():
    """Run a regressor."""
    data = _frame(x=np.cos(np.arange(N_ROWS)))
    model = RNNRegressor(max_iter=1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(data[["x"]][:-50], data["y"][:-50])
        model.partial_fit(data[["x"]][-50:-49], data["y"][-50:-49])
        model.partial_fit(data[["x"]][-49:-2], data["y"][-49:-2])
        model.update(data[["x"]][-2:-1], data["y"][-2:-1])
        model.predict(data[["x"]][-1:])
