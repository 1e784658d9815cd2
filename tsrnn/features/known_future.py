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


def ahead_of_series(newest, following, horizon):
    """Return the same of the origins of many series, each with the rows that follow it.

    Parameters
    ----------
    newest : ndarray of shape (..., F)
        Of the origin.
    following : ndarray of shape (..., m, F)
        Of the next m rows, NaN where unknown: the newest known value stands there, and beyond.
    horizon : int

    Returns
    -------
    ndarray of shape (..., horizon, 2 F)

    Examples
    --------
    >>> ahead_of_series(np.array([0.0]), np.array([[4.0], [np.nan]]), horizon=3)
    array([[4., 0.],
           [4., 0.],
           [4., 0.]])
    """
    steps = np.arange(1, horizon + 1)
    known = np.isfinite(following)
    number = np.where(known, np.arange(1, following.shape[-2] + 1)[:, None], 0)
    number = np.maximum.accumulate(number, axis=-2)[..., np.minimum(steps, number.shape[-2]) - 1, :]
    values = np.concatenate([newest[..., None, :], following], axis=-2)
    at_step = np.take_along_axis(values, number, axis=-2)
    mean = at_step.cumsum(axis=-2) / steps[:, None]
    return np.concatenate([at_step, mean - at_step], axis=-1)


def arrived_of_series(inputs):
    """Return what was known ahead of the newest row, by the origins before it.

    Parameters
    ----------
    inputs : ndarray of shape (horizon, F, B)
        The newest rows of B series.

    Returns
    -------
    ndarray of shape (horizon, 2 F, B)
        Of the origin just before each of the rows.

    Examples
    --------
    >>> arrived_of_series(np.array([4.0, 8.0]).reshape(2, 1, 1))[..., 0]
    array([[ 8., -2.],
           [ 8.,  0.]])
    """
    n_steps = np.arange(len(inputs), 0, -1)[:, None, None]
    mean = inputs[::-1].cumsum(axis=0)[::-1] / n_steps
    at_step = np.broadcast_to(inputs[-1:], inputs.shape)
    return np.concatenate([at_step, mean - at_step], axis=1)
