"""The simple experts beside a recurrent one, and the mixture of them all."""

import numpy as np

from tsrnn.features.scored_steps import ScoredSteps
from tsrnn.features.step_features import StepFeatures
from tsrnn.kernels import compiled_kernels
from tsrnn.kernels.numpy_.seasons import rows_back
from tsrnn.online.experts.adjusted import AdjustedLinear
from tsrnn.online.experts.mixing import Mixing, discounts_of
from tsrnn.online.experts.smoothing import Smoothing
from tsrnn.online.readouts.covariance import PENALTY_OF_FEW
from tsrnn.online.readouts.per_step import PerStepRLS
from tsrnn.online.readouts.rls import DelayedRLS
from tsrnn.online.storage.spare_rows import AppendsRows
from tsrnn.online.storage.values import twin
from tsrnn.persistence.registry import saved

# Experts that are there, of a panel too, where inputs are known ahead.
WITH_AND_WITHOUT = ["linear_with_inputs", "recurrent_without_inputs"]


@saved("repeats")
class Repeats:
    """Experts that repeat the past: the newest value, a season ago, and the change a season ago.

    Parameters
    ----------
    delays : array-like of int, shape (M,)
        Steps ahead of each output.
    seasons : tuple of int
        Season lengths in rows, shortest first.

    Examples
    --------
    >>> import numpy as np
    >>> repeats = Repeats(delays=[1, 2], seasons=(3,))
    >>> repeats.names
    ['naive', 'seasonal_naive_3', 'seasonal_change_3']
    >>> levels = np.array([1.0, 5.0, 2.0, 3.0])[:, None]
    >>> repeats.forecasts(levels, n_rows=1, n_before=3)[0, :, :, 0]
    array([[3., 5., 7.],
           [3., 2., 4.]])
    """

    def __init__(self, delays, seasons):
        delays, self.seasons = np.asarray(delays), np.array(seasons, dtype=np.intp)
        back = [np.zeros_like(delays)]
        back += [rows_back(delays, season) for season in seasons]
        self._back = np.stack(back, axis=1)  # rows back from the newest (M, 1 + seasons)
        self.names = ["naive", *(f"seasonal_naive_{season}" for season in seasons)]
        if seasons:
            self.names.append(f"seasonal_change_{seasons[-1]}")

    @property
    def parts(self):
        """What a compiled loop repeats by: rows back, and the seasons."""
        return self._back, self.seasons

    def forecasts(self, levels, n_rows, n_before):
        """Return the forecasts (n_rows, M, experts, S) at the newest rows of levels (n, S).

        Those that look at what lies before the first row are NaN; `n_before` rows were seen before.
        """
        rows = np.arange(len(levels) - n_rows, len(levels))
        repeated = levels[rows[:, None, None] - self._back]
        seen = (n_before + 1 + np.arange(n_rows))[:, None]
        unseen = seen < np.append(1, self.seasons)
        if unseen.any():
            repeated = np.where(unseen[:, None, :, None], np.nan, repeated)
        if not len(self.seasons):
            return repeated
        change = levels[rows] - levels[rows - self.seasons[-1]]
        change = np.where(seen > self.seasons[-1], change, np.nan)
        return np.concatenate([repeated, repeated[:, :, -1:] + change[:, None, None]], axis=2)

    def beside(self, recurrent, linear, per_step, levels, smoothed, n_before):
        """Return forecasts (n, M, E, S) of all experts, those of the past behind three others.

        Parameters
        ----------
        recurrent : ndarray of shape (n, S, M)
        linear : ndarray of shape (n, S, M)
            Changes from the newest level.
        per_step : ndarray of shape (n, S, M)
        levels : ndarray of shape (n + earlier rows, S)
        smoothed : ndarray of shape (n, M, G, S)
            Of those that smooth, which come last.
        n_before : int
            Rows seen before these.
        """
        if loops := compiled_kernels():
            rows = recurrent, linear, per_step, levels, smoothed
            return loops.expert_forecasts(*rows, *self.parts, n_before)
        n_rows = len(recurrent)
        linear = linear + levels[len(levels) - n_rows :, :, None]
        others = np.stack([recurrent, linear, per_step], axis=3).transpose(0, 2, 3, 1)
        repeated = self.forecasts(levels, n_rows, n_before)
        return np.concatenate([others, repeated, smoothed], axis=2)


@saved("ensemble")
class Ensemble(AppendsRows):
    """Simple experts, learnt and scored beside a recurrent one.

    The experts are the recurrent readout, a short linear autoregression, a small readout for each
    step, the newest value, the value one season ago (for each season) and the newest value plus the
    change one season ago (for the longest), and those of `Smoothing`. Those of a season sleep until
    it has been seen. Where inputs are known ahead, there are others: see `follow_ahead`. What each
    has issued is kept until its label arrives.

    An ensemble is a value: `follow` and `restarted` return a new one.

    Parameters
    ----------
    linear : DelayedRLS
    columns : ndarray of int
        The readout features that the linear expert sees.
    per_step : PerStepRLS
    repeats : Repeats
    smoothing : Smoothing
    adjusted : AdjustedLinear, optional
        With the two that follow, where inputs are known ahead: see `follow_ahead`.
    per_step_without : PerStepRLS, optional
    smoothing_without : Smoothing, optional

    Attributes
    ----------
    names : list of str
    mixing : Mixing
        Advances also while nothing is learnt.
    learnt : Mixing
        As it was when something was last learnt.
    """

    appended = ("_issued",)

    def __init__(
        self, linear, columns, per_step, repeats, smoothing, adjusted=None, per_step_without=None,
        smoothing_without=None,
    ):  # fmt: skip
        self.linear = linear
        self.columns = columns
        self.per_step = per_step
        self.repeats = repeats
        self.smoothing = smoothing
        self.adjusted, self.per_step_without = adjusted, per_step_without
        self.smoothing_without = smoothing_without
        n_streams, n_outputs = linear.weights.shape[:2]
        self.scored = ScoredSteps.of(n_outputs)
        sizes = len(self.scored.steps), len(self.names), n_streams
        self.mixing = self.learnt = Mixing.of(*sizes, discounts_of(self.scored.steps))
        self.n_effects = 2 * per_step.features.n_ahead
        self._clear()

    def __getstate__(self):
        """Return what a file holds: of a long horizon, a quarter of what was issued still waits."""
        return super().__getstate__() | {"_issued": self.scored.waiting(self._issued)}

    def __setstate__(self, state):
        """Restore what a file holds; those of 0.1.0 hold all that was issued."""
        issued, n_axes = state["_issued"], 5 if state["n_effects"] else 4
        if issued.ndim < n_axes:
            issued = state["scored"].issued(issued)
        self.__dict__.update(state, _issued=issued)

    @classmethod
    def of(cls, design, forgetting, ridge):
        """Return the ensemble of a design, nothing learnt."""
        columns = design.autoregression
        linear = DelayedRLS(design.n_streams, len(columns), design.delays, forgetting, ridge)
        features = StepFeatures.of(design.horizon, design.seasons, len(design.future))
        of_few = None if ridge is None else PENALTY_OF_FEW * ridge
        per_step = PerStepRLS(features, design.n_streams, forgetting, of_few)
        repeats = Repeats(design.delays, design.seasons)
        smoothed = design.horizon, design.seasons, design.n_streams, design.zero, design.year
        parts = ()
        if design.n_ahead:
            n_others = design.n_calendar + 1
            n_lags = len(columns) - 1 - n_others
            sizes = design.n_streams, len(design.future), n_lags, n_others, design.delays
            alone = StepFeatures.of(design.horizon, design.seasons)
            parts = (
                AdjustedLinear(*sizes, forgetting, ridge),
                PerStepRLS(alone, design.n_streams, forgetting, of_few),
                Smoothing(*smoothed),
            )
        return cls(linear, columns, per_step, repeats, Smoothing(*smoothed), *parts)

    @property
    def names(self):
        """Names of the experts."""
        names = ["recurrent", "linear", "per_step", *self.repeats.names, *self.smoothing.names]
        if self.adjusted is None:
            return names
        without = [f"{name}_without_inputs" for name in ("per_step", *self.smoothing.names)]
        return names + WITH_AND_WITHOUT + without

    @property
    def weights(self):
        """Weights of the experts in the forecast of each step, (E, M, S)."""
        return self.scored.spread(self.mixing.weights.transpose(1, 2, 0)).swapaxes(1, 2)

    def restarted(self):
        """Drop what waits for labels; what was learnt stays.

        The mixture, too, starts from where learning left it: rows only taken in must not reach a
        prediction in sample.
        """
        ensemble = twin(self)
        ensemble.mixing = self.learnt
        ensemble.linear = self.linear.restarted()
        ensemble.per_step = self.per_step.restarted()
        ensemble.smoothing = self.smoothing.restarted()
        if self.adjusted:
            ensemble.adjusted = self.adjusted.restarted()
            ensemble.per_step_without = self.per_step_without.restarted()
            ensemble.smoothing_without = self.smoothing_without.restarted()
        ensemble._clear()
        return ensemble

    def phases_shifted(self, early):
        """Return the ensemble whose longest season is so many rows earlier.

        What the readout of each step and the experts that smooth know of a phase goes with it.
        Shorter seasons have been seen anew by the time that a move is noted.
        """
        ensemble, season = twin(self), self.per_step.features.season
        for name in ("per_step", "per_step_without"):
            if getattr(self, name):
                setattr(ensemble, name, getattr(self, name).phases_shifted(early))
        for name in ("smoothing", "smoothing_without"):
            if getattr(self, name):
                setattr(ensemble, name, getattr(self, name).phases_shifted(season, early))
        return ensemble

    def follow(self, recurrent, features, levels, labels, learning):
        """Take in rows; return the ensemble and the mixtures (n, S, M) after each.

        Parameters
        ----------
        recurrent : ndarray of shape (n, S, M)
            Forecasts of the recurrent expert at these rows.
        features : ndarray of shape (n, S, K)
            Readout features of the rows.
        levels : ndarray of shape (n + earlier rows, S)
        labels : ndarray of shape (n, S, 1)
            Labels that arrive with the rows, NaN where missing.
        learning : bool
            Whether experts learn; the weights of the mixture move in any case.
        """
        ensemble = self.opened(len(recurrent))
        base = levels[len(levels) - len(recurrent) :]
        seen = np.take(features, self.columns, axis=2)  # contiguous, whatever the number of rows
        ensemble.linear, linear = self.linear.follow(seen, base, labels, learning)
        ensemble.per_step, per_step, _ = self.per_step.follow(base, labels[..., 0], learning)
        ensemble.smoothing, smoothed = self.smoothing.follow(labels[..., 0])
        n_before = self.smoothing.n_rows
        forecasts = self.repeats.beside(recurrent, linear, per_step, levels, smoothed, n_before)
        ensemble.mixing, mixtures = self.mixing.follow(
            forecasts, ensemble._issued, labels, self.scored
        )
        ensemble.close(len(recurrent))
        if learning:
            ensemble.learnt = ensemble.mixing
        return ensemble, mixtures

    def follow_ahead(self, recurrent, features, levels, labels, learning, ahead):
        """As `follow`, where inputs are known ahead.

        Every forecast is a constant and an effect of each of Z values that are known of its step;
        what was issued is scored with the values that the step turned out to have. The readout of
        each step and the experts that smooth follow the streams as `AdjustedLinear` adjusts them
        for their inputs, and beside them the streams as they are: where inputs say nothing, the
        mixture has all that it has without them.

        Parameters
        ----------
        recurrent : tuple of ndarray of shape (n, S, M), (n, S, M, Z) and (n, S, M)
            Constants and effects of the recurrent expert, and what it forecasts without inputs.
        features, levels, labels, learning
            As for `follow`.
        ahead : tuple of ndarray of shape (n, F) and (n, M, Z)
            Inputs at the rows, and what was known ahead of them at the origins m rows before.

        Returns
        -------
        ensemble : Ensemble
        mixtures : tuple of ndarray of shape (n, S, M) and (n, S, M, Z)
        """
        ensemble = self.opened(len(features))
        (constant, effect, without), (inputs, arrived) = recurrent, ahead
        newest = levels[len(levels) - len(constant) :]
        seen = np.take(features, self.columns, axis=2)
        ensemble.linear, linear = self.linear.follow(seen, newest, labels, learning)
        others = seen[..., -self.adjusted.n_others :]
        rows = labels, newest, others, inputs, learning
        ensemble.adjusted, adjusted, (base, left, explained) = self.adjusted.follow(*rows)
        values = labels[..., 0]
        ensemble.per_step, per_step, own = self.per_step.follow(base, left, learning, inputs)
        rows = newest, values, learning
        ensemble.per_step_without, of_steps, _ = self.per_step_without.follow(*rows)
        ensemble.smoothing, smoothed = self.smoothing.follow(left)
        ensemble.smoothing_without, of_values = self.smoothing_without.follow(values)
        n_before, own = self.smoothing.n_rows, own + explained[:, :, None]
        forecasts = self.repeats.beside(constant, linear, per_step, levels, smoothed, n_before)
        more = np.stack([adjusted, without, of_steps], axis=3).transpose(0, 2, 3, 1)
        n_first, n_inputs, n_smoothed = forecasts.shape[2], own.shape[3], smoothed.shape[2]
        forecasts = np.concatenate([forecasts, more, of_values], axis=2)
        effects = np.zeros((*forecasts.shape, self.n_effects))
        effects[:, :, 0] = effect.swapaxes(1, 2)
        effects[:, :, 2, :, :n_inputs] = own.swapaxes(1, 2)
        of_adjusted = slice(n_first - n_smoothed, n_first + 1)
        effects[:, :, of_adjusted, :, :n_inputs] = explained[:, None, None]
        terms = np.concatenate([forecasts[..., None], effects], axis=4)
        ensemble.mixing, mixed = self.mixing.follow_terms(
            terms, ensemble._issued, labels, self.scored, arrived
        )
        ensemble.close(len(features))
        if learning:
            ensemble.learnt = ensemble.mixing
        return ensemble, (mixed[..., 0], mixed[..., 1:])

    def bare(self):
        """Return the ensemble without its arrays, for `filled`."""
        return self.with_rows(
            None, **dict.fromkeys(("linear", "per_step", "smoothing", "mixing", "learnt"))
        )

    def filled(self, issued, linear, per_step, smoothing, mixing, learnt):
        """Return the ensemble after rows that a compiled call has taken in."""
        fields = {"linear": linear, "per_step": per_step, "smoothing": smoothing}
        return self.with_rows(issued, mixing=mixing, learnt=learnt, **fields)

    def _clear(self):
        """Nothing has been said yet that waits for its label."""
        shape = self.scored.steps[-1], *self.mixing.loss.shape
        self._issued = np.full((*shape, 1 + self.n_effects) if self.n_effects else shape, np.nan)
