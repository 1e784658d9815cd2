"""Drift: whether errors have become larger or smaller than was to be expected of them."""

from dataclasses import dataclass

import numpy as np

from tsrnn.kernels.numpy_.drift import follow_size
from tsrnn.online.storage.values import changed
from tsrnn.persistence.registry import saved

MOST = 100  # changes remembered, newest last


@saved("drift")
@dataclass(frozen=True)
class Drift:
    """Recent size of the errors of S streams in units of the expected one, and its changes.

    It is only noted: the mixture and the intervals follow by themselves. (Letting the readout
    forget faster after a rise was tried: it won days on streams with a daily pattern and lost up to
    a third on noisy ones.)

    A drift is a value: `step` returns a new one.

    Attributes
    ----------
    size : ndarray of shape (S,)
        Running mean of scaled absolute errors, 1 where all is as expected.
    n_rows : ndarray of shape (S,)
        Rows with a known error.
    calm : ndarray of bool, shape (S,)
        Whether the size has been near 1 since the last change.
    changes : tuple
        ``(row, stream, size)`` of the newest changes.

    Examples
    --------
    >>> import numpy as np
    >>> drift = Drift.of(n_streams=1)
    >>> for row in range(400):
    ...     scaled = np.array([[1.0 if row < 300 else 3.0]])
    ...     drift = drift.step(scaled, row)
    >>> [(row, stream, round(size, 1)) for row, stream, size in drift.changes]
    [(310, 0, 2.0)]
    """

    size: np.ndarray
    n_rows: np.ndarray
    calm: np.ndarray
    changes: tuple = ()

    @classmethod
    def of(cls, n_streams):
        """Return the state before a first error."""
        return cls(np.ones(n_streams), np.zeros(n_streams), np.ones(n_streams, dtype=bool))

    @property
    def moving(self):
        """The arrays that move, in the order of the attributes."""
        return self.size, self.n_rows, self.calm

    def cleared(self):
        """Return the drift with no changes noted."""
        return changed(self, changes=())

    def step(self, scaled, row):
        """Take in scaled absolute errors (M, S), NaN where unknown, and note what changes."""
        size, n_rows, calm = self.size.copy(), self.n_rows.copy(), self.calm.copy()
        noted = follow_size(scaled, size, n_rows, calm)
        return self.moved(size, n_rows, calm).with_noted(noted[None], row)

    def moved(self, size, n_rows, calm):
        """Return the drift with other numbers."""
        return changed(self, size=size, n_rows=n_rows, calm=calm)

    def with_noted(self, sizes, row):
        """Return the drift with the changes noted that rows (n, S) from `row` on tell: not NaN."""
        if np.isnan(sizes).all():
            return self
        new = [
            (row + int(at), int(stream), float(sizes[at, stream]))
            for at, stream in np.argwhere(~np.isnan(sizes))
        ]
        return changed(self, changes=(*self.changes, *new)[-MOST:])
