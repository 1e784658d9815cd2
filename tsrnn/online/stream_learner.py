"""The learner of one stream of rows: features, readout and the rows they still need."""

import math
from functools import cached_property

import numpy as np

from tsrnn.kernels import compiled_kernels
from tsrnn.kernels.numpy_.seasons import gap_end, looked_back
from tsrnn.online.experts.ensemble import Ensemble
from tsrnn.online.explanation import explain_stream
from tsrnn.online.one_call import MOST_ROWS, PARTS, take_in_by_one_call
from tsrnn.online.outliers import Outliers
from tsrnn.online.readouts.future import FutureRLS
from tsrnn.online.readouts.rls import DelayedRLS
from tsrnn.online.readouts.targets import origin_targets
from tsrnn.online.regime import Regime, changes_of
from tsrnn.online.storage.values import twin
from tsrnn.online.training import held_out
from tsrnn.persistence.registry import saved
from tsrnn.threads import one_blas_thread

BLOCK = 4096  # rows whose features are in memory at once
BLOCK_OUTPUTS = 2**19  # and most of their forecasts, of which every expert has as many
RIDGE_PER_NOISE = 20.0  # penalty of the readout, per unit of unexplained variance
RIDGE_LIMITS = (1e-3, 1e3)
REPLAYED_MEMORIES = 10  # of 1 / (1 - λ) rows each: what is older weighs less than e^-10


@saved("stream-learner")
class StreamLearner:
    """A readout learnt online, with or without a recurrent encoder and an ensemble around it.

    A learner is a value: `learn` and `advance` return a new one and leave the old one as it was,
    so that a call that fails changes nothing and a forecast is always of one consistent state.
    Rows may come in any split: the result is the same to the last bit.

    Parameters
    ----------
    design : object
        Turns a record of raw rows into arrays, by the methods ``skip(record, start, stop, loop)``
        (n, S, K), ``inputs(record, start, stop, local)`` (n, S, D), ``local(record, start, stop)``
        (None, or center and scale of what the network sees, (n, S) each), ``views(record, start,
        stop, loop)``, which is the three together, ``loop`` being the compiled loop that may make
        them or None, ``base(record, start)`` (n, S) and
        ``labels(record, start)`` (n, S, M or 1), for the rows from ``start`` on; ``delays`` holds
        the delay of each output, ``reach`` the number of earlier rows it looks at, ``norm`` is None
        or what `local` comes from, ``follow(record, n_rows)`` then follows levels and phase,
        which ``restarted(anew)`` sets back, ``n_streams`` and ``n_features`` are S and K, and
        ``filter_start`` is what `filter_outliers` starts from there, None where outliers are
        not filtered.
    readout : DelayedRLS
    encoder : RecurrentEncoder or None
    ensemble : Ensemble or None
        Simple experts that the readout is mixed with.
    intervals : Intervals or None
        Around the outputs.
    """

    packed = None  # what a compiled call has left of the parts
    n_trained_on = 0  # rows of a short history, but for the newest; see `to_learn`

    def __init__(self, design, readout, encoder=None, ensemble=None, intervals=None):
        self.design = design
        self.readout = readout
        self.encoder = encoder
        self.ensemble = ensemble
        self.intervals = intervals
        self.filter_start = design.filter_start
        self.regime = Regime.of(design.n_streams)
        self.outliers = Outliers()
        self.window = None
        n_outputs = design.n_streams * len(design.delays) * (1 + design.n_ahead)
        self._block = max(1, min(BLOCK, BLOCK_OUTPUTS // n_outputs))  # rows taken in together
        # Rows to keep: what the next row looks back on, or the next training window does.
        self._memory = max(1, design.reach)
        if encoder is not None:
            self._memory = design.reach + encoder.window + design.longest_delay
        self._restart()

    def __getattr__(self, name):
        """Return a part that only the arrays of a compiled call are there of, from now on held."""
        if name not in PARTS or self.packed is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        part = vars(self)[name] = self.packed.part(name)
        return part

    def __getstate__(self):
        held = {name: getattr(self, name) for name in PARTS} | vars(self)
        return {name: held[name] for name in sorted(held) if name not in ("packed", "_period")}

    @classmethod
    def of(cls, design, forgetting, encoder=None, *, mixed=False, intervals=None):
        """Return a learner with a blank readout, to learn the newest `replayed` rows.

        With an encoder the penalty of the readout lasts, and grows with the noise of each stream.
        """
        n_features, ridge = design.n_features, None
        if encoder:
            n_features += encoder.network.hidden_size
            ridge = ridge_of(encoder.noise)
        sizes = design.n_streams, n_features, design.delays, forgetting
        ensemble = Ensemble.of(design, forgetting, ridge) if mixed else None
        if design.n_ahead:
            readout = FutureRLS(*sizes, design.n_ahead, ridge)
        else:
            readout = DelayedRLS(*sizes, ridge)
        return cls(design, readout, encoder, ensemble, intervals)

    def to_learn(self, n_rows):
        """Return the learner before it learns the history of so many rows.

        While it learns a short one, all of which the network was trained on, the recurrent expert
        sleeps up to the newest row: how well it forecasts such rows says little about others.
        """
        learner = twin(self)
        if not held_out(n_rows):
            learner.n_trained_on = max(0, int(min(n_rows, self.replayed)) - 1)
        return learner

    @property
    def replayed(self):
        """Rows of a history that matter: those λ remembers, and those they look back on."""
        forgotten = 1.0 - self.readout.forgetting
        remembered = math.inf if forgotten == 0.0 else math.ceil(REPLAYED_MEMORIES / forgotten)
        return self._memory + self.design.longest_delay + remembered

    @property
    def expert_names(self):
        """Names of the experts that are mixed; none where there is no mixture."""
        return self.ensemble.names if self.ensemble else []

    def expert_weights(self):
        """Return the weights of the experts in the forecast of each step, (E, M, S)."""
        return self.ensemble.weights

    @property
    def changes(self):
        """Changes of the streams since the last restart, as `changes_of` returns them."""
        return changes_of(self.intervals, self.regime)

    @property
    def newest_row(self):
        """Number of the newest row, as that of a change is counted."""
        return (self.intervals.row if self.intervals else self.n_rows) - 1

    def restarted(self, anew=False):
        """Return the learner as before a first row, with everything learnt kept.

        The guard and the levels go on; for rows that may lie anywhere (`anew`) they start as they
        did at fit. The phase is that of the calendar, until a season has been seen again.
        """
        learner = self._unpacked()
        learner._restart()
        learner.design = self.design.restarted(anew)
        if anew:
            learner.filter_start, learner.regime = (
                self.design.filter_start,
                Regime.of(self.design.n_streams),
            )
        return learner

    def advance(self, record):
        """Take in new rows without learning: what was forecast is still scored."""
        learner, block = self, self._block
        for start in range(0, len(record), block):
            _, learner = learner._take_in(record[start : start + block], len(record))
        return learner

    def learn(self, record):
        """Learn from new rows, one by one, and take them in."""
        learner, start, n_rows = self, 0, len(record)
        while start < n_rows:
            n = min(n_rows - start, learner._rows_to_training)
            now = record if n == n_rows else record[start : start + n]
            _, learner = learner._take_in(now, n_rows, learning=True)
            learner.n_learnt += n
            if self._period and learner.n_learnt % self._period == 0:
                learner = learner._after_period()
            start += n
        return learner

    def taken_back(self, values):
        """Return the learner whose newest rows are missing; see `Window.without`."""
        learner = self._unpacked()
        if learner.window is not None:
            learner.window = learner.window.without(values, self.design.carried_by)
        return learner

    def outputs(self, record, following=None):
        """Return what `output` would give after each new row, (n, S, M), and the learner after.

        `following` are inputs (m, E) of the rows after those, where the design looks ahead.
        Its intervals are stale: it is outputs alone that are asked for.
        """
        learner, outputs, known = self, [], record.inputs
        if self.design.n_ahead:
            known = np.concatenate([known, following[: self.design.longest_delay]])
        for start in range(0, len(record), self._block):
            block = record[start : start + self._block]
            later = known[start + len(block) :]
            block_outputs, learner = learner._take_in(
                block, len(record), following=later, scoring=False
            )
            outputs.append(block_outputs)
        return np.concatenate(outputs), learner

    def output(self, following=None):
        """Return the outputs at the newest row, shape (S, M)."""
        if self.design.n_ahead:
            constant, effects = self._newest
            ahead = self.design.ahead(self.window, len(self.window) - 1, following)[0]
            return constant + (effects * ahead).sum(axis=-1)
        return self._newest.copy()

    def explain(self, following, usual):
        """Return the parts (S, M) of `output` by name; see `explain_stream`."""
        return explain_stream(self, following, usual)

    def offsets(self, probabilities):
        """Return quantiles of the errors of the newest outputs, shape (P, S, M).

        Raises
        ------
        ValueError
            There are no intervals.
        """
        if self.intervals is None:
            raise ValueError(
                "found coverage or quantiles, expected neither: there are no intervals"
            )
        return self.intervals.offsets(probabilities)

    def _restart(self):
        self.readout = self.readout.restarted()
        self.encoder = self.encoder and self.encoder.restarted()
        self.ensemble = self.ensemble and self.ensemble.restarted()
        self.intervals = self.intervals and self.intervals.restarted()
        self.regime, self.outliers = self.regime.cleared(), Outliers()
        if self.window is not None:
            self.filter_start = self.window.filter_start
        self.window = None  # the newest rows, as far back as anything looks
        self.n_rows = self.n_learnt = self.n_trained_on = 0
        self._newest = None

    def _take_in(self, record, n_rows, learning=False, following=None, scoring=True):
        """Return the outputs after each row of a block, (n, S, M), and the learner after it.

        Of the ``n_rows`` that are handed in together: of many, as of a history, even a short block
        goes part by part, so that the first fit does not compile what rows that come alone need.

        A design that looks ahead has outputs only where the inputs that follow are given. Where
        outputs alone are asked for there is no `scoring`: intervals are left behind.
        """
        few = n_rows <= MOST_ROWS and self.n_rows >= self.n_trained_on
        if few and (taken_in := take_in_by_one_call(self, record, learning, scoring)):
            return taken_in
        return self._take_in_by_parts(record, learning, following, scoring)

    @one_blas_thread
    def _take_in_by_parts(self, record, learning, following, scoring):
        learner, parts, rest = self, [], record
        while len(rest):
            joined, start = learner._join(rest)
            now, later = rest, following
            if self.design.carried_by:  # what ends a gap comes alone: its levels are bridged then
                n = max(gap_end(joined.targets, start) - start, 1)
                now = rest[:n]
            rest = rest[len(now) :]
            if len(rest):
                joined, start = learner._join(now)
                if following is not None:
                    later = np.concatenate([rest.inputs, following])
            outputs, learner = learner._take_in_joined(now, joined, start, learning, later, scoring)
            parts.append(outputs)
        outputs = parts[0] if len(parts) == 1 or parts[0] is None else np.concatenate(parts)
        return outputs, learner

    def _take_in_joined(self, record, joined, start, learning, following, scoring):
        """As `_take_in`, of rows that are joined to the window; what ends a gap is the only one."""
        learner, design = self._unpacked(), self.design
        learner.outliers = self._outliers_after(record, joined, start)
        skip, view = self._seen(joined, start, len(joined))
        features, base, labels = skip, design.base(joined, start), design.labels(joined, start)
        if self.encoder:
            hidden, learner.encoder = self.encoder.encode(*view, by_stream=True)
            features = np.concatenate([hidden, skip], axis=2)
        if design.n_ahead:
            known = joined, start, following, learning, scoring
            return learner._follow_ahead(features, base, labels, skip, *known)
        learner.readout, outputs = self.readout.follow(features, base, labels, learning)
        outputs = learner._asleep_in_training(outputs + base[..., None])
        if self.ensemble:
            learner.ensemble, outputs = self.ensemble.follow(
                outputs, skip, joined.levels, labels, learning
            )
        if self.intervals and scoring:
            learner.intervals = self.intervals.follow(outputs, labels)
        outputs = joined.shifted(outputs, start)
        learner._newest = outputs[-1].copy()
        learner._keep(joined, len(record))
        return outputs, learner

    def _outliers_after(self, record, joined, start):
        """Return the outliers after new rows, which are in a record from `start` on."""
        if joined.spreads is None:
            return self.outliers
        raw, taken = record.targets, joined.targets[start:]
        if self.window is None:
            level, _, refused, jump, _ = self.filter_start
            before = refused[None], (level + jump)[None]
        else:
            before = joined.refused[start - 1 : start], joined.levels[start - 1 : start]
            before = before[0], before[1] + joined.jumps[start - 1 : start]
        now = joined.refused[start:], joined.levels[start:] + joined.jumps[start:]
        refused, levels = (
            np.concatenate([first, rows[:-1]])[:, :, None]
            for first, rows in zip(before, now, strict=True)
        )
        rows = raw[:, :, None], taken[:, :, None], refused, levels
        return self.outliers.follow(self.n_rows, np.zeros(1, dtype=np.intp), *rows)

    def _unpacked(self):
        """Return the learner, all its parts held."""
        learner = twin(self)
        vars(learner).update({name: getattr(self, name) for name in PARTS}, packed=None)
        return learner

    def moved(self, n_rows, outputs, packed):
        """Return the learner after rows that a compiled call has taken in, and their outputs."""
        learner = twin(self)
        held = vars(learner)
        for name in PARTS:
            held.pop(name, None)
        held["packed"], held["_newest"] = packed, outputs[-1]
        held["n_rows"] += n_rows
        return learner

    def _keep(self, joined, n_rows):
        self.window = joined.newest(self.memory)
        self.n_rows += n_rows

    def _follow_ahead(
        self, features, base, labels, skip, joined, start, following, learning, scoring
    ):
        """As `_take_in`, of a design that looks ahead: move the parts, in place of those before.

        A forecast is a constant and the effects of what is known of its step.
        """
        design, n_rows = self.design, len(joined) - start
        arrived, inputs = design.arrived(joined, start), joined.inputs[start:, design.future]
        rows = features, base, labels, arrived, learning
        self.readout, constant, effects, without = self.readout.follow(*rows)
        constant, arrived = constant + base[..., None], arrived[:, 0]
        if self.ensemble:
            asleep = self._asleep_in_training
            recurrent = asleep(constant), effects, asleep(without + base[..., None])
            rows = recurrent, skip, joined.levels, labels, learning, (inputs, arrived)
            self.ensemble, (constant, effects) = self.ensemble.follow_ahead(*rows)
        if self.intervals and scoring:
            self.intervals = self.intervals.follow(constant, labels, effects, arrived)
        constant, outputs = joined.shifted(constant, start), None
        if following is not None:
            outputs = constant + (effects * design.ahead(joined, start, following)).sum(axis=-1)
        self._newest = constant[-1].copy(), effects[-1].copy()
        self._keep(joined, n_rows)
        return outputs, self

    def _asleep_in_training(self, outputs):
        """Return outputs (n, S, M) of new rows, NaN after those that the network was trained on."""
        first = self.n_rows
        if first >= self.n_trained_on:
            return outputs
        outputs = outputs.copy()
        outputs[: self.n_trained_on - first] = np.nan
        return outputs

    def _join(self, record):
        """Put the window, or padding, before new rows; return it and where they start."""
        design, reach = self.design, self.design.reach
        if self.window is None:
            rows = record.padded(reach, self.filter_start, seasons=design.carried_by)
            return rows, reach
        return self.window.continued(record, reach, self.memory, design.carried_by)

    def _seen(self, record, start, stop):
        """Return the readout features of rows beside the hidden state, and the encoder's view.

        That is its inputs, and center and scale they are of; None without an encoder.
        """
        rows, loops, design = (record, start, stop), compiled_kernels(), self.design
        if self.encoder is None:
            return design.skip(*rows, loops and loops.lagged), None
        skip, *view = design.views(*rows, loops and loops.views)
        return skip, view

    @one_blas_thread
    def _after_period(self):
        """Return the learner after what is done once in the encoder's period."""
        return self._in_regime()._train_encoder()

    def _in_regime(self):
        """See where the stream is now, and follow its level and the phase of its season."""
        if self.design.norm is None or self.n_rows <= self.design.norm.season:
            return self
        learner, newest = twin(self), len(self.window) - 1
        design = learner.design = self.design.follow(self.window, self.encoder.period)
        center, scale = design.local(self.window, newest, newest + 1)
        error = self.intervals and self.intervals.drift.size.tolist()
        level = self.window.shifted(center, newest)
        now = level[0], scale[0], design.phase, error
        learner.regime = self.regime.follow(self.n_rows - 1, *now)
        early = design.phase - self.design.phase
        if early and self.ensemble and design.profile.moves_profiles:
            learner.ensemble = self.ensemble.phases_shifted(early)
        return learner

    def _train_encoder(self):
        """Let the encoder learn from the newest window of origins whose labels are all in."""
        design, delay = self.design, self.design.longest_delay
        n_origins = self.encoder.window
        if self.n_rows < n_origins + delay:
            return self
        start = len(self.window) - n_origins - delay
        stop = start + n_origins
        base, labels = design.base(self.window, start), design.labels(self.window, start)
        targets = origin_targets(base, labels, design.delays)[:n_origins]
        if design.n_ahead:
            ahead = design.ahead(self.window, start, self.window.inputs[:0])
            targets -= self.readout.effect(ahead[:n_origins])
        learner, (skip, (inputs, local)) = twin(self), self._seen(self.window, start, stop)
        learner.encoder = self.encoder.learn(inputs, skip, targets, self.readout.weights, local)
        return learner

    @property
    def _rows_to_training(self):
        """Rows until the encoder takes its next step; at most a block where there is none."""
        if not self._period:
            return self._block
        return min(self._block, self._period - self.n_learnt % self._period)

    @cached_property
    def _period(self):
        """Rows between two learning steps of the encoder; 0 where there is none."""
        return self.encoder.period if self.encoder else 0

    @property
    def memory(self):
        """Rows that are kept, at most: for those to come, and for missing ones among them."""
        return max(self._memory, looked_back(self.design.carried_by))


def ridge_of(noise):
    """Return the penalty of a readout for streams of this unexplained variance."""
    return np.clip(RIDGE_PER_NOISE * noise, *RIDGE_LIMITS)
