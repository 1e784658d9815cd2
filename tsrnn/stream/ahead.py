"""What inputs that are known ahead say of each step."""

import numpy as np


def ahead_of(values, n_origins, horizon):
    """Return what the rows after each origin say of each step of the horizon.

    For each column the value at the step, and by how much the mean over the steps up to it differs
    from that: what has been going on since the origin acts through the past of the target.

    Parameters
    ----------
    values : ndarray of shape (n, F)
        The origins and the rows that follow them; the last row stands for all beyond.
    n_origins : int
    horizon : int

    Returns
    -------
    ndarray of shape (n_origins, horizon, 2 F)

    Examples
    --------
    >>> ahead_of(np.array([[0.0], [4.0], [8.0]]), n_origins=1, horizon=2)[0]
    array([[ 4.,  0.],
           [ 8., -2.]])
    """
    steps = np.arange(1, horizon + 1)
    rows = np.minimum(np.arange(n_origins)[:, None] + steps, len(values) - 1)
    at_step = values[rows]
    mean = at_step.cumsum(axis=1) / steps[:, None]
    return np.concatenate([at_step, mean - at_step], axis=2)
