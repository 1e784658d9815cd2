"""What both recurrent estimators share: parameters of the network and its training."""

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


class RecurrentMixin:
    """Checks and uses the parameters that the estimators pass on to the network."""

    @property
    def n_iter_(self):
        """Training steps taken on the history."""
        return len(self.loss_curve_)

    @property
    def loss_curve_(self):
        """Training loss of each step on the history, in units of what was to be explained."""
        check_is_fitted(self)
        return list(self._stream.learner.encoder.loss_curve)

    @property
    def state_(self):
        """Carried state of each layer, a tuple of `State` with arrays of shape (S, H)."""
        check_is_fitted(self)
        if hasattr(self._stream, "ids"):
            return self._stream.learner.carried_states()
        return tuple(
            State(s.h.T.copy(), None if s.c is None else s.c.T.copy())
            for s in self._stream.learner.encoder.state
        )

    def _check_recurrent_params(self):
        self._check_forgetting()
        for name in ("hidden_size", "n_layers", "window_size", "batch_size", "max_iter"):
            check_scalar(getattr(self, name), name, (int, np.integer), min_val=1)
        check_scalar(self.learning_rate, "learning_rate", Real)
        if not 0.0 < self.learning_rate < math.inf:
            raise ValueError(
                f"found learning_rate={self.learning_rate}, expected a positive number; "
                "0.005 suits most series"
            )
        for name, known in (("cell", tuple(CELLS)), ("loss", LOSSES)):
            found = getattr(self, name)
            if found not in known:
                raise ValueError(
                    f"found {name}={found!r}, expected one of {known}; pass one of them"
                )
        if np.dtype(self.dtype) not in (np.dtype(np.float32), np.dtype(np.float64)):
            raise ValueError(
                f"found dtype={self.dtype!r}, expected numpy.float32 or numpy.float64; pass one of "
                "them"
            )

    def _make_encoder(self, design, record):
        """Train a network on the history, if there is room for the readout to come."""
        n_copies = len(design.delays) + 2 if getattr(design, "pooled", False) else 1
        n_features = design.n_features + self.hidden_size
        require_room(len(self._columns.target_names), n_features, n_copies)
        settings = TrainingSettings(
            window_size=self.window_size,
            warmup=self.window_size // 2,
            batch_size=self.batch_size,
            max_iter=self.max_iter,
            learning_rate=self.learning_rate,
            early_stopping=self.early_stopping,
            loss=get_loss(self.loss),
            verbose=self.verbose,
        )
        return RecurrentEncoder.fit(
            design,
            record.padded(design.reach, design.usual),
            settings,
            np.random.default_rng(check_random_state(self.random_state).randint(2**31)),
            cell=self.cell,
            hidden_size=self.hidden_size,
            n_layers=self.n_layers,
            dtype=np.dtype(self.dtype),
        )
