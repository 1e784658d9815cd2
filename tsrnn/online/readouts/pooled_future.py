"""The pooled readout of a panel that also knows something of each step ahead."""

import copy

import numpy as np

from tsrnn.online.readouts.pooled import PooledRLS, due_of, finite_steps
from tsrnn.persistence.registry import saved

PENALTY = 1.0  # on the squared effects, in units of the spread of what is known ahead
ROUNDING = 1e-12  # share of their moments that effects are penalised by, beside that


@saved("pooled-future-rls")
class PooledFutureRLS(PooledRLS):
    r"""A `PooledRLS` whose outputs have regressors of their own beside the shared ones.

    As in `FutureRLS`, the target of output m and what is known ahead of its step, Z values
    :math:`z_m`, are each regressed on the shared features :math:`\varphi` with the one gain: 1 + Z
    variables, :math:`W_m` their weights. What is left of the target is then regressed on what is
    left of :math:`z_m`. Left are sums of products that follow from the errors E of the labels that
    have come, without their origins being looked at again: with the step
    :math:`G = \Phi' E - (1 - \lambda)\, \delta W` of `PooledRLS`,

    .. math:: S \leftarrow \lambda S + E' E + (1 - \lambda)\, \delta W' W - G' P G, \qquad
              W \leftarrow W + P G.

    S is the minimum of :math:`\sum \lambda^{age} |E|^2 + \delta |W|^2`, so that its equations
    for the effects, penalised by 1, are those of the ridge regression of each output on
    :math:`[\varphi; z_m]`, exactly so with all labels known. Where labels are missing, P is that of
    `PooledRLS`, an approximation, and what would make S negative is cut off. Memory: (1 + Z) K
    numbers for each output beside R, whatever the number of series.

    Parameters
    ----------
    n_targets, n_features, n_outputs, forgetting, penalty
        As for `PooledRLS`.
    n_ahead : int
        Z.
    columns
        As for `PooledRLS`: the smaller readout knows nothing of what is ahead.

    Attributes
    ----------
    weights : ndarray of shape (J, M, K)
        Of the shared features, beside the effects.
    effects : ndarray of shape (J, M, Z)
        Weights of what is known ahead.
    regressions : ndarray of shape (J, M, 1 + Z, K)
        W: of the target, and of each of what is known ahead, on the shared features.
    moments : ndarray of shape (J, M, 1 + Z, 1 + Z)
        S.

    References
    ----------
    M. C. Lovell, "Seasonal adjustment of economic time series and multiple regression analysis",
    Journal of the American Statistical Association 58, 1963.
    """

    def __init__(
        self, n_targets, n_features, n_outputs, forgetting, penalty, n_ahead, columns=None
    ):
        super().__init__(n_targets, n_features, n_outputs, forgetting, penalty, columns)
        shape = n_targets, n_outputs
        self.effects = np.zeros((*shape, n_ahead))
        self.regressions = np.zeros((*shape, 1 + n_ahead, n_features))
        self.moments = np.zeros((*shape, 1 + n_ahead, 1 + n_ahead))

    def effect(self, ahead):
        """Return what is due to what is known ahead (..., B, M, Z), as (..., J, B, M)."""
        return np.einsum("...bmz,jmz->...jbm", ahead, self.effects)

    def outputs_alone(self, features):
        """Return the outputs (J, M, B) of a readout of the shared features (J, B, K) alone."""
        return np.matmul(self.regressions[:, :, 0], features.swapaxes(1, 2))

    @np.errstate(over="ignore", invalid="ignore")  # a warning names what overflows
    def enter(self, group, entered, n_steps):
        """As in `PooledRLS`; what was left is forgotten likewise."""
        readout = super().enter(group, entered, n_steps)
        readout.moments = self.forgetting**n_steps * self.moments
        return readout

    def _finite(self):
        parts = self.effects[..., None], self.regressions, self.moments
        return super()._finite() & np.all(
            [np.isfinite(p).all(axis=(1, 2, 3)) for p in parts], axis=0
        )

    def _restart(self, lost):
        super()._restart(lost)
        lost = lost[:, None, None, None]
        self.effects = np.where(lost[..., 0], 0.0, self.effects)
        self.regressions = np.where(lost, 0.0, self.regressions)
        self.moments = np.where(lost, 0.0, self.moments)

    def errors(self, origins, targets):
        """Return the errors of labels: (M, J, 1 + Z or more, B) of target and what was known.

        Parameters
        ----------
        origins
            As for `sums`.
        targets : ndarray of shape (M, J, 1 + Z, B)
            The target, then what was known ahead of it.
        """
        return self._errors(origins, targets)

    @property
    def _regressions(self):
        return self.regressions

    def _of_labels(self, errors, sums):
        """As in `PooledRLS`; behind stand the products (J, V, 1 + Z) of the errors themselves."""
        own = errors[:, : self.regressions.shape[2]]
        return np.concatenate([sums, _gram(errors, own)], axis=2)

    @np.errstate(over="ignore", invalid="ignore")  # a warning names what overflows
    def correct(self, sums):
        """Learn from labels that have come, as in `PooledRLS`."""
        due = due_of(sums)
        if not due:
            return self
        readout = copy.copy(self)
        readout.regressions, readout.moments = self.regressions.copy(), self.moments.copy()
        readout.linear = None if self.linear is None else self.linear.copy()
        n_variables, n_features = self.regressions.shape[2:]
        for output, group in due:
            P, part, renewed = readout.gains[group]
            of_features, of_errors = np.split(sums[output, group], [n_features], axis=2)
            readout._learn_linear(output, part, renewed, of_features)
            W = readout.regressions[:, output]
            total = of_features[:, :n_variables] - renewed * W
            step = np.matmul(total, P)
            left = of_errors[:, :n_variables] + renewed * _gram(W, W) - _gram(step, total)
            if not (np.isfinite(step).all() and np.isfinite(left).all()):
                step = finite_steps(step)
                left = np.where(np.isfinite(left).all(axis=(1, 2), keepdims=True), left, 0.0)
            readout.moments[:, output] += _positive(left)
            readout.regressions[:, output] = W + step
        own, others = readout.regressions[:, :, 0], readout.regressions[:, :, 1:]
        readout.effects = _ridge(readout.moments)
        readout.weights = own - np.einsum("jmz,jmzk->jmk", readout.effects, others)
        return readout


def _gram(a, b):
    return np.matmul(a, b.swapaxes(1, 2))


def _positive(matrices):
    """Return symmetric matrices (J, V, V) without their negative part."""
    values, vectors = np.linalg.eigh(matrices)
    return np.matmul(vectors * np.maximum(values, 0.0)[:, None], vectors.swapaxes(1, 2))


def _ridge(moments):
    """Return the effects (J, M, Z) of the others on the first of the variables of S."""
    gram = moments[..., 1:, 1:]
    penalty = PENALTY + ROUNDING * np.trace(gram, axis1=2, axis2=3)[..., None, None]
    gram = gram + penalty * np.eye(gram.shape[-1])
    return np.linalg.solve(gram, moments[..., 1:, :1])[..., 0]
