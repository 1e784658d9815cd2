"""Plots of forecasts and evaluations; see `tsrnn.plotting.static`."""

from tsrnn.plotting.static import plot_forecast, plot_prequential

__all__ = ["plot_forecast", "plot_prequential"]
