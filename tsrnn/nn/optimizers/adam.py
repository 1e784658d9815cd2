"""Adam."""

from __future__ import annotations

import math

import numpy as np

from tsrnn.nn.checks import check_positive
from tsrnn.nn.optimizers.base import Optimizer
from tsrnn.persistence.registry import saved


@saved("adam")
class Adam(Optimizer):
    """Adam: steps scaled by running moments of the gradient, corrected for their zero start.

    ::

        m <- beta1 * m + (1 - beta1) * grad
        v <- beta2 * v + (1 - beta2) * grad²
        weight <- weight - learning_rate * m̂ / (√v̂ + epsilon)
                  with m̂ = m / (1 - beta1^t),  v̂ = v / (1 - beta2^t)

    Parameters
    ----------
    learning_rate : float, default=0.001
        Of steps that name no other; about the size of each weight's first change.
    betas : tuple of float, default=(0.9, 0.999)
        Decay of the two moments, each in [0, 1).
    epsilon : float, default=1e-8
        Keeps the division finite.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    References
    ----------
    Kingma, D. P. & Ba, J. (2015). Adam: a method for stochastic optimization. ICLR.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.nn import Adam
    >>> weight = np.array([1.0])
    >>> Adam(0.1).step([weight], [np.array([2.0])])
    >>> weight.round(6)
    array([0.9])
    """

    slot_names = ("m", "v")

    def __init__(
        self,
        learning_rate: float = 0.001,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
    ):
        super().__init__(learning_rate)
        if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas must be two numbers in [0, 1), found {betas!r}.")
        self.betas = float(betas[0]), float(betas[1])
        self.epsilon = check_positive("epsilon", epsilon)

    def update(
        self, weight: np.ndarray, grad: np.ndarray, m: np.ndarray, v: np.ndarray, rate: float
    ) -> None:
        """Change one weight and its moments, in place."""
        beta1, beta2 = self.betas
        change = (1 - beta1) * grad  # scratch for all products below
        m *= beta1
        m += change
        np.multiply(grad, grad, out=change)
        change *= 1 - beta2
        v *= beta2
        v += change
        np.sqrt(v, out=change)
        change /= math.sqrt(1 - beta2**self.n_steps)
        change += self.epsilon
        np.divide(m, change, out=change)
        change *= rate / (1 - beta1**self.n_steps)
        weight -= change
