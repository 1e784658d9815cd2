"""The newest values that the outlier filter refused, and whether later rows have believed them."""

from dataclasses import dataclass, replace

import numpy as np

from tsrnn.persistence.registry import saved

MOST = 100  # values remembered, newest last


@saved("outliers")
@dataclass(frozen=True)
class Outliers:
    """The newest 100 values that were refused, of streams that are known by (place, target).

    It is a value: `follow` returns a new one.

    Attributes
    ----------
    values : tuple
        ``(position, place, target, value, believed, open)``, oldest first: whether a later row
        agreed with it, and whether none has come yet that could.

    Examples
    --------
    A spike, and a level that a second row confirms:

    >>> raw = np.array([[0.5], [90.0], [0.4], [50.0], [51.0]])
    >>> taken = np.array([[0.5], [np.nan], [0.4], [np.nan], [0.4]])
    >>> refused = np.array([[np.nan], [np.nan], [90.0], [np.nan], [50.0]])  # before each row
    >>> levels = np.array([[0.0], [0.5], [0.5], [0.4], [0.4]])
    >>> found = Outliers().follow(0, np.array([0]), raw[:, None], taken[:, None],
    ...                           refused[:, None], levels[:, None])
    >>> [(position, value, believed) for position, _, _, value, believed, _ in found.values]
    [(1, 90.0, False), (3, 50.0, True)]
    """

    values: tuple = ()

    def follow(self, start, places, raw, taken, refused, levels):
        """Note what is refused among rows, and what they believe of what was.

        Parameters
        ----------
        start : int
            Position of the first of T rows.
        places : ndarray of int, shape (B,)
        raw, taken : ndarray of shape (T, J, B)
            Targets as they came, and as the filter has left them.
        refused : ndarray of shape (T, J, B)
            The value refused last, as it stood before each row; NaN if one was taken since.
        levels : ndarray of shape (T, J, B)
            The newest value before each row, its jump put back.
        """
        known, rare = np.isfinite(raw), np.isnan(taken)
        concerned = known & (rare | np.isfinite(refused))
        if not concerned.any():
            return self
        values = list(self.values)
        for row in np.flatnonzero(concerned.any(axis=(1, 2))):
            new = []
            for target, column in np.argwhere(concerned[row]):
                value = float(raw[row, target, column])
                stream = int(places[column]), int(target)
                if rare[row, target, column]:
                    new.append((start + int(row), *stream, value, False, True))
                else:
                    _close(values, stream, value, float(levels[row, target, column]))
            # Of more than 100 at once, the largest are kept, however series are ordered.
            values += sorted(new, key=lambda found: abs(found[3]))
            values = values[-MOST:]
        return replace(self, values=tuple(values))

    def taken(self, series):
        """Return those of some series, at their new places."""
        if isinstance(series, slice):
            return self
        places = {int(old): new for new, old in enumerate(series)}
        kept = [found for found in self.values if found[1] in places]
        return Outliers(tuple((at, places[place], *rest) for at, place, *rest in kept))

    def joined(self, others, n_series):
        """Return those of its series and of others; `n_series` are those of each but the last."""
        values, n_before = list(self.values), 0
        for other, n_more in zip(others, n_series, strict=True):
            n_before += n_more
            values += [(at, place + n_before, *rest) for at, place, *rest in other.values]
        return Outliers(tuple(sorted(values, key=lambda found: (found[0], abs(found[3])))[-MOST:]))

    def listed(self):
        """Return what was noted, ``(position, place, target, value, believed)``."""
        return [found[:-1] for found in self.values]


def _close(values, stream, value, level):
    """Let a value that was taken judge those that were refused before it, in place."""
    for number, (at, place, target, refused, believed, is_open) in enumerate(values):
        if is_open and (place, target) == stream:
            believed = abs(value - refused) < min(abs(value - level), abs(refused - level))
            values[number] = at, place, target, refused, believed, False
