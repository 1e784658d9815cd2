"""What a learner of many series remembers of each, in rings."""

import copy
from typing import NamedTuple

import numpy as np

from tsrnn.features.ring_buffer import NEVER, Ring
from tsrnn.nn import State

SPARE = 8  # rows that may be written beyond the newest that is kept
ROOM = 2 * SPARE  # rows in the rings for that: a reader may still look at the kept ones meanwhile


class Block(NamedTuple):
    """Rows of some series at consecutive positions, the same for all of them."""

    start: int  # position of the first of T rows
    members: object  # ndarray of int, shape (B,): the series' places; slice(None) for all in order
    targets: np.ndarray  # (T, J, B), scaled, NaN where missing
    inputs: np.ndarray  # (T, E, B), scaled, NaN where missing
    calendar: np.ndarray  # (T, C)
    fresh: np.ndarray  # (B,) bool: the series that start a new run here

    def cut(self, n):
        """Return the first ``n`` rows, and the others."""
        first, rest = zip(
            *((a[:n], a[n:]) for a in (self.targets, self.inputs, self.calendar)), strict=True
        )
        later = np.zeros_like(self.fresh)
        return (
            Block(self.start, self.members, *first, self.fresh),
            Block(self.start + n, self.members, *rest, later),
        )


class SeriesMemory:
    """The series of a `PanelLearner`: rings, heads and scales, which come and go.

    Subclasses have the attributes that `PanelLearner` documents.
    """

    def __copy__(self):
        twin = object.__new__(type(self))
        twin.__dict__.update(vars(self))
        return twin

    def __getstate__(self):
        """Return what is kept: of the rings, the rows that will still be looked at."""
        state = dict(vars(self))
        for name in ("rings", "features", "opened", "groups"):
            ring = state[name]
            n_rows = len(ring.levels) if name == "rings" else len(ring)
            state[name] = ring.cleaned(self.heads, n_rows - ROOM)
        state["states"] = [tuple(r.cleaned(self.heads, 1) for r in layer) for layer in self.states]
        age = (self.clock - np.arange(len(self.calendar))) % len(self.calendar)
        kept = age < len(self.calendar) - ROOM
        state["calendar"] = np.where(kept[:, None], self.calendar, 0.0)
        return state

    def grown(self, change_scale, usual):
        """Return the learner with room for more series, of these scales of change and levels."""
        n_more = change_scale.shape[1]
        learner = self._with_rings(slice(None), n_more)
        learner.heads = np.append(self.heads, np.full(n_more, NEVER))
        learner.begun = np.append(self.begun, np.full(n_more, NEVER))
        learner.seen = np.append(self.seen, np.full(n_more, -1))
        learner.change_scale = np.append(self.change_scale, change_scale, axis=1)
        learner.usual = np.append(self.usual, usual, axis=1)
        return learner

    def taken(self, members):
        """Return a learner of these series alone, with rings of its own."""
        learner = self._with_rings(members)
        for name in ("heads", "begun", "seen"):
            setattr(learner, name, getattr(self, name)[members])
        learner.change_scale = self.change_scale[:, members]
        learner.usual = self.usual[:, members]
        return learner

    def writable(self, n_rows, started_over):
        """Return a learner that ``n_rows`` may be written to without harm to this one."""
        if n_rows <= SPARE and not started_over:
            return copy.copy(self)
        return self._with_rings(slice(None))

    def restarted(self, members):
        """Return the learner with these series back before their first row."""
        learner = copy.copy(self)
        learner.heads = self.heads.copy()
        learner.heads[members] = NEVER
        return learner

    def _with_rings(self, members, n_more=0):
        learner = copy.copy(self)
        learner.rings = self.rings.taken(members, n_more)
        for name in ("features", "opened", "groups"):
            setattr(learner, name, getattr(self, name).taken(members, n_more))
        learner.states = [tuple(r.taken(members, n_more) for r in layer) for layer in self.states]
        learner.calendar = self.calendar.copy()
        if self.experts:
            learner.experts = self.experts.taken(members, n_more)
        return learner

    def _no_states(self):
        if self.encoder is None:
            return []
        n_targets, dtype = len(self.readout.weights), self.encoder.network.dtype
        return [
            tuple(
                Ring.zeros(ROOM + 2, n_targets * a.shape[0], 0, dtype=dtype)
                for a in state
                if a is not None
            )
            for state in self.encoder.network.zero_state(1)
        ]

    def carried_states(self):
        """Return the state of each layer after each series' last row, arrays of shape (S, H)."""
        columns, states = np.arange(len(self.heads)), []
        for layer in self.states:
            values = []
            for ring in layer:
                rows = self.heads % len(ring)
                value = ring.array[rows, :, columns].reshape(len(columns), -1, len(self.usual))
                value[self.heads == NEVER] = 0.0
                values.append(value.transpose(2, 0, 1).reshape(-1, value.shape[1]))
            states.append(State(*values))
        return tuple(states)
