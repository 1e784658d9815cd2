"""One series as a panel of one: a learner of a window of rows behind the `Learner` protocol."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tsrnn.features.ring_buffer import NEVER
from tsrnn.features.window import Window
from tsrnn.online.regime import CHANGE_COLUMNS
from tsrnn.online.storage.values import changed
from tsrnn.persistence.registry import saved

NO_ROWS = np.array([NEVER])


@saved("one-series")
@dataclass(frozen=True)
class OneSeries:
    """A `tsrnn.online.protocol.Learner` of one series, which is at place 0.

    Attributes
    ----------
    stream : StreamLearner or RepeatLearner
        Takes rows as a `Window`.
    heads : ndarray of int, shape (1,)
    future : list of int
        Inputs that are known ahead.
    """

    stream: Any
    heads: Any = None
    future: tuple = ()

    n_kept = 0

    def __post_init__(self):
        if self.heads is None:
            object.__setattr__(self, "heads", NO_ROWS)

    @property
    def replayed(self):
        """Rows of a history that matter."""
        return self.stream.replayed

    @property
    def encoder(self):
        """The recurrent network, if there is one."""
        return self.stream.encoder

    @property
    def seen(self):
        """When the series was last seen; there is no other."""
        return np.zeros(1, dtype=np.int64)

    def grown(self, keys, change_scale, initial_level, histories=()):
        """Return the learner: its one series is there."""
        if change_scale.shape[1] > 1:
            raise ValueError(f"found {change_scale.shape[1]} series, expected one; use ids")
        return self

    def taken(self, series):
        """Return the learner, which is a value."""
        return self

    def restarted(self, series):
        """Return the learner as before its first row, which may lie anywhere in time."""
        if isinstance(series, np.ndarray) and not len(series):
            return self
        return changed(self, stream=self.stream.restarted(anew=True), heads=NO_ROWS)

    def typical_level(self, position, beside=None):
        """Return 0: there are no other series."""
        return 0.0

    def prepared(self, series, positions, again, span):
        """Return the learner, which is a value."""
        return self

    def learn(self, block):
        """Learn from rows, one by one, and take them in."""
        return self._after(block, self._at(block).learn(_window(block)))

    def advance(self, block):
        """Take in rows without learning."""
        return self._after(block, self._at(block).advance(_window(block)))

    def taken_back(self, values):
        """Return the learner whose newest rows are missing in as far as they hold values (J,).

        What else has been learnt from them stays, as does what has been forecast.
        """
        return changed(self, stream=self.stream.taken_back(values))

    def outputs(self, block, following=None):
        """Return what `output` would give after each row, (T, J, 1, M), and the learner after."""
        known = None if following is None else self._inputs(following[-1, 0], block.inputs.shape[1])
        outputs, stream = self._at(block).outputs(_window(block), known)
        n_rows, n_targets = block.targets.shape[:2]
        return outputs.reshape(n_rows, n_targets, 1, -1), self._after(block, stream)

    def output(self, position, series, calendar, following=None):
        """Return the forecast (J, 1, M) at the newest row."""
        known = None
        if following is not None:
            known = self._inputs(following[0], self.stream.window.inputs.shape[1])
        return self.stream.output(known)[:, None]

    def offsets(self, probabilities, position, series):
        """Return quantiles (P, J, 1, M) of the errors of `output`."""
        return self.stream.offsets(probabilities)[:, :, None]

    def explain(self, position, series, calendar, following, usual):
        """Return the parts (J, 1, M) of `output` by name."""
        known = None
        if following is not None:
            known = self._inputs(following[0], self.stream.window.inputs.shape[1])
        parts = self.stream.explain(known, usual)
        return {name: part[:, None] for name, part in parts.items()}

    def p_values(self, targets, forecast, position, series):
        """Return how probable targets (J, 1) are under forecasts of the row before, (J, 1)."""
        return self.stream.intervals.p_values(targets[:, 0], forecast[:, 0])[:, None]

    def newest(self, position, series, n):
        """Return the newest n values, missing ones carried forward, (n, J, 1)."""
        window = self.stream.window
        rows = np.maximum(np.arange(len(window) - n, len(window)), 0)
        return window.shifted(window.levels, 0)[rows, :, None]

    def overtaken_by(self, other):
        """Return False: nothing that is read is ever written to."""
        return False

    @property
    def expert_names(self):
        """Names of the experts, none where there is one alone."""
        return getattr(self.stream, "expert_names", [])

    def expert_weights(self):
        """Return the weights (1, J, M, E) of the experts at the newest row."""
        return self.stream.expert_weights().transpose(2, 1, 0)[None]

    def with_bands(self, bands):
        """Return the learner whose outputs hold bounds of these bands behind each estimate."""
        return changed(self, stream=self.stream.with_bands(bands))

    change_sizes = tuple(CHANGE_COLUMNS)

    def changes(self):
        """Return the changes noted, see `tsrnn.online.protocol.Learner`."""
        first = int(self.heads[0]) - self.stream.newest_row
        return [(first + row, 0, *change) for row, *change in self.stream.changes]

    @property
    def lists_outliers(self):
        """Whether values that are refused are listed."""
        return hasattr(self.stream, "outliers")

    def outliers(self):
        """Return the values refused, ``(position, 0, target, value, believed)``."""
        first = int(self.heads[0]) - self.stream.n_rows + 1
        return [(first + row, *rest) for row, *rest in self.stream.outliers.listed()]

    def carried_states(self):
        """Return the state of each layer, arrays of shape (J, H)."""
        return tuple(state.swapped() for state in self.stream.encoder.state)

    def _at(self, block):
        """Return the learner of the stream where the rows of a block may follow."""
        if block.fresh[0] and self.heads[0] != NEVER:
            return self.stream.restarted()
        return self.stream

    def _after(self, block, stream):
        return changed(self, stream=stream, heads=np.array([block.start + len(block.targets) - 1]))

    def _inputs(self, following, n_inputs):
        """Return inputs (m, E) that follow, of what is known ahead (m, F)."""
        inputs = np.full((len(following), n_inputs), np.nan)
        inputs[:, list(self.future)] = following
        return inputs


def _window(block):
    return Window(block.targets[:, :, 0], block.inputs[:, :, 0], block.calendar)
