"""A row of recursive least squares, compiled; maths and names are those of `DelayedRLS`."""

import numpy as np

from tsrnn.nn.compiled.maths import FASTMATH, compiled, product


def _dot(x, y):
    total = 0.0
    for k in range(x.size):
        total += x[k] * y[k]
    return total


_dot = compiled(_dot, FASTMATH | {"reassoc"})


@compiled
def learn_row(
    row, features, gains, base, labels, delays, P, weights, limits, new_P, new_weights, told
):
    """Enter a row as an origin and learn from the labels (S, M or 1) that arrive with it.

    ``limits`` are λ, the most surprise, and the largest mean eigenvalue of P. Written are the gain
    of the row, `new_P` and `new_weights`, and innovations and outputs as ``told`` (2, S, M).
    False: the surprise is beyond its limit; nothing that is written then counts.
    """
    innovation, output = told
    for s in range(len(P)):
        phi = features[row, s]
        if not _enter(P[s], phi, limits, gains[row, s], new_P[s]):
            return False
        for m in range(len(delays)):
            origin, w = row - delays[m], weights[s, m]
            label = labels[s, min(m, labels.shape[1] - 1)]
            error = label - base[origin, s] - _dot(features[origin, s], w)
            innovation[s, m] = error if np.isfinite(label) else 0.0
            _correct(w, gains[origin, s], innovation[s, m], new_weights[s, m])
        product(new_weights[s], phi, output[s])
    return True


@compiled
def _enter(P, phi, limits, gain, new_P):
    """Write the gain of a new origin, and P after it, symmetric to the last bit."""
    forgetting, most_surprise, most_eigenvalue = limits
    product(P, phi, gain)  # v
    surprise = _dot(phi, gain)
    if not 0.0 <= surprise < most_surprise:
        return False
    denominator = forgetting + surprise
    u = gain / np.sqrt(denominator)
    trace = 0.0
    for k in range(u.size):
        trace += P[k, k] - u[k] * u[k]
        gain[k] /= denominator
    inflation = 1.0 / forgetting if trace < most_eigenvalue * u.size else 1.0
    for i in range(u.size):
        old, new, u_i = P[i], new_P[i], u[i]
        for j in range(u.size):
            new[j] = (old[j] - u_i * u[j]) * inflation
    return True


@compiled
def _correct(w, gain, error, new_w):
    for k in range(w.size):
        new_w[k] = w[k] + gain[k] * error
