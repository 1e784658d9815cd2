"""Online mixing of experts: hardly ever worse than the best of them, often better."""

from dataclasses import dataclass

import numpy as np

from tsrnn.kernels import compiled_kernels
from tsrnn.kernels.numpy_.mixing import (
    LOSS_DISCOUNT,
    MIXTURE_DISCOUNT,
    OUTLIER,
    REGRET_DISCOUNTS,
    TINY,
)


@dataclass(frozen=True)
class Mixing:
    """Weights of E experts for each of M outputs of S streams, moved by every label.

    Several mixtures run side by side. R of them follow the polynomial potential of their
    discounted regrets [1]_ along the gradient of the squared error, which finds a good convex
    combination; the last one weights experts by the inverse eighth power of their discounted
    squared error, which keeps to the best one where the errors of a long horizon overlap. The
    mixtures are blended by theirs in the same way: what comes out is a convex combination of the
    experts again.

    A mixing is a value: `step` returns a new one. Streams are the last axis of every array: the
    state of some of them is ``mixing.take(members)``, and `put` puts it back.

    Attributes
    ----------
    discounts : ndarray of shape (M, R, 1, 1)
        Of the regrets.
    regret, spread : ndarray of shape (M, R, E, S)
        Discounted sums of the regrets and of their squares.
    loss : ndarray of shape (M, E + R + 1, S)
        Discounted sums of the squared errors of experts and mixtures.
    n_labels : ndarray of shape (M, S)
        Labels seen, discounted as the losses of experts are.
    parts : ndarray of shape (M, R + 1, E, S)
        Weights of the experts in each mixture, of sum 1 over E.
    blend : ndarray of shape (M, R + 1, S)
        Weights of the mixtures.

    References
    ----------
    .. [1] P. Gaillard, G. Stoltz, T. van Erven (2014), A second-order bound with excess losses,
       COLT (polynomial potentials with one learning rate for each expert).

    Examples
    --------
    The second of two experts is right:

    >>> import numpy as np
    >>> mixing = Mixing.of(n_outputs=1, n_experts=2, n_streams=1)
    >>> forecasts = np.array([[[0.0], [1.0]]])
    >>> for _ in range(50):
    ...     said = mixing.issue(forecasts)
    ...     mixing = mixing.step(said, actual=np.array([[1.0]]))
    >>> mixing.mixture(mixing.issue(forecasts)).round(3)
    array([[1.]])
    >>> mixing.weights.round(3).ravel()
    array([0., 1.])
    """

    discounts: np.ndarray
    regret: np.ndarray
    spread: np.ndarray
    loss: np.ndarray
    n_labels: np.ndarray
    parts: np.ndarray
    blend: np.ndarray

    @classmethod
    def of(cls, n_outputs, n_experts, n_streams, discounts=REGRET_DISCOUNTS):
        """Return the state before a first label: equal weights.

        With no discounts the last mixture is the only one: less than half the time for many
        streams, an error some 5 % larger on streams with a daily pattern.
        """
        M, E, S, R = n_outputs, n_experts, n_streams, len(discounts)
        return cls(
            np.broadcast_to(np.array(discounts, dtype=float).reshape(-1, R, 1, 1), (M, R, 1, 1)).copy(),
            np.zeros((M, R, E, S)),
            np.zeros((M, R, E, S)),
            np.zeros((M, E + R + 1, S)),
            np.zeros((M, S)),
            np.full((M, R + 1, E, S), 1.0 / E),
            np.full((M, R + 1, S), 1.0 / (R + 1)),
        )

    @property
    def weights(self):
        """Weights of the experts, (M, E, S): not negative, of sum 1 over E."""
        return (self.blend[:, :, None] * self.parts).sum(axis=1)

    @property
    def moving(self):
        """The arrays that move, in the order of the attributes."""
        return self.regret, self.spread, self.loss, self.n_labels, self.parts, self.blend

    def issue(self, forecasts):
        """Return what there is to say, (M, E + R + 1, S): forecasts (M, E, S), then mixtures.

        It is to be kept until its label arrives, for `step`.
        """
        mixtures = (self.parts * forecasts[:, None]).sum(axis=2)
        return np.concatenate([forecasts, mixtures], axis=1)

    def mixture(self, said):
        """Return the blend of the mixtures, (M, S), of what `issue` has returned now."""
        return (self.blend * said[:, self.parts.shape[2] :]).sum(axis=1)

    def step(self, said, actual):
        """Learn from labels that have arrived.

        Parameters
        ----------
        said : ndarray of shape (M, E + R + 1, S)
            What `issue` had returned for each label in its day, NaN where nothing had been said.
        actual : ndarray of shape (M, S) or (1, S)
            The labels, NaN where missing: their weights stay as they are.
        """
        n_regrets, n_experts = self.regret.shape[1:3]
        error = said - actual[:, None]
        pull = error[:, n_experts : n_experts + n_regrets, None]
        gain = pull * (pull - error[:, None, :n_experts])
        regret = self.discounts * self.regret + gain
        spread = self.discounts * self.spread + gain * gain
        loss = LOSS_DISCOUNT * self.loss
        loss[:, n_experts:] *= MIXTURE_DISCOUNT / LOSS_DISCOUNT
        squared = error * error
        usual = self.loss[:, :n_experts].min(axis=1) / np.maximum(self.n_labels, 1.0)
        limit = OUTLIER * (squared.min(axis=1) + np.where(self.n_labels > 0, usual, np.inf))
        squared[:, n_experts:] = np.minimum(squared[:, n_experts:], limit[:, None])
        loss += squared
        parts = np.concatenate(
            [_potential(regret, spread), favour(loss[:, :n_experts])[:, None]], axis=1
        )
        n_labels = LOSS_DISCOUNT * self.n_labels + 1.0
        blend = favour(loss[:, n_experts:])
        stepped = Mixing(self.discounts, regret, spread, loss, n_labels, parts, blend)
        known = np.isfinite(error[:, -1])
        return stepped if known.all() else self._where(known, stepped)

    def follow(self, forecasts, waiting, labels, scored):
        """Over rows: learn from the labels that arrive, issue, and blend.

        Parameters
        ----------
        forecasts : ndarray of shape (n, horizon, E, S)
        waiting : ndarray of shape (horizon, M, E + R + 1, S)
            What was issued at the rows before.
        labels : ndarray of shape (n, S, 1)
        scored : ScoredSteps
            M of the horizon; between them, the weights of the mixture are interpolated.

        Returns
        -------
        mixing : Mixing
        waiting : ndarray of shape (horizon, M, E + R + 1, S)
            What waits for its labels after the rows.
        mixtures : ndarray of shape (n, S, horizon)
        """
        if loops := compiled_kernels():
            steps = scored.steps, scored.left, scored.share
            rows = forecasts, waiting, labels, steps, self.discounts
            moving, waiting, mixtures = loops.follow_experts(*rows, self.moving)
            return Mixing(self.discounts, *moving), waiting, mixtures
        n_rows, reach, outputs = len(forecasts), len(waiting), np.arange(len(scored.steps))
        said = np.concatenate([waiting, np.empty((n_rows, *waiting.shape[1:]))])
        mixtures = np.empty((n_rows, forecasts.shape[3], forecasts.shape[1]))
        mixing = self
        for row in range(n_rows):
            mixing = mixing.step(said[reach + row - scored.steps, outputs], labels[row].T)
            said[reach + row] = mixing.issue(forecasts[row][scored.places])
            if scored.all_are:
                mixtures[row] = mixing.mixture(said[reach + row]).T
            else:
                weights = scored.spread(mixing.weights.transpose(1, 2, 0))
                mixtures[row] = (weights * forecasts[row].transpose(1, 2, 0)).sum(axis=0)
        return mixing, said[n_rows:].copy(), mixtures

    def take(self, members):
        """Return the state of some streams."""
        return Mixing(self.discounts, *(array[..., members] for array in self.moving))

    def put(self, members, other):
        """Return the state with that of some streams replaced."""
        changed = [array.copy() for array in self.moving]
        for array, new in zip(changed, other.moving, strict=True):
            array[..., members] = new
        return Mixing(self.discounts, *changed)

    def _where(self, known, other):
        """Return the other state where labels (M, S) were known, and this one elsewhere."""
        moved = []
        for old, new in zip(self.moving, other.moving, strict=True):
            mask = known.reshape(known.shape[0], *[1] * (new.ndim - 2), known.shape[1])
            moved.append(np.where(mask, new, old))
        return Mixing(self.discounts, *moved)


def _potential(regret, spread):
    """Return weights (M, R, E, S) in proportion to what is positive of regret / spread."""
    parts = np.maximum(regret, 0.0)
    parts /= spread + TINY
    total = parts.sum(axis=2, keepdims=True)
    lost = total <= 0.0  # no expert did better than the mixture
    if lost.any():
        parts = np.where(lost, 1.0, parts)
        total = parts.sum(axis=2, keepdims=True)
    parts /= total
    return parts


def favour(loss):
    """Return weights (M, ..., S) in proportion to the inverse eighth power of losses."""
    loss = loss + TINY
    share = loss.min(axis=1, keepdims=True) / loss
    share *= share
    share *= share
    share *= share  # three squarings: a power costs ten times as much
    share /= share.sum(axis=1, keepdims=True)
    return share
