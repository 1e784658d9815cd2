"""Forecasters of panels: many series by id, each with its state, one network and one readout."""

from .fitting import fit_panel
from .forecasting import (
    actuals_of,
    cutoffs_of,
    follow_panel,
    forecast_panel,
    forget_panel,
    reset_panel,
    roll_panel,
)
from .future import future_index_of

__all__ = [
    "actuals_of",
    "cutoffs_of",
    "fit_panel",
    "follow_panel",
    "forecast_panel",
    "forget_panel",
    "future_index_of",
    "reset_panel",
    "roll_panel",
]
