"""The experts that smooth, of a panel: states of each series, seasons in a ring."""

import copy
from typing import NamedTuple

import numpy as np

from tsrnn.features.ring_buffer import Ring
from tsrnn.kernels import compiled_kernels
from tsrnn.kernels.numpy_ import panel_smoothing
from tsrnn.kernels.numpy_.smoothing import NO_LIMIT, season_lengths
from tsrnn.online.experts.smoothing import side_by_side
from tsrnn.online.storage.tracks import Tracks
from tsrnn.persistence.registry import saved
from tsrnn.threads import BLOCK, by_blocks, in_halves

# Three of the six settings of one stream for each season: the weekly states of ten thousand hourly
# series are 7 MB for each setting. Of threes tried, these came closest to the six (squared error
# 1.003 of theirs on monthly, weekly and hourly streams; the worst 1.07, the best two 1.035).
SEASON = ((0.05, 0.05, 0.95, 0.05), (0.05, 0.05, 0.95, 0.3), (0.7, 0.05, 0.95, 0.05))


class Fields(NamedTuple):
    """What is kept of b series, as views of their columns of `Tracks`; S = J b streams."""

    level: np.ndarray  # (A, S), as of `follow_smoothing`
    trend: np.ndarray
    first_mean: np.ndarray
    loss: np.ndarray
    n_known: np.ndarray  # (S,)
    limit: np.ndarray  # minus the largest value, as of `follow_smoothing`
    zero: np.ndarray  # (S,), NaN where unknown


@saved("panel-smoothing")
class PanelSmoothing:
    """Exponential smoothing of each series of a panel, as `Smoothing` is that of one stream.

    Seasonal states lie in a ring that the learner's memory holds, float32; all else in `Tracks`.
    States run on over missing values, and move under ``update`` too.

    A smoothing is a value: methods return a new one. In the ring it writes new rows alone.

    Parameters
    ----------
    horizon, n_targets : int
    seasons : tuple of int
        In rows, shortest first.
    logs : bool
        Whether logarithms are smoothed too, of series whose zero is known.
    year : int, optional
        Rows of one more season.

    Attributes
    ----------
    names : list of str
        Of the G experts.
    tracks : Tracks
    """

    def __init__(self, horizon, n_targets, seasons, logs, year=None):
        self.names, self._settings = side_by_side(seasons, SEASON, logs, year)
        self.horizon, self.n_targets = horizon, n_targets
        n = len(self._settings[1])
        starts = Fields(*(np.zeros(n),) * 4, np.zeros(1), np.full(1, NO_LIMIT), np.full(1, np.nan))
        self.tracks = Tracks(np.concatenate([np.repeat(start, n_targets) for start in starts]))

    def ring(self, n_spare):
        """Return a ring for the seasonal states of no series yet."""
        lengths = season_lengths(self._settings)
        n_rows = int(lengths.max(initial=1)) + n_spare
        return Ring.zeros(n_rows, len(lengths) * self.n_targets, 0, dtype=np.float32)

    def taken(self, series, n_more=0):
        """Return the smoothing of these series, and of ``n_more`` that start."""
        smoothing = copy.copy(self)
        smoothing.tracks = self.tracks.taken(series, n_more)
        return smoothing

    def joined(self, others):
        """Return the smoothing of its series and those of others."""
        smoothing = copy.copy(self)
        smoothing.tracks = self.tracks.joined([other.tracks for other in others])
        return smoothing

    def started(self, series):
        """Return the smoothing with series, ascending, before their first row."""
        return self._with(
            [(n, columns, np.repeat(self.tracks.start[:, None], len(columns), axis=1))
             for n, columns, _ in self.tracks.pieces(series)]
        )  # fmt: skip

    def follow(self, ring, position, series, ages, labels, zero):
        """Take in the rows of a position.

        Parameters
        ----------
        ring : Ring
            Of the seasonal states; the row of the position is written.
        position : int
        series : ndarray of int, shape (B,), ascending, or slice
        ages : ndarray of int, shape (B,)
            Rows that series have had, with this one.
        labels : ndarray of shape (J, B)
            NaN where missing.
        zero : ndarray of shape (J, B), or None
            Where zero is, in the units of the labels; NaN where that is unknown. None: as before.
        """
        move = (compiled_kernels() or panel_smoothing).move_series

        places, pieces = np.arange(self.tracks.n_series)[series], self.tracks.pieces(series)
        changes, row = [None] * len(pieces), self._row(ring, position, ages)
        labels = np.ascontiguousarray(labels)

        def work(piece, _):
            number, columns, some = pieces[piece]
            values = np.array(self.tracks.blocks[number][:, columns], order="C")
            fields = self._fields(values)
            if zero is not None:
                fields.zero[...] = zero[:, some].ravel()
            move(some.start, places[some], labels, *row, fields.zero, fields[:6])
            changes[piece] = number, columns, values

        in_halves(work, len(pieces))
        return self._with(changes)

    def write_forecasts(self, ring, position, series, ages, out):
        """Write the forecasts of the experts at an origin, NaN of those that sleep.

        Parameters
        ----------
        ring, position, series, ages
            As for `follow`, which has taken in that row; series in any order.
        out : ndarray of shape (H, R + G, J, B)
            Of which those of the G experts are the last.
        """
        places, row = np.arange(self.tracks.n_series)[series], self._row(ring, position, ages)
        forecast = (compiled_kernels() or panel_smoothing).forecast_series
        place = out.shape[1] - len(self.names)

        def work(first, some, _):
            if isinstance(series, slice):
                values = self.tracks.blocks[first // BLOCK]
            else:
                values = self.tracks.read(some)
            fields = self._fields(values)
            forecast(first, some, *row, fields.zero, fields[:6], place, out)

        by_blocks(work, places)

    def awake(self, series, ages):
        """Tell which experts have seen enough, (G, J, B)."""
        fields = self._fields(self.tracks.read(series))
        _, periods, logs, experts = self._settings
        first = np.unique(experts, return_index=True)[1]
        awake = np.tile(ages >= periods[first][:, None], self.n_targets) & (fields.n_known > 0.0)
        awake &= (fields.limit != 0.0) | (logs[first][:, None] == 0.0)
        return awake.reshape(len(awake), self.n_targets, -1)

    def _row(self, ring, position, ages):
        """Return what kernels follow a row by, but for the states."""
        length, _, n_series = ring.array.shape
        seasonal = ring.array.reshape(length, -1, self.n_targets, n_series)
        return ages - 1, position % length, seasonal, self._settings

    def _with(self, changes):
        smoothing = copy.copy(self)
        smoothing.tracks = self.tracks.changed(changes)
        return smoothing

    def _fields(self, values):
        """Return views of the fields of columns (F, b)."""
        n, J = len(self._settings[1]), self.n_targets
        many = values[: 4 * n * J].reshape(4, n, -1)
        return Fields(*many, *values[4 * n * J :].reshape(3, -1))
