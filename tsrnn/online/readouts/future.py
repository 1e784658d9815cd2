"""A readout that also knows something of each step ahead."""

import copy

import numpy as np

from tsrnn.online.readouts.covariance import PENALTY_OF_FEW
from tsrnn.online.readouts.rls import DelayedRLS
from tsrnn.persistence.registry import saved


@saved("future-rls")
class FutureRLS:
    r"""Recursive least squares where every output has regressors of its own beside the shared ones.

    Output m of origin o is explained by the features :math:`\varphi_o` that all outputs share, and
    by what is known ahead of its own step, :math:`z_{o,m}`, Z values. Least squares on both would
    take a covariance of size K + Z for each output. The theorem of Frisch, Waugh and Lovell takes
    one of size K for all, and small ones: regress the target *and* each :math:`z_m` on
    :math:`\varphi`, with one gain, and then what is left of the target on what is left of
    :math:`z_m`. So :math:`z_m` is just one more output for the shared gain, whose label is known
    when the row arrives, and nothing that lies ahead is needed to learn.

    Innovations may stand in for residuals, since residual sums of products obey
    :math:`R \leftarrow \lambda R + (1 - \varphi_o' k_o)\, e_o e_o'`. With all labels known the
    result is exactly exponentially weighted ridge regression of each output on
    :math:`[\varphi; z_m]`.

    A readout is a value, as `DelayedRLS` is.

    Parameters
    ----------
    n_streams, n_features : int
        S and K.
    delays : array-like of int, shape (M,)
    forgetting : float
    n_ahead : int
        Z.
    ridge : ndarray of shape (S,), optional
        Lasting penalty, as of `DelayedRLS`, on the weights of the shared features; on those of what
        is known ahead, which are few, a twentieth of it.

    Attributes
    ----------
    past : DelayedRLS
        Of M (1 + Z) outputs: the targets, then each of what is known ahead.
    effects : DelayedRLS
        S · M streams of Z features: what is left of the latter, as seen from the past.

    References
    ----------
    M. C. Lovell, "Seasonal adjustment of economic time series and multiple regression analysis",
    Journal of the American Statistical Association 58, 1963. S. Haykin, *Adaptive Filter Theory*,
    on the sum of weighted error squares.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> known, x = rng.normal(size=(300, 1, 1, 1)), np.ones((300, 1, 1))
    >>> readout = FutureRLS(n_streams=1, n_features=1, delays=[1], forgetting=1.0, n_ahead=1)
    >>> labels = 3.0 + 2.0 * known[..., 0]
    >>> readout = readout.learn(x, np.zeros((300, 1)), labels, known)
    >>> readout.output(x[-1:], np.ones((1, 1, 1, 1))).round(1)
    array([[[5.]]])
    """

    def __init__(self, n_streams, n_features, delays, forgetting, n_ahead, ridge=None):
        self.delays = np.asarray(delays, dtype=np.intp)
        n_outputs = len(self.delays)
        of_all = np.tile(delays, 1 + n_ahead)
        self.past = DelayedRLS(n_streams, n_features, of_all, forgetting, ridge)
        of_outputs = (
            None if ridge is None else np.repeat(PENALTY_OF_FEW * np.asarray(ridge), n_outputs)
        )
        self.effects = DelayedRLS(n_streams * n_outputs, n_ahead, [0], forgetting, of_outputs)
        self._clear_origins()

    @property
    def forgetting(self):
        """λ."""
        return self.past.forgetting

    @property
    def effect_weights(self):
        """Weights of what is known ahead, (S, M, Z)."""
        return self.effects.weights.reshape(len(self.past.weights), len(self.delays), -1)

    @property
    def weights(self):
        """Weights of the shared features, (S, M, K), beside those of what is known ahead."""
        n_outputs = len(self.delays)
        own, others = np.split(self.past.weights, [n_outputs], axis=1)
        others = others.reshape(len(own), -1, n_outputs, own.shape[2])
        return own - np.einsum("smz,szmk->smk", self.effect_weights, others)

    def effect(self, ahead):
        """Return what is due to what is known ahead, (n, S, M), of shape (n, S or 1, M, Z)."""
        return np.matmul(ahead[..., None, :], self.effect_weights[..., None])[..., 0, 0]

    def output(self, features, ahead):
        """Return the outputs, (n, S, M), for features (n, S, K) and what is known ahead."""
        return np.matmul(self.weights, features[..., None])[..., 0] + self.effect(ahead)

    def restarted(self):
        """Drop the origins that still wait for labels; what was learnt stays."""
        readout = copy.copy(self)
        readout.past = self.past.restarted()
        readout._clear_origins()
        return readout

    def advance(self, features, base):
        """Let rows pass without learning: their labels will be ignored when they come."""
        readout = copy.copy(self)
        readout.past = self.past.advance(features, np.zeros_like(base))
        readout._base = self._bases(base)[len(base) :]
        return readout

    def learn(self, features, base, labels, arrived):
        """Learn row by row from labels that arrive now, and enter the rows as new origins.

        Parameters
        ----------
        features : ndarray of shape (n, S, K)
        base : ndarray of shape (n, S)
        labels : ndarray of shape (n, S, M) or (n, S, 1)
            As for `DelayedRLS`.
        arrived : ndarray of shape (n, S or 1, M, Z)
            What was known ahead of the labels that arrive now: in place m, of the step of origin
            ``t - delays[m]``.

        Returns
        -------
        FutureRLS
        """
        return self.follow(features, base, labels, arrived)[0]

    def follow(self, features, base, labels, arrived, learning=True):
        """Learn from rows, or only let them pass; return also what was issued after each.

        Parameters
        ----------
        features, base, labels, arrived
            As in `learn`.
        learning : bool

        Returns
        -------
        readout : FutureRLS
        outputs : ndarray of shape (n, S, M)
            Of each row, by the weights as they stood after it, without what is known ahead.
        effects : ndarray of shape (n, S, M, Z)
            Weights of that.
        without : ndarray of shape (n, S, M)
            The outputs of a readout of the shared features alone: its weights are among those of
            `past`.
        """
        if not learning:
            outputs, effects = self.past.issued(features), self.effect_weights
            effects = np.broadcast_to(effects, (len(base), *effects.shape))
            found = self._split(outputs, effects)
            return self.advance(features, base), found[0], effects, found[1]
        (n, n_streams), n_outputs = base.shape, len(self.delays)
        bases = self._bases(base)
        origins = len(self._base) + np.arange(n)[:, None] - self.delays
        targets = labels - bases[origins].swapaxes(1, 2)
        known = np.where(np.isfinite(targets)[:, :, None], 0.0, np.nan)  # (n, S, 1, M)
        stacked = np.concatenate([targets[:, :, None], known + arrived.swapaxes(2, 3)], axis=2)

        readout = copy.copy(self)
        readout.past, outputs, innovations, shares = self.past.learn_with_shares(
            features, np.zeros_like(base), stacked.reshape(n, n_streams, -1)
        )
        readout._base = bases[n:].copy()
        errors = innovations.reshape(n, n_streams, -1, n_outputs)
        errors *= np.sqrt(shares[origins]).swapaxes(1, 2)[:, :, None]
        known = errors[:, :, 1:].swapaxes(2, 3).reshape(n, n_streams * n_outputs, -1)
        left = errors[:, :, 0].reshape(n, n_streams * n_outputs, 1)
        rows = known, np.zeros(left.shape[:2]), left
        readout.effects, weights = self.effects.learn_with_weights(*rows)
        effects = weights.reshape(*base.shape, n_outputs, -1)
        constants, without = self._split(outputs, effects)
        return readout, constants, effects, without

    @staticmethod
    def _split(outputs, effects):
        """Return outputs less what is expected of the values known ahead, and outputs alone.

        Of (n, S, M (1 + Z)), each (n, S, M).
        """
        n, n_streams, n_outputs, n_ahead = effects.shape
        each = outputs.reshape(n, n_streams, 1 + n_ahead, n_outputs)
        left = each[:, :, 0].copy()
        for ahead in range(n_ahead):
            left -= effects[..., ahead] * each[:, :, 1 + ahead]
        return left, each[:, :, 0]

    def _bases(self, base):
        return np.concatenate([self._base, base])

    def _clear_origins(self):
        self._base = np.zeros((self.delays.max(), len(self.past.weights)))
