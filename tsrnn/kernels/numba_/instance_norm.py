"""Center and scale of rows, compiled; maths and names are those of `InstanceNorm`."""

import numpy as np

from tsrnn.kernels.numba_.maths import inlined, inner


def centers_and_scales(targets, norm, limits, season, start, center, scale):
    """Write center and scale, each (n, S), of the rows of targets from `start` on.

    ``norm`` is spread, moved and level; ``limits`` are the smallest and the largest factor of scale
    that are followed; without a season centers are 0 and scales 1.
    """
    spread, moved, level = norm
    center[:], scale[:] = 0.0, 1.0
    if season:
        for n, s in np.ndindex(center.shape):
            mean, deviation, n_known = _moments(targets[start + n + 1 - season : start + n + 1, s])
            growth = np.log(min(max(deviation / spread[s], limits[0]), limits[1]))
            trust = min(2.0 * n_known / season, 1.0)
            center[n, s] = level[s] + _followed((mean - level[s]) * trust, moved[0, s])
            scale[n, s] = np.exp(_followed(growth * trust, moved[1, s]))


def _moments(values):
    """Return mean, mean absolute deviation and number of the values that are known."""
    total, absolute, n_known = 0.0, 0.0, 0
    for value in values:
        if not np.isnan(value):
            total += value
            n_known += 1
    mean = total / max(n_known, 1)
    for value in values:
        if not np.isnan(value):
            absolute += abs(value - mean)
    return mean, absolute / max(n_known, 1), n_known


def _followed(distance, moved):
    """Return how much of a distance is followed."""
    far = min(abs(distance) / moved, 1e6)
    far *= far
    far *= far
    return distance * (1.0 - 1.0 / (1.0 + far * far))


_moments, _followed = inlined(_moments, False), inner(_followed, False)
centers_and_scales = inlined(centers_and_scales, False)
