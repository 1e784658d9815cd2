"""The covariances of recursive least squares, kept sound over millions of rows."""

import numpy as np

from tsrnn.online.readouts.restarts import warn_of_restart

# Directions that the rows never excite would let the covariance grow as 1/λ per row for ever;
# past this mean eigenvalue (the prior's is 1) it is no longer inflated.
MAX_MEAN_EIGENVALUE = 1e8
# An update takes φ'Pφ out of P in one step; beyond this, what is left would be rounding alone.
MAX_SURPRISE = 1e10
# What is taken out of P again may be all that P knew of its direction: this share of it stays.
SMALLEST_LEFT = 1e-12
PENALTY_OF_FEW = 1.0 / 20.0  # share of the penalty on many weights that few take
# Rows between two renewals of the penalty, of up to 128 features: a renewal costs K³, an update K².
RENEWAL, RENEWAL_FEATURES = 64, 128

# What overflows starts anew, and a warning says so.
QUIETLY = np.errstate(over="ignore", invalid="ignore")


class Covariances:
    """What a readout does to its covariances P: let rows in, renew the penalty, start anew.

    Attributes
    ----------
    covariance : ndarray of shape (S, K, K)
        P, symmetric to the last bit.
    weights : ndarray of shape (S, M, K)
    ridge : ndarray of shape (S,), or None
        Lasting penalty.
    forgetting : float
        λ.
    """

    def _gain(self, phi):
        """Update P with the features (S, K) of a new origin and return its gain (S, K)."""
        v = np.matmul(self.covariance, phi[..., None])[..., 0]
        surprise = np.einsum("sk,sk->s", phi, v)
        if not ((surprise >= 0.0) & (surprise < MAX_SURPRISE)).all():
            v, surprise = self._restart_covariance(phi, surprise)
        denominator = self.forgetting + surprise[:, None]
        u = v / np.sqrt(denominator)  # u u' is symmetric to the last bit, and so P stays
        known = u[:, :, None] * u[:, None, :]
        P = np.subtract(self.covariance, known, out=known)  # K² numbers: no more of them than once
        bounded = np.einsum("skk->s", P) < MAX_MEAN_EIGENVALUE * P.shape[1]
        P *= np.where(bounded, 1.0 / self.forgetting, 1.0)[:, None, None]
        self.covariance = P
        return v / denominator

    @QUIETLY
    def _take_out(self, phi, share):
        """Take features (S, D, K) out of P, by shares (S, D) of their weight: P⁻¹ - Σ share φφ'.

        By Woodbury's identity, all D at once. Where no covariance would be left, none is taken out.
        """
        self.covariance = self.covariance.copy()
        for s in np.flatnonzero(share.any(axis=1)):
            P, given = self.covariance[s], share[s] > 0.0
            B = phi[s, given] * np.sqrt(share[s, given])[:, None]
            V = B @ P
            left = (1.0 + SMALLEST_LEFT) * np.eye(len(B)) - V @ B.T
            try:
                U = np.linalg.solve(np.linalg.cholesky(left), V)
            except np.linalg.LinAlgError:
                continue
            self.covariance[s] = P + U.T @ U

    @QUIETLY
    def _restart_covariance(self, phi, surprise):
        """Start P anew, in the units of phi, for streams whose update would lose all digits."""
        lost = ~((surprise >= 0.0) & (surprise < MAX_SURPRISE))
        size = np.maximum(np.einsum("sk,sk->s", phi, phi), 1.0)
        broken = ~((surprise >= 0.0) & np.isfinite(surprise))
        if broken.any():
            warn_of_restart("a covariance")
            size[broken] = np.maximum(self._prior[broken], size[broken] / (0.1 * MAX_SURPRISE))
        self._start_covariance(lost, size[lost])
        v = np.matmul(self.covariance, phi[..., None])[..., 0]
        return v, np.einsum("sk,sk->s", phi, v)

    def _check_covariance(self):
        """Start P anew for streams where it is none: rounding, or what has befallen the memory."""
        lost = ~(np.einsum("skk->sk", self.covariance) > 0.0).all(axis=1)
        if lost.any():
            warn_of_restart("a covariance")
            self._start_covariance(lost, self._prior[lost])

    def _start_covariance(self, lost, size):
        self.covariance = self.covariance.copy()
        self.covariance[lost] = np.eye(self.covariance.shape[1]) / size[:, None, None]

    @property
    def renewal(self):
        """Rows between two renewals of the penalty: more of wide readouts, as they cost more."""
        return RENEWAL * -(-self.weights.shape[2] // RENEWAL_FEATURES)

    @property
    def _prior(self):
        """Penalty at the start, by stream."""
        return np.ones(len(self.weights)) if self.ridge is None else self.ridge

    def _renew_penalty(self):
        """Put back what has faded of the penalty: P⁻¹ ← P⁻¹ + δ, and pull the weights to zero."""
        faded = self.ridge * (1.0 - self.forgetting**self.renewal)
        for s in np.flatnonzero(faded > 0.0):
            P = self.covariance[s]
            # (P⁻¹ + δ)⁻¹ = (P + 1/δ)⁻¹ P / δ
            P = np.linalg.solve(P + np.eye(len(P)) / faded[s], P) / faded[s]
            self.covariance[s] = (P + P.T) / 2.0
            self.weights[s] -= faded[s] * np.matmul(self.weights[s], self.covariance[s])
