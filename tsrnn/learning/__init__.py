"""Learning: truncated backpropagation through time and recursive least squares."""

from .encoder import RecurrentEncoder
from .learner import Learner
from .rls import DelayedRLS
from .targets import origin_targets
from .training import TrainingSettings, train

__all__ = [
    "DelayedRLS",
    "Learner",
    "RecurrentEncoder",
    "TrainingSettings",
    "origin_targets",
    "train",
]
