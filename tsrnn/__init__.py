"""Streaming time-series forecasting with NumPy recurrent networks."""

from . import baselines, datasets, evaluate, metrics, nn
from .forecaster import RNNForecaster
from .numerics import NumericalWarning
from .persistence import CheckpointError, load
from .regressor import RNNRegressor

__version__ = "0.1.0"

__all__ = [
    "CheckpointError",
    "NumericalWarning",
    "RNNForecaster",
    "RNNRegressor",
    "baselines",
    "datasets",
    "evaluate",
    "load",
    "metrics",
    "nn",
]
