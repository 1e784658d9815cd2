"""Loops over rows compiled by numba, the extra ``fast``.

Imported by `tsrnn.kernels.selection` alone.

A streamed row is a few thousand multiplications; what it costs in NumPy is its hundreds of calls.
"""

from numba.core import event

from tsrnn.kernels.numba_.collecting import Pause
from tsrnn.kernels.numba_.conformal import (
    expected_scale,
    follow_errors,
    follow_size,
    follow_tails,
    score_errors,
)
from tsrnn.kernels.numba_.follow import follow_rows, scratch_shapes, shapes_of
from tsrnn.kernels.numba_.maths import code_for
from tsrnn.kernels.numba_.mixing import (
    expert_forecasts,
    follow_experts,
    score_experts,
    shrink_to_all_steps,
)
from tsrnn.kernels.numba_.panel_experts import score_block
from tsrnn.kernels.numba_.panel_features import lag_features
from tsrnn.kernels.numba_.panel_norm import season_moments
from tsrnn.kernels.numba_.panel_readout import label_sums
from tsrnn.kernels.numba_.panel_smoothing import forecast_series, move_series
from tsrnn.kernels.numba_.panel_steps import step_features, step_forecasts, step_sums
from tsrnn.kernels.numba_.per_step import follow_profiles, follow_steps
from tsrnn.kernels.numba_.regression import score_rows
from tsrnn.kernels.numba_.rls import LOST, MISSING, START, SURPRISED, learn_rows, outputs, push_rows
from tsrnn.kernels.numba_.smoothing import follow_smoothing
from tsrnn.kernels.numba_.window import append_rows, lagged, views

__all__ = [
    "LOST",
    "MISSING",
    "START",
    "SURPRISED",
    "append_rows",
    "code_for",
    "expected_scale",
    "expert_forecasts",
    "follow_errors",
    "follow_experts",
    "follow_profiles",
    "follow_rows",
    "follow_size",
    "follow_smoothing",
    "follow_steps",
    "follow_tails",
    "forecast_series",
    "label_sums",
    "lag_features",
    "lagged",
    "learn_rows",
    "move_series",
    "outputs",
    "push_rows",
    "score_block",
    "score_errors",
    "score_experts",
    "score_rows",
    "scratch_shapes",
    "season_moments",
    "shapes_of",
    "shrink_to_all_steps",
    "step_features",
    "step_forecasts",
    "step_sums",
    "views",
]

event.register("numba:compile", Pause())
