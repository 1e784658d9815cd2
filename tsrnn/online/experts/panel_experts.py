"""Experts, intervals and drift of a panel: for each series a mixture and widths of its own."""

import copy
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from tsrnn.features.scored_steps import ScoredSteps
from tsrnn.kernels import compiled_kernels
from tsrnn.kernels.numpy_ import conformal, drift, mixing, panel_experts
from tsrnn.kernels.numpy_.conformal import MAE_OF_NORMAL, TINY
from tsrnn.kernels.numpy_.panel_experts import UNIT_CHANGE
from tsrnn.kernels.numpy_.seasons import rows_back
from tsrnn.kernels.numpy_.tails import pooled_tails
from tsrnn.online.intervals.conformal import quantiles_at
from tsrnn.online.intervals.tails import normal_tails, p_values
from tsrnn.online.storage.tracks import Tracks
from tsrnn.persistence.registry import saved
from tsrnn.threads import BLOCK, in_halves

DISCOUNT = 0.995  # of the panel's sums, at each step of its clock
PRIOR = 5.0  # labels that the panel's experience weighs as much as, for a series without its own
REGRET_DISCOUNTS = ()  # of the mixtures by regrets: see `PanelExperts`
# Labels whose errors do not overlap at which the weights of a step are half its own, half those of
# all steps; less than of one stream, as nothing but losses is shrunk, and the panel's are in them.
HALF_OWN = 6.0


class Fields(NamedTuple):
    """What is kept of b series, as views of their columns of `Tracks`; S = J b streams."""

    regret: np.ndarray  # (M, R, E, S), as of `score_experts`
    spread: np.ndarray
    loss: np.ndarray  # (M, E + R + 1, S)
    n_scored: np.ndarray  # (M, S)
    parts: np.ndarray  # (M, R + 1, E, S)
    blend: np.ndarray  # (M, R + 1, S)
    prior: np.ndarray  # (M, S), labels that the panel's experience weighs as much as
    quantiles: np.ndarray  # (Q, M, S), as of `score_errors`
    level: np.ndarray  # (M, S)
    n_labels: np.ndarray  # (M, S)
    profiles: np.ndarray  # (season, S)
    size: np.ndarray  # (1, S), as of `follow_size`
    n_rows: np.ndarray
    calm: np.ndarray
    mean_error: np.ndarray  # (M, S), recent mean absolute error of the first readout
    other_loss: np.ndarray  # (M, E + R + 1, S), losses in the other state: see `PanelExperts`
    n_other: np.ndarray  # (M, S)
    unsettled: np.ndarray  # (M, S), 1 where losses are those of an unsettled state


@saved("panel-experts")
class PanelExperts:
    r"""Weights, quantiles and error levels of each series and step, moved by every label.

    The experts are the readouts, which all series share, the repetitions of each series' own past:
    the newest value, for each season the value one season ago, and for the longest the change one
    season ago, and others, which `PanelSmoothing` makes. A series weights them, step by step, as
    `Mixing` does without regrets; five labels' worth of the panel's mean squared error are added to
    its own at first, and soon forgotten, so that a new series starts with what is good for the
    others. The weights of each step are shrunk to those that all steps of the series share, see
    `shrink_to_all_steps`. An expert sleeps until it has seen enough of a series, such as a season;
    until then it counts as good as the mixture.

    Errors are in units of the scale that their series has at the origin. Quantiles of the mixture's
    error, relative to its recent mean absolute value times a profile over the shortest season, are
    tracked as in `Conformal`, and changes of the error level are noted as in `Drift`.

    A series that jumps is unsettled for as long as lags and seasons are those of before.
    Then its experts are weighted by losses of their own, with a short memory, and afterwards by
    those of before: what is bad in between may well be the best again.

    Scored is what was issued: forecasts of readouts and of others wait for their labels, what
    repeats is made again, which is exact. The mixture's error is that of its weights as they are
    now.

    Experts are a value: methods return new ones.

    Parameters
    ----------
    horizon : int
    n_targets : int
        J.
    readouts : sequence of str
        Names of the R readouts.
    seasons : tuple of int
        Of the experts that repeat.
    profile : int
        Rows of the season over which errors vary, 1 for none.
    probabilities : sequence of float
        Of the tracked quantiles, ascending; others are interpolated.
    others : sequence of str
        Names of other experts.
    repeats : bool
        Whether there are experts that repeat.
    dtype : numpy dtype
        Of what is kept of each series; all is worked out in float64.

    Attributes
    ----------
    names : list of str
        Of the experts.
    scored : ScoredSteps
        The M steps that are scored.
    tracks : Tracks
        Moved by all rows.
    learnt : Tracks
        As they were when something was last learnt.
    shares : bool
        Whether intervals of a step learn from nearer ones too, as of `Conformal`.
    noise : float
        Variance by chance of the factors of a season, as of `Conformal`.
    shrinks : bool
        Whether weights of a step are shrunk to those of all steps.
    pooled : ndarray of shape (E + 2, M, J)
        Discounted sums over the panel: squared errors of the experts, absolute errors of the
        mixture, and how many labels are in them.
    tails : ndarray of shape (2, 3, J)
        Of the scaled errors of step 1 of all series, see `follow_tails`.
    """

    shares = shrinks = False  # as of a file of 0.1.0
    noise = 0.0

    def __init__(
        self, horizon, n_targets, readouts, seasons=(), profile=1, probabilities=(0.05, 0.95),
        others=(), *, repeats=True, dtype=np.float32,
    ):  # fmt: skip
        self.scored, self.seasons = ScoredSteps.of(horizon), tuple(seasons)
        repeating = ["naive", *(f"seasonal_naive_{s}" for s in self.seasons)]
        repeating += [f"seasonal_change_{s}" for s in self.seasons[-1:]]
        self.names = [*readouts, *(repeating if repeats else ()), *others]
        self.n_readouts, self.n_issued = len(readouts), len(readouts) + len(others)
        self.n_targets = n_targets
        # Rows that those that repeat have to have seen.
        needs = [1, *self.seasons, *(s + 1 for s in self.seasons[-1:])]
        self._needs = np.array(needs if repeats else [], dtype=np.intp)
        self.probabilities = np.array(probabilities)
        self.discounts = np.array(REGRET_DISCOUNTS, dtype=float)
        self.shares, self.shrinks, self.noise = True, True, conformal.PROFILE_NOISE
        self.profile_seasons = np.array([profile] if profile > 1 else [], dtype=np.intp)
        M, E, R, Q = (
            len(self.scored.steps),
            len(self.names),
            len(self.discounts),
            len(probabilities),
        )
        normal = [NormalDist().inv_cdf(p) / MAE_OF_NORMAL for p in self.probabilities]
        starts = Fields(
            regret=((M, R, E), 0.0),
            spread=((M, R, E), 0.0),
            loss=((M, E + R + 1), 0.0),
            n_scored=((M,), 0.0),
            parts=((M, R + 1, E), 1.0 / E),
            blend=((M, R + 1), 1.0 / (R + 1)),
            prior=((M,), PRIOR),
            quantiles=((Q, M), np.reshape(normal, (Q, 1, 1))),
            level=((M,), MAE_OF_NORMAL),
            n_labels=((M,), 0.0),
            profiles=((int(self.profile_seasons.sum()),), 1.0),
            size=((1,), 1.0),
            n_rows=((1,), 0.0),
            calm=((1,), 1.0),
            mean_error=((M,), MAE_OF_NORMAL),
            other_loss=((M, E + R + 1), 0.0),
            n_other=((M,), 0.0),
            unsettled=((M,), 0.0),
        )
        sizes = [int(np.prod(shape)) * n_targets for shape, _ in starts]
        stops = np.cumsum(sizes).tolist()
        self._places = [
            (slice(stop - size, stop), shape)
            for stop, size, (shape, _) in zip(stops, sizes, starts, strict=True)
        ]
        filled = [np.broadcast_to(value, (*shape, n_targets)).ravel() for shape, value in starts]
        self.tracks = self.learnt = Tracks(np.concatenate(filled).astype(dtype))
        self.pooled = np.zeros((E + 2, M, n_targets))
        self.tails = normal_tails(self.probabilities, n_targets)

    # --- series -------------------------------------------------------------------------------

    def taken(self, series, n_more=0):
        """Return the experts of these series, and of ``n_more`` that start."""
        experts = copy.copy(self)
        experts.tracks = self.tracks.taken(series, n_more)
        same = self.learnt is self.tracks
        experts.learnt = experts.tracks if same else self.learnt.taken(series, n_more)
        return experts

    def joined(self, others):
        """Return the experts of its series and those of others, which have learnt the same."""
        experts = copy.copy(self)
        experts.tracks = self.tracks.joined([other.tracks for other in others])
        experts.learnt = experts.tracks
        if any(part.learnt is not part.tracks for part in (self, *others)):
            experts.learnt = self.learnt.joined([other.learnt for other in others])
        return experts

    def restarted(self, series):
        """Return the experts with some series where learning left them."""
        if self.learnt is self.tracks:
            return self
        experts = copy.copy(self)
        experts.tracks = self.tracks.changed(
            [(n, columns, self.learnt.blocks[n][:, columns].copy())
             for n, columns, _ in self.tracks.pieces(series)]
        )  # fmt: skip
        return experts

    def started(self, series):
        """Return the experts with series that start and have no label of their own as the panel is.

        The size of their errors is, until they have one, that of repeating the newest value: where
        a series is, as against the others, a few rows do not tell.

        Parameters
        ----------
        series : ndarray of int, shape (B,), ascending
        """
        if not self.pooled[-1].any():
            return self
        n_experts, changes = len(self.names), []
        losses = self._panel_losses().transpose(1, 0, 2)[..., None]  # (M, E, J, 1)
        weights = mixing.favour(losses)
        level = np.where(
            self.pooled[-1] > 0.0, self.pooled[-2] / np.maximum(self.pooled[-1], 1.0), MAE_OF_NORMAL
        )
        if len(self._needs):
            naive = np.sqrt(self._panel_losses()[self.n_readouts])
            level = np.maximum(level, MAE_OF_NORMAL * naive)
        for number, columns, _ in self.tracks.pieces(series):
            values = np.ascontiguousarray(self.tracks.blocks[number][:, columns])
            fields = self._fields(values)
            shape = len(weights), -1, n_experts, self.n_targets, values.shape[1]
            new = (fields.n_scored == 0.0)[:, None, None].reshape(len(weights), 1, 1, *shape[3:])
            np.copyto(fields.parts.reshape(shape), weights[:, None], where=new)
            shape = len(weights), *shape[3:]
            new = (fields.n_labels == 0.0).reshape(shape)
            np.copyto(fields.level.reshape(shape), level[..., None], where=new)
            changes.append((number, columns, values))
        return self._changed(changes, learning=True)

    # --- forecasting --------------------------------------------------------------------------

    def mix(self, issued, levels, position, series, ages):
        """Return the mixtures (J, B, H) at an origin.

        Parameters
        ----------
        issued : ndarray of shape (R, J, B, H)
            Forecasts of the readouts, then of the others, for all steps; NaN of those that sleep.
        levels : Ring
        position : int
            Of the origin.
        ages : ndarray of int, shape (B,)
            Rows that series have had.
        """
        forecasts = self.forecasts(issued, levels, position, series)
        weights = self.weights_of(issued, series, ages)
        mixture = weights[0] * forecasts[0]
        for weight, forecast in zip(weights[1:], forecasts[1:], strict=True):
            mixture += weight * mixing.where_awake(forecast)
        return mixture.transpose(1, 2, 0)

    def forecasts(self, issued, levels, position, series):
        """Return what each expert forecasts at an origin, a list of arrays (H or 1, J, B).

        Of those that sleep, whose weights are 0, it may be anything.
        """
        issued = issued.transpose(0, 3, 1, 2)
        if not len(self._needs):
            return list(issued)
        found = [*issued[: self.n_readouts], levels.read([position], series)]
        steps = np.arange(1, issued.shape[1] + 1)
        newest = found[-1]
        for season in self.seasons:
            value = levels.read(position - rows_back(steps, season), series)
            found.append(np.where(np.abs(value - newest) > UNIT_CHANGE, newest, value))
        if self.seasons:
            change = newest - levels.read([position - self.seasons[-1]], series)
            found.append(found[-1] + np.where(np.abs(change) > UNIT_CHANGE, 0.0, change))
        return [*found, *issued[self.n_readouts :]]

    def weights_of(self, issued, series, ages):
        """Return the weights (E, H, J, B) of the experts in what is issued; see `mix`."""
        return self.weights(series, ages, ~np.isnan(issued[self.n_readouts :, ..., 0]))

    def weights(self, series, ages=None, others=None):
        """Return the weights (E, H, J, B) of the experts at all steps, of sum 1 over E.

        `ages` (B,) are the rows that series have had; 0 where the next one is their first. Without
        them no expert sleeps. `others` (G, J, B) tell which of those are awake.
        """
        places = np.arange(self.tracks.n_series)[series]
        n_steps = len(self.scored.left)
        weights = np.empty((len(self.names), n_steps, self.n_targets, len(places)))
        for cut in range(0, len(places), BLOCK):  # what is needed on the way stays small
            some = slice(cut, cut + BLOCK)
            fields = self._fields(self.tracks.read(places[some]))
            parts = fields.parts
            if ages is not None and not (awake := self._awake(ages[some], others[..., some])).all():
                parts = mixing.among(np.broadcast_to(awake, (len(parts), *awake.shape)), parts)
            found = (fields.blend[:, :, None] * parts).sum(axis=1)  # (M, E, S)
            found /= found.sum(axis=1, keepdims=True)  # they may have been rounded
            found = self.scored.spread(found.transpose(1, 2, 0))  # (E, S, H)
            found = found.reshape(len(found), self.n_targets, -1, n_steps)
            weights[..., some] = found.transpose(0, 3, 1, 2)
        return weights

    def _awake(self, ages, others):
        """Tell which experts have seen enough of series that have had so many rows, (E, S)."""
        awake = np.ones((len(self.names), self.n_targets, len(ages)), dtype=bool)
        stop = self.n_readouts + len(self._needs)
        awake[self.n_readouts : stop] = (ages >= self._needs[:, None])[:, None]
        awake[stop:] = others
        awake[..., ages == 0] = True
        return awake.reshape(len(awake), -1)

    def offsets(self, probabilities, position, series, scales):
        """Return quantiles (P, J, B, H) of the errors of what is forecast at an origin.

        Of series whose scales (J, B) are those.
        """
        places = np.arange(self.tracks.n_series)[series]
        steps = np.arange(1, len(self.scored.left) + 1)
        shape = len(probabilities), self.n_targets, len(places), len(steps)
        offsets = np.empty(shape)
        for cut in range(0, len(places), BLOCK):
            some = slice(cut, cut + BLOCK)
            fields = self._fields(self.tracks.read(places[some]))
            found = quantiles_at(probabilities, self.probabilities, fields.quantiles)
            level = np.maximum(fields.level, TINY)
            level = level * conformal.widening(self.scored.steps, fields.n_labels)
            level = level * drift.lift_of(fields.size, self.scored.steps)
            found = self.scored.spread((found * level).swapaxes(1, 2))
            unit = np.ones((len(steps), found.shape[1]))
            of_season = self._season_weights(fields, position), self.profile_seasons
            scale = conformal.expected_scale(unit, fields.profiles, *of_season, steps, position)
            found = found * scale.T
            offsets[:, :, some] = found.reshape(shape[0], shape[1], -1, shape[3])
        return offsets * scales[..., None]

    def p_values(self, error, position, series):
        """Return the two-sided probabilities (J, B) of errors of step 1, in units of the scale."""
        places = np.arange(self.tracks.n_series)[series]
        found = np.empty(error.shape)
        for cut in range(0, len(places), BLOCK):
            some = slice(cut, cut + BLOCK)
            fields = self._fields(self.tracks.read(places[some]))
            scaled = error[:, some].ravel() / self._expected(fields, position)
            tails = np.repeat(self.tails, len(places[some]), axis=2)
            tracked = self.probabilities, fields.quantiles[:, 0]
            found[:, some] = p_values(scaled, *tracked, tails).reshape(found[:, some].shape)
        return found

    def _expected(self, fields, position):
        """Return the size (S,) of errors of step 1 that was to be expected at a label."""
        now = np.zeros(1, dtype=np.intp)
        level, of_season = (
            fields.level[:1],
            (self._season_weights(fields, position), self.profile_seasons),
        )
        return conformal.expected_scale(level, fields.profiles, *of_season, now, position)[0]

    def _season_weights(self, fields, position):
        """Return the weight of the season of errors (1, S), as of `Conformal`."""
        n_rows = conformal.rows_moved(fields.n_labels, position)
        return conformal.season_weights(fields.profiles, self.profile_seasons, n_rows, self.noise)

    # --- learning -----------------------------------------------------------------------------

    def score(
        self, position, series, arrived, issued, levels, scales, first_positions, unsettled,
        learning, effects=None,
    ):  # fmt: skip
        """Follow the labels that arrive at a position, series by series.

        Parameters
        ----------
        position : int
        series : ndarray of int, shape (B,), or slice
        arrived : ndarray of shape (J, B)
            The labels, NaN where missing.
        issued : IssuedForecasts
        levels : Ring
        scales : ndarray of shape (M, J, B)
            Of the series at the origins of the steps that are scored.
        first_positions : ndarray of int, shape (B,)
            As in `mix`: before them nothing was issued.
        unsettled : ndarray of int, shape (J, B)
            Newest position at which each series was unsettled.
        learning : bool
            Whether the readouts learn of the labels too: see `learnt`.
        effects : ndarray of shape (M, R, J, B), optional
            What inputs known ahead, as they turned out, add to the forecasts that were issued, in
            units of the scales.

        Returns
        -------
        experts : PanelExperts
        changes : list of tuple
            ``(place of the series, target, size)`` of changes of the error level.
        limits : ndarray of shape (J, B, H), or None
            Largest error that a readout should learn from, in units of the scale; None if none
            learns.
        sums : dict
            What the series add to what the panel has learnt: for `learn`.
        """
        steps, places = self.scored.steps, np.arange(self.tracks.n_series)[series]
        rows, asleep, waited = self._looked_at(position, first_positions, len(levels))
        blank = np.empty((0, *arrived.shape))
        limits = np.empty((len(steps), *arrived.shape)) if learning else blank
        row = arrived, scales, unsettled, blank[:, None] if effects is None else effects
        row = tuple(map(np.ascontiguousarray, row))
        looked_at = position, steps, issued.due(position), rows, asleep, waited
        of_panel = issued.array, levels.array, self.n_readouts, self._panel_losses()
        own = conformal.own_share(steps) if self.shares else np.ones(len(steps))
        half = HALF_OWN if self.shrinks else 0.0
        fixed = self.discounts, self.probabilities, self.profile_seasons, own, self.noise, half
        score_block = (compiled_kernels() or panel_experts).score_block
        pieces = self.tracks.pieces(series)
        scored = [None] * len(pieces)

        def work(number, _):
            block, columns, some = pieces[number]
            values = np.array(self.tracks.blocks[block][:, columns], order="C")
            sums = np.zeros_like(self.pooled), np.zeros_like(self.tails)
            sizes = score_block(
                some.start, places[some], row, looked_at, *of_panel, fixed,
                tuple(self._fields(values)), self.tails, limits, sums,
            )  # fmt: skip
            scored[number] = (block, columns, values), sizes, *sums

        in_halves(work, len(pieces))
        changes, sizes, sums, beyond = zip(*scored, strict=True) if scored else ((), (), (), ())
        noted = []
        for (_, _, some), of_streams in zip(pieces, sizes, strict=True):
            for stream in np.flatnonzero(~np.isnan(of_streams)).tolist():
                target, column = divmod(stream, some.stop - some.start)
                noted.append((int(places[some][column]), target, float(of_streams[stream])))
        limits = self.scored.spread(limits.transpose(1, 2, 0)) if learning else None
        pooled, tails = (np.zeros_like(array) for array in (self.pooled, self.tails))
        added = {"pooled": sum(sums, pooled), "beyond": sum(beyond, tails)}
        return self._changed(changes, learning), noted, limits, added

    def learn(self, sums, n_steps):
        """Return the experts with the panel's experience after the sums of all series.

        Where rows are only taken in, it stays: else a series would hang on those of others.

        Parameters
        ----------
        sums : dict
            Of `score`, of all series.
        n_steps : int
            Steps of the panel's clock since the rows before.
        """
        experts = copy.copy(self)
        experts.pooled = DISCOUNT**n_steps * self.pooled + sums["pooled"]
        experts.tails = pooled_tails(self.tails, sums["beyond"])
        return experts

    def sizes(self, series):
        """Return the recent size (J, B) of scaled errors of some series."""
        places = np.arange(self.tracks.n_series)[series]
        sizes = np.empty((self.n_targets, len(places)))
        for cut in range(0, len(places), BLOCK):
            some = slice(cut, cut + BLOCK)
            fields = self._fields(self.tracks.read(places[some]))
            sizes[:, some] = fields.size.reshape(self.n_targets, -1)
        return sizes

    def _looked_at(self, position, first_positions, length):
        """Return what the labels of a position are scored by.

        Returns
        -------
        rows : ndarray of int, shape (M, N + 2)
            See `expert_errors`, in a ring of that length.
        asleep : ndarray of bool, shape (M, N', B)
        waited : ndarray of bool, shape (M, B)
            Whether the origin is a row of the series.
        """
        steps = self.scored.steps
        origins = position - steps
        rows = [origins, *(origins - rows_back(steps, season) for season in self.seasons)]
        rows.append(origins - (self.seasons[-1] if self.seasons else 0))
        rows = np.stack(rows, axis=1)
        ages = origins[:, None] - first_positions + 1
        return rows % length, ages[:, None] < self._needs[:, None], ages > 0

    def _changed(self, changes, learning):
        experts = copy.copy(self)
        experts.tracks = self.tracks.changed(changes)
        if learning:
            same = self.learnt is self.tracks
            experts.learnt = experts.tracks if same else self.learnt.changed(changes)
        return experts

    def _panel_losses(self):
        """Return the panel's mean squared errors (E, M, J)."""
        n_experts = len(self.names)
        return self.pooled[:n_experts] / np.maximum(self.pooled[-1], 1.0)

    def _fields(self, values):
        """Return views of the fields of columns (F, b)."""
        n_streams = self.n_targets * values.shape[1]
        return Fields(*(values[rows].reshape(*shape, n_streams) for rows, shape in self._places))
