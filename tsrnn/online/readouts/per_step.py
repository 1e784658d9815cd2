"""A small readout for each step of the horizon."""

import numpy as np

from tsrnn.kernels import compiled_kernels
from tsrnn.kernels.numpy_ import per_step as numpy_kernels
from tsrnn.kernels.numpy_.per_step import COUNT, FAST, LEVEL, N_COLUMNS, SLOW
from tsrnn.kernels.numpy_.seasons import shift_phases
from tsrnn.online.readouts.covariance import MAX_MEAN_EIGENVALUE, MAX_SURPRISE
from tsrnn.online.readouts.memory_limit import require_room
from tsrnn.online.readouts.restarts import warn_of_restart
from tsrnn.online.storage.spare_rows import AppendsRows
from tsrnn.online.storage.values import plain, twin
from tsrnn.persistence.registry import saved

FAST_RATE, SLOW_RATE = 0.3, 0.02  # weight of a new value in the profiles of its phase


@saved("per-step-rls")
class PerStepRLS(AppendsRows):
    r"""Recursive least squares for each step of the horizon, with features of its own.

    The label of step m that arrives with row t belongs to origin t - m. The features of that origin
    are looked up again in the rows that are remembered: they hold nothing that was not known then,
    and are what they were, but for the profiles of a season whose phase has moved since. So a label
    is learnt from in the row that brings it, and one that is missing needs no care. The targets are
    changes from the newest value at the origin.

    With every fourth label one of the weights, in turn, gets back what has faded of its penalty:
    :math:`P^{-1} \leftarrow P^{-1} + \delta e_j e_j'`, a step of rank one. So P stays bounded
    however little the rows excite.

    A readout is a value: `follow` and `restarted` return a new one.

    Parameters
    ----------
    features : StepFeatures
        Of M steps and K features.
    n_streams : int
        S.
    forgetting : float
        Of the other readouts. This one remembers half as many rows, as it has few weights.
    ridge : ndarray of shape (S,) or None
        Lasting penalty on the squared weights, by stream; 1 by default.

    Attributes
    ----------
    forgetting : float
        λ.
    covariance : ndarray of shape (S, M, K, K)
    weights : ndarray of shape (S, M, K)
    n_labels : ndarray of int, shape (S, M)

    References
    ----------
    S. Haykin, *Adaptive Filter Theory*, chapter on recursive least squares.
    """

    appended = ("_values",)

    def __init__(self, features, n_streams, forgetting, ridge=None):
        n_steps, n_features = len(features.back), features.n_features
        require_room(n_streams * n_steps, n_features)
        self.features, self.forgetting = features, float(forgetting) ** 2
        self.ridge = np.ones(n_streams) if ridge is None else np.asarray(ridge, dtype=float)
        identity = np.eye(n_features) / self.ridge[:, None, None, None]
        self.covariance = np.repeat(identity, n_steps, axis=1)
        self.weights = np.zeros((n_streams, n_steps, n_features))
        self.n_labels = np.zeros((n_streams, n_steps), dtype=np.intp)
        self._restart()

    def restarted(self):
        """Drop the rows that are remembered, and with them their profiles; the weights stay."""
        readout = twin(self)
        readout._restart()
        return readout

    def follow(self, levels, labels, learning, inputs=None):
        """Take in rows, and issue the forecasts of each.

        Parameters
        ----------
        levels : ndarray of shape (n, S)
            Newest known values.
        labels : ndarray of shape (n, S)
            Values that arrive, NaN where missing.
        learning : bool
        inputs : ndarray of shape (n, F), optional
            Of the rows, those that are known ahead.

        Returns
        -------
        readout : PerStepRLS
        forecasts : ndarray of shape (n, S, M)
            Without the effects of inputs at the step.
        effects : ndarray of shape (n, S, M, F)
            Weights of those.
        """
        kernels = compiled_kernels() or numpy_kernels
        n, reach, n_ahead = len(levels), self.features.reach, self.features.n_ahead
        new = np.zeros((n, levels.shape[1], N_COLUMNS + n_ahead))
        new[..., LEVEL], new[..., COUNT] = levels, np.isfinite(labels)
        if n_ahead:
            new[..., N_COLUMNS:] = inputs[:, None]
        readout = self if self._values is not None else self._padded(new[0])
        readout = readout.opened(n)
        values = readout._values
        values[reach:] = new
        may_learn = np.append(self._may_learn, np.full(n, learning))
        kernels.follow_profiles(values, reach, self.features.season, self._rates)
        args = values, plain(labels), may_learn, self.features.table, self._state, self._limits
        forecasts, effects, *moved = kernels.follow_steps(*args, learning)
        return readout.moved(n, may_learn[n:].copy(), *moved), forecasts, effects

    def phases_shifted(self, early):
        """Return the readout with the profiles of a season that is so many rows earlier."""
        if self._values is None:
            return self
        values, of_phase = self._values.copy(), [FAST, SLOW, COUNT]
        values[..., of_phase] = shift_phases(values[..., of_phase], self.features.season, early)
        return self.with_rows(values)

    @property
    def may_learn(self):
        """Whether labels count for the last M rows, as origins, bool of shape (M,)."""
        return self._may_learn

    @property
    def fixed(self):
        """What a compiled call follows rows by: see `follow_rows`."""
        return self.features.table, self._limits, self.features.season, self._rates

    def bare(self):
        """Return the readout without its arrays, for `filled`."""
        nothing = dict.fromkeys(("covariance", "weights", "n_labels", "_may_learn"))
        return self.with_rows(None, **nothing)

    def filled(self, values, may_learn, covariance, weights, n_labels):
        """Return the readout after rows that a compiled call has taken in."""
        fields = {"covariance": covariance, "weights": weights, "n_labels": n_labels}
        return self.with_rows(values, _may_learn=may_learn, **fields)

    def moved(self, n_rows, may_learn, state, restarted):
        """Return the readout, opened for so many rows, after them; a compiled loop moved it."""
        if restarted:
            warn_of_restart("a weight or covariance")
        self.covariance, self.weights, self.n_labels = state
        self._may_learn = may_learn
        self.close(n_rows)
        return self

    @property
    def _state(self):
        return plain(self.covariance), plain(self.weights), plain(self.n_labels)

    @property
    def _limits(self):
        return self.forgetting, self.ridge, MAX_SURPRISE, MAX_MEAN_EIGENVALUE

    @property
    def _rates(self):
        return FAST_RATE, SLOW_RATE, 1.0 / self.features.season

    def _padded(self, first):
        """Return the readout with rows before the first (S, C) that were never seen."""
        readout = twin(self)
        readout._values = values = np.repeat(first[None], self.features.reach, axis=0)
        values[..., [LEVEL, FAST, SLOW]] = np.nan
        values[..., COUNT] = 0.0
        return readout

    def _restart(self):
        self._values = None  # the rows that features are looked up in
        self._may_learn = np.zeros(self.weights.shape[1], dtype=bool)
