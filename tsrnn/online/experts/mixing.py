"""Online mixing of experts: hardly ever worse than the best of them, often better."""

from dataclasses import dataclass

import numpy as np

from tsrnn.kernels import compiled_kernels
from tsrnn.kernels.numpy_ import mixing as kernels
from tsrnn.online.storage.values import changed, plain
from tsrnn.persistence.registry import saved


@saved("mixing")
@dataclass(frozen=True)
class Mixing:
    """Weights of E experts for each of M outputs of S streams, moved by every label.

    Several mixtures run side by side. R of them follow the polynomial potential of their
    discounted regrets [1]_ along the gradient of the squared error, which finds a good convex
    combination; the last one weights experts by the inverse eighth power of their discounted
    squared error, which keeps to the best one where the errors of a long horizon overlap. Of
    several steps, the weights are shrunk to those that all steps share: see `shrink_to_all_steps`.
    The mixtures are blended by their losses in the same way: what comes out is a convex combination
    of the experts again. All these sums shrink and grow with the size of errors, see
    `score_experts`.

    A mixing is a value: `step` returns a new one. Streams are the last axis of every array.

    Attributes
    ----------
    discounts : ndarray of shape (R + 2,) or (M, R + 2)
        Of the regrets, of the losses of experts and of those of mixtures.
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
    scale : ndarray of shape (M, S)
        Recent squared error of the last mixture. NaN in files of 0.1.0, which go on as before.

    References
    ----------
    .. [1] P. Gaillard, G. Stoltz, T. van Erven (2014), A second-order bound with excess losses,
       COLT (polynomial potentials with one learning rate for each expert).

    Examples
    --------
    The second of two experts is right:

    >>> import numpy as np
    >>> mixing = Mixing.of(n_outputs=1, n_experts=2, n_streams=1)
    >>> forecasts, label = np.array([[[0.0], [1.0]]]), 1.0
    >>> for _ in range(50):
    ...     issued, mixture = kernels.issue(forecasts, mixing.parts, mixing.blend)
    ...     mixing = mixing.step(issued - label)
    >>> mixture.round(3)
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
    scale: np.ndarray | None = None  # a file of 0.1.0 has none: see `__setstate__`

    @classmethod
    def of(cls, n_outputs, n_experts, n_streams, discounts=kernels.DISCOUNTS):
        """Return the state before a first label: equal weights.

        With none of regrets the last mixture is the only one: less than half the time for many
        streams, an error some 5 % larger on streams with a daily pattern.
        """
        discounts = np.array(discounts, dtype=float)
        M, E, S, R = n_outputs, n_experts, n_streams, discounts.shape[-1] - 2
        return cls(
            discounts,
            np.zeros((M, R, E, S)),
            np.zeros((M, R, E, S)),
            np.zeros((M, E + R + 1, S)),
            np.zeros((M, S)),
            np.full((M, R + 1, E, S), 1.0 / E),
            np.full((M, R + 1, S), 1.0 / (R + 1)),
            np.zeros((M, S)),
        )

    @property
    def weights(self):
        """Weights of the experts, (M, E, S): not negative, of sum 1 over E."""
        return (self.blend[:, :, None] * self.parts).sum(axis=1)

    @property
    def moving(self):
        """The arrays that move, in the order of `score_experts`."""
        sums = self.regret, self.spread, self.loss, self.n_labels, self.scale
        return *sums, self.parts, self.blend

    def moved(self, regret, spread, loss, n_labels, scale, parts, blend):
        """Return the mixing with other arrays."""
        sums = {"regret": regret, "spread": spread, "loss": loss, "n_labels": n_labels}
        return changed(self, **sums, scale=scale, parts=parts, blend=blend)

    def __setstate__(self, state):
        """Restore what a file holds; those of 0.1.0 know of no scale, and of regrets alone."""
        if "scale" not in state:
            regrets, n_labels = state["discounts"], state["n_labels"]
            of_losses = np.array([kernels.LOSS_DISCOUNT, kernels.MIXTURE_DISCOUNT])
            of_losses = np.broadcast_to(of_losses, (*regrets.shape[:-1], 2))
            discounts = plain(np.concatenate([regrets, of_losses], axis=-1))
            state = state | {"discounts": discounts, "scale": np.full(n_labels.shape, np.nan)}
        self.__dict__.update(state)

    def step(self, error):
        """Return the mixing after labels that have arrived.

        Parameters
        ----------
        error : ndarray of shape (M, E + R + 1, S)
            Of what was issued for them, as of `score_experts`.
        """
        moved = tuple(array.copy() for array in self.moving)
        kernels.score_experts(error, np.zeros_like(self.loss), self.discounts, *moved)
        return self.moved(*moved)

    def among(self, forecasts, steps):
        """Return the mixing with the weights by which forecasts (M, E, S) are mixed.

        They are those of all steps in part, see `shrink_to_all_steps`, and there are none on
        experts whose forecasts are NaN.
        """
        *sums, parts = self.moving[:-1]
        parts = parts.copy()
        kernels.shrink_to_all_steps(steps, forecasts, *sums, parts)
        awake = ~np.isnan(forecasts)
        return changed(self, parts=parts if awake.all() else kernels.among(awake, parts))

    def follow(self, forecasts, waiting, labels, scored):
        """Over rows: learn from the labels that arrive, issue, and blend.

        Parameters
        ----------
        forecasts : ndarray of shape (n, horizon, E, S)
            NaN at all steps of an expert that sleeps.
        waiting : ndarray of shape (horizon + n, M, E + R + 1, S)
            What was issued at the rows before; that of the rows is written behind it.
        labels : ndarray of shape (n, S, 1)
        scored : ScoredSteps
            M of the horizon; between them, the weights of the mixture are interpolated.

        Returns
        -------
        mixing : Mixing
        mixtures : ndarray of shape (n, S, horizon)
        """
        if loops := compiled_kernels():
            rows = forecasts, waiting, labels, scored.fixed, self.discounts
            moving, mixtures = loops.follow_experts(*rows, self.moving)
            return self.moved(*moving), mixtures
        issued, reach, n_rows = waiting, len(waiting) - len(forecasts), len(forecasts)
        outputs = np.arange(len(scored.steps))
        mixtures = np.empty((n_rows, forecasts.shape[3], forecasts.shape[1]))
        mixing = self
        for row in range(n_rows):
            error = issued[reach + row - scored.steps, outputs] - labels[row].T[:, None]
            now = forecasts[row]
            mixing = mixing.step(error).among(now[scored.places], scored.steps)
            issued[reach + row], mixture = kernels.issue(
                now[scored.places], mixing.parts, mixing.blend
            )
            if not scored.all_are:
                weights = scored.spread(mixing.weights.transpose(1, 2, 0))
                between = (weights * kernels.where_awake(now).transpose(1, 2, 0)).sum(axis=0).T
                between[scored.places] = mixture
                mixture = between
            mixtures[row] = mixture.T
        return mixing, mixtures

    def follow_terms(self, terms, waiting, labels, scored, arrived):
        """As `follow`, of forecasts that are sums of terms.

        Parameters
        ----------
        terms : ndarray of shape (n, horizon, E, S, 1 + Z)
            A constant, and the effects of what is known of each step.
        waiting : ndarray of shape (horizon + n, M, E + R + 1, S, 1 + Z)
        labels, scored
            As for `follow`.
        arrived : ndarray of shape (n, horizon, Z)
            What is known of each row, as the origins m rows before it would have known it.

        Returns
        -------
        mixing : Mixing
        mixtures : ndarray of shape (n, S, horizon, 1 + Z)
        """
        score, mixing = (compiled_kernels() or kernels).score_experts, self
        issued, reach, n_rows = waiting, len(waiting) - len(terms), len(terms)
        outputs = np.arange(len(scored.steps))
        mixtures = np.empty((n_rows, *(terms.shape[k] for k in (3, 1, 4))))
        factors, prior = np.ones((len(outputs), terms.shape[4])), np.zeros_like(self.loss)
        for row in range(n_rows):
            factors[:, 1:] = arrived[row, scored.places]
            past = issued[reach + row - scored.steps, outputs]
            error = (past * factors[:, None, None]).sum(axis=3) - labels[row].T[:, None]
            moved = tuple(array.copy() for array in mixing.moving)
            score(error, prior, self.discounts, *moved)
            now = terms[row]
            of_scored = now[scored.places]
            mixing = self.moved(*moved).among(of_scored[..., 0], scored.steps)
            now = kernels.where_awake(now)
            mixed = (mixing.parts[..., None] * now[scored.places][:, None]).sum(axis=2)
            issued[reach + row] = np.concatenate([of_scored, mixed], axis=1)
            weights = scored.spread(mixing.weights.transpose(1, 2, 0))  # (E, S, horizon)
            mixtures[row] = (weights[..., None] * now.transpose(1, 2, 0, 3)).sum(axis=0)
        return mixing, mixtures


def discounts_of(steps):
    """Return the discounts (M, 3) of regrets, and of losses, of each step (M,) ahead.

    Errors of step m overlap over m rows, so that as many rows say less.

    Examples
    --------
    >>> import numpy as np
    >>> discounts_of(np.array([1, 24])).round(4)
    array([[0.98  , 0.999 , 0.995 ],
           [0.9976, 0.9996, 0.9994]])
    """
    more = np.array([kernels.REGRET_MEMORY_OF_STEP] + 2 * [kernels.LOSS_MEMORY_OF_STEP])
    memories = kernels.REGRET_MEMORY, kernels.LOSS_MEMORY, kernels.MIXTURE_MEMORY
    return 1.0 - 1.0 / (np.array(memories) + more * (np.asarray(steps)[:, None] - 1.0))
