"""The learner of a regressor: two readouts of X, the newest known y, and the mixture of them."""

import math
from dataclasses import dataclass

import numpy as np

from tsrnn.frames.bands import add_offsets
from tsrnn.kernels import compiled_kernels
from tsrnn.kernels.numpy_.regression import score_rows
from tsrnn.online.experts.mixing import Mixing
from tsrnn.online.intervals.conformal import Conformal, quantiles_at
from tsrnn.online.readouts.rls import DelayedRLS
from tsrnn.online.storage.values import plain, twin
from tsrnn.online.stream_learner import REPLAYED_MEMORIES, ridge_of
from tsrnn.persistence.registry import saved
from tsrnn.threads import one_blas_thread

AGES = tuple(2**k for k in range(12))  # rows since the newest known y: 1 to 2,048
KEPT_AGES = AGES[6:]  # from 64 on: those at which older readouts are scored
# Errors at large ages come in runs, as what estimates rest on is renewed so seldom: there, levels
# and quantiles are means over as many more rows.
PACE = np.minimum(1.0, KEPT_AGES[0] / np.array(AGES))
EXPERTS = ("recurrent", "linear", "newest_y")
BLOCK = 4096  # rows whose features are in memory at once


@saved("regression-learner")
class RegressionLearner:
    r"""Estimates of S targets at each row from three experts, mixed and with intervals.

    The experts are a readout of the hidden state of a recurrent network and the newest rows of X,
    a linear one of X and more of its lags (both learnt by recursive least squares with a lasting
    penalty), and the newest y that is known.

    The last grows stale where rows come without y. So its *age*, the number of rows since, is what
    the step ahead is to a forecast: each of the ages 1, 2, 4, ..., 2,048 has weights of the
    mixture, and levels and quantiles of errors, of its own. All of them learn from every label: at
    age a the last expert would have been :math:`y_{t-a}`. Between ages weights and quantiles are
    interpolated, linearly in the logarithm of the age; beyond the largest age that has seen labels
    they are those of it. Where no y is known at all, the other experts share the weight of the
    last.

    Absurd labels count as missing (see `filter_outliers`): nothing learns from them, and they are
    not repeated.

    Labels arrive with their row: what is scored is what was issued for the row before its y. An
    estimate at age a rests on readouts, too, that have learnt nothing for a rows. So at ages of 64
    and more those are scored that were kept between a and 2a rows ago; at smaller ages, where they
    have hardly moved, those of the row before.

    What is tracked of errors at large ages moves more slowly (see `PACE`), and no interval is
    narrower than that of a smaller age.

    A learner is a value: `learn` and `advance` return a new one and leave the old one as it was.
    Rows may come in any split: the result is the same to the last bit.

    Parameters
    ----------
    design : RegressionDesign
    readout, linear : DelayedRLS
    encoder : RecurrentEncoder

    Attributes
    ----------
    mixing : Mixing
        Of the experts, ages in the place of steps; moves with every label, learnt or not.
    learnt : Mixing
        As it was when something was last learnt.
    conformal : Conformal
        Of the errors of the mixture, by age.
    """

    def __init__(self, design, readout, linear, encoder):
        self.design = design
        self.readout = readout
        self.linear = linear
        self.encoder = encoder
        self.mixing = self.learnt = Mixing.of(len(AGES), len(EXPERTS), design.n_outputs)
        self.conformal = Conformal.of(AGES, design.n_outputs, shares=False)
        weights = readout.weights, linear.weights
        self.kept = KeptWeights.of(weights)
        self.filter_start = design.filter_start
        self.window = None
        self._bands = ()
        self._restart()

    @classmethod
    def of(cls, design, forgetting, encoder):
        """Return a learner with blank readouts, to learn the newest `replayed` rows."""
        ridge = ridge_of(encoder.noise)
        n_features = design.n_features + encoder.network.hidden_size
        readout = DelayedRLS(1, n_features, design.delays, forgetting, ridge)
        linear = DelayedRLS(1, design.n_linear, design.delays, forgetting, ridge)
        return cls(design, readout, linear, encoder)

    @property
    def replayed(self):
        """Rows of a history that matter: those λ remembers, or that the ages need to be scored."""
        forgotten = 1.0 - self.readout.forgetting
        remembered = math.inf if forgotten == 0.0 else math.ceil(REPLAYED_MEMORIES / forgotten)
        return self._memory + max(remembered, 2 * AGES[-1])

    @property
    def expert_names(self):
        """Names of the experts, in the order of their weights."""
        return list(EXPERTS)

    def expert_weights(self):
        """Return the weights of the experts, shape (E, ages, S)."""
        ages = np.repeat(np.array(AGES, dtype=float)[:, None], self.design.n_outputs, axis=1)
        return self._weights_at(ages)

    def restarted(self, anew=False):
        """Return the learner as before a first row, with everything learnt kept.

        The mixture starts from where learning left it: rows only taken in must not reach a
        prediction in sample.
        """
        learner = twin(self)
        learner._restart()
        if anew:
            learner.filter_start = self.design.filter_start
        return learner

    @one_blas_thread
    def advance(self, record):
        """Take in new rows without learning: what is issued for rows with y is still scored."""
        learner, start = self, 0
        while start < len(record):
            block = record[start : start + learner._rows_to_keeping]
            learner = learner._take_in(block, learning=False)
            start += len(block)
        return learner

    @one_blas_thread
    def learn(self, record):
        """Learn from new rows, one by one, and take them in."""
        learner, start = self, 0
        while start < len(record):
            n_rows = min(learner._rows_to_training, learner._rows_to_keeping)
            block = record[start : start + n_rows]
            learner = learner._take_in(block, learning=True)
            if learner.n_learnt % learner.encoder.period == 0:
                learner = learner._train_encoder()
            start += len(block)
        return learner

    @one_blas_thread
    def outputs(self, record, following=None):
        """Estimate the targets of rows, and return the learner after them.

        Parameters
        ----------
        record : Window
            Targets that are known serve the rows behind them.
        following : object
            Of no use here: nothing is known ahead.

        Returns
        -------
        outputs : ndarray of shape (n, S, 1 + P)
            Estimates, and behind each the bounds of the bands, where there are any.
        learner : RegressionLearner
            Its mixture and intervals are as before.
        """
        learner, outputs = self, []
        for start in range(0, len(record), BLOCK):
            block = record[start : start + BLOCK]
            joined, first = learner._join(block)
            after, forecasts, _ = learner._follow(joined, first, learning=False)
            labels = learner.design.labels(joined, first)[:, 0]
            known = newest, ages = learner._newest_known(labels)
            estimates = learner._mixed(forecasts, newest[:-1], ages[:-1])
            outputs.append(self._with_bounds(estimates, ages[:-1]))
            learner = after._kept(joined, labels, known)
        return outputs[0] if len(outputs) == 1 else np.concatenate(outputs), learner

    def with_bands(self, bands):
        """Return the learner whose outputs hold bounds of these bands behind each estimate.

        Parameters
        ----------
        bands : list of tuple
            Name and probability, as of `tsrnn.frames.bands.bands_of`.
        """
        learner = twin(self)
        learner._bands = tuple(bands)
        return learner

    def _with_bounds(self, estimates, ages):
        if not self._bands:
            return estimates[..., None]
        offsets = self.offsets([probability for _, probability in self._bands], ages)
        bounds = add_offsets(estimates, offsets, self._bands)
        return np.concatenate([estimates[None], bounds]).transpose(1, 2, 0)

    def offsets(self, probabilities, ages):
        """Return quantiles of the errors of estimates.

        Parameters
        ----------
        probabilities : sequence of float in (0, 1), length P
        ages : ndarray of shape (n, S)
            Of the newest known y at each.

        Returns
        -------
        ndarray of shape (P, n, S)
        """
        conformal = self.conformal
        found = quantiles_at(probabilities, conformal.probabilities, conformal.quantiles)
        found *= conformal.level
        for probability, of_ages in zip(probabilities, found, strict=True):
            farther = np.minimum if probability < 0.5 else np.maximum
            farther.accumulate(of_ages, axis=0, out=of_ages)  # older y makes no estimate better
        return _at_ages(found, conformal.n_labels, ages)

    def _restart(self):
        self.readout, self.linear = self.readout.restarted(), self.linear.restarted()
        self.encoder = self.encoder.restarted()
        self.mixing = self.learnt
        if self.window is not None:
            self.filter_start = self.window.filter_start
        self.window = None  # the newest rows, as far back as anything looks
        self.n_rows = self.n_learnt = 0
        n_targets = self.design.n_outputs
        self._labels = np.full((AGES[-1], n_targets), np.nan)  # of the newest rows
        self._newest = np.zeros(n_targets)  # the newest known labels,
        self._age = np.full(n_targets, np.inf)  # and the rows since

    def _take_in(self, record, learning):
        joined, start = self._join(record)
        learner, forecasts, features = self._follow(joined, start, learning)
        labels = plain(self.design.labels(joined, start)[:, 0])
        if np.isfinite(labels).any():
            learner._score(self._by_age(forecasts, features), labels)
        if learning:
            learner.learnt = learner.mixing
            learner.n_learnt += len(record)
        learner = learner._kept(joined, labels, self._newest_known(labels))
        weights = learner.readout.weights, learner.linear.weights
        learner.kept = self.kept.after(learner.n_rows, weights)
        return learner

    def _by_age(self, forecasts, features):
        """Return the forecasts of the readouts (n, M, 2, S) as they would be at each age."""
        kept = self.kept.outputs(features)
        n_newest = len(AGES) - kept.shape[1]
        return np.concatenate([np.repeat(forecasts[:, None], n_newest, axis=1), kept], axis=1)

    def _follow(self, joined, start, learning):
        """Move network and readouts over rows.

        Return the learner after them, what the readouts issue for each row, (n, 2, S), by weights
        that have not seen its label, and the features of both.
        """
        learner, stop = twin(self), len(joined)
        hidden, learner.encoder = self.encoder.encode(self.design.inputs(joined, start, stop))
        skip, lagged = self.design.readout_features(joined, start, stop)
        base, labels = self.design.base(joined, start), self.design.labels(joined, start)
        features = np.concatenate([hidden, *skip], axis=2), lagged
        learner.readout, recurrent = _issued(self.readout, features[0], base, labels, learning)
        learner.linear, linear = _issued(self.linear, features[1], base, labels, learning)
        return learner, np.concatenate([recurrent, linear], axis=1), features

    def _score(self, forecasts, labels):
        """Move mixture and intervals, which are put anew in this learner, by the labels of rows."""
        mixing, conformal = self.mixing, self.conformal
        weighed = tuple(array.copy() for array in mixing.moving)
        scored = conformal.quantiles, conformal.level, conformal.n_labels, conformal.profiles
        scored = tuple(array.copy() for array in scored)
        score = loops.score_rows if (loops := compiled_kernels()) else score_rows
        score(
            forecasts,
            labels,
            plain(self._labels),
            conformal.delays,
            (mixing.discounts, *weighed),
            (conformal.probabilities, *scored, PACE, conformal.own, conformal.noise),
        )
        self.mixing = mixing.moved(*weighed)
        self.conformal = conformal.moved(*scored)

    def _mixed(self, forecasts, newest, ages):
        """Mix what readouts issue (n, 2, S) with the newest known y (n, S) of these ages."""
        weights = self._weights_at(ages)
        known = np.isfinite(ages)
        if not known.all():
            others = weights[0] + weights[1]
            shared = np.divide(
                weights[0], others, where=others > 0.0, out=np.full_like(others, 0.5)
            )
            weights[0] = np.where(known, weights[0], shared)
            weights[1] = np.where(known, weights[1], 1.0 - shared)
            weights[2] = np.where(known, weights[2], 0.0)
        return weights[0] * forecasts[:, 0] + weights[1] * forecasts[:, 1] + weights[2] * newest

    def _weights_at(self, ages):
        """Return the weights of the experts, (E, n, S), at ages (n, S)."""
        return _at_ages(self.mixing.weights.swapaxes(0, 1), self.mixing.n_labels, ages)

    def _newest_known(self, labels):
        """Return the newest label known before each row (n, S) and the one after, and their ages.

        Shapes (n + 1, S).
        """
        n, known = len(labels), np.isfinite(labels)
        if n == 1:  # as below, but for the way there
            after, age = (
                np.where(known, labels, self._newest),
                np.where(known, 0.0, self._age + 1.0),
            )
            return np.stack([self._newest, after[0]]), np.stack([self._age, age[0]]) + 1.0
        steps = np.arange(1.0, n + 2.0)[:, None]
        if not known.any():
            return np.broadcast_to(self._newest, (n + 1, len(self._newest))), self._age + steps
        rows = np.where(known, steps[:-1], -self._age)  # the newest one before row 1 is row -age
        rows = np.maximum.accumulate(np.concatenate([-self._age[None], rows]), axis=0)
        taken = np.take_along_axis(labels, np.maximum(rows - 1.0, 0.0).astype(np.intp), axis=0)
        return np.where(rows >= 1.0, taken, self._newest), steps - rows

    def _kept(self, joined, labels, known):
        """Return this learner after rows: what it looks back on is put anew in it.

        `known` is what `_newest_known` returns of the labels.
        """
        n = len(labels)
        self.window = joined.newest(self._memory)
        self._labels = np.concatenate([self._labels[min(n, AGES[-1]) :], labels[-AGES[-1] :]])
        newest, ages = known
        self._newest, self._age = newest[-1].copy(), ages[-1] - 1.0
        self.n_rows += n
        return self

    def _join(self, record):
        """Put the window, or padding, before new rows; return it and where they start."""
        if self.window is None:
            return record.padded(self.design.reach, self.filter_start), self.design.reach
        return self.window.continued(record, self.design.reach, self._memory)

    def _train_encoder(self):
        """Let the encoder learn from the newest window of rows."""
        if self.n_rows < self.encoder.window:
            return self
        design, learner, stop = self.design, twin(self), len(self.window)
        start = stop - self.encoder.window
        inputs = design.inputs(self.window, start, stop)
        skip, labels = design.skip(self.window, start, stop), design.labels(self.window, start)
        learner.encoder = self.encoder.learn(inputs, skip, labels, self.readout.weights)
        return learner

    @property
    def _rows_to_training(self):
        """Rows until the encoder takes its next step."""
        return self.encoder.period - self.n_learnt % self.encoder.period

    @property
    def _rows_to_keeping(self):
        """Rows until weights of the readouts are next kept."""
        return KEPT_AGES[0] - self.n_rows % KEPT_AGES[0]

    @property
    def _memory(self):
        """Rows to keep: what the next row looks back on, or the next training window does."""
        return self.design.reach + self.encoder.window


@saved("kept-weights")
@dataclass(frozen=True)
class KeptWeights:
    """Weights (S, K) of readouts as they were some time ago, for each of A ages.

    Attributes
    ----------
    newer, older : tuple of ndarray of shape (A, S, K)
        For each readout: kept when the number of rows was last a multiple of the age, and the time
        before, which is between one and two ages ago; NaN where that was never.
    """

    newer: tuple
    older: tuple

    @classmethod
    def of(cls, weights):
        """Return that none of the weights (1, S, K) are kept."""
        none = tuple(np.full((len(KEPT_AGES), *array.shape[1:]), np.nan) for array in weights)
        return cls(none, none)

    def after(self, n_rows, weights):
        """Return what is kept after so many rows, with these weights."""
        if n_rows % KEPT_AGES[0]:
            return self
        due = n_rows % np.array(KEPT_AGES) == 0
        due = due[:, None, None]
        older = (np.where(due, new, old) for new, old in zip(self.newer, self.older, strict=True))
        newer = (np.where(due, new, old) for new, old in zip(weights, self.newer, strict=True))
        return KeptWeights(tuple(newer), tuple(older))

    def outputs(self, features):
        """Return what the older weights make of features of each readout, (n, A, readouts, S)."""
        made = [
            np.matmul(w, x[..., None])[..., 0] for w, x in zip(self.older, features, strict=True)
        ]
        return np.stack(made, axis=2)


def _at_ages(values, n_labels, ages):
    """Read values (..., M, S), which `AGES` have, off at ages (n, S): shape (..., n, S).

    Beyond the largest age that has seen a label (of ``n_labels`` (M, S)) they are those of it.
    """
    n_seen = np.maximum((n_labels > 0.0).sum(axis=0), 1)  # larger ages see their first label later
    place = np.minimum(np.log2(np.minimum(ages, AGES[-1])), n_seen - 1.0)
    below = place.astype(np.intp)
    above, targets = np.minimum(below + 1, len(AGES) - 1), np.arange(ages.shape[1])
    lower = values[..., below, targets]
    return lower + (place - below) * (values[..., above, targets] - lower)


def _issued(readout, features, base, labels, learning):
    """Return a readout after rows, and its outputs (n, 1, S) before the labels of each."""
    if not learning:  # nothing waits: labels arrive with their rows
        return readout, readout.output(features)
    readout, _, innovations = readout.learn_with_innovations(features, base, labels)
    return readout, np.where(np.isfinite(labels), labels, 0.0) - innovations
