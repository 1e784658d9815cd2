"""A bound on the memory of readouts, looked at before any of it is taken."""

MOST_BYTES = 2**32  # of the covariances of a readout: 4 GiB


def require_room(n_targets, n_features, n_copies=1):
    """Refuse a readout whose covariances would take more than 4 GiB.

    Parameters
    ----------
    n_targets, n_features : int
        S and K: a covariance is K times K, in float64, and each target has its own.
    n_copies : int
        Covariances that are kept for each.

    Raises
    ------
    ValueError
        They would.

    Examples
    --------
    >>> require_room(n_targets=321, n_features=200)
    """
    n_bytes = 8 * n_copies * n_targets * n_features**2
    if n_bytes > MOST_BYTES:
        raise ValueError(
            f"found {n_targets:,} targets and {n_features:,} readout features of each, whose "
            f"covariances take {n_bytes / 2**30:.1f} GiB, expected at most "
            f"{MOST_BYTES / 2**30:.0f} GiB; fit fewer targets in one frame, make a panel of them "
            "(id_col), whose series share a readout, or pass fewer inputs, lags or seasons"
        )
