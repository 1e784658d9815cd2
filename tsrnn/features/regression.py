"""What a regressor's learner sees of a record: network inputs, readout features and labels."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from tsrnn.features.design import INPUT_LIMIT


@dataclass(frozen=True)
class RegressionDesign:
    """Regression: one stream, whose inputs are the columns of X and whose outputs those of y.

    The network also sees which of the flagged inputs are missing.

    Attributes
    ----------
    n_inputs, n_outputs : int
    lags : int
        Earlier rows of X in the readout; the network sees all of the past through its state.
    flagged : list of int
        Inputs whose missing values the network is told of.
    """

    n_inputs: int
    n_outputs: int
    lags: int
    flagged: list
    n_streams: ClassVar[int] = 1
    n_ahead: ClassVar[int] = 0
    longest_delay: ClassVar[int] = 0
    pooled: ClassVar[bool] = False
    usual: ClassVar[None] = None
    norm: ClassVar[None] = None

    @cached_property
    def delays(self):
        """Labels arrive with their row."""
        return np.zeros(self.n_outputs, dtype=np.intp)

    @cached_property
    def trained_on(self):
        """Outputs that a network is trained on: all."""
        return np.arange(self.n_outputs)

    @property
    def reach(self):
        """Rows before a row that it looks at."""
        return self.lags

    @property
    def n_features(self):
        """Readout features beside the hidden state."""
        return self.n_inputs * (self.lags + 1) + 1

    @property
    def n_flags(self):
        """Network inputs, the last ones, that tell what is missing."""
        return len(self.flagged)

    def base(self, record, start):
        """Return zeros, shape (n, 1): targets are values, not changes."""
        return np.zeros((len(record) - start, 1))

    def labels(self, record, start):
        """Return the labels of each row, shape (n, 1, n_outputs)."""
        return record.targets[start:, None]

    def views(self, record, start, stop, loop=None):
        """Return readout features and network inputs, as they are (None); see `ForecastDesign`."""
        return self.skip(record, start, stop), self.inputs(record, start, stop), None

    def skip(self, record, start, stop, loop=None):
        """Return the readout features, shape (n, 1, K); a `loop` is not needed."""
        rows = np.arange(start, stop)[:, None] - np.arange(self.lags + 1)
        features = np.ones((stop - start, 1, self.n_features))
        features[:, 0, :-1] = record.inputs[rows].reshape(stop - start, -1)
        return features

    def local(self, record, start, stop):
        """Return None: inputs are seen as they are."""

    def restarted(self, anew):
        """Return the design: there is neither level nor phase."""
        return self

    def inputs(self, record, start, stop, local=None):
        """Return the network inputs, shape (n, 1, D)."""
        values = np.clip(record.inputs[start:stop], -INPUT_LIMIT, INPUT_LIMIT)
        flags = record.missing[start:stop, self.flagged]
        return np.concatenate([values, flags], axis=1)[:, None]
