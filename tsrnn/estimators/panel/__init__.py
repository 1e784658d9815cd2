"""Forecasters of panels: many series by id, each with its state, one network and one readout."""

from tsrnn.estimators.panel.fitting import fit_panel
from tsrnn.estimators.panel.forecasting import (
    actuals_of,
    cutoffs_of,
    follow_panel,
    forecast_panel,
    forget_panel,
    reset_panel,
    roll_panel,
)
from tsrnn.estimators.panel.future import future_index_of
from tsrnn.estimators.panel.inspection import drift_of, weights_of

__all__ = [
    "actuals_of",
    "cutoffs_of",
    "drift_of",
    "fit_panel",
    "follow_panel",
    "forecast_panel",
    "forget_panel",
    "future_index_of",
    "reset_panel",
    "roll_panel",
    "weights_of",
]
