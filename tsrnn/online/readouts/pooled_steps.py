"""A small pooled readout for each step ahead, which all series of a panel share."""

import copy

import numpy as np

from tsrnn.online.readouts.pooled import finite_steps
from tsrnn.online.readouts.restarts import warn_of_restart
from tsrnn.persistence.registry import saved


@saved("pooled-step-rls")
class PooledStepRLS:
    r"""Linear readouts, one for each target and step, of few features of that step.

    Features are looked up again when their label arrives, so that a step learns from whole rows:
    with the features :math:`X_m` of the origins whose label of step m has come, and its errors
    :math:`e_m`,

    .. math:: R_m \leftarrow \lambda R_m + (1 - \lambda)\, \delta I + X_m' X_m, \qquad
              w_m \leftarrow w_m + R_m^{-1} (X_m' e_m - (1 - \lambda)\, \delta w_m),

    which is exactly the exponentially weighted ridge regression on the labels that came, under a
    penalty δ that does not fade.

    A target whose numbers are not finite starts anew from its penalty, with a `NumericalWarning`.

    A readout is a value: `learn` returns a new one.

    Parameters
    ----------
    n_targets, n_outputs, n_features : int
        J, M and k.
    forgetting : float
        λ in (0, 1], for each step of the panel's clock.
    penalty : float
        δ.

    Attributes
    ----------
    weights : ndarray of shape (J, M, k)
    gram : ndarray of shape (J, M, k, k)
        R.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(1, 1, 2, 500))
    >>> label = 3.0 * X[:, :, 0]
    >>> readout = PooledStepRLS(n_targets=1, n_outputs=1, n_features=2, forgetting=1.0)
    >>> gram, sums = X @ X.swapaxes(2, 3), (X @ label[..., None])[..., 0]
    >>> readout = readout.learn(gram, sums, n_steps=1)
    >>> readout.weights.round(1)
    array([[[3., 0.]]])
    """

    def __init__(self, n_targets, n_outputs, n_features, forgetting, penalty=1.0):
        self.forgetting, self.penalty = float(forgetting), float(penalty)
        shape = n_targets, n_outputs, n_features
        self.weights = np.zeros(shape)
        self.gram = np.broadcast_to(penalty * np.eye(n_features), (*shape, n_features)).copy()

    @np.errstate(over="ignore", invalid="ignore")  # a warning names what overflows
    def learn(self, gram, sums, n_steps):
        """Return the readout after labels, ``n_steps`` after those before.

        Parameters
        ----------
        gram : ndarray of shape (J, M, k, k)
            Sums of the products of features.
        sums : ndarray of shape (J, M, k)
            Sums of the products of features and errors.
        """
        readout = copy.copy(self)
        kept = self.forgetting**n_steps
        renewed = (1.0 - kept) * self.penalty
        readout.gram = kept * self.gram + gram
        diagonal = np.arange(gram.shape[-1])
        readout.gram[..., diagonal, diagonal] += renewed
        total = sums - renewed * self.weights
        finite = np.isfinite(readout.gram).all(axis=(1, 2, 3))
        lost = ~finite | ~np.isfinite(self.weights).all(axis=(1, 2))
        if lost.any():
            warn_of_restart("a covariance or a weight of a step")
            readout.gram[lost] = self.penalty * np.eye(len(diagonal))
            total = np.where(lost[:, None, None], 0.0, total)
        steps = np.linalg.solve(readout.gram, total[..., None])[..., 0]
        weights = np.where(lost[:, None, None], 0.0, self.weights)
        readout.weights = weights + finite_steps(steps)
        return readout
