"""Features of each step ahead of many series, compiled; as of `kernels.numpy_.panel_steps`."""

import numpy as np

from tsrnn.kernels.numba_.maths import compiled


def step_features(levels, profiles, rows, profile_rows, columns, center, scale, out):
    """Write what is known, at an origin, about each step ahead of it; see the NumPy twin."""
    (J, M, _, b), n = out.shape, rows.shape[1] - 1
    for j in range(J):
        for m in range(M):
            newest, unit = levels[rows[m, 0], j], scale[j, m]
            for k in range(n):
                earlier, to = levels[rows[m, 1 + k], j], out[j, m, k]
                for s in range(b):
                    value = (earlier[columns[s]] - newest[columns[s]]) / unit[s]
                    to[s] = 0.0 if np.isnan(value) else value
            now = out[j, m, n + 2]
            for s in range(b):
                value = (newest[columns[s]] - center[j, s]) / unit[s]
                now[s] = 0.0 if np.isnan(value) else value
            if len(profiles[0]):
                for place in range(2):
                    profile, to = profiles[place][profile_rows[m], j], out[j, m, n + place]
                    for s in range(b):
                        value = np.float64(profile[columns[s]]) - now[s]
                        to[s] = 0.0 if np.isnan(value) else value


step_features = compiled(step_features, False)
