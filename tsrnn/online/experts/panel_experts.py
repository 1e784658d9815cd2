"""Experts, intervals and drift of a panel: for each series a mixture and widths of its own."""

import copy
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from tsrnn.kernels.numpy_.conformal import (
    LEVEL_RATE,
    MAE_OF_NORMAL,
    OUTLIER,
    PROFILE_LIMITS,
    PROFILE_OUTLIER,
    PROFILE_RATE,
    RATE,
    SMALLEST_SIZE,
    TINY,
)
from tsrnn.kernels.numpy_.mixing import favour
from tsrnn.online.drift import MOST, Drift
from tsrnn.online.intervals.conformal import quantiles_at
from tsrnn.online.storage.tracks import BLOCK, Tracks

DISCOUNT = 0.995  # of losses at each label: a sensor that dies must be believed within weeks
PRIOR = 5.0  # labels that the panel's experience weighs as much as, for a series without its own
PRIOR_DISCOUNT = 0.9  # of that, at each label of its own: it must not outlast what differs
LEAST_PRIOR = 1e-30
UNIT_CHANGE = (
    20.0  # standard deviations, as of `filter_outliers`: a season ago the unit was another one
)


class Fields(NamedTuple):
    """What is kept of b series, as views of their columns of `Tracks`."""

    loss: np.ndarray  # (E, M, J, b), discounted sums of squared errors
    prior: np.ndarray  # (M, J, b), labels that the panel's experience weighs as much as
    quantiles: np.ndarray  # (Q, M, J, b), of scaled errors
    level: np.ndarray  # (M, J, b), recent mean absolute error
    n_labels: np.ndarray  # (M, J, b)
    drift: np.ndarray  # (3, J, b): size, n_rows and calm of `Drift`
    profile: np.ndarray  # (season, J, b), factors of the level by phase


class PanelExperts:
    r"""Weights, quantiles and error levels of each series and step, moved by every label.

    The experts are the pooled readout and the repetitions of each series' own past: the newest
    value and, for each season, the value one season ago. A series weights them, step by step, by
    the inverse eighth power of their discounted squared errors, as `Mixing` does without regrets;
    five labels' worth of the panel's mean squared error are added to its own at first, and soon
    forgotten, so that a new series starts with what is good for the others. Its own errors count
    from when its longest season can be repeated; until then an expert says what that of the
    season before says. Quantiles of the mixture's error, in units of its recent mean absolute
    value times a profile over the shortest season, are tracked as in `Conformal`, and changes of
    the error level are noted as in `Drift`.

    Nothing that was forecast is kept: when a label arrives, all experts forecast it again from the
    rows before its origin, with weights that have not learnt from it. State is of constant size for
    each series and step, and float64: rounding must not depend on how rows come in calls.

    Experts are a value: `learn` and `taken` return new ones.

    Parameters
    ----------
    delays : ndarray of int, shape (M,)
    n_targets : int
        J.
    seasons : tuple of int
        Of the experts that repeat.
    profile : int
        Rows of the season over which errors vary, 1 for none.
    probabilities : sequence of float
        Of the tracked quantiles, ascending; others are interpolated.

    Attributes
    ----------
    names : list of str
        Of the experts.
    tracks : Tracks
    pooled : ndarray of shape (E + 3, M, J)
        Discounted sums over the panel: squared errors of the experts and how many labels are in
        them, absolute errors of the mixture and how many labels are in those.
    changes : tuple
        ``(position, place of the series, target, size)`` of the newest 100 changes.
    """

    def __init__(self, delays, n_targets, seasons=(), profile=1, probabilities=(0.05, 0.95)):
        self.delays, self.seasons = np.asarray(delays), tuple(seasons)
        self.names = ["recurrent", "naive", *(f"seasonal_naive_{s}" for s in seasons)]
        self.probabilities = np.array(probabilities)
        M, J, E, Q = len(delays), n_targets, len(self.names), len(self.probabilities)
        self._shapes = [(E, M, J), (M, J), (Q, M, J), (M, J), (M, J), (3, J), (profile, J)]
        normal = [NormalDist().inv_cdf(p) / MAE_OF_NORMAL for p in self.probabilities]
        drift = Drift.of(1)
        starts = [
            0.0,
            PRIOR,
            np.reshape(normal, (Q, 1, 1)),
            MAE_OF_NORMAL,
            0.0,
            np.reshape([drift.size[0], drift.n_rows[0], drift.calm[0]], (3, 1)),
            1.0,
        ]
        filled = zip(starts, self._shapes, strict=True)
        start = [np.broadcast_to(value, shape).ravel() for value, shape in filled]
        self.tracks = Tracks(np.concatenate(start).astype(np.float64))
        self.pooled = np.zeros((E + 3, M, J))
        self.changes = ()

    # --- series -------------------------------------------------------------------------------

    def taken(self, members, n_more=0):
        """Return the experts of these series, and of ``n_more`` that start."""
        experts = copy.copy(self)
        experts.tracks = self.tracks.taken(members, n_more)
        if not isinstance(members, slice):
            places = {int(old): new for new, old in enumerate(members)}
            kept = [change for change in self.changes if change[1] in places]
            experts.changes = tuple((at, places[s], *rest) for at, s, *rest in kept)
        return experts

    # --- forecasting --------------------------------------------------------------------------

    def mix(self, recurrent, levels, position, members, begun):
        """Return the mixtures (J, B, M) at an origin.

        Parameters
        ----------
        recurrent : ndarray of shape (J, B, M)
            Forecasts of the readout.
        levels : Ring
        position : int
            Of the origin.
        begun : ndarray of int, shape (B,)
            Position of the first row of each series.
        """
        weights = self.weights(members)
        mixture = weights[0] * recurrent.transpose(2, 0, 1)
        repeats = self._repeats(levels, position, members, begun)
        for weight, said in zip(weights[1:], repeats, strict=True):
            mixture += weight * said
        return mixture.transpose(1, 2, 0)

    def weights(self, members):
        """Return the weights (E, M, J, B) of the experts, of sum 1 over E."""
        places = np.arange(sum(block.shape[1] for block in self.tracks.blocks))[members]
        weights = np.empty((*self._shapes[0], len(places)))
        for cut in range(0, len(places), BLOCK):  # what is needed on the way stays small
            some = slice(cut, cut + BLOCK)
            fields = self._fields(self.tracks.read(places[some]))
            weights[..., some] = favour(self._losses(fields)[None])[0]
        return weights

    def offsets(self, probabilities, position, members):
        """Return quantiles (P, J, B, M) of the errors of what is forecast at an origin."""
        fields = self._fields(self.tracks.read(members))
        phases = (position + self.delays) % len(fields.profile)
        scale = np.maximum(self._level(fields) * fields.profile[phases], TINY)
        offsets = quantiles_at(probabilities, self.probabilities, fields.quantiles) * scale
        return offsets.transpose(0, 2, 3, 1)

    def _repeats(self, levels, origins, members, begun):
        """Return what the repeating experts say at one origin or at that of each output.

        Arrays of shape (M or 1, J, B). Where a series is younger than a season, the expert says
        what the one before it says; where it has since changed its unit, the newest value.
        """
        origins = np.atleast_1d(origins)
        repeats = [levels.read(origins, members)]
        for season in self.seasons:
            rows = origins - season * -(-self.delays // season) + self.delays
            # All outputs that are within a season of their origins look at the same row.
            rows = rows[:1] if (rows == rows[0]).all() else rows
            said = levels.read(rows, members)
            young = rows[:, None] < begun
            if young.any():
                said = np.where(young[:, None], repeats[-1], said)
            other = np.abs(said - repeats[0]) > UNIT_CHANGE
            if other.any():
                said = np.where(other, repeats[0], said)
            repeats.append(said)
        return repeats

    # --- learning -----------------------------------------------------------------------------

    def learn(self, position, members, arrived, recurrent, known, levels, begun, n_steps):
        """Learn from the labels that arrive at a position.

        Parameters
        ----------
        position : int
        members : ndarray of int, shape (B,), or slice
        arrived : ndarray of shape (J, B)
            The labels, NaN where missing.
        recurrent : ndarray of shape (M, J, B)
            Label less forecast of the readout, the oldest origin first, as in `known`.
        known : ndarray of bool, shape (M, J, B)
            What is to be learnt from.
        levels : Ring
        begun : ndarray of int, shape (B,)
            As in `mix`.
        n_steps : int
            Steps of the panel's clock since the rows before.
        """
        repeats = self._repeats(levels, position - self.delays, members, begun)
        season = max(self.seasons, default=0)
        grown = position - season * -(-self.delays[:, None] // max(season, 1)) >= begun  # (M, B)
        weighed = known[::-1] & grown[:, None]
        experts, changes, noted = copy.copy(self), [], []
        experts.pooled = DISCOUNT**n_steps * self.pooled
        recurrent, known = recurrent[::-1], known[::-1]
        for number, columns, piece in self.tracks.pieces(members):
            values = self.tracks.blocks[number][:, columns].copy()
            errors = np.empty((*self._shapes[0], values.shape[1]))
            errors[0] = recurrent[..., piece]
            for error, said in zip(errors[1:], repeats, strict=True):
                np.subtract(arrived[:, piece], said[..., piece], out=error)
            which = known[..., piece], weighed[..., piece]
            found = self._step(values, errors, *which, position, experts.pooled)
            places = np.arange(self.tracks.blocks[number].shape[1])[columns] + number * BLOCK
            noted += [(position, int(places[b]), j, size) for j, b, size in found]
            changes.append((number, columns, values))
        experts.tracks = self.tracks.changed(changes)
        if noted:  # of more than 100 at once, the largest are kept, however series are ordered
            noted.sort(key=lambda change: change[3])
            experts.changes = (*self.changes, *noted)[-MOST:]
        return experts

    def _step(self, values, errors, known, weighed, position, pooled):
        """Move the columns of some series, in place; return changes ``(target, column, size)``.

        `errors` (E, M, J, b) are used up; what they add to the panel's sums is added to `pooled`.
        """
        fields, n_experts = self._fields(values), len(errors)
        complete = weighed.all()
        if not complete:
            before, errors = values.copy(), np.where(known, errors, 0.0)
        weights = favour(self._losses(fields)[None])[0]
        weights *= errors
        error = weights.sum(axis=0)
        errors *= errors
        if not weighed.all():
            errors *= weighed
        pooled[:n_experts] += errors.sum(axis=-1)
        for total, gain in zip(pooled[n_experts:], (weighed, np.abs(error), known), strict=True):
            total += gain.sum(axis=-1)
        fields.loss[...] *= DISCOUNT
        fields.loss[...] += errors
        fields.prior[...] *= PRIOR_DISCOUNT
        np.maximum(fields.prior, LEAST_PRIOR, out=fields.prior)
        base = np.maximum(self._level(fields), TINY)
        profile = fields.profile[position % len(fields.profile)]
        scaled = error / np.maximum(base * profile, TINY)
        for probability, quantile in zip(self.probabilities, fields.quantiles, strict=True):
            size = np.maximum(np.abs(quantile), SMALLEST_SIZE)
            size *= np.where(scaled < quantile, RATE * (probability - 1.0), RATE * probability)
            quantile += size
        excess = np.minimum(np.abs(scaled, out=scaled), OUTLIER)
        n_known = np.maximum(known.sum(axis=0), 1)
        found = self._drift(fields.drift, np.where(known, excess, np.nan), position)
        excess -= 1.0
        if len(fields.profile) > 1:
            limited = np.where(known, np.minimum(excess, PROFILE_OUTLIER - 1.0), 0.0)
            profile *= 1.0 + PROFILE_RATE * limited.sum(axis=0) / n_known
            np.clip(profile, *PROFILE_LIMITS, out=profile)
        fields.n_labels[...] += 1.0
        excess *= base
        excess *= np.maximum(1.0 / (fields.n_labels + 1.0), LEVEL_RATE)
        np.add(base, excess, out=fields.level)
        if not complete:
            old = self._fields(before)
            for name in ("quantiles", "level", "n_labels"):
                np.copyto(getattr(fields, name), getattr(old, name), where=~known)
        if not weighed.all():
            for name in ("loss", "prior"):
                old = getattr(self._fields(before), name)
                np.copyto(getattr(fields, name), old, where=~weighed)
        return found

    def _drift(self, kept, scaled, position):
        """Move what `Drift` keeps (3, J, b), in place; return its changes."""
        size, n_rows, calm = (row.ravel() for row in kept)
        n_series = kept.shape[2]
        drift = Drift(size, n_rows, calm > 0).step(scaled.reshape(len(scaled), -1), position)
        for row, new in zip(kept, (drift.size, drift.n_rows, drift.calm), strict=True):
            row[...] = new.reshape(row.shape)
        return [(*divmod(stream, n_series), size) for _, stream, size in drift.changes]

    def _losses(self, fields):
        """Return what the series and the panel say of the experts, (E, M, J, b)."""
        n_experts = len(fields.loss)
        usual = self.pooled[:n_experts] / np.maximum(self.pooled[n_experts], 1.0)
        return fields.loss + fields.prior * usual[..., None]

    def _level(self, fields):
        """Return levels (M, J, b), before a first label that of the panel."""
        usual = np.where(self.pooled[-1] > 0.0, self.pooled[-2], MAE_OF_NORMAL)
        usual = usual / np.maximum(self.pooled[-1], 1.0)
        return np.where(fields.n_labels > 0.0, fields.level, usual[..., None])

    def _fields(self, values):
        """Return views of the fields of columns (F, b)."""
        stops = np.cumsum([np.prod(shape) for shape in self._shapes])
        parts = np.split(values, stops[:-1])
        shaped = zip(parts, self._shapes, strict=True)
        return Fields(*(part.reshape(*shape, -1) for part, shape in shaped))
