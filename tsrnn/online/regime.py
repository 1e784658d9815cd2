"""Where a stream is against its history, and when that changed."""

from dataclasses import dataclass, replace

import numpy as np

from tsrnn.persistence.registry import saved

LEVEL_STEP = 1.0  # standard deviations of the history: a move to be noted
SCALE_STEP = 1.5  # factor of scale that is
MOST = 100  # changes remembered, newest last
CHANGE_COLUMNS = ["error", "level", "scale", "phase"]
HISTORY = (0.0, 1.0, 0)  # level, scale and phase of the history

#: What is done about a change, by its kind.
DONE = {
    "error": "weights of experts and widths of intervals follow",
    "level": "the network sees values from the new level",
    "scale": "the network sees values in units of the new scale",
    "phase": "the calendar is moved by it, and where it explains most of the level, profiles are",
}


@saved("regime")
@dataclass(frozen=True)
class Regime:
    """Level, scale and phase of S streams as last noted, and the changes among them.

    A regime is a value: `follow` returns a new one.

    Attributes
    ----------
    level, scale : ndarray of shape (S,)
        In standard deviations of the history, and as a factor of its scale.
    phase : int
        Rows by which the season is early.
    before : tuple
        ``(level, scale, phase)`` of each stream before the changes.
    changes : tuple
        ``(row, stream, error, level, scale, phase)`` of the newest changes.

    Examples
    --------
    >>> import numpy as np
    >>> regime = Regime.of(n_streams=1)
    >>> for row, level in enumerate([0.1, 0.9, 2.2, 2.9, 2.8]):
    ...     regime = regime.follow(row, np.array([level]), np.ones(1), 0, [1.0])
    >>> regime.changes
    ((2, 0, 1.0, 2.2, 1.0, 0),)
    """

    level: np.ndarray
    scale: np.ndarray
    phase: int
    before: tuple
    changes: tuple = ()

    @classmethod
    def of(cls, n_streams):
        """Return the regime of the history."""
        return cls(np.zeros(n_streams), np.ones(n_streams), 0, (HISTORY,) * n_streams)

    def cleared(self):
        """Return the regime with no changes noted."""
        now = zip(self.level.tolist(), self.scale.tolist(), strict=True)
        return replace(self, changes=(), before=tuple((*of, self.phase) for of in now))

    def follow(self, row, level, scale, phase, error):
        """Note streams that have moved since they were last noted, with the size of their errors.

        Parameters
        ----------
        row : int
        level, scale : ndarray of shape (S,)
        phase : int
        error : list of S floats, or None where errors are not followed
        """
        moved = np.abs(level - self.level) >= LEVEL_STEP
        moved |= np.abs(np.log(scale / self.scale)) >= np.log(SCALE_STEP)
        moved |= phase != self.phase
        if not moved.any():
            return self
        new = [
            (row, int(s), error and error[s], float(level[s]), float(scale[s]), phase)
            for s in np.flatnonzero(moved)
        ]
        level, scale = np.where(moved, level, self.level), np.where(moved, scale, self.scale)
        changes, before = [*self.changes, *new], list(self.before)
        for _, s, _, *then in changes[:-MOST]:
            before[s] = tuple(then)
        return Regime(level, scale, phase, tuple(before), tuple(changes[-MOST:]))


def kind_of(before, now):
    """Return what has changed, and what is done about it.

    Parameters
    ----------
    before, now : tuple
        Level, scale, and the phase where it is followed.

    Examples
    --------
    >>> kind_of((0.0, 1.0, 0), (2.0, 1.0, 0))
    ('level', 'the network sees values from the new level')
    >>> kind_of((0.0, 1.0, 0), (2.0, 3.0, 0))[0], kind_of((0.0, 1.0), (0.0, 1.0))[0]
    ('level, scale', 'error')
    """
    moved = {
        "level": abs(now[0] - before[0]) >= LEVEL_STEP,
        "scale": abs(np.log(now[1] / before[1])) >= np.log(SCALE_STEP),
        "phase": now[2:] != before[2:],
    }
    kinds = [name for name, has_moved in moved.items() if has_moved] or ["error"]
    return ", ".join(kinds), "; ".join(DONE[kind] for kind in kinds)


def changes_of(intervals, regime):
    """Return the changes of some streams in order of their rows, in the form of a `Regime`'s.

    Behind each stand its kind and what was done about it, see `kind_of`.

    Where it was the errors that changed, level, scale and phase are those noted before; what is
    older than all that is remembered of those is left out. Either may be None.
    """
    moves = regime.changes if regime else ()
    since = moves[0][0] if len(moves) == MOST else 0
    of_errors = intervals.drift.changes if intervals else ()
    noted = [*(change for change in of_errors if change[0] >= since), *moves]
    changes, newest = [], dict(enumerate(regime.before if regime else ()))
    for row, stream, error, *now in sorted(noted):
        before = newest.get(stream, HISTORY)
        newest[stream] = tuple(now) or before
        kind = kind_of(before, newest[stream]) if now else ("error", DONE["error"])
        changes.append((row, stream, error, *newest[stream], *kind))
    return changes
