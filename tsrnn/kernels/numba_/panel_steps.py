"""Features and readouts of each step ahead of many series, compiled; as of the NumPy twins.

The features of a step stay in the cache while they are used. Inner loops run over series.
"""

import numpy as np

from tsrnn.kernels.numba_.maths import FASTMATH, compiled, inner, take


def step_features(first, columns, looked_up, out):
    """Write what is known, at an origin, about each step ahead of it; see the NumPy twin."""
    scratch = np.empty((2, len(columns)))
    for j in range(len(out)):
        for m in range(out.shape[1]):
            _features_of_step(j, m, first, columns, looked_up, scratch, out[j, m])


def step_forecasts(first, columns, looked_up, weights, out):
    """Write the forecasts of steps; see the NumPy twin."""
    (J, M, K), b = weights.shape, len(columns)
    scratch, features = np.empty((2, b)), np.empty((K, b))
    for m in range(M):
        for j in range(J):
            _features_of_step(j, m, first, columns, looked_up, scratch, features)
            _weighted(features, weights[j, m], out[m, j, first : first + b])


def step_sums(first, columns, looked_up, weights, labels, gram, sums):
    """Add what the labels of steps tell; see the NumPy twin."""
    arrived, known, roots, limits = labels
    (J, M, K), b, until = weights.shape, len(columns), first + len(columns)
    scratch, features, error = np.empty((2, b)), np.empty((K, b)), np.empty(b)
    for m in range(M):
        for j in range(J):
            _features_of_step(j, m, first, columns, looked_up, scratch, features)
            _weighted(features, weights[j, m], error)
            newest, inverse, label = scratch[0], scratch[1], arrived[j, first:until]
            for s in range(b):
                error[s] = (label[s] - newest[s]) * inverse[s] - error[s]
            if len(limits):
                limit = limits[m, j, first:until]
                for s in range(b):
                    error[s] = min(max(error[s], -limit[s]), limit[s])
            root, there = roots[m, j, first:until], known[m, j, first:until]
            for s in range(b):
                inverse[s] = root[s] if there[s] else 0.0
            for s in range(b):
                error[s] = error[s] * inverse[s] if inverse[s] > 0.0 else 0.0
            for k in range(K):
                of_feature = features[k]
                for s in range(b):
                    of_feature[s] *= inverse[s]
            for k in range(K):
                sums[j, m, k] += _dot(features[k], error)
                for other in range(k):
                    product = _dot(features[k], features[other])
                    gram[j, m, k, other] += product
                    gram[j, m, other, k] += product
                gram[j, m, k, k] += _dot(features[k], features[k])


def _features_of_step(j, m, first, columns, looked_up, scratch, out):
    """Write the features (K, b) of a step; the newest value and 1 by the scale to the scratch."""
    levels, profiles, rows, profile_rows, centers, scales, flags, inputs = looked_up
    n, b, until = rows.shape[1] - 1, len(columns), first + len(columns)
    newest, inverse = scratch[0], scratch[1]
    scale = scales[m if len(scales) > 1 else 0, j, first:until]
    take(levels[rows[m, 0], j], columns, newest)
    for s in range(b):
        inverse[s] = 1.0 / scale[s]
    for k in range(n):
        to = out[k]
        take(levels[rows[m, 1 + k], j], columns, to)
        for s in range(b):
            value = (to[s] - newest[s]) * inverse[s]
            to[s] = value if value == value else 0.0
    now, center = out[n + 2], centers[j, first:until]
    for s in range(b):
        value = (newest[s] - center[s]) * inverse[s]
        now[s] = value if value == value else 0.0
    for place in range(2):
        to = out[n + place]
        to[:] = 0.0
        if len(profiles[0]):
            take(profiles[place][profile_rows[m], j], columns, to)
            for s in range(b):
                value = to[s] - now[s]
                to[s] = value if value == value else 0.0
    out[n + 3] = 1.0
    if len(flags):
        out[n + 4] = flags[m]
    for k in range(inputs.shape[1]):
        out[len(out) - inputs.shape[1] + k] = inputs[m, k, first:until]


def _weighted(features, weights, out):
    """Write the weighted sums (b,) of features (K, b)."""
    out[:] = 0.0
    for k in range(len(features)):
        weight, of_feature = weights[k], features[k]
        for s in range(len(out)):
            out[s] += weight * of_feature[s]


def _dot(a, b):
    total = 0.0
    for s in range(len(a)):
        total += a[s] * b[s]
    return total


_weighted = inner(_weighted, {"contract"})
# A row of an array that is assigned may be copied first.
_features_of_step = inner(_features_of_step, False, allocates=True)
#: Of two vectors; the order of summation is the compiler's.
_dot = inner(_dot, FASTMATH | {"reassoc"})
step_features = compiled(step_features, False, allocates=True)
step_forecasts = compiled(step_forecasts, False, allocates=True)
step_sums = compiled(step_sums, False, allocates=True)
