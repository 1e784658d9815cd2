"""Moments of the newest season of many series, compiled; as of `kernels.numpy_.panel_norm`."""

import numpy as np

from tsrnn.kernels.numba_.maths import compiled


def season_moments(targets, rows, columns, out):
    """Write mean, mean absolute deviation and number of known targets; see the NumPy twin."""
    for j in range(targets.shape[1]):
        mean, deviation, n_known = out[0, j], out[1, j], out[2, j]
        mean[:], deviation[:], n_known[:] = 0.0, 0.0, 0.0
        for row in rows:
            values = targets[row, j]
            for s in range(len(columns)):
                value = values[columns[s]]
                if not np.isnan(value):
                    mean[s] += value
                    n_known[s] += 1.0
        for s in range(len(columns)):
            mean[s] /= max(n_known[s], 1.0)
        for row in rows:
            values = targets[row, j]
            for s in range(len(columns)):
                value = values[columns[s]]
                if not np.isnan(value):
                    deviation[s] += abs(value - mean[s])
        for s in range(len(columns)):
            deviation[s] /= max(n_known[s], 1.0)


season_moments = compiled(season_moments, False)
