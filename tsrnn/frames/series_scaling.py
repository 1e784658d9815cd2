"""Units of series: each has its own mean and scale, those of its history or of its first value."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tsrnn.frames.scaling import Scaling, first_levels
from tsrnn.partitions import gathered, total
from tsrnn.persistence.registry import saved

BLOCK = 2_000_000  # values of a history that are put side by side at once
FEW_ROWS = 10  # of a series; that many equal values do not tell its scale
NEWEST = 20_000  # rows of each of many series whose mean and scale are read off
# Of a series that starts: how far from its mean its first value is believed to be, in units of its
# scale, and what share of the mean it is at least.
LARGEST_LEVEL, SMALLEST_SHARE = 3.0, 0.25


@saved("series-scaling")
@dataclass(frozen=True)
class SeriesScaling:
    """Mean and scale of J targets of C series, fixed once known; of one stream, C is 1.

    A series of the history has those of its own rows. One that comes later has for its scale the
    median of the history's scales, or, where most means of the history are larger than their scales
    (loads, counts, prices), its mean times the median of scale / mean; so has one of the history
    whose few rows are all equal. The mean of one that comes later is such that its first known
    value lies as far from it as the other series lie from theirs at that time.

    Attributes
    ----------
    mean, scale : ndarray of shape (J, C)
        NaN where no value has come yet.
    change_scale, initial_level : ndarray of shape (J, C)
        In scaled units: standard deviation of one-step changes, and level of the first rows.
    typical : ndarray of shape (4, J)
        Medians over the history of mean, scale, scale / mean, and change_scale; the mean of a
        target without a known value is NaN, and so are its forecasts.
    """

    mean: np.ndarray
    scale: np.ndarray
    change_scale: np.ndarray
    initial_level: np.ndarray
    typical: np.ndarray

    @classmethod
    def fit(cls, targets, series, n_series):
        """Read the units off a history.

        Parameters
        ----------
        targets : ndarray of shape (n, J)
        series : ndarray of int, shape (n,)
            Whose rows they are, ascending; rows of a series in the order of time.
        n_series : int
        """
        counts = np.bincount(series, minlength=n_series)
        starts = np.cumsum(counts) - counts
        n_targets = targets.shape[1]
        fields = np.full((4, n_targets, n_series), np.nan)
        begins = np.zeros((n_targets, n_series), dtype=bool)
        newest = max(NEWEST, BLOCK // int(total(n_series)))
        n_side_by_side = max(1, BLOCK // max(1, min(counts.max(), newest)))
        for first in range(0, n_series, n_side_by_side):
            some = slice(first, min(first + n_side_by_side, n_series))
            n_rows = min(int(counts[some].max()), newest)
            grid = side_by_side(targets, starts[some], counts[some], n_rows)
            for target in range(n_targets):
                fields[:, target, some] = _units(grid[:, :, target])
                begins[target, some] = _begins(grid[:, :, target])
        mean, scale, change_scale, level = fields
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            relative = np.where(mean == 0.0, np.inf, scale / np.abs(mean))
        # A series of a few equal values does not tell its scale, if others do.
        told = total((np.isfinite(scale) & ~begins).sum(axis=1, keepdims=True)) > 0
        like_others = begins & told
        scale[like_others] = relative[like_others] = np.nan
        medians = ((mean, np.nan), (scale, 1.0), (relative, 1.0), (change_scale, 1.0))
        typical = np.stack([_median(values, default) for values, default in medians])
        by_size = (typical[2, :, None] < 1.0) & (mean != 0.0)
        as_theirs = np.where(by_size, typical[2, :, None] * np.abs(mean), typical[1, :, None])
        scale = np.where(like_others, as_theirs, scale)
        change_scale = np.where(np.isfinite(change_scale), change_scale, typical[3][:, None])
        return cls(mean, scale, change_scale, np.where(np.isfinite(level), level, 0.0), typical)

    def grown(self, n_more):
        """Return the units with places for more series, of which nothing is known."""
        new = np.full((len(self.mean), n_more), np.nan)
        change_scale = np.repeat(self.typical[3][:, None], n_more, axis=1)
        fields = (self.mean, new), (self.scale, new), (self.change_scale, change_scale)
        joined = [np.append(old, more, axis=1) for old, more in fields]
        return replace(
            self,
            mean=joined[0],
            scale=joined[1],
            change_scale=joined[2],
            initial_level=np.append(self.initial_level, np.zeros_like(new), axis=1),
        )

    def joined(self, others):
        """Return the units of its series and of those of others."""
        names = ("mean", "scale", "change_scale", "initial_level")
        fields = {
            name: np.concatenate([getattr(part, name) for part in (self, *others)], axis=1)
            for name in names
        }
        return replace(self, **fields)

    @cached_property
    def complete(self):
        """Whether the unit of every series is known, as it nearly always is."""
        return not np.isnan(self.scale).any()

    def taken(self, series):
        """Return the units of some series."""
        names = ("mean", "scale", "change_scale", "initial_level")
        return replace(self, **{name: getattr(self, name)[:, series] for name in names})

    def with_first_values(self, series, targets, levels=None):
        """Return the units, those of new series by their first known value in targets (T, J, B).

        `levels` is a callable: ``levels(row)`` returns where series are, in their units, at a row
        of these, (J,); without it they are at their means.
        """
        unknown = np.isnan(self.scale[:, series])
        known = np.isfinite(targets)
        new = unknown & known.any(axis=0)
        rows = known.argmax(axis=0) if len(known) else np.zeros(new.shape, dtype=np.intp)
        needed = np.unique(gathered(np.unique(rows[new]))) if levels else ()
        if not new.any():
            for row in needed:  # of series of other partitions
                levels(row)
            return self
        first = np.take_along_axis(targets, rows[None], axis=0)[0]
        level = np.zeros(first.shape)
        for row in needed:
            level = np.where(rows == row, np.reshape(levels(row), (-1, 1)), level)
        level = np.clip(level, -LARGEST_LEVEL, LARGEST_LEVEL)
        _, scale, relative, _ = self.typical[..., None]
        # The mean m of |m| relative = scale and m + level scale = first.
        share = np.maximum(1.0 + np.sign(first) * level * relative, SMALLEST_SHARE)
        by_size = (relative < 1.0) & (first != 0.0)
        found = np.where(by_size, first / share, first - level * scale)
        mean, scales = self.mean.copy(), self.scale.copy()
        mean[:, series] = np.where(new, found, mean[:, series])
        scale = np.where(by_size, relative * np.abs(found), scale)
        scales[:, series] = np.where(new, scale, scales[:, series])
        return replace(self, mean=mean, scale=scales)

    def apply(self, series, targets):
        """Scale targets (T, J, B); where the unit is unknown, they are all missing."""
        return (targets - _of(series, self.mean)) / _of(series, self.scale)

    def zero(self, series):
        """Return where zero is, in scaled units, (J, B); NaN where the unit is unknown."""
        return _of(series, self._zero)

    @cached_property
    def _of_steps(self):
        return self.mean[..., None], self.scale[..., None]

    @cached_property
    def _zero(self):
        return -self.mean / self.scale

    def undo(self, series, values):
        """Bring scaled values (..., J, B, M) back to their units; unknown ones are typical."""
        if isinstance(series, slice) and self.complete:
            mean, scale = self._of_steps
            return values * scale + mean
        mean, scale = _of(series, self.mean), _of(series, self.scale)
        if not self.complete:
            mean = np.where(np.isnan(mean), self.typical[0][:, None], mean)
            scale = np.where(np.isnan(scale), self.typical[1][:, None], scale)
        return values * scale[..., None] + mean[..., None]


def _of(series, values):
    """Return the columns of series; `slice(None)`: of all of them, the array itself."""
    return values if isinstance(series, slice) else values[:, series]


def side_by_side(values, starts, counts, n_rows):
    """Put the newest rows of series side by side, their ends aligned, NaN before.

    Parameters
    ----------
    values : ndarray of shape (n, J)
    starts, counts : ndarray of int, shape (S,)
        First row and number of rows of each.
    n_rows : int

    Returns
    -------
    ndarray of shape (n_rows, S, J)
    """
    rows = (starts + counts)[None] - np.arange(n_rows, 0, -1)[:, None]
    exists = rows >= starts
    return np.where(exists[..., None], values[np.where(exists, rows, 0)], np.nan)


def scaled_histories(units, targets, series):
    """Yield the newest rows of all series, scaled, some series at a time: (n, S, J).

    They are as many as the longest series of the panel has, NaN before the first.

    Parameters
    ----------
    units : SeriesScaling
    targets, series
        As for `SeriesScaling.fit`.
    """
    n_series = units.mean.shape[1]
    counts = np.bincount(series, minlength=n_series)
    starts = np.cumsum(counts) - counts
    n_rows = min(int(gathered(counts).max()), NEWEST)
    block = max(1, BLOCK // n_rows)
    for first in range(0, n_series, block):
        some = slice(first, min(first + block, n_series))
        grid = side_by_side(targets, starts[some], counts[some], n_rows)
        yield (grid - units.mean[:, some].T) / units.scale[:, some].T


def _units(values):
    """Return mean, scale, scale of changes and first level of series (n, S), as (4, S)."""
    scaling = Scaling.fit(values)
    seen = np.isfinite(values).any(axis=0)
    mean, scale = (np.where(seen, a, np.nan) for a in (scaling.mean, scaling.scale))
    scaled = scaling.apply(values)
    changes = np.diff(scaled, axis=0)
    known = np.isfinite(changes)
    n_known = np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, changes - np.where(known, changes, 0.0).sum(axis=0) / n_known, 0.0)
    change_scale = np.sqrt((centred**2).sum(axis=0) / n_known)
    change_scale[change_scale == 0.0] = np.nan
    return np.stack([mean, scale, change_scale, first_levels(scaled)])


def _begins(values):
    """Tell which series (n, S) have a few known values, all of them equal."""
    n_known = np.isfinite(values).sum(axis=0)
    equal = np.fmin.reduce(values, axis=0) == np.fmax.reduce(values, axis=0)
    return (n_known <= FEW_ROWS) & equal


def _median(values, default):
    """Return the median of known values (J, C) of all series, a default where there is none."""
    values = gathered(values.T).T
    known = [of_target[np.isfinite(of_target)] for of_target in values]
    return np.array([np.median(found) if len(found) else default for found in known])
