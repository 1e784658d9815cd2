"""Moments of the newest season of many series, compiled; as of `kernels.numpy_.panel_norm`."""

import numpy as np

from tsrnn.kernels.numba_.maths import compiled, inner, take


def season_moments(first, columns, targets, rows, out):
    """Write mean, mean absolute deviation and number of known targets; see the NumPy twin."""
    scratch, until = np.empty(len(columns)), first + len(columns)
    for j in range(targets.shape[1]):
        moments = out[0, j, first:until], out[1, j, first:until], out[2, j, first:until]
        _moments(j, columns, targets, rows, scratch, *moments)


def _moments(j, columns, targets, rows, values, mean, deviation, n_known):
    b = len(columns)
    mean[:], deviation[:], n_known[:] = 0.0, 0.0, 0.0
    for row in rows:
        take(targets[row, j], columns, values)
        for s in range(b):
            value = values[s]
            known = value == value
            mean[s] += value if known else 0.0
            n_known[s] += 1.0 if known else 0.0
    for s in range(b):
        mean[s] /= max(n_known[s], 1.0)
    for row in rows:
        take(targets[row, j], columns, values)
        for s in range(b):
            away = abs(values[s] - mean[s])
            deviation[s] += away if away == away else 0.0
    for s in range(b):
        deviation[s] /= max(n_known[s], 1.0)


_moments = inner(_moments, False)
season_moments = compiled(season_moments, False, allocates=True)
