"""Recursive least squares for labels that arrive late."""

import numpy as np

from tsrnn.kernels import compiled_kernels
from tsrnn.online.readouts.covariance import (
    MAX_MEAN_EIGENVALUE,
    MAX_SURPRISE,
    QUIETLY,
    Covariances,
)
from tsrnn.online.readouts.memory_limit import require_room
from tsrnn.online.readouts.restarts import warn_of_restart
from tsrnn.online.storage.spare_rows import AppendsRows
from tsrnn.online.storage.values import plain, twin
from tsrnn.persistence.registry import saved


@saved("delayed-rls")
class DelayedRLS(AppendsRows, Covariances):
    r"""Linear readouts learnt by recursive least squares with forgetting.

    Every stream has M outputs that share one feature vector :math:`\varphi_o` for each origin o.
    The label of output m arrives ``delays[m]`` rows after its origin. The covariance, and with it
    the gain

    .. math:: k_o = P \varphi_o / (\lambda + \varphi_o' P \varphi_o), \qquad
              P \leftarrow (P - k_o \varphi_o' P) / \lambda

    does not depend on labels: it is computed once, when the origin is seen, and kept until the
    last of its labels has come. Each output then takes its own step,
    :math:`w_m \leftarrow w_m + k_o (y_{o + d_m} - b_o - \varphi_o' w_m)`, with the base
    :math:`b_o` of the origin. With all labels known this is, output by output, exactly the
    exponentially weighted ridge regression on the origins whose labels are in. Where labels are
    missing it is so for one output, and nearly so for several (see ``_take_back``).

    A stream whose P is not finite or no covariance, or whose outputs are not finite, has that part
    started anew from its penalty, and a `NumericalWarning` says so.

    A readout is a value: `learn`, `advance` and `restarted` return a new one and leave the old
    one as it was.

    The prior fades with forgetting, so that directions which the rows do not excite are soon held
    by nothing. With `ridge`, what has faded is put back every 64 rows, more rows where there are
    more than 128 features (see `renewal`): P stays bounded, and the weights are those of a ridge
    regression with this penalty for good (exactly so where labels arrive with their rows; else P
    is ahead of the labels that are still to come).

    Parameters
    ----------
    n_streams, n_features : int
        S and K.
    delays : array-like of int, shape (M,)
        Rows between an origin and the label of each output; 0 is the origin's own row.
    forgetting : float
        λ in (0, 1]; the effective memory is ``1 / (1 - λ)`` rows.
    ridge : ndarray of shape (S,), optional
        Lasting penalty on the squared weights, by stream; by default it is 1 and fades.

    Attributes
    ----------
    weights : ndarray of shape (S, M, K)
    covariance : ndarray of shape (S, K, K)
        P, at the start the identity over the penalty: features are expected in units of their
        spread.

    References
    ----------
    S. Haykin, *Adaptive Filter Theory*, chapter on recursive least squares.

    Examples
    --------
    >>> import numpy as np
    >>> readout = DelayedRLS(n_streams=1, n_features=1, delays=[1], forgetting=1.0)
    >>> x = np.ones((200, 1, 1))
    >>> readout = readout.learn(x, base=np.zeros((200, 1)), labels=np.full((200, 1, 1), 3.0))
    >>> readout.output(x[-1:]).round(1)
    array([[[3.]]])
    """

    appended = ("_origins",)

    def __init__(self, n_streams, n_features, delays, forgetting, ridge=None):
        require_room(n_streams, n_features)
        self.delays = np.asarray(delays, dtype=np.intp)
        self.forgetting = float(forgetting)
        self.ridge = None if ridge is None else np.asarray(ridge, dtype=float)
        self.weights = np.zeros((n_streams, len(self.delays), n_features))
        self.covariance = np.repeat(np.eye(n_features)[None], n_streams, axis=0)
        if ridge is not None:
            self.covariance /= self.ridge[:, None, None]
        self.n_learnt = 0
        self._clear_origins()

    def output(self, features):
        """Return the outputs, shape (n, S, M), for features of shape (n, S, K)."""
        return np.matmul(self.weights, features[..., None])[..., 0]

    def restarted(self):
        """Drop the origins that still wait for labels; what was learnt stays."""
        readout = twin(self)
        readout._clear_origins()
        return readout

    def advance(self, features, base):
        """Let rows pass without learning: their labels will be ignored when they come."""
        readout = self.opened(len(features))
        readout._enter(features, base)
        readout.close(len(features))
        return readout

    def learn(self, features, base, labels):
        """Learn row by row from labels that arrive now, and enter the rows as new origins.

        Parameters
        ----------
        features : ndarray of shape (n, S, K)
        base : ndarray of shape (n, S)
            What the outputs of an origin are measured from.
        labels : ndarray of shape (n, S, M) or (n, S, 1)
            The label of output m that arrives with row t belongs to origin
            ``t - delays[m]``; NaN where there is none.

        Returns
        -------
        DelayedRLS
        """
        return self.follow(features, base, labels)[0]

    def follow(self, features, base, labels, learning=True):
        """Learn from rows, or only let them pass; return also the outputs after each.

        Parameters
        ----------
        features, base, labels
            As in `learn`.
        learning : bool
            False: as `advance`, labels do not matter.

        Returns
        -------
        readout : DelayedRLS
        outputs : ndarray of shape (n, S, M)
            Of each row, by the weights as they stood after it.
        """
        if not learning:
            return self.advance(features, base), self.issued(features)
        return self.learn_with_innovations(features, base, labels)[:2]

    def issued(self, features):
        """As `output`; compiled, with the bits of what is issued at a row that is learnt."""
        if not (loops := compiled_kernels()):
            return self.output(features)
        results = np.empty((len(features), 2, *self.weights.shape[:2]))[:, 1]  # laid out as there
        loops.outputs(plain(self.weights), plain(features), results)
        return results

    def learn_with_innovations(self, features, base, labels):
        """Learn; return the readout and the outputs, as `follow` does, and the innovations.

        Those are of shape (n, S, M), of the labels that arrived, and zero where there was none.
        """
        readout, outputs, innovations = self._taught(features, base, labels)
        readout.close(len(features))
        return readout, outputs, innovations

    def learn_with_shares(self, features, base, labels):
        """As `learn_with_innovations`; return also what share of them is left to be explained.

        Returns
        -------
        readout, outputs, innovations
        shares : ndarray of shape (reach + n, S)
            Share of its innovation that each origin's residual was, 1 - φ'k, for the origins that
            waited and the new ones; zero for those that are not learnt from.
        """
        readout, outputs, innovations = self._taught(features, base, labels)
        explained = np.matmul(readout._features[..., None, :], readout._gains[..., None])[..., 0, 0]
        shares = np.where(readout._gains.any(axis=2), 1.0 - explained, 0.0)
        readout.close(len(features))
        return readout, outputs, innovations, shares

    def learn_with_weights(self, features, base, labels):
        """As `learn`; return also the weights (n, S, M, K) as they stood after each row."""
        weights = np.empty((len(features), *self.weights.shape))
        if compiled_kernels():  # which tell of the last row alone
            readout = self
            for row in range(len(features)):
                now = slice(row, row + 1)
                readout = readout.learn(features[now], base[now], labels[now])
                weights[row] = readout.weights
            return readout, weights
        readout, *_ = self._taught(features, base, labels, weights)
        readout.close(len(features))
        return readout, weights

    def _taught(self, features, base, labels, weights=None):
        readout = self.opened(len(labels))  # new weights and a new P come in place of the old
        results = np.empty((len(labels), 2, *self.weights.shape[:2]))  # innovations and outputs
        if loops := compiled_kernels():
            readout._absorb_compiled(loops, (features, base, labels), results)
        else:
            readout._enter(features, base)
            readout._absorb(features, labels, results, weights)
        return readout, results[:, 1], results[:, 0]

    @property
    def rows_to_renewal(self):
        """Rows until the penalty is renewed."""
        return self.renewal - self.n_learnt % self.renewal

    @property
    def limits(self):
        """λ, the most surprise, and the largest mean eigenvalue of P, for compiled loops."""
        return self.forgetting, MAX_SURPRISE, MAX_MEAN_EIGENVALUE

    def bare(self):
        """Return the readout without its arrays, for `filled`."""
        return self.with_rows(None, covariance=None, weights=None)

    def filled(self, origins, covariance, weights, n_learnt):
        """Return the readout after so many rows more; a compiled call has learnt them."""
        n_learnt += self.n_learnt
        fields = {"covariance": covariance, "weights": weights, "n_learnt": n_learnt}
        return self.with_rows(origins, **fields)

    @QUIETLY
    def _absorb(self, features, labels, results, weights=None):
        start = len(self._origins) - len(features)
        known = np.isfinite(labels)
        complete = known.all()
        origins = start - self.delays
        for row in range(len(features)):
            if not complete and not known[row].all():
                self._take_back(~known[row], origins)
            self._gains[start + row] = self._gain(features[row])
            results[row, 0] = self._correct(origins, labels[row])
            results[row, 1] = self.output(features[row])
            origins += 1
            self._count(1, features[row], results[row])
            if weights is not None:
                weights[row] = self.weights

    def _absorb_compiled(self, loops, rows, results):
        """As `_enter` and `_absorb`; what is rare is done here: compiled code stops for it."""
        features, _, labels = rows = tuple(map(plain, rows))
        n, row, why = len(labels), 0, loops.START
        while row < n:
            first, stop, most_surprise = row, min(n, row + self.rows_to_renewal), MAX_SURPRISE
            if why == loops.MISSING:
                origins = len(self._origins) - n + row - self.delays
                self._take_back(~np.isfinite(labels[row]), origins)
            elif why == loops.SURPRISED:
                phi = features[row]
                surprise = np.einsum("sk,skl,sl->s", phi, self.covariance, phi)
                self._restart_covariance(phi, surprise)
                stop, most_surprise = row + 1, np.inf
            state = plain(self.covariance), plain(self.weights)
            after = tuple(map(np.empty_like, state))
            scratch = *map(np.empty_like, state), np.empty(self.weights.shape[2])
            limits = self.forgetting, most_surprise, MAX_MEAN_EIGENVALUE
            given = self._origins, rows, self.delays, state, after, scratch, limits, results
            row, why = loops.learn_rows(row, stop, why, *given)
            if row > first:
                self.covariance, self.weights = after
                self._count(row - first, features[row - 1], results[row - 1], why == loops.LOST)

    def _count(self, n_rows, features, results, lost=None):
        """Count rows as learnt; renew P when it is time, and see to outputs that are not finite.

        Of the last row, features (S, K) and results (2, S, M). `lost` is whether an output is
        not finite, where that is known.
        """
        self.n_learnt += n_rows
        if self.n_learnt % self.renewal == 0:
            self._renew(features, results)
            lost = None
        if lost or (lost is None and not np.isfinite(results[1]).all()):
            self._restart_lost(features, results)

    @QUIETLY
    def _renew(self, features, results):
        self._check_covariance()
        if self.ridge is not None:
            self._renew_penalty()
        results[1] = self.output(features)

    @QUIETLY
    def _restart_lost(self, features, results):
        lost = ~np.isfinite(results[1]).all(axis=1)
        self._restart_weights(lost)
        results[0, lost] = 0.0
        results[1] = self.output(features)

    def _correct(self, origins, labels):
        """Let each output take its step by the label that arrives; return innovations (S, M)."""
        phi = self._features[origins].swapaxes(0, 1)  # (S, M, K)
        known = np.isfinite(labels)
        innovation = np.where(known, labels, 0.0) - self._base[origins].T
        innovation -= np.einsum("smk,smk->sm", phi, self.weights)
        innovation *= known
        step = self._gains[origins].swapaxes(0, 1) * innovation[..., None]
        self.weights = np.add(self.weights, step, out=step)
        return innovation

    def _restart_weights(self, lost):
        """Start all of some streams anew, origins that wait for labels included."""
        warn_of_restart("a weight")
        self.weights = self.weights.copy()
        self.weights[lost] = 0.0
        self._origins = self._origins.copy()
        self._gains[:, lost] = 0.0
        self._features[:, lost] = np.nan_to_num(self._features[:, lost], posinf=0.0, neginf=0.0)
        self._start_covariance(lost, self._prior[lost])

    def _take_back(self, missing, origins):
        """Take origins whose label failed to come out of P again, by the share of their outputs.

        An origin enters P before it is known whether its labels will come. One output less is
        1/M of its weight: exact for one output, and for several that miss labels alike.

        Parameters
        ----------
        missing : ndarray of bool, shape (S, M) or (S, 1)
        origins : ndarray of int, shape (M,)
            The origin whose label of each output would arrive now.
        """
        n_streams, n_outputs = self.weights.shape[:2]
        missing = np.broadcast_to(missing, (n_streams, n_outputs)) & (self.delays > 0)
        delays, first, output = np.unique(self.delays, return_index=True, return_inverse=True)
        n_missing = missing @ np.eye(len(delays))[output]  # (S, D)
        entered = self._gains[origins[first]].any(axis=2).T
        share = n_missing * entered * (self.forgetting ** (delays - 1.0) / n_outputs)
        self._take_out(self._features[origins[first]].swapaxes(0, 1), share)

    def _clear_origins(self):
        n_streams, _, n_features = self.weights.shape
        reach = self.delays.max()
        # Features, gain (zero: nothing to learn from) and base of each origin, side by side.
        self._origins = np.zeros((reach, n_streams, 2 * n_features + 1))

    def _enter(self, features, base):
        """Write rows, of no gain yet, behind those that wait."""
        start = len(self._origins) - len(features)
        self._features[start:], self._base[start:] = features, base
        self._gains[start:] = 0.0

    @property
    def _features(self):
        return self._origins[..., : self.weights.shape[2]]

    @property
    def _gains(self):
        return self._origins[..., self.weights.shape[2] : -1]

    @property
    def _base(self):
        return self._origins[..., -1]
