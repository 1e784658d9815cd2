"""The network of the recurrent estimators: its parameters checked, and trained on a history."""

import math
from numbers import Real

import numpy as np
from sklearn.utils import check_random_state, check_scalar
from sklearn.utils.validation import check_is_fitted

from tsrnn.nn import CELLS, State, get_loss
from tsrnn.online.encoder import RecurrentEncoder
from tsrnn.online.readouts.memory_limit import require_room
from tsrnn.online.training import TrainingSettings

LOSSES = ("squared", "absolute", "huber")


class NetworkMixin:
    """Fitted attributes of a `StreamingEstimator` whose learner has a network."""

    @property
    def n_iter_(self) -> int:
        """Training steps taken on the history."""
        return len(self.loss_curve_)

    @property
    def loss_curve_(self) -> list[float]:
        """Training loss of each step on the history, in units of what was to be explained."""
        check_is_fitted(self)
        return list(self._state.learner.encoder.loss_curve)

    @property
    def state_(self) -> tuple[State, ...]:
        """Carried state of each layer, a tuple of `State` with arrays of shape (S, H)."""
        check_is_fitted(self)
        return self._state.learner.carried_states()


def check_network_params(model):
    """Check the parameters that are passed on to the network, and the readout's forgetting."""
    model._check_forgetting()
    for name in ("hidden_size", "n_layers", "window_size", "batch_size", "max_iter"):
        check_scalar(getattr(model, name), name, (int, np.integer), min_val=1)
    check_scalar(model.learning_rate, "learning_rate", Real)
    if not 0.0 < model.learning_rate < math.inf:
        raise ValueError(
            f"found learning_rate={model.learning_rate}, expected a positive number; "
            "0.005 suits most series"
        )
    choices = {"cell": tuple(CELLS), "loss": LOSSES}
    choices |= dict.fromkeys(("early_stopping", "outlier_filter"), (True, False))
    for name, known in choices.items():
        found = getattr(model, name)
        if found not in known:
            raise ValueError(f"found {name}={found!r}, expected one of {known}; pass one of them")
    if np.dtype(model.dtype) not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ValueError(
            f"found dtype={model.dtype!r}, expected numpy.float32 or numpy.float64; pass one of "
            "them"
        )


def make_encoder(model, design, record):
    """Train a network on the history, if the readout to come is within the memory limit."""
    n_copies = len(design.delays) + 2 if design.pooled else 1
    n_features = design.n_features + model.hidden_size
    require_room(len(model._reader.columns.target_names), n_features, n_copies)
    settings = TrainingSettings(
        window_size=model.window_size,
        warmup=model.window_size // 2,
        batch_size=model.batch_size,
        max_iter=model.max_iter,
        learning_rate=model.learning_rate,
        early_stopping=model.early_stopping,
        loss=get_loss(model.loss),
        verbose=model.verbose,
    )
    return RecurrentEncoder.fit(
        design,
        record.padded(design.reach, design.filter_start, seasons=design.carried_by),
        settings,
        np.random.default_rng(check_random_state(model.random_state).randint(2**31)),
        cell=model.cell,
        hidden_size=model.hidden_size,
        n_layers=model.n_layers,
        dtype=np.dtype(model.dtype),
    )
