"""Plots of forecasts and evaluations; see `tsrnn.plotting.static` and `tsrnn.plotting.scores`."""

from tsrnn.plotting.explanation import plot_explanation
from tsrnn.plotting.scores import (
    plot_calibration,
    plot_comparison,
    plot_drift,
    plot_error_by_step,
    plot_expert_weights,
)
from tsrnn.plotting.static import plot_forecast, plot_prequential

__all__ = [
    "plot_calibration",
    "plot_comparison",
    "plot_drift",
    "plot_error_by_step",
    "plot_expert_weights",
    "plot_explanation",
    "plot_forecast",
    "plot_prequential",
]
