"""What labels of many series tell the readout that they share, compiled.

As of `kernels.numpy_.panel_readout`, in one pass over the features: they are what fills the memory.
"""

from tsrnn.kernels.numba_.maths import FASTMATH, compiled, inner


def _dot(a, b):
    total = 0.0
    for k in range(len(a)):
        total += a[k] * b[k]
    return total


#: Of two vectors; the order of summation is the compiler's.
_dot = inner(_dot, FASTMATH | {"reassoc"})


def label_sums(features, weights, targets, limits, known, errors, sums):
    """Write the errors of labels, and the sums of their products with the features; see there."""
    m, J, B, K = features.shape
    V = weights.shape[2]
    sums[...] = 0.0
    for output in range(m):
        for j in range(J):
            for s in range(B):
                x, limit = features[output, j, s], limits[output, j, s]
                there = known[output, j, s]
                for v in range(V):
                    error = 0.0
                    if there:
                        error = targets[output, j, s] - _dot(weights[output, j, v], x)
                        error = min(max(error, -limit), limit) if error == error else error
                        total = sums[output, j, v]
                        for k in range(K):
                            total[k] += error * x[k]
                    errors[output, j, v, s] = error


label_sums = compiled(label_sums, {"contract"})
