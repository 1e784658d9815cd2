"""Labels brought back to the origins they belong to."""

import numpy as np


def origin_targets(base, labels, delays):
    """Bring each label back to its origin.

    Parameters
    ----------
    base : ndarray of shape (n, S)
        What the targets of an origin are measured from.
    labels : ndarray of shape (n, S, M) or (n, S, 1)
        Labels in the rows where they arrive, NaN where missing; one may serve all outputs.
    delays : sequence of int, length M
        Rows between the origin and the label of each output.

    Returns
    -------
    targets : ndarray of shape (n, S, M)
        NaN where the label is missing or lies beyond the last row.

    Examples
    --------
    >>> import numpy as np
    >>> values = np.array([1.0, 4.0, 9.0]).reshape(3, 1)
    >>> origin_targets(values, values[..., None], delays=[1])[:, 0, 0]
    array([ 3.,  5., nan])
    """
    n, n_streams = base.shape
    targets = np.full((n, n_streams, len(delays)), np.nan)
    labels = np.broadcast_to(labels, targets.shape)
    for output, delay in enumerate(delays):
        known = max(n - delay, 0)
        targets[:known, :, output] = labels[n - known :, :, output] - base[:known]
    return targets
