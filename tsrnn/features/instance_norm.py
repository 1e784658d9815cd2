"""Level and scale of the newest season, where they are not those of the history any more."""

from dataclasses import dataclass, replace

import numpy as np

from tsrnn.persistence.registry import saved

# A level or (logarithm of a) scale counts half as moved that is this much further from that of the
# history than this share of the history's own seasons: a standard deviation, a factor of 1.5.
LEVEL_MOVED, SCALE_MOVED = 1.0, 0.4
USUAL_SHARE = 0.9
FAR = 1.5  # times that distance: the level has moved for good
SETTLED = 5  # seasons after a move over which the new level is averaged, but for the first
SMALLEST, LARGEST = 0.1, 1e6  # factors of scale that are followed
TINY = 1e-9  # of a spread: what rounding makes of a constant
BLOCK = 4096  # rows looked at at once


@saved("instance-norm")
@dataclass(frozen=True)
class InstanceNorm:
    """Reversible instance normalization [1]_ of a network's view, where the history is left.

    A network is lost where a series moves to a level or a scale that its history never had. So the
    mean of the newest season is taken from its inputs and their scale divided out, and its outputs
    are multiplied by that scale; but only where they have moved clearly further than seasons of
    the history do: within those, the level itself tells the network something. A series that was
    constant has no scale to be followed.

    A level that has moved further still, `FAR` times as much, is taken for the series' own from
    then on: what is usual is measured from there. It is that of the newest season until the move is
    a season old, then the mean of some seasons, and then it stays (see `settled`).

    Attributes
    ----------
    season : int
        Rows that are looked at: the longest season.
    spread : ndarray of shape (S,)
        Mean absolute deviation from the mean of a season, over the history.
    moved : ndarray of shape (2, S)
        Distance of a level and of the logarithm of a scale that counts half as moved.
    level : ndarray of shape (S,)
        Where the series is now: 0, that of the history, until it has moved far.
    since : ndarray of shape (S,)
        Rows since it was last seen far from there; infinite if never.

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
    (array([0., 5., 0.]), array([1.  , 1.  , 1.98]))
    """

    season: int
    spread: np.ndarray
    moved: np.ndarray
    level: np.ndarray
    since: np.ndarray

    @classmethod
    def of(cls, targets, season):
        """Learn what is usual from the targets (n, S) of a history of at least a season."""
        n_streams = targets.shape[1]
        ones, zeros = np.ones(n_streams), np.zeros(n_streams)
        norm = cls(season, ones, np.ones((2, n_streams)), level=zeros, since=np.inf * ones)
        starts = range(season - 1, len(targets), BLOCK)
        blocks = [norm._found(targets, start, start + BLOCK) for start in starts]
        return norm.fitted(*np.concatenate(blocks, axis=1))

    def fitted(self, mean, deviation, n_known):
        """Return the norm of a history whose seasons have these moments, each (n, S)."""
        spread = (deviation * n_known).sum(axis=0) / np.maximum(n_known.sum(axis=0), 1)
        varies = spread > TINY
        norm = replace(self, spread=np.where(varies, spread, 1.0))
        distance = norm._distances(mean, deviation, n_known)
        usual = np.quantile(np.abs(distance), USUAL_SHARE, axis=1)
        moved = usual + np.array([[LEVEL_MOVED], [SCALE_MOVED]])
        moved[1, ~varies] = np.inf
        return replace(norm, moved=moved)

    def settled(self, targets, n_rows):
        """Return the norm after `n_rows` more, of which targets (n, S) end with the newest season.

        Where less than half of that is known, all stays as it is: a move goes on after an outage.
        """
        mean, _, n_known = self._found(targets, len(targets) - 1, len(targets))[:, 0]
        known = 2 * n_known >= self.season
        far = known & (np.abs(mean - self.level) > FAR * self.moved[0])
        since = np.where(far, 0.0, self.since + n_rows * known)
        n_averaged = 1.0 + np.floor(np.maximum(since - self.season, 0.0) / n_rows)
        follows = known & (since <= SETTLED * self.season)
        level = self.level + np.where(follows, (mean - self.level) / n_averaged, 0.0)
        return replace(self, level=level, since=since)

    def unmoved(self):
        """Return the norm of a series that is still where its history was."""
        return replace(self, level=0.0 * self.level, since=np.full_like(self.since, np.inf))

    def at(self, targets, start, stop):
        """Return center and scale, each (stop - start, S), at rows of targets (rows, S).

        Before `start` there is at least a season less one row. Missing targets (NaN) do not count;
        where they are more than half, less of a move is believed.
        """
        distance = self._distances(*self._found(targets, start, stop))
        far = np.minimum(np.abs(distance) / self.moved[:, None], 1e6) ** 8
        change, growth = distance * (1.0 - 1.0 / (1.0 + far))  # half of one that is far
        return self.level + change, np.exp(growth)

    def _distances(self, mean, deviation, n_known):
        """Return how far mean and logarithm of the scale are from the usual ones, (2, n, S)."""
        growth = np.log(np.clip(deviation / self.spread, SMALLEST, LARGEST))
        return np.stack([mean - self.level, growth]) * np.minimum(2.0 * n_known / self.season, 1.0)

    def _found(self, targets, start, stop):
        """Return mean, mean absolute deviation and number of known targets, (3, n, S).

        They are of the season up to each row. Sums run over memory in order, so that they do not
        hang on how many rows there are.
        """
        rows = targets[start + 1 - self.season : stop]
        found = np.empty((3, len(rows) + 1 - self.season, targets.shape[1]))
        for stream, values in enumerate(rows.T):
            windows = np.lib.stride_tricks.sliding_window_view(values, self.season).copy()
            missing = np.isnan(windows)
            n_known = self.season - missing.sum(axis=1)
            count = np.maximum(n_known, 1)
            windows[missing] = 0.0
            mean = windows.sum(axis=1) / count
            windows -= mean[:, None]
            windows[missing] = 0.0
            deviation = np.abs(windows, out=windows).sum(axis=1) / count
            found[..., stream] = mean, deviation, n_known
        return found
