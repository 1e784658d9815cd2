"""The learner of one stream that repeats the last season, as simple baselines do."""

from dataclasses import dataclass, replace

import numpy as np

from tsrnn.features.window import Window
from tsrnn.online.intervals.tracking import Intervals
from tsrnn.online.regime import changes_of
from tsrnn.persistence.registry import saved

INTERVAL_ROWS = 5000  # newest rows of a history that intervals are learnt from


@saved("repeat-learner")
@dataclass(frozen=True)
class RepeatLearner:
    """A learner that repeats the last season; it has the methods of `StreamLearner`."""

    horizon: int
    season: int
    intervals: Intervals | None
    window: Window | None = None

    @property
    def replayed(self):
        """Rows of a history that matter: to the intervals, as many as to a readout."""
        return self.season + self.horizon + INTERVAL_ROWS

    @property
    def changes(self):
        """Changes of the size of errors since the last restart, as `changes_of` returns them."""
        return changes_of(self.intervals, None)

    @property
    def newest_row(self):
        """Number of the newest row, as that of a change is counted."""
        return self.intervals.row - 1

    def restarted(self, anew=False):
        """Return the learner as before a first row."""
        return replace(self, intervals=self.intervals.restarted(), window=None)

    def learn(self, record):
        """Take in new rows; there is nothing to learn but them and the errors."""
        if not len(record):
            return self
        outputs, learner = self.outputs(record)
        labels = record.targets[..., None]
        return replace(learner, intervals=self.intervals.follow(outputs, labels))

    advance = learn

    def outputs(self, record, following=None):
        """Return what `output` would give after each new row, (n, S, M), and the learner after."""
        joined = self._join(record)
        levels, window = joined.levels, joined[len(joined) - self.season :].copy()
        newest = np.arange(len(levels) - len(record), len(levels))
        ahead = np.arange(self.horizon) % self.season + 1 - self.season
        return levels[newest[:, None] + ahead].swapaxes(1, 2), replace(self, window=window)

    def output(self, following=None):
        """Return the forecast at the newest row, shape (S, horizon)."""
        ahead = np.arange(self.horizon) % self.season
        return self.window.levels[ahead].T

    def explain(self, following, usual):
        """Return the parts (S, horizon) of `output`: the newest value, and the season beside it."""
        output, level = self.output(), self.window.levels[-1][:, None]
        return {"level": np.broadcast_to(level, output.shape), "season": output - level}

    def offsets(self, probabilities):
        """Return quantiles of the errors of the newest forecast, shape (P, S, horizon)."""
        return self.intervals.offsets(probabilities)

    def _join(self, record):
        if self.window is None:
            return record.padded(self.season, held=True)
        return self.window.append(record)
