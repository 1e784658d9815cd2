"""Standard errors of means of autocorrelated rows: moving blocks around a circle.

Source: Politis and Romano (1992), A circular block-resampling procedure for stationary data.
"""

import numpy as np

N_RESAMPLES = 500


def block_length(n_rows, horizon):
    """Return rows of a block: errors of `horizon` steps overlap over so many rows."""
    return int(min(horizon + np.ceil(n_rows ** (1 / 3)), max(1, n_rows // 3)))


def standard_error(values, horizon, seed=0):
    """Return the standard error of the mean of `values`, shape (n_rows,), NaN left out."""
    n_rows = len(values)
    length = block_length(n_rows, horizon)
    rng = np.random.default_rng(seed)
    starts = rng.integers(n_rows, size=(N_RESAMPLES, -(-n_rows // length)))
    rows = (starts[..., None] + np.arange(length)) % n_rows
    sample = values[rows.reshape(N_RESAMPLES, -1)[:, :n_rows]]
    known = np.isfinite(sample)
    means = np.where(known, sample, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return float(means.std(ddof=1))
