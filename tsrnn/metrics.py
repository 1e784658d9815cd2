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

__all__ = [
    "coverage",
    "mae",
    "mase",
    "mase_scale",
    "mean_width",
    "mse",
    "pinball",
    "rmse",
    "smape",
    "winkler",
]
