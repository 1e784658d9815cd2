"""Bounding the length of a gradient."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tsrnn.nn.checks import check_positive


def clip_by_global_norm(grads: Sequence[np.ndarray], max_norm: float) -> float:
    """Scale all gradients together, in place, so that their common norm is at most `max_norm`.

    Parameters
    ----------
    grads : sequence of ndarray
        Changed in place.
    max_norm : float
        Bound of the Euclidean norm over all entries.

    Returns
    -------
    float
        The norm before scaling. If it is not finite the gradients are left as they are and must
        not be stepped on: the caller has to look at it.

    Raises
    ------
    ValueError
        If max_norm is not a positive finite number.

    References
    ----------
    Pascanu, R., Mikolov, T. & Bengio, Y. (2013). On the difficulty of training recurrent neural
    networks. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.nn import clip_by_global_norm
    >>> grad = np.array([3.0, 4.0])
    >>> clip_by_global_norm([grad], 1.0)
    5.0
    >>> grad
    array([0.6, 0.8])
    """
    max_norm = check_positive("max_norm", max_norm)
    # float64, since the squares of large float32 gradients overflow
    flat = (grad.astype(np.float64).ravel(order="K") for grad in grads)
    norm = float(np.sqrt(sum(np.dot(values, values) for values in flat)))
    if max_norm < norm < np.inf:
        for grad in grads:
            grad *= max_norm / norm
    return norm
