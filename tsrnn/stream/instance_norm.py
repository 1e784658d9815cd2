"""Level and scale of the newest season, where they are not those of the history any more."""

from dataclasses import dataclass

import numpy as np

LEVEL_MOVED = 1.0  # standard deviations of the history: of a level that counts half as moved
SCALE_MOVED = 0.4  # of the logarithm of a scale that does: a factor of 1.5
SMALLEST, LARGEST = 0.1, 1e6  # factors of scale that are followed
BLOCK = 4096  # rows looked at at once


@dataclass(frozen=True)
class InstanceNorm:
    """Reversible instance normalization [1]_ of a network's view, where the history is left.

    A network is lost where a series moves to a level or a scale that its history never had. So the
    mean of the newest season is taken from its inputs and their scale divided out, and its outputs
    are multiplied by that scale; but only by as much as mean and scale have moved further than
    seasons of the history do among each other: within those, the level itself tells the network
    something.

    Attributes
    ----------
    season : int
        Rows that are looked at: the longest season.
    spread : ndarray of shape (S,)
        Mean absolute deviation from the mean of a season, over the history.

    References
    ----------
    .. [1] T. Kim et al. (2022), Reversible instance normalization for accurate time-series
       forecasting against distribution shift, ICLR.

    Examples
    --------
    A day and night that moves up by five, and then doubles:

    >>> import numpy as np
    >>> targets = np.tile([-1.0, 1.0], 100)[:, None]
    >>> norm = InstanceNorm.of(targets, season=2)
    >>> targets[100:150] += 5.0
    >>> targets[150:] *= 2.0
    >>> center, scale = norm.at(targets, 1, 200)
    >>> center.ravel()[[0, 120, 198]].round(2), scale.ravel()[[0, 120, 198]].round(2)
    (array([0.  , 4.99, 0.  ]), array([1.  , 1.  , 1.87]))
    """

    season: int
    spread: np.ndarray

    @classmethod
    def of(cls, targets, season):
        """Learn what is usual from the targets (n, S) of a history of at least a season."""
        total, n_known = np.zeros((2, targets.shape[1]))
        for start in range(season - 1, len(targets), BLOCK):
            stop = min(start + BLOCK, len(targets))
            for stream, _, deviation, missing in _seasons(targets, start, stop, season):
                deviation[missing] = 0.0
                total[stream] += deviation.sum()
                n_known[stream] += missing.size - missing.sum()
        spread = total / np.maximum(n_known, 1)
        return cls(season, np.where(spread > 0, spread, 1.0))

    def at(self, targets, start, stop):
        """Return center and scale, each (stop - start, S), at rows of targets (rows, S).

        Before `start` there is at least a season less one row. Missing targets (NaN) count as
        those of the history: what is not known has not moved.
        """
        mean, spread = np.empty((2, stop - start, targets.shape[1]))
        for stream, means, deviation, missing in _seasons(targets, start, stop, self.season):
            deviation[missing] = self.spread[stream]
            mean[:, stream], spread[:, stream] = means, deviation.mean(axis=1)
        center = mean * _moved(np.abs(mean) / LEVEL_MOVED)
        growth = np.log(np.clip(spread / self.spread, SMALLEST, LARGEST))
        scale = np.exp(growth * _moved(np.abs(growth) / SCALE_MOVED))
        return center, scale


def _seasons(targets, start, stop, season):
    """Yield stream, mean (n,), absolute deviations (n, season) and what is missing, by stream.

    They are of the season up to each row. Missing targets count as zero in the mean. Sums run over
    memory in order, so that they do not hang on how many rows there are.
    """
    for stream, values in enumerate(targets[start + 1 - season : stop].T):
        windows = np.lib.stride_tricks.sliding_window_view(values, season).copy()
        missing = np.isnan(windows)
        windows[missing] = 0.0
        mean = windows.mean(axis=1)
        windows -= mean[:, None]
        yield stream, mean, np.abs(windows, out=windows), missing


def _moved(size):
    """Return what share of a move counts: half of one of size 1, hardly any of a smaller one."""
    return 1.0 - 1.0 / (1.0 + np.minimum(size, 1e6) ** 4)
