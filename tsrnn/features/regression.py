"""What a regressor's learner sees of a record: network inputs, readout features and labels."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from tsrnn.features.design import INPUT_LIMIT
from tsrnn.features.outlier_filter import PLAIN, start_from
from tsrnn.frames.scaling import first_levels
from tsrnn.persistence.registry import saved

MOST_LINEAR = 512  # features of the linear expert


@saved("regression-design")
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
        Inputs that the network has a flag of, whether their value is missing.
    linear_lags : int
        Earlier rows of X in the linear expert, fewer where X is wide: see `of`.
    filter_start : tuple of ndarray of shape (n_outputs,), or None
        What `filter_outliers` starts from; None: no label is taken for absurd.
    """

    n_inputs: int
    n_outputs: int
    lags: int
    flagged: list
    linear_lags: int = 24
    filter_start: tuple | None = None
    n_streams: ClassVar[int] = 1
    pooled: ClassVar[bool] = False
    carried_by: ClassVar[tuple] = ()  # a missing y is as the newest one

    @classmethod
    def of(cls, record, lags, flagged, linear_lags, screen=PLAIN):
        """Return the design for a history, whose linear expert has at most `MOST_LINEAR` features.

        Its cost is the square of their number at each row. It sees the row itself in any case.
        """
        n_inputs, n_outputs = record.inputs.shape[1], record.targets.shape[1]
        affordable = max(0, (MOST_LINEAR - 1) // max(1, n_inputs) - 1)
        filter_start = start_from(first_levels(record.targets), screen)
        return cls(n_inputs, n_outputs, lags, flagged, min(linear_lags, affordable), filter_start)

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
        return max(self.lags, self.linear_lags)

    @property
    def n_features(self):
        """Readout features beside the hidden state."""
        return self.n_inputs * (self.lags + 1) + 1

    @property
    def n_linear(self):
        """Features of the linear expert."""
        return self.n_inputs * (self.linear_lags + 1) + 1

    @property
    def n_flags(self):
        """Network inputs, the last ones, that are flags of what is missing."""
        return len(self.flagged)

    def base(self, record, start):
        """Return zeros, shape (n, 1): targets are values, not changes."""
        return np.zeros((len(record) - start, 1))

    def labels(self, record, start):
        """Return the labels of each row, shape (n, 1, n_outputs), NaN where missing or absurd.

        A jump that the record has taken out of them is put back: the readouts have an intercept.
        """
        return record.shifted(record.targets[start:], start)[:, None]

    def skip(self, record, start, stop):
        """Return the readout features beside the hidden state, shape (n, 1, K)."""
        return self._newest_rows(record, start, stop, self.lags)

    def linear(self, record, start, stop):
        """Return the features of the linear expert, shape (n, 1, K)."""
        return self._newest_rows(record, start, stop, self.linear_lags)

    def readout_features(self, record, start, stop):
        """Return parts that make up `skip`, to be put side by side, and `linear`."""
        lagged, n_shared = self.linear(record, start, stop), self.n_features - 1
        if self.lags > self.linear_lags:
            return [self.skip(record, start, stop)], lagged
        return [lagged[..., :n_shared], lagged[..., -1:]], lagged

    def _newest_rows(self, record, start, stop, lags):
        """Return each row of X with earlier ones, newest first, and 1."""
        rows = np.arange(start, stop)[:, None] - np.arange(lags + 1)
        features = np.ones((stop - start, 1, self.n_inputs * (lags + 1) + 1))
        features[:, 0, :-1] = record.inputs[rows].reshape(stop - start, -1)
        return features

    def local(self, record, start, stop):
        """Return None: inputs are seen as they are."""

    def inputs(self, record, start, stop, local=None):
        """Return the network inputs, shape (n, 1, D)."""
        values = np.clip(record.inputs[start:stop], -INPUT_LIMIT, INPUT_LIMIT)
        flags = record.missing[start:stop, self.flagged]
        return np.concatenate([values, flags], axis=1)[:, None]
