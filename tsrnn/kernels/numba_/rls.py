"""Rows of recursive least squares, compiled; maths and names are those of `DelayedRLS`."""

import numpy as np

from tsrnn.kernels.numba_.maths import FASTMATH, compiled, copy_to, flat, inlined, inner, product


def _dot(x, y):
    total = 0.0
    for k in range(x.size):
        total += x[k] * y[k]
    return total


_dot = inner(_dot, FASTMATH | {"reassoc"})


@compiled
def push_rows(origins, features, base):
    """Write rows, with no gain yet, behind the origins that wait.

    Parameters
    ----------
    origins : ndarray of shape (reach + n, S, 2 K + 1)
        Features, gain and base of each.
    features, base : ndarray of shape (n, S, K) and (n, S)
    """
    start, K = len(origins) - len(features), features.shape[2]
    for row, s in np.ndindex(base.shape):
        new, given = origins[start + row, s], features[row, s]
        for k in range(K):
            new[k], new[K + k] = given[k], 0.0
        new[2 * K] = base[row, s]


@compiled
def outputs(weights, features, out):
    """Write what readouts (S, M, K) say of features (n, S, K), (n, S, M), to `out`."""
    for row in range(len(features)):
        for s in range(len(weights)):
            product(weights[s], features[row, s], out[row, s])


#: Why `learn_rows` stopped: all rows are learnt, or what is rare is to be done first, as a row
#: misses labels, its surprise is beyond the limit, or an output of the one before is not finite.
START, LEARNT, MISSING, SURPRISED, LOST = range(5)


@compiled
def learn_rows(first, stop, why, origins, rows, delays, state, after, scratch, limits, results):
    """Enter rows as origins, one by one, and learn from the labels that arrive with each.

    Parameters
    ----------
    first, stop : int
        Which of the rows.
    why : int
        START, or why it stopped the last time, which has been seen to.
    origins : ndarray of shape (reach + n, S, 2 K + 1)
        Features, gain and base of the origins that wait, behind them the rows.
    rows : tuple of ndarray
        Features (n, S, K), base (n, S) and labels (n, S, M or 1) of all rows.
    delays : ndarray of int, shape (M,)
    state : tuple of ndarray
        P and weights.
    after : tuple of ndarray
        Arrays of their shapes: where they are written as the last row learnt leaves them.
    scratch : tuple of ndarray
        Two of their shapes again, and one of K numbers.
    limits : tuple of float
        λ, the most surprise, and the largest mean eigenvalue of P.
    results : ndarray of shape (n, 2, S, M)
        Where innovations and outputs are written.

    Returns
    -------
    row : int
        The first one that is not learnt.
    why : int
    """
    if why == START:
        push_rows(origins, rows[0], rows[1])
    labels, (P, weights), (new_P, new_weights) = rows[2], state, after
    reach, settled = len(origins) - len(labels), MISSING <= why <= SURPRISED
    row, why = first, LEARNT
    while row < stop:
        if not (settled and row == first) and not _finite(labels[row]):
            why = MISSING
            break
        now, results_now = reach + row, results[row]
        if not _learn_row(
            now, origins, labels[row], delays, P, weights, limits, new_P, new_weights, scratch[2],
            results_now,
        ):  # fmt: skip
            why = SURPRISED
            break
        if row == first:  # what was given stays; after that, two buffers take turns
            P, weights, new_P, new_weights = new_P, new_weights, scratch[0], scratch[1]
        else:
            P, new_P = new_P, P
            weights, new_weights = new_weights, weights
        row += 1
        if not _finite(results_now[1]):
            why = LOST
            break
    if row > first and (row - first) % 2 == 0:
        copy_to(flat(after[0]), flat(P))
        copy_to(flat(after[1]), flat(weights))
    return row, why


@inner
def _finite(values):
    total = 0.0
    for value in values.flat:
        total += 0.0 * value  # NaN of whatever is not finite
    return total == 0.0


@inlined
def _learn_row(
    row, origins, labels, delays, P, weights, limits, new_P, new_weights, u, results
):  # fmt: skip
    """Learn a row; False: the surprise is beyond its limit, and nothing that is written counts."""
    innovation, output, K = results[0], results[1], P.shape[1]
    for s in range(len(P)):
        phi = origins[row, s, :K]
        if not _enter(P[s], phi, limits, origins[row, s, K : 2 * K], new_P[s], u):
            return False
        for m in range(len(delays)):
            origin, w = origins[row - delays[m], s], weights[s, m]
            label = labels[s, min(m, labels.shape[1] - 1)]
            error = label - origin[2 * K] - _dot(origin[:K], w)
            innovation[s, m] = error if np.isfinite(label) else 0.0
            _correct(w, origin[K : 2 * K], innovation[s, m], new_weights[s, m])
        product(new_weights[s], phi, output[s])
    return True


@inlined
def _enter(P, phi, limits, gain, new_P, u):
    """Write the gain of a new origin, and P after it, symmetric to the last bit.

    False: the surprise is beyond its limit. With no limit (inf) it is taken as it is, after P has
    been seen to: what is not finite then shows in the outputs. `u` is room for K numbers.
    """
    forgetting, most_surprise, most_eigenvalue = limits
    product(P, phi, gain)  # v
    surprise = _dot(phi, gain)
    if most_surprise < np.inf and not 0.0 <= surprise < most_surprise:
        return False
    denominator = forgetting + surprise
    root, trace = np.sqrt(denominator), 0.0
    for k in range(u.size):
        u[k] = gain[k] / root
        trace += P[k, k] - u[k] * u[k]
        gain[k] /= denominator
    inflation = 1.0 / forgetting if trace < most_eigenvalue * u.size else 1.0
    for i in range(u.size):
        old, new, u_i = P[i], new_P[i], u[i]
        for j in range(u.size):
            new[j] = (old[j] - u_i * u[j]) * inflation
    return True


@inlined
def _correct(w, gain, error, new_w):
    for k in range(w.size):
        new_w[k] = w[k] + gain[k] * error
