"""Metrics of forecasts and intervals: plain functions of arrays; missing actuals are left out."""

from tsrnn.evaluation.metrics import (
    coverage,
    mae,
    mase,
    mase_scale,
    mean_width,
    mse,
    pinball,
    rmse,
    smape,
    winkler,
)
from tsrnn.evaluation.scorers import make_scorer

__all__ = [
    "coverage",
    "mae",
    "make_scorer",
    "mase",
    "mase_scale",
    "mean_width",
    "mse",
    "pinball",
    "rmse",
    "smape",
    "winkler",
]
