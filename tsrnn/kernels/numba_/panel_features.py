"""Features of origins of many series, compiled; as of `kernels.numpy_.panel_features`."""

import numpy as np

from tsrnn.kernels.numba_.maths import compiled, take


def lag_features(first, columns, levels, rows, centers, scales, place, out):
    """Write what the readout sees of the newest values of series; see the NumPy twin."""
    n, b = len(rows) - 1, len(columns)
    newest, inverse, values = np.empty(b), np.empty(b), np.empty(b)
    for j in range(len(out)):
        scale, center = scales[j, first : first + b], centers[j, first : first + b]
        to = out[j, first : first + b]
        take(levels[rows[0], j], columns, newest)
        for s in range(b):
            inverse[s] = 1.0 / scale[s]
        for k in range(n):
            take(levels[rows[1 + k], j], columns, values)
            for s in range(b):
                change = (values[s] - newest[s]) * inverse[s]
                to[s, place + k] = change if change == change else 0.0
        for s in range(b):
            to[s, place + n] = (newest[s] - center[s]) * inverse[s]


lag_features = compiled(lag_features, False, allocates=True)
