"""One least-squares readout for all series of a panel, by pooled normal equations."""

import copy
from contextlib import suppress

import numpy as np

from tsrnn.online.readouts.memory_limit import require_room
from tsrnn.online.readouts.restarts import warn_of_restart
from tsrnn.persistence.registry import saved


@saved("pooled-rls")
class PooledRLS:
    r"""Linear readouts, one for each target, that all series of a panel share.

    The origins of one time stamp, a matrix :math:`\Phi_o` with a row for each series, enter

    .. math:: R \leftarrow \lambda R + (1 - \lambda)\, \delta I + \Phi_o' \Phi_o, \qquad
              P_o = R^{-1}

    together, and each output m learns from them when their labels come, `delays[m]` rows later:

    .. math:: w_m \leftarrow w_m + P_o \bigl(\Phi_o' (y_{o + d_m} - b_o - \Phi_o w_m)
              - (1 - \lambda)\, \delta w_m\bigr).

    With all labels known
    this is exactly the exponentially weighted ridge regression on all origins whose labels are
    in, under a penalty δ that does not fade. Memory is that of R and of the last P,
    whatever the number of series.

    Where labels are missing, an origin gives 1/M of its weight back for each, as in `DelayedRLS`.

    Targets whose R or weights are not finite, or whose R is no covariance, start anew from their
    penalty, and a step that is not finite is skipped; a `NumericalWarning` says so.

    A readout is a value: its methods return a new one and leave the old one as it was.

    Parameters
    ----------
    n_targets, n_features, n_outputs : int
        J, K and M.
    forgetting : float
        λ in (0, 1], for each step of the panel's clock.
    penalty : float
        δ; features are expected in units of their spread.

    Attributes
    ----------
    weights : ndarray of shape (J, M, K)
    gram : ndarray of shape (J, K, K)
        R.
    gains : dict of int to tuple
        By the number of each of the last M + 1 groups of origins: P of shape (J, K, K) as the
        group left it, and how much of the penalty was renewed with it.
    """

    def __init__(self, n_targets, n_features, n_outputs, forgetting, penalty=1.0):
        require_room(n_targets, n_features, n_copies=n_outputs + 2)
        self.forgetting, self.penalty = float(forgetting), float(penalty)
        self.weights = np.zeros((n_targets, n_outputs, n_features))
        self.gram = np.repeat(penalty * np.eye(n_features)[None], n_targets, axis=0)
        self.gains = {}

    def output(self, features):
        """Return the outputs (..., J, B, M) for features (..., J, B, K)."""
        return np.matmul(features, self.weights.swapaxes(1, 2))

    def take_back(self, features, ages):
        """Take 1/M of the weight of origins out of R, for a label of each that failed to come.

        Parameters
        ----------
        features : list of ndarray (n, K), one for each target
        ages : list of ndarray (n,)
            Steps of the clock since each has entered.
        """
        readout = copy.copy(self)
        readout.gram = self.gram.copy()
        for gram, phi, age in zip(readout.gram, features, ages, strict=True):
            share = self.forgetting**age / self.weights.shape[1]
            phi = phi * np.sqrt(share)[:, None]
            gram -= phi.T @ phi
        return readout

    @np.errstate(over="ignore", invalid="ignore")  # what overflows is told
    def enter(self, group, features, n_steps):
        """Let a group of origins, features (J, B, K), into R, ``n_steps`` after the one before."""
        readout = copy.copy(self)
        kept = self.forgetting**n_steps
        readout.gram = kept * self.gram
        for gram, phi in zip(readout.gram, features, strict=True):
            gram += phi.T @ phi
            gram.flat[:: len(gram) + 1] += (1.0 - kept) * self.penalty
        inverse = _inverse(readout.gram)
        lost = ~(np.einsum("jkk->jk", inverse) > 0.0).all(axis=1) | ~readout._finite()
        if lost.any():
            warn_of_restart("a covariance or a weight")
            readout._restart(lost)
            readout.gram[lost] = self.penalty * np.eye(inverse.shape[1])
            for target in np.flatnonzero(lost):
                readout.gram[target] += features[target].T @ features[target]
            inverse = _inverse(readout.gram)
        recent = group - self.weights.shape[1]
        readout.gains = {g: gain for g, gain in self.gains.items() if g >= recent}
        symmetric = 0.5 * (inverse + inverse.swapaxes(1, 2))
        readout.gains[group] = symmetric, (1.0 - kept) * self.penalty
        return readout

    @np.errstate(over="ignore", invalid="ignore")  # what overflows is told
    def correct(self, origins, errors, groups, known):
        """Learn from labels that have come.

        Parameters
        ----------
        origins : list of (slice, ndarray of shape (m, J, B, K))
            Features of the origins that each of the M outputs, in reverse order, now learns
            from, in pieces: which of the M, and theirs.
        errors : ndarray of shape (M, J, B)
            Label less output, in the order of `origins`.
        groups : ndarray of int, shape (M, B)
            When the origins entered.
        known : ndarray of bool, shape (M, J, B)
            Errors to learn from.
        """
        readout = copy.copy(self)
        readout.weights = self.weights.copy()
        for output, gain, _, sums in self._due(origins, errors[:, :, None], groups, known):
            P, renewed = gain
            total = sums[:, 0] - renewed * readout.weights[:, output]
            readout.weights[:, output] += finite_steps(np.matmul(P, total[..., None])[..., 0])
        return readout

    def _finite(self):
        """Tell targets whose weights are finite, bool of shape (J,)."""
        return np.isfinite(self.weights).all(axis=(1, 2))

    def _restart(self, lost):
        """Forget the weights of some targets."""
        self.weights = np.where(lost[:, None, None], 0.0, self.weights)

    def _due(self, origins, errors, groups, known):
        """Yield what each output learns from each group of origins whose labels have come.

        Parameters
        ----------
        origins, groups, known
            As in `correct`.
        errors : ndarray of shape (M, J, V, B)
            Of V variables in place of one.

        Yields
        ------
        output : int
        gain : tuple
            Of `gains`.
        chosen : ndarray of shape (J, V, B)
            Errors, zero but for those of the group.
        sums : ndarray of shape (J, V, K)
            Of their products with the features.
        """
        newest = max(self.gains)
        groups = np.where(groups >= min(self.gains), groups, newest)  # P of its own is forgotten
        left = known
        while left.any():  # once, where the series of the panel move together
            group = np.where(left.any(axis=1), groups, -1).max(axis=1)  # of each output
            now = left & (groups == group[:, None])[:, None]
            left = left & ~now
            chosen = np.where(now[:, :, None], errors, 0.0)
            sums = np.concatenate([np.matmul(chosen[part], phi) for part, phi in origins])
            for output, which in enumerate(group[::-1]):
                if which >= 0:
                    yield output, self.gains[which], chosen[-1 - output], sums[-1 - output]


def _inverse(grams):
    """Return the inverses of matrices (J, K, K), NaN of those that have none."""
    try:
        return np.linalg.inv(grams)
    except np.linalg.LinAlgError:
        inverses = np.full_like(grams, np.nan)
        for gram, inverse in zip(grams, inverses, strict=True):
            with suppress(np.linalg.LinAlgError):
                inverse[:] = np.linalg.inv(gram)
        return inverses


def finite_steps(steps):
    """Return the steps (J, ...) of each target, zero where not all of one is finite."""
    finite = np.isfinite(steps).reshape(len(steps), -1).all(axis=1)
    if finite.all():
        return steps
    warn_of_restart("a learning step")
    return np.where(finite.reshape(-1, *[1] * (steps.ndim - 1)), steps, 0.0)
