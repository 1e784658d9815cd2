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
            As for `sums`.
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
            As for `sums`.
        targets, limits : ndarray of shape (M, J, B)

        Returns
        -------
        errors : ndarray of shape (M, J, V, B)
        sums : ndarray of shape (M, J, V, K)
            Of all that are known: for `sums`.
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

    def sums(self, group, features, failed=None, came=None):
        """Return what some series add to the readout, by name: for `learn`.

        Parameters
        ----------
        group : int
            Number of a group of origins.
        features : ndarray of shape (J, B, K)
            Theirs.
        failed : tuple, optional
            Origins, of before, for a label of which each that failed to come: their features, a
            list of ndarray (n, K), one for each target, and the steps of the clock since they have
            entered, a list of ndarray (n,).
        came : tuple, optional
            Labels that have come: ``(origins, errors, groups, known)`` or one more,

            - origins: list of (slice, ndarray of shape (m, J, B, K)), features of the origins that
              each of the M outputs, in reverse order, now learns from, in pieces: which of the M,
              and theirs,
            - errors: ndarray of shape (M, J, V, B), as returned by `errors`,
            - groups: ndarray of int, shape (M, B), when the origins entered,
            - known: ndarray of bool, shape (M, J, B), errors to learn from,
            - of all: ndarray of shape (M, J, V, K), as returned by `limited_errors`.

        Returns
        -------
        dict
            "entered", and where there are such "failed", (J, K, K), sums of products of features;
            by (output, group) those of features and errors, see `_of_labels`.
        """
        found = {"entered": np.matmul(features.swapaxes(1, 2), features)}
        if failed is not None:
            found["failed"] = np.empty_like(self.gram)
            for gram, phi, age in zip(found["failed"], *failed, strict=True):
                share = self.forgetting**age / self.weights.shape[1]
                phi = phi * np.sqrt(share)[:, None]  # in float64
                np.matmul(phi.T, phi, out=gram)
        if came is not None:
            found |= self._due(group, *came)
        return found

    def learn(self, group, sums, n_steps):
        """Let a group of origins into R, ``n_steps`` after the one before, and learn from labels.

        Where labels failed to come, 1/M of the weight of their origins is taken out of R first.

        Parameters
        ----------
        group : int
        sums : dict
            Of the `sums` of all series.
        n_steps : int
        """
        readout = self
        if "failed" in sums:
            readout = copy.copy(self)
            readout.gram = self.gram - sums["failed"]
        return readout.enter(group, sums["entered"], n_steps).correct(sums)

    @np.errstate(over="ignore", invalid="ignore")  # a warning names what overflows
    def enter(self, group, entered, n_steps):
        """Let a group of origins into R by the products (J, K, K) of their features."""
        readout = copy.copy(self)
        kept = self.forgetting**n_steps
        readout.gram = kept * self.gram
        readout.gram += entered
        diagonal = np.arange(self.gram.shape[1])
        readout.gram[:, diagonal, diagonal] += (1.0 - kept) * self.penalty
        inverse = _inverse(readout.gram)
        lost = ~(np.einsum("jkk->jk", inverse) > 0.0).all(axis=1) | ~readout._finite()
        if lost.any():
            warn_of_restart("a covariance or a weight")
            readout._restart(lost)
            readout.gram[lost] = self.penalty * np.eye(inverse.shape[1]) + entered[lost]
            inverse = _inverse(readout.gram)
        readout.gains = {g: gain for g, gain in self.gains.items() if self._keeps(g, group)}
        part = None
        if self.linear is not None:
            part = _symmetric(_inverse(readout.gram[:, self.columns[:, None], self.columns]))
        readout.gains[group] = _symmetric(inverse), part, (1.0 - kept) * self.penalty
        return readout

    def _keeps(self, gain, group):
        """Tell whether the gain of a group is still kept when another enters."""
        return gain >= group - self.weights.shape[1]

    @np.errstate(over="ignore", invalid="ignore")  # a warning names what overflows
    def correct(self, sums):
        """Learn from labels that have come, by their part of the `sums` of all series."""
        due = due_of(sums)
        if not due:
            return self
        readout = copy.copy(self)
        readout.weights = self.weights.copy()
        readout.linear = None if self.linear is None else self.linear.copy()
        for output, group in due:
            P, part, renewed = readout.gains[group]
            of_features = sums[output, group]
            _take_step(readout.weights[:, output], P, renewed, of_features[:, 0])
            readout._learn_linear(output, part, renewed, of_features)
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

    def _due(self, group, origins, errors, groups, known, of_all=None):
        """Return what each output learns from each group of origins whose labels have come.

        By output and group, see `_of_labels`. What has entered with gains that are forgotten counts
        as of the group that now enters.
        """
        kept = [gain for gain in self.gains if self._keeps(gain, group)]
        groups = np.where(groups >= min([*kept, group]), groups, group)
        left, found = known, {}
        while left.any():  # once, where the series of the panel move together
            newest = np.where(left.any(axis=1), groups, -1).max(axis=1)  # of each output
            now = left & (groups == newest[:, None])[:, None]
            left = left & ~now
            chosen = np.where(now[:, :, None], errors, 0.0)
            if of_all is not None and np.array_equal(now, known):
                sums = of_all
            else:
                sums = np.concatenate([_by_origin(chosen[part], phi) for part, phi in origins])
            for output, which in enumerate(newest[::-1].tolist()):
                if which >= 0:
                    label_sums = self._of_labels(chosen[-1 - output], sums[-1 - output])
                    found[output, which] = label_sums
        return found

    def _of_labels(self, errors, sums):
        """Return what is learnt from labels of one output.

        Parameters
        ----------
        errors : ndarray of shape (J, V, B)
            Zero but for those labels.
        sums : ndarray of shape (J, V, K)
            Of their products with the features.
        """
        return sums


def due_of(sums):
    """Return the outputs and groups that there are sums of, the newest group of an output first."""
    return sorted(
        (key for key in sums if isinstance(key, tuple)), key=lambda key: (key[0], -key[1])
    )


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
    if np.isfinite(steps.sum()):  # nearly always, and quickly told
        return steps
    finite = np.isfinite(steps).reshape(len(steps), -1).all(axis=1)
    if finite.all():
        return steps
    warn_of_restart("a learning step")
    return np.where(finite.reshape(-1, *[1] * (steps.ndim - 1)), steps, 0.0)
