"""Learning: truncated backpropagation through time, least squares, mixing and intervals."""

from .conformal import Conformal
from .encoder import RecurrentEncoder
from .ensemble import Ensemble
from .intervals import Intervals
from .learner import Learner
from .mixing import Mixing
from .panel import PanelLearner
from .panel_experts import PanelExperts
from .panel_future import FuturePanelLearner
from .pooled import PooledRLS
from .pooled_future import PooledFutureRLS
from .regime import CHANGE_COLUMNS, changes_of
from .rls import DelayedRLS
from .room import require_room
from .series import NEVER, SPARE, Block
from .targets import origin_targets
from .training import TrainingSettings, train

__all__ = [
    "CHANGE_COLUMNS",
    "NEVER",
    "SPARE",
    "Block",
    "Conformal",
    "DelayedRLS",
    "Ensemble",
    "FuturePanelLearner",
    "Intervals",
    "Learner",
    "Mixing",
    "PanelExperts",
    "PanelLearner",
    "PooledFutureRLS",
    "PooledRLS",
    "RecurrentEncoder",
    "TrainingSettings",
    "changes_of",
    "origin_targets",
    "require_room",
    "train",
]
