"""Ring buffers of many series, indexed by position on the time axis."""

import itertools

import numpy as np

from tsrnn.frames.groups import NEVER
from tsrnn.persistence.registry import saved

__all__ = ["NEVER", "Ring", "joined_each"]


@saved("ring")
class Ring:
    """Arrays of L rows in which row p lies at ``p % L``.

    Parameters
    ----------
    array : ndarray of shape (L, J, C, ...)
        J targets of C series.
    """

    def __init__(self, array):
        self.array = array

    @classmethod
    def zeros(cls, length, n_targets, n_series, *rest, dtype=np.float64):
        """Make a ring of zeros."""
        return cls(np.zeros((length, n_targets, n_series, *rest), dtype))

    def __len__(self):
        return len(self.array)

    def write(self, start, series, values):
        """Put values (T, J, B, ...) of some series at the positions from ``start`` on."""
        rows = np.arange(start, start + len(values)) % len(self.array)
        if isinstance(series, slice):
            self.array[rows] = values
        else:
            for row, value in zip(rows, values, strict=True):
                self.array[row][:, series] = value

    def read(self, rows, series):
        """Return a copy of the rows at positions ``rows``, any shape, as (*rows, J, B, ...)."""
        rows = np.asarray(rows) % len(self.array)
        if isinstance(series, slice):
            return self.array[rows]
        if 4 * len(series) > self.array.shape[2]:  # whole rows are copied faster than single items
            return self.array[rows].take(series, axis=rows.ndim + 1)
        targets = np.arange(self.array.shape[1])
        return self.array[rows[..., None, None], targets[:, None], series]

    def spans(self, start, stop):
        """Cut positions start to stop where the ring closes.

        Returns
        -------
        list of (slice, slice)
            Rows of the ring, and rows of the range that they are: two pieces at most.
        """
        length, first = len(self.array), start % len(self.array)
        until = min(first + stop - start, length)
        spans = [(slice(first, until), slice(0, until - first))]
        if until - first < stop - start:
            spans.append((slice(0, stop - start - until + first), slice(until - first, None)))
        return spans

    def cleaned(self, heads, n_kept):
        """Return a ring of its own, zero but in the last ``n_kept`` rows of each series.

        Parameters
        ----------
        heads : ndarray of int, shape (C,)
            Position of the last row of each.
        n_kept : int or ndarray of int, shape (C,)
        """
        age = (heads - np.arange(len(self.array))[:, None]) % len(self.array)
        kept = ((age < n_kept) & (heads != NEVER))[:, None]
        kept = kept.reshape(*kept.shape, *[1] * (self.array.ndim - 3))
        return Ring(np.where(kept, self.array, np.zeros((), self.array.dtype)))

    def joined(self, others):
        """Return a ring of its series and those of other rings, as long and of the same rows."""
        return Ring(np.concatenate([self.array, *(other.array for other in others)], axis=2))

    def taken(self, series, n_more=0):
        """Return a ring of its own for these series, with room for ``n_more`` others."""
        kept = self.array[:, :, series]
        if not n_more:  # in the order of rows, whatever picking series has made of it
            return Ring(kept.copy(order="C"))
        shape = list(kept.shape)
        shape[2] += n_more
        array = np.zeros(shape, kept.dtype)
        array[:, :, : kept.shape[2]] = kept
        return Ring(array)


def joined_each(one, others):
    """Return what holds rings, and changes them by ``_each``, with the series of others like it."""
    parts = []
    for other in others:
        own = []
        other._each(own.append)
        parts.append(own)
    in_order = iter(zip(*parts, strict=True)) if parts else itertools.repeat(())
    return one._each(lambda part: part.joined(next(in_order)))
