"""One least-squares readout for all series of a panel, by pooled normal equations."""

import copy
from contextlib import suppress

import numpy as np

from tsrnn.kernels import compiled_kernels
from tsrnn.kernels.numpy_ import panel_readout
from tsrnn.online.readouts.memory_limit import require_room
from tsrnn.online.readouts.restarts import warn_of_restart
from tsrnn.persistence.registry import saved
from tsrnn.threads import HALVES_FROM, parts, run

ORIGINS_AT_ONCE = 4  # whose features one compiled call runs over: threads take turns


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

    Beside it there may be a smaller readout, of some of the features: an expert of its own. What it
    sees of R is a block of R, so that it costs next to nothing.

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
    columns : ndarray of int, shape (k,), optional
        Features that the smaller readout sees.

    Attributes
    ----------
    weights : ndarray of shape (J, M, K)
    linear : ndarray of shape (J, M, k) or None
        Weights of the smaller readout.
    gram : ndarray of shape (J, K, K)
        R.
    gains : dict of int to tuple
        By the number of each of the last M + 1 groups of origins: P of shape (J, K, K) as the
        group left it, that of the smaller readout, and how much of the penalty was renewed.
    """

    def __init__(self, n_targets, n_features, n_outputs, forgetting, penalty=1.0, columns=None):
        require_room(n_targets, n_features, n_copies=n_outputs + 2)
        self.forgetting, self.penalty = float(forgetting), float(penalty)
        self.weights = np.zeros((n_targets, n_outputs, n_features))
        self.gram = np.repeat(penalty * np.eye(n_features)[None], n_targets, axis=0)
        self.gains = {}
        self.columns, self.linear = columns, None
        if columns is not None:
            self.linear = np.zeros((n_targets, n_outputs, len(columns)))

    def output(self, features):
        """Return the outputs (..., J, B, M) for features (..., J, B, K)."""
        return np.matmul(features, self.weights.swapaxes(1, 2))

    def outputs(self, features):
        """Return those of the readout, then of the smaller one, (1 or 2, J, M, B).

        Parameters
        ----------
        features : ndarray of shape (J, B, K)
        """
        weights = self.weights[:, None]
        if self.linear is not None:
            weights = np.concatenate([weights, self._all_columns()[:, None]], axis=1)
        n_series, (n_targets, n_readouts, n_outputs, n_features) = features.shape[1], weights.shape
        weights = weights.reshape(n_targets, -1, n_features)
        found = np.empty((*weights.shape[:2], n_series))
        cuts = parts(n_series, weights[0].size * n_series)

        def work(part):
            some = features[:, cuts[part]].swapaxes(1, 2)
            np.matmul(weights, some, out=found[..., cuts[part]])

        run(work, len(cuts), weights[0].size * n_series)
        return found.reshape(n_targets, n_readouts, n_outputs, n_series).swapaxes(0, 1)

    def _all_columns(self):
        """Return the weights (J, M, K) of the smaller readout, zero at what it does not see."""
        weights = np.zeros_like(self.weights)
        weights[..., self.columns] = self.linear
        return weights

    def errors(self, origins, targets):
        """Return the errors (M, J, V, B) of labels: of the readout, then of the smaller one.

        Parameters
        ----------
        origins : list of (slice, ndarray of shape (m, J, B, K))
            As for `correct`.
        targets : ndarray of shape (M, J, B)
            Label less base, the oldest origin first.
        """
        return self._errors(origins, targets[:, :, None])

    def _errors(self, origins, targets):
        """Return variables (M, J, V, B) less what the shared features say of them.

        Where there is a smaller readout, its errors of the first variable are put behind.
        """
        weights = self._of_all_variables()
        if self.linear is not None:
            targets = np.concatenate([targets, targets[:, :, :1]], axis=2)
        weights = weights.swapaxes(2, 3)
        found = [_by_origin(phi, weights[piece]) for piece, phi in origins]
        return targets - np.concatenate(found).swapaxes(2, 3)

    def _of_all_variables(self):
        """Return weights (M, J, V, K) in the order of `origins`, the smaller readout's behind."""
        weights = self._regressions
        if self.linear is not None:
            weights = np.concatenate([weights, self._all_columns()[:, :, None]], axis=2)
        return weights[:, ::-1].swapaxes(0, 1)

    def limited_errors(self, origins, targets, limits, known):
        """Return what `errors` does, limited and zero where unknown, and sums with the features.

        Parameters
        ----------
        origins, known
            As for `correct`.
        targets, limits : ndarray of shape (M, J, B)

        Returns
        -------
        errors : ndarray of shape (M, J, V, B)
        sums : ndarray of shape (M, J, V, K)
            Of all that are known: for `correct`.
        """
        weights = np.ascontiguousarray(self._of_all_variables())
        errors, sums = np.empty((*weights.shape[:3], targets.shape[2])), np.empty(weights.shape)
        label_sums = (compiled_kernels() or panel_readout).label_sums
        work = []
        for piece, phi in origins:
            start = len(weights[: piece.start])
            for cut in range(0, len(phi), ORIGINS_AT_ONCE):
                some = slice(cut, min(cut + ORIGINS_AT_ONCE, len(phi)))
                work.append((phi[some], slice(start + some.start, start + some.stop)))
        n_halves = 2 if errors.size * weights.shape[3] >= HALVES_FROM else 1

        def half(number):
            for phi, some in work[number::n_halves]:
                of_label = (a[some] for a in (weights, targets, limits, known, errors, sums))
                label_sums(phi, *of_label)

        run(half, n_halves, 0)
        return errors, sums

    @property
    def _regressions(self):
        """Weights (J, M, V, K) of the variables that are regressed on the shared features."""
        return self.weights[:, :, None]

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
            phi = phi * np.sqrt(share)[:, None]  # in float64
            gram -= phi.T @ phi
        return readout

    @np.errstate(over="ignore", invalid="ignore")  # a warning names what overflows
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
        part = None
        if self.linear is not None:
            part = _symmetric(_inverse(readout.gram[:, self.columns[:, None], self.columns]))
        readout.gains[group] = _symmetric(inverse), part, (1.0 - kept) * self.penalty
        return readout

    @np.errstate(over="ignore", invalid="ignore")  # a warning names what overflows
    def correct(self, origins, errors, groups, known, all_sums=None):
        """Learn from labels that have come.

        Parameters
        ----------
        origins : list of (slice, ndarray of shape (m, J, B, K))
            Features of the origins that each of the M outputs, in reverse order, now learns
            from, in pieces: which of the M, and theirs.
        errors : ndarray of shape (M, J, V, B)
            As returned by `errors`, in the order of `origins`.
        groups : ndarray of int, shape (M, B)
            When the origins entered.
        known : ndarray of bool, shape (M, J, B)
            Errors to learn from.
        all_sums : ndarray of shape (M, J, V, K), optional
            As returned by `limited_errors`.
        """
        readout = copy.copy(self)
        readout.weights = self.weights.copy()
        readout.linear = None if self.linear is None else self.linear.copy()
        for output, (P, part, renewed), _, sums in self._due(
            origins, errors, groups, known, all_sums
        ):
            _take_step(readout.weights[:, output], P, renewed, sums[:, 0])
            readout._learn_linear(output, part, renewed, sums)
        return readout

    def _learn_linear(self, output, part, renewed, sums):
        """Let the smaller readout take its step, in place."""
        if self.linear is not None:
            _take_step(self.linear[:, output], part, renewed, sums[:, -1][:, self.columns])

    def _finite(self):
        """Tell targets whose weights are finite, bool of shape (J,)."""
        finite = np.isfinite(self.weights).all(axis=(1, 2))
        return finite if self.linear is None else finite & np.isfinite(self.linear).all(axis=(1, 2))

    def _restart(self, lost):
        """Forget the weights of some targets."""
        self.weights = np.where(lost[:, None, None], 0.0, self.weights)
        if self.linear is not None:
            self.linear = np.where(lost[:, None, None], 0.0, self.linear)

    def _due(self, origins, errors, groups, known, of_all=None):
        """Yield what each output learns from each group of origins whose labels have come.

        Parameters
        ----------
        origins, groups, known
            As in `correct`.
        errors : ndarray of shape (M, J, V, B)
            Of V variables in place of one.
        of_all : ndarray of shape (M, J, V, K), optional
            Sums of all that are known.

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
            if of_all is not None and np.array_equal(now, known):
                sums = of_all
            else:
                sums = np.concatenate([_by_origin(chosen[part], phi) for part, phi in origins])
            for output, which in enumerate(group[::-1]):
                if which >= 0:
                    yield output, self.gains[which], chosen[-1 - output], sums[-1 - output]


def _by_origin(a, b):
    """Return the products of matrices, of one origin after the other: copies in float64 are small.

    Parameters
    ----------
    a, b : ndarray of shape (m, J, ...)
    """
    return np.stack([np.matmul(one, other) for one, other in zip(a, b, strict=True)])


def _take_step(weights, P, renewed, sums):
    """Move weights (J, K), in place, by the sums (J, K) of features times errors."""
    total = sums - renewed * weights
    weights += finite_steps(np.matmul(P, total[..., None])[..., 0])


def _symmetric(matrices):
    return 0.5 * (matrices + matrices.swapaxes(1, 2))


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
