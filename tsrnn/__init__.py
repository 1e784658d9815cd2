"""Streaming time-series forecasting with NumPy recurrent networks."""

# First, and from here: SciPy's import takes a quarter longer from deep inside other imports, where
# calls cross the pieces in which Python 3.11 keeps its stack.
import sklearn.base  # noqa: F401

from tsrnn import baselines, datasets, evaluate, metrics, nn, plotting
from tsrnn.estimators.forecaster import RNNForecaster
from tsrnn.estimators.pipeline import StreamingPipeline
from tsrnn.estimators.regressor import RNNRegressor
from tsrnn.persistence import CheckpointError, dumps, load, loads
from tsrnn.warnings_ import NumericalWarning

__version__ = "0.2.0.dev0"

__all__ = [
    "CheckpointError",
    "NumericalWarning",
    "RNNForecaster",
    "RNNRegressor",
    "StreamingPipeline",
    "baselines",
    "datasets",
    "dumps",
    "evaluate",
    "load",
    "loads",
    "metrics",
    "nn",
    "plotting",
]
