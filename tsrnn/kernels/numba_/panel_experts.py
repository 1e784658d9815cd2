"""Errors of the experts of many series, compiled; as of `kernels.numpy_.panel_experts`."""

import numpy as np

from tsrnn.kernels.numba_.maths import compiled
from tsrnn.kernels.numpy_.panel_experts import UNIT_CHANGE


def expert_errors(arrived, issued, due, levels, rows, young, columns, out):
    """Write the errors of what experts had forecast: issued less label; see the NumPy twin."""
    (M, _, J, b), R, N = out.shape, issued.shape[1], rows.shape[1] - 2
    for m in range(M):
        for j in range(J):
            label, newest, before = arrived[j], levels[rows[m, 0], j], levels[rows[m, N + 1], j]
            for r in range(R):
                forecast, to = issued[due[m], r, j], out[m, r, j]
                for s in range(b):
                    to[s] = np.float64(forecast[columns[s]]) - label[s]
            last = out[m, R, j]
            for s in range(b):
                last[s] = newest[columns[s]]
            for season in range(N):
                earlier, to = levels[rows[m, 1 + season], j], out[m, R + 1 + season, j]
                for s in range(b):
                    value = last[s] if young[m, season, s] else earlier[columns[s]]
                    now = newest[columns[s]]
                    to[s] = now if abs(value - now) > UNIT_CHANGE else value
                last = to
            if N:
                to = out[m, R + 1 + N, j]
                for s in range(b):
                    change = newest[columns[s]] - before[columns[s]]
                    if young[m, N, s] or abs(change) > UNIT_CHANGE:
                        change = 0.0
                    to[s] = last[s] + change
            for e in range(R, out.shape[1]):
                to = out[m, e, j]
                for s in range(b):
                    to[s] -= label[s]


expert_errors = compiled(expert_errors, False)
