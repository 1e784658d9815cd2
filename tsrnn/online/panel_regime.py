"""Where the series of a panel are against their histories, and the newest changes among them."""

from dataclasses import dataclass, replace

import numpy as np

from tsrnn.online.regime import DONE, LEVEL_STEP, MOST, SCALE_STEP, kind_of
from tsrnn.persistence.registry import saved


@saved("panel-regime")
@dataclass(frozen=True)
class PanelRegime:
    """Level and scale of J targets of C series as last noted, and what has changed.

    A regime is a value: its methods return a new one.

    Attributes
    ----------
    level, scale : ndarray of shape (J, C)
        In standard deviations of the history, and as a factor of its scale.
    changes : tuple
        ``(position, place of the series, target, error, level, scale, kind, done)`` of the newest
        100 changes, see `kind_of`.

    Examples
    --------
    >>> import numpy as np
    >>> regime = PanelRegime.none(n_targets=1).taken(slice(None), n_more=2)
    >>> level, ones = np.array([[0.2, 2.0]]), np.ones((1, 2))
    >>> regime.follow(7, np.array([0, 1]), level, ones, ones).changes
    ((7, 1, 0, 1.0, 2.0, 1.0, 'level', 'the network sees values from the new level'),)
    """

    level: np.ndarray
    scale: np.ndarray
    changes: tuple = ()

    @classmethod
    def none(cls, n_targets):
        """Return the regime of no series yet."""
        return cls(np.zeros((n_targets, 0)), np.ones((n_targets, 0)))

    def taken(self, series, n_more=0):
        """Return the regime of these series, and of ``n_more`` that start."""
        level, scale = self.level[:, series], self.scale[:, series]
        changes = self.changes
        if not isinstance(series, slice):
            places = {int(old): new for new, old in enumerate(series)}
            kept = [change for change in changes if change[1] in places]
            changes = tuple((at, places[place], *rest) for at, place, *rest in kept)
        new = np.zeros((len(level), n_more))
        return PanelRegime(
            np.append(level, new, axis=1), np.append(scale, new + 1.0, axis=1), changes
        )

    def joined(self, others):
        """Return the regime of its series and those of others, which come behind."""
        parts, n_before, noted = [self, *others], 0, []
        for part in parts:
            noted += [(at, place + n_before, *rest) for at, place, *rest in part.changes]
            n_before += part.level.shape[1]
        level, scale = (
            np.concatenate([getattr(part, name) for part in parts], axis=1)
            for name in ("level", "scale")
        )
        noted = sorted(noted, key=lambda change: (change[0], *change[3:]))
        return PanelRegime(level, scale, tuple(noted[-MOST:]))

    def note_errors(self, position, found):
        """Note changes of the error level, ``(place, target, size)``, where series are now."""
        of_error = "error", DONE["error"]
        noted = [
            (position, c, j, size, float(self.level[j, c]), float(self.scale[j, c]), *of_error)
            for c, j, size in found
        ]
        return self._with(noted)

    def follow(self, position, places, level, scale, sizes):
        """Note series that have moved since they were last noted.

        Parameters
        ----------
        position : int
        places : ndarray of int, shape (B,)
        level, scale, sizes : ndarray of shape (J, B)
            Where they are now, and the size of their errors.
        """
        moved = np.abs(level - self.level[:, places]) >= LEVEL_STEP
        moved |= np.abs(np.log(scale / self.scale[:, places])) >= np.log(SCALE_STEP)
        if not moved.any():
            return self
        noted = []
        for j, b in np.argwhere(moved):
            place, now = int(places[b]), (float(level[j, b]), float(scale[j, b]))
            kind = kind_of((self.level[j, place], self.scale[j, place]), now)
            noted.append((position, place, int(j), float(sizes[j, b]), *now, *kind))
        levels, scales = self.level.copy(), self.scale.copy()
        levels[:, places] = np.where(moved, level, levels[:, places])
        scales[:, places] = np.where(moved, scale, scales[:, places])
        return replace(self, level=levels, scale=scales)._with(noted)

    def _with(self, noted):
        if not noted:
            return self
        # Of more than 100 at once, the largest are kept, however series are ordered.
        noted = sorted(noted, key=lambda change: change[3:])
        return replace(self, changes=(*self.changes, *noted)[-MOST:])
