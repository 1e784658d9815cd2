"""Numbers kept for each of many series, in blocks of series that are replaced, never changed."""

import numpy as np

from tsrnn.persistence.registry import saved
from tsrnn.threads import BLOCK


@saved("tracks")
class Tracks:
    """A column of numbers for each of C series.

    Tracks are a value: `changed` returns new ones, which share the blocks that are as before. So a
    row of one series costs a copy of its block, whatever the number of series.

    Parameters
    ----------
    start : ndarray of shape (F,)
        What a series starts with; its dtype is that of the blocks.
    blocks : list of ndarray of shape (F, b)
        Of at most 256 series each, side by side.
    """

    def __init__(self, start, blocks=()):
        self.start, self.blocks = start, list(blocks)

    @property
    def n_series(self):
        """How many series there are."""
        return sum(block.shape[1] for block in self.blocks)

    def pieces(self, series):
        """Cut series by the blocks that they lie in.

        Parameters
        ----------
        series : ndarray of int, shape (B,), ascending, or slice(None)

        Returns
        -------
        list of tuple
            Number of the block, the columns in it (ascending, or slice(None)), and which of the
            series they are (a slice).
        """
        if isinstance(series, slice):
            edges = np.append(0, np.cumsum([block.shape[1] for block in self.blocks]))
            return [(n, slice(None), slice(*edges[n : n + 2])) for n in range(len(self.blocks))]
        number = series // BLOCK
        edges = np.searchsorted(number, np.arange(len(self.blocks) + 1))
        return [
            (n, series[slice(*edges[n : n + 2])] - n * BLOCK, slice(*edges[n : n + 2]))
            for n in np.unique(number)
        ]

    def read(self, series):
        """Return the columns (F, B) of some series, in any order, in float64."""
        if isinstance(series, slice):
            blocks = [self.start[:, None][:, :0], *self.blocks]
            return np.concatenate(blocks, axis=1, dtype=np.float64)
        columns = np.empty((len(self.start), len(series)))
        for n in np.unique(series // BLOCK):
            which = series // BLOCK == n
            columns[:, which] = self.blocks[n][:, series[which] - n * BLOCK]
        return columns

    def changed(self, pieces):
        """Return tracks with other columns.

        Parameters
        ----------
        pieces : list of tuple
            As of `pieces`, with the new columns (F, b) in third place.
        """
        tracks = Tracks(self.start, self.blocks)
        for number, columns, values in pieces:
            if isinstance(columns, slice):
                tracks.blocks[number] = values
            else:
                tracks.blocks[number] = tracks.blocks[number].copy()
                tracks.blocks[number][:, columns] = values
        return tracks

    def joined(self, others):
        """Return tracks of its series and those of others."""
        columns = [tracks.read(slice(None)) for tracks in (self, *others)]
        return self._of(np.concatenate(columns, axis=1))

    def taken(self, series, n_more=0):
        """Return tracks of these series, and of ``n_more`` that start."""
        if isinstance(series, slice) and not n_more:
            return Tracks(self.start, self.blocks)
        new = np.repeat(self.start[:, None], n_more, axis=1)
        return self._of(np.concatenate([self.read(series), new], axis=1))

    def _of(self, columns):
        """Return tracks with these columns (F, C)."""
        columns = columns.astype(self.start.dtype, copy=False)
        cuts = range(0, columns.shape[1], BLOCK)
        return Tracks(self.start, [columns[:, cut : cut + BLOCK].copy() for cut in cuts])
