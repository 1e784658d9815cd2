"""Stochastic gradient descent."""

from __future__ import annotations

import numpy as np

from tsrnn.nn.optimizers.base import Optimizer


class SGD(Optimizer):
    """Stochastic gradient descent with momentum.

    ::

        velocity <- momentum * velocity + grad
        weight   <- weight - learning_rate * velocity
                           (nesterov: grad + momentum * velocity in place of velocity)

    Parameters
    ----------
    learning_rate : float, default=0.01
        Of steps that name no other.
    momentum : float, default=0.0
        In [0, 1).
    nesterov : bool, default=False
        Look ahead (Sutskever et al., 2013, in PyTorch's form).

    Raises
    ------
    ValueError
        If learning_rate or momentum is out of range.

    References
    ----------
    Sutskever, I., Martens, J., Dahl, G. & Hinton, G. (2013). On the importance of initialization
    and momentum in deep learning. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.nn import SGD
    >>> weight = np.array([1.0])
    >>> SGD(0.1).step([weight], [np.array([2.0])])
    >>> weight
    array([0.8])
    """

    slot_names = ("velocity",)

    def __init__(
        self, learning_rate: float = 0.01, momentum: float = 0.0, *, nesterov: bool = False
    ):
        super().__init__(learning_rate)
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum must lie in [0, 1), found {momentum!r}.")
        self.momentum, self.nesterov = float(momentum), nesterov

    def update(
        self, weight: np.ndarray, grad: np.ndarray, velocity: np.ndarray, rate: float
    ) -> None:
        """Change one weight and its velocity, in place."""
        velocity *= self.momentum
        velocity += grad
        change = grad + self.momentum * velocity if self.nesterov else velocity
        weight -= rate * change
