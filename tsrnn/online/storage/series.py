"""Rows of series, and what a learner of many series remembers of each, in rings."""

from typing import NamedTuple

import numpy as np

from tsrnn.features.ring_buffer import NEVER, Ring, joined_each
from tsrnn.nn import State
from tsrnn.persistence.registry import saved

SPARE = 4  # rows that may be written beyond the newest that is kept
MARGIN = 2 * SPARE  # rows in the rings for that: a reader may still look at the kept ones meanwhile


@saved("block")
class Block(NamedTuple):
    """Rows of some series at consecutive positions, the same for all of them."""

    start: int  # position of the first of T rows
    series: object  # ndarray of int, shape (B,): the series' places; slice(None) for all in order
    targets: np.ndarray  # (T, J, B), scaled, NaN where missing
    inputs: np.ndarray  # (T, E, B), scaled, NaN where missing
    calendar: np.ndarray  # (T, C)
    fresh: np.ndarray  # (B,) bool: the series that start a new run here
    zero: np.ndarray | None = None  # (J, B), where zero is, NaN where unknown; None: as before
    # (J, B), level that missing values of the first row are carried on from, NaN: the newest one
    levels: np.ndarray | None = None
    ages: np.ndarray | None = None  # (J, B) int, how many rows before the first one those are from

    def cut(self, n):
        """Return the first ``n`` rows, and the others."""
        first, rest = zip(
            *((a[:n], a[n:]) for a in (self.targets, self.inputs, self.calendar)), strict=True
        )
        later = np.zeros_like(self.fresh)
        return (
            self._replace(targets=first[0], inputs=first[1], calendar=first[2]),
            Block(self.start + n, self.series, *rest, later, self.zero),
        )


@saved("series-memory")
class SeriesMemory:
    """What is kept of each series, in rings: raw rows, origins, states, and issued forecasts.

    New rows are written beyond what a learner looks at, so that one memory serves a learner and
    the ones it came from, for as long as not more than `SPARE` rows have been written.

    Parameters
    ----------
    window : PanelWindow
        Raw rows.
    features : Ring
        Readout features of origins whose labels are still to come, times the root of the weight
        with which they are learnt from; float32, as they are most of what is kept.
    roots : Ring
        Those roots.
    opened : Ring
        Whether an origin is learnt from.
    groups : Ring
        Number of the group of rows in which an origin entered the readout.
    states : list of tuple of Ring
        State of each layer of the network.
    issued : IssuedForecasts or None
    seasonal : Ring or None
        Seasonal states of `PanelSmoothing`.
    """

    rings = ("features", "roots", "opened", "groups")

    def __init__(self, window, features, roots, opened, groups, states, issued, seasonal):
        self.window, self.features, self.roots = window, features, roots
        self.opened, self.groups, self.states, self.issued = opened, groups, states, issued
        self.seasonal = seasonal

    @classmethod
    def none(cls, window, n_targets, n_features, n_outputs, states, issued, seasonal=None):
        """Return the memory of no series yet.

        Parameters
        ----------
        states : tuple of tsrnn.nn.State
            Of one stream, for the shapes of its arrays; empty without a network.
        """
        n_rows = n_outputs + 1 + SPARE  # what learning alone looks at
        return cls(
            window,
            Ring.zeros(n_rows, n_targets, 0, n_features, dtype=np.float32),
            Ring.zeros(n_rows, n_targets, 0),
            Ring.zeros(n_rows, 1, 0, dtype=bool),
            Ring.zeros(n_rows, 1, 0, dtype=np.int64),
            [
                tuple(
                    Ring.zeros(MARGIN + 2, n_targets * a.shape[0], 0, dtype=a.dtype)
                    for a in state
                    if a is not None
                )
                for state in states
            ],
            issued,
            seasonal,
        )

    def taken(self, series, n_more=0):
        """Return a memory of its own for these series, with room for ``n_more`` others."""
        return self._each(lambda ring: ring.taken(series, n_more))

    def joined(self, others):
        """Return a memory of its own of its series and those of others, of the same rows."""
        return joined_each(self, others)

    def cleaned(self, heads, first_positions):
        """Return a memory of its own, zero but for the rows that will still be looked at."""
        memory = self._each(lambda ring: None)
        memory.window = self.window.cleaned(heads, len(self.window.levels) - MARGIN, MARGIN)
        memory.opened = self.opened.cleaned(heads, len(self.opened) - SPARE)
        for name in ("features", "roots", "groups"):  # of what is learnt from; they are as long
            array = getattr(self, name).array
            opened = memory.opened.array.reshape(
                *memory.opened.array.shape, *[1] * (array.ndim - 3)
            )
            setattr(memory, name, Ring(np.where(opened, array, np.zeros((), array.dtype))))
        memory.states = [tuple(r.cleaned(heads, 1) for r in layer) for layer in self.states]
        memory.issued = self.issued and self.issued.cleaned(heads, first_positions)
        if self.seasonal:
            n_rows = np.minimum(heads - first_positions + 1, len(self.seasonal) - MARGIN)
            memory.seasonal = self.seasonal.cleaned(heads, n_rows)
        return memory

    def carried_states(self, heads):
        """Return the state of each layer after each series' last row, arrays of shape (S, H)."""
        columns, states = np.arange(len(heads)), []
        n_targets = self.features.array.shape[1]
        for layer in self.states:
            values = []
            for ring in layer:
                rows = heads % len(ring)
                value = ring.array[rows, :, columns].reshape(len(columns), -1, n_targets)
                value[heads == NEVER] = 0.0
                values.append(value.transpose(2, 0, 1).reshape(-1, value.shape[1]))
            states.append(State(*values))
        return tuple(states)

    def _each(self, change):
        return SeriesMemory(
            change(self.window),
            *(change(getattr(self, name)) for name in self.rings),
            [tuple(change(r) for r in layer) for layer in self.states],
            self.issued and change(self.issued),
            self.seasonal and change(self.seasonal),
        )
