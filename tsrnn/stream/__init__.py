"""Frames to arrays and back: time checks, scaling, and what a learner sees of a stream."""

from .calendar import Calendar, season_lengths
from .columns import Columns
from .design import ForecastDesign, lag_offsets
from .future import read_future
from .panel import PanelForm
from .record import Record
from .regression import RegressionDesign
from .rings import SeriesRings
from .scaling import Scaling
from .timeaxis import TimeAxis
from .units import SeriesUnits

__all__ = [
    "Calendar",
    "Columns",
    "ForecastDesign",
    "PanelForm",
    "Record",
    "RegressionDesign",
    "Scaling",
    "SeriesRings",
    "SeriesUnits",
    "TimeAxis",
    "lag_offsets",
    "read_future",
    "season_lengths",
]
