"""Level and scale of each series of a panel, where they have left those of its history."""

from dataclasses import dataclass, replace

import numpy as np

from tsrnn.features.instance_norm import InstanceNorm
from tsrnn.kernels import compiled_kernels
from tsrnn.kernels.numpy_ import panel_norm
from tsrnn.partitions import gathered
from tsrnn.persistence.registry import saved
from tsrnn.threads import by_blocks

MOST_SEASONS = 64  # of a history whose moments are looked at, evenly spread


@dataclass(frozen=True)
class SeasonRows:
    """Targets of some series up to a position, as `InstanceNorm` looks them up.

    Attributes
    ----------
    ring : Ring
    series : ndarray of int, shape (B,), or slice(None)
    stop : int
        Position behind the last row.
    """

    ring: object
    series: object
    stop: int

    def __len__(self):
        return self.stop


@saved("panel-norm")
@dataclass(frozen=True)
class PanelNorm(InstanceNorm):
    """An `InstanceNorm` of many series, whose streams are targets by series: ``j * C + c``.

    Its maths; what differs is where rows come from, and that series come and go.

    Attributes
    ----------
    n_targets : int
    typical : ndarray of shape (3, J)
        Spread and distances of a series without a history: medians of the others.
    """

    n_targets: int = 1
    typical: np.ndarray | None = None

    @classmethod
    def of_series(cls, season, histories, n_targets):
        """Learn the moments of each history.

        Parameters
        ----------
        season : int
        histories : iterable of ndarray of shape (n, S, J)
            Scaled targets of series side by side, their ends aligned, NaN where missing.
        n_targets : int
        """
        fields = [np.full((3, n_targets, 0), np.nan)]
        for targets in histories:
            n, n_series = targets.shape[:2]
            found = np.full((3, n_targets * n_series), np.nan)
            if n >= season:
                streams = targets.transpose(0, 2, 1).reshape(n, -1)
                ends = np.unique(np.linspace(season, n, MOST_SEASONS).astype(int))
                moments = np.stack([_moments(streams[end - season : end]) for end in ends], axis=1)
                ones = np.ones(streams.shape[1])
                blank = InstanceNorm(
                    season, ones, np.stack([ones, ones]), 0.0 * ones, np.inf * ones
                )
                norm = blank.fitted(*moments)
                enough = moments[2].max(axis=0) >= season // 2
                found = np.where(enough, np.concatenate([norm.spread[None], norm.moved]), np.nan)
            fields.append(found.reshape(3, n_targets, n_series))
        fields = np.concatenate(fields, axis=2)
        of_all = gathered(fields.transpose(2, 0, 1)).transpose(1, 2, 0) if histories else fields
        typical = np.stack([_median(row) for row in of_all])
        empty = np.zeros((n_targets * 0,))
        blank = cls(season, empty, np.zeros((2, 0)), empty, empty, n_targets, typical)
        return blank._with(np.where(np.isfinite(fields) | (fields > 0), fields, typical[..., None]))

    def grown(self, n_more):
        """Return the norm with room for more series, of a typical history."""
        new = np.repeat(self.typical[..., None], n_more, axis=2)
        return self._joined(self._with(new))

    def taken(self, series):
        """Return the norm of some series."""
        spread, moved, level, since = self._by_series
        J = self.n_targets
        return replace(
            self,
            spread=spread[:, series].ravel(),
            moved=moved[..., series].reshape(2, -1),
            level=level[:, series].ravel(),
            since=since[:, series].ravel(),
            n_targets=J,
        )

    def joined(self, others):
        """Return the norm of its series and those of others."""
        norm = self
        for other in others:
            norm = norm._joined(other)
        return norm

    def put(self, series, other):
        """Return the norm with levels of some series replaced by those of another norm."""
        level, since = self.level.copy(), self.since.copy()
        shape = self.n_targets, -1
        level.reshape(shape)[:, series] = other.level.reshape(shape)
        since.reshape(shape)[:, series] = other.since.reshape(shape)
        return replace(self, level=level, since=since)

    @property
    def _by_series(self):
        J = self.n_targets
        n = len(self.spread) // J
        of_each = (self.spread, self.level, self.since)
        spread, level, since = (a.reshape(J, n) for a in of_each)
        return spread, self.moved.reshape(2, J, n), level, since

    def _with(self, fields):
        """Return a norm of series with these spreads and distances (3, J, S), not moved."""
        spread, moved = fields[0].ravel(), fields[1:].reshape(2, -1)
        unmoved = np.zeros_like(spread), np.full_like(spread, np.inf)
        return replace(self, spread=spread, moved=moved, level=unmoved[0], since=unmoved[1])

    def _joined(self, other):
        pairs = zip(self._by_series, other._by_series, strict=True)
        spread, moved, level, since = (np.concatenate(pair, axis=-1) for pair in pairs)
        moved = moved.reshape(2, -1)
        return replace(
            self, spread=spread.ravel(), moved=moved, level=level.ravel(), since=since.ravel()
        )

    def _found(self, targets, start, stop):
        """Return the moments (3, n, S) of the season up to each row; as of `InstanceNorm`."""
        array, series = targets.ring.array, targets.series
        n_targets, n_series = array.shape[1:3]
        columns = np.arange(n_series)[series]
        found = np.empty((stop - start, 3, n_targets, len(columns)))
        moments = (compiled_kernels() or panel_norm).season_moments
        positions = np.arange(start, stop)[:, None] + np.arange(1 - self.season, 1)
        rows = positions % len(array)

        def work(first, some, _):
            for of_row, out in zip(rows, found, strict=True):
                moments(first, some, array, of_row, out)

        by_blocks(work, columns)
        return found.swapaxes(0, 1).reshape(3, stop - start, -1)


def _moments(values):
    """Return moments (3, S) of the known values of a season (season, S)."""
    out = np.empty((3, 1, values.shape[1]))
    rows, columns = np.arange(len(values)), np.arange(values.shape[1])
    panel_norm.season_moments(0, columns, values[:, None], rows, out)
    return out[:, 0]


def _median(values):
    """Return the median of known values (J, C), 1 where there is none."""
    medians = [np.median(v[np.isfinite(v)]) if np.isfinite(v).any() else 1.0 for v in values]
    return np.array(medians)
