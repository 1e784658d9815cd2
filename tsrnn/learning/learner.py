"""The learner of one stream of rows: features, readout and the rows they still need."""

import copy
import math

import numpy as np

from .future import FutureRLS
from .rls import DelayedRLS
from .targets import origin_targets

BLOCK = 4096  # rows whose features are in memory at once
REPLAYED_MEMORIES = 10  # of 1 / (1 - λ) rows each: what is older weighs less than e^-10


class Learner:
    """An optional recurrent encoder and a readout learnt online, moved on row by row.

    A learner is a value: `learn` and `advance` return a new one and leave the old one as it was,
    so that a call that fails changes nothing and a forecast is always of one consistent state.
    Rows may come in any split: the result is the same to the last bit.

    Parameters
    ----------
    design : object
        Turns a record of raw rows into arrays, by the methods ``inputs(record, start)``
        (n, S, D), ``skip(record, start, stop)`` (n, S, K), ``base(record, start)`` (n, S) and
        ``labels(record, start)`` (n, S, M or 1), for the rows from ``start`` on; ``delays``
        holds the delay of each output, ``reach`` the number of earlier rows it looks at,
        ``n_streams`` and ``n_features`` are S and K, and ``usual`` is what `screen` starts from
        (level and change), None where absurd targets are not screened.
    readout : DelayedRLS
    encoder : RecurrentEncoder or None
    """

    def __init__(self, design, readout, encoder=None):
        self.design = design
        self.readout = readout
        self.encoder = encoder
        self.usual = design.usual
        self.window = None
        self._restart()

    @classmethod
    def of(cls, design, forgetting, encoder=None):
        """Return a learner with a blank readout, to learn the newest `replayed` rows."""
        n_features = (encoder.network.hidden_size if encoder else 0) + design.n_features
        sizes = design.n_streams, n_features, design.delays, forgetting
        readout = FutureRLS(*sizes, design.n_ahead) if design.n_ahead else DelayedRLS(*sizes)
        return cls(design, readout, encoder)

    @property
    def replayed(self):
        """Rows of a history that matter: those λ remembers, and those they look back on."""
        forgotten = 1.0 - self.readout.forgetting
        remembered = math.inf if forgotten == 0.0 else math.ceil(REPLAYED_MEMORIES / forgotten)
        return self._memory + max(self.design.delays) + remembered

    def restarted(self, anew=False):
        """Return the learner as before a first row, with everything learnt kept.

        The guard goes on from the newest level; for rows that may lie anywhere (`anew`) it starts
        as it did at fit.
        """
        learner = copy.copy(self)
        learner._restart()
        if anew:
            learner.usual = self.design.usual
        return learner

    def advance(self, record):
        """Take in new rows without learning."""
        learner = self
        for start in range(0, len(record), BLOCK):
            block = record[start : start + BLOCK]
            learner = learner._move(*learner._encode(block), len(block))
        return learner

    def learn(self, record):
        """Learn from new rows, one by one, and take them in."""
        learner, start = self, 0
        while start < len(record):
            block = record[start : start + learner._rows_to_training]
            learner = learner._move(*learner._encode(block), len(block), learning=True)
            if learner.encoder and learner.n_rows % learner.encoder.period == 0:
                learner = learner._train_encoder()
            start += len(block)
        return learner

    def outputs(self, record, following=None):
        """Return what `output` would give after each new row, (n, S, M), and the learner after.

        `following` are inputs (m, E) of the rows after those, where the design looks ahead.
        """
        learner, outputs = self, []
        known = record.inputs
        if self.design.n_ahead:
            known = np.concatenate([known, following[: max(self.design.delays)]])
        for start in range(0, len(record), BLOCK):
            block = record[start : start + BLOCK]
            encoded = learner._encode(block)
            joined, features, base, _ = encoded
            ahead = self._ahead(joined, len(joined) - len(block), known[start + len(block) :])
            outputs.append(learner.readout.output(features, *ahead) + base[..., None])
            learner = learner._move(*encoded, len(block))
        return np.concatenate(outputs), learner

    def output(self, following=None):
        """Return the outputs at the newest row, shape (S, M)."""
        ahead = self._ahead(self.window, len(self.window) - 1, following)
        return (self.readout.output(self._newest, *ahead) + self._newest_base[..., None])[0]

    def _ahead(self, joined, start, following):
        """Return what is known ahead of the rows from start on, as arguments of a readout."""
        return (self.design.ahead(joined, start, following),) if self.design.n_ahead else ()

    def _restart(self):
        self.readout = self.readout.restarted()
        self.encoder = self.encoder and self.encoder.restarted()
        if (
            self.window is not None and self.usual is not None
        ):  # the guard goes on from where it was
            self.usual = self.window.levels[-1].copy(), self.window.spreads[-1].copy()
        self.window = None  # the newest rows, as far back as anything looks
        self.n_rows = 0
        self._newest = self._newest_base = None

    def _encode(self, record):
        """Return the rows behind those before, and features, bases and encoder of the new ones."""
        joined, start = self._join(record)
        features, encoder = self.design.skip(joined, start, len(joined)), None
        if self.encoder:
            hidden, encoder = self.encoder.encode(self.design.inputs(joined, start, len(joined)))
            features = np.concatenate([hidden, features], axis=2)
        return joined, features, self.design.base(joined, start), encoder

    def _move(self, joined, features, base, encoder, n_rows, learning=False):
        learner = copy.copy(self)
        learner.encoder = encoder
        if learning:
            start = len(joined) - n_rows
            arrived = (self.design.arrived(joined, start),) if self.design.n_ahead else ()
            labels = self.design.labels(joined, start)
            learner.readout = self.readout.learn(features, base, labels, *arrived)
        else:
            learner.readout = self.readout.advance(features, base)
        learner.window = joined[max(0, len(joined) - self._memory) :].copy()
        learner.n_rows = self.n_rows + n_rows
        learner._newest, learner._newest_base = features[-1:].copy(), base[-1:].copy()
        return learner

    def _join(self, record):
        """Put the window, or padding, before new rows; return it and where they start."""
        if self.window is None:
            return record.padded(self.design.reach, self.usual), self.design.reach
        return self.window.append(record), len(self.window)

    def _train_encoder(self):
        """Let the encoder learn from the newest window of origins whose labels are all in."""
        design, delay = self.design, max(self.design.delays)
        n_origins = self.encoder.window
        if self.n_rows < n_origins + delay:
            return self
        start = len(self.window) - n_origins - delay
        stop = start + n_origins
        base, labels = design.base(self.window, start), design.labels(self.window, start)
        targets = origin_targets(base, labels, design.delays)[:n_origins]
        for ahead in self._ahead(self.window, start, self.window.inputs[:0]):
            targets -= self.readout.effect(ahead[:n_origins])
        learner = copy.copy(self)
        learner.encoder = self.encoder.learn(
            design.inputs(self.window, start, stop),
            design.skip(self.window, start, stop),
            targets,
            self.readout.weights,
        )
        return learner

    @property
    def _rows_to_training(self):
        """Rows until the encoder takes its next step; at most a block where there is none."""
        return self.encoder.period - self.n_rows % self.encoder.period if self.encoder else BLOCK

    @property
    def _memory(self):
        """Rows to keep: what the next row looks back on, or the next training window does."""
        if self.encoder is None:
            return max(1, self.design.reach)
        return self.design.reach + self.encoder.window + max(self.design.delays)
