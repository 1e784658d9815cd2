"""The experts in the graph: what each forecasts after a row, arrays of shape (M, experts, S)."""

import numpy as np

from tsrnn.integrations.onnx import graph as g
from tsrnn.kernels.numpy_.per_step import COUNT, FAST, LEVEL, MEAN, SLOW
from tsrnn.kernels.numpy_.seasons import rows_back
from tsrnn.kernels.numpy_.smoothing import (
    FURTHEST,
    LARGEST_LOG,
    LOSS_DISCOUNT,
    MOST_GROWTH,
    SMALLEST,
    TINY,
)

SMOOTHING_STATE = "level", "trend", "first_mean", "loss", "n_known", "limit"


class Counted:
    """Rows that had been seen before the newest; what has come to pass at the export stays so."""

    def __init__(self, graph, n_rows):
        self.at_export = n_rows
        state = graph.state("n_rows", np.array([n_rows], np.int64))
        graph.kept.add("n_rows")
        graph.carry("n_rows", state + np.array([1], np.int64))
        self._seen = g.cast(state, np.float64)

    def below(self, numbers):
        """Tell whether fewer rows had been seen, as an array like `numbers`."""
        numbers = np.asarray(numbers, dtype=float)
        if (self.at_export >= numbers).all():
            return np.zeros(numbers.shape, bool)
        return self._seen < numbers

    def at(self, numbers):
        """Tell whether so many had been seen."""
        numbers = np.asarray(numbers, dtype=float)
        if (self.at_export > numbers).all():
            return np.zeros(numbers.shape, bool)
        return (self._seen >= numbers) & (self._seen <= numbers)

    def seasons(self, periods):
        """Return how many seasons of these lengths had been seen."""
        return g.floor(self._seen / np.asarray(periods, dtype=float))


def readouts(recurrent, linear, columns, hidden, seen, level):
    """Return the forecasts (M, 2, S) of the shared readout and of the short autoregression."""
    n_hidden, n_streams = hidden.shape
    weights = np.zeros((n_streams, 2, *recurrent.shape[1:]))
    weights[:, 0] = recurrent
    weights[:, 1, :, n_hidden + columns] = linear.transpose(2, 0, 1)
    _, _, n_steps, n_features = weights.shape
    weights = weights.reshape(n_streams, 2 * n_steps, n_features)
    features = g.concatenate([hidden, seen.skip])
    features = g.reshape(g.transpose(features, 1, 0), n_streams, n_features, 1)
    changes = g.reshape(g.product(weights, features), n_streams, 2, n_steps)
    return g.transpose(changes, 2, 1, 0) + level


def per_step(graph, readout, label, level):
    """Return the forecasts (M, 1, S) of the readout of each step; see `follow_steps`."""
    season, rates = readout.features.season, readout.fixed[3]
    back, columns, _ = readout.features.table
    n_streams, known = level.shape[0], ~g.isnan(label)
    rows = readout.rows[len(readout.rows) - season :]
    profiles = graph.state("profiles", rows[..., [FAST, SLOW]].transpose(0, 2, 1))
    counts = graph.state("phase_counts", rows[..., COUNT])
    mean = graph.state("mean_level", rows[-1, :, MEAN])
    count = g.rows(counts, 0, 1) + g.cast(g.reshape(known, 1, n_streams), np.float64)
    past = g.reshape(g.rows(profiles, 0, 1), 2, n_streams)
    past = g.where(g.isnan(past) & known, level, past)
    rate = g.maximum(1.0 / g.maximum(count, 1.0), np.array(rates[:2])[:, None])
    profile = past + g.where(known, rate * (level - past), 0.0)
    mean = mean + g.where(known, rates[2] * (level - mean), 0.0)
    joined = g.concatenate([profiles, g.reshape(profile, 1, 2, n_streams)])
    graph.carry("profiles", g.rows(joined, 1))
    graph.carry("phase_counts", g.concatenate([g.rows(counts, 1), count]))
    graph.carry("mean_level", mean)

    # Whatever is looked up lies in one table: newest values, profiles by row, the mean.
    earlier = readout.rows[len(readout.rows) - int(back.max()) :, :, LEVEL]
    before = graph.state("levels_at_origins", earlier)  # as they stood then, before any bridge
    levels = g.concatenate([before, g.reshape(level, 1, n_streams)])
    graph.carry("levels_at_origins", g.rows(levels, 1))
    parts = levels, g.reshape(joined, 2 * (season + 1), n_streams)
    table = g.concatenate([*parts, g.reshape(mean, 1, n_streams)])
    n_levels = levels.shape[0]
    places = {
        LEVEL: n_levels - 1 - back,
        FAST: n_levels + 2 * (season - back),
        SLOW: n_levels + 2 * (season - back) + 1,
        MEAN: np.full_like(back, table.shape[0] - 1),
    }
    at = np.select([columns == column for column in places], list(places.values()))
    features = g.take(table, at[..., 0]) - g.take(table, at[..., 1])  # (M, L, S)
    features = g.where(g.isnan(features), 0.0, features)
    weights = readout.weights.transpose(1, 2, 0)  # (M, L + 1, S)
    change = g.total(features * weights[:, :-1], axis=1, keep=True) + weights[:, -1:]
    return change + level


def repeats(past, seen, level, counted):
    """Return the forecasts (M, experts, S) of what repeats the past; see `Repeats`."""
    back, seasons = past.parts
    repeated = seen.back(back)
    unseen = counted.below(np.append(1, seasons)[:, None] - 1)
    repeated = g.where(unseen, np.nan, repeated)
    if not len(seasons):
        return repeated
    change = level - seen.back(seasons[-1:])  # (1, S)
    change = g.where(counted.below(seasons[-1:]), np.nan, change)
    longest = g.rows(repeated, len(seasons), axis=1)
    return g.concatenate([repeated, longest + change], axis=1)


def smoothing(graph, part, label, counted):
    """Return the forecasts (M, experts, S) of what smooths; see `follow_smoothing`."""
    (rates, periods, logs, experts), n_steps, zero = part.fixed
    level, trend, first_mean, loss, n_known, limit = (
        graph.state(f"smoothing_{name}", values)
        for name, values in zip(SMOOTHING_STATE, part.moving, strict=True)
    )
    (reach, n_seasonal, S), A = part.rows.shape, len(periods)
    alpha, beta, phi, gamma = rates.T[..., None]
    is_log, has_season = (logs > 0)[:, None], (periods > 1)[:, None]
    n_plain, lengths = A - n_seasonal, periods[A - n_seasonal :]
    young = has_season & counted.below(periods[:, None])

    known, above = ~g.isnan(label), label - zero
    value = label
    if is_log.any():
        fits = above > SMALLEST
        limit = _limit_after(above, known, fits, n_known, limit)
        value = g.where(is_log, g.log(g.where(fits, above, 1.0)), label)  # (A, S)
    expected = base = level + phi * trend
    if n_seasonal:
        seasonal = graph.state("smoothing_seasons", part.rows)
        past = _looked_up(seasonal, reach - lengths)
        past = past - _first(counted, lengths, lengths, first_mean, n_plain)
        seasons = g.where(g.rows(young, n_plain), 0.0, past)
        expected = base + g.concatenate([np.zeros((n_plain, S)), seasons])
    error = g.where(known, value - expected, 0.0)
    equal = 1.0 / (n_known + 1.0)
    rate = g.where(young, equal, g.maximum(equal, alpha))
    old = ~young & (n_known > 0.0)
    if is_log.any():
        error = g.where(old & is_log, g.clip(error, -LARGEST_LOG, LARGEST_LOG), error)
    level = base + rate * error
    trend = phi * trend + g.where(old, beta * rate * error, 0.0)
    if n_seasonal:
        visited = gamma[n_plain:]
        if (1.0 / (counted.at_export // lengths + 1.0) > visited[:, 0]).any():
            visited = g.maximum(1.0 / (counted.seasons(lengths[:, None]) + 1.0), visited)
        seasons = seasons + visited * g.rows(error, n_plain)
        raw = g.rows(g.where(known, value, level), n_plain)
        seasons = g.where(g.rows(young, n_plain), raw, seasons)
        joined = g.concatenate([seasonal, g.reshape(seasons, 1, n_seasonal, S)])
        graph.carry("smoothing_seasons", g.rows(joined, 1))
    ended = has_season & counted.at(periods[:, None] - 1)
    first_mean = g.where(ended, level, first_mean)
    loss = g.where(old & known, LOSS_DISCOUNT * loss + error * error, loss)
    n_known = n_known + g.cast(known, np.float64)
    moved = level, trend, first_mean, loss, n_known, limit
    for name, tensor in zip(SMOOTHING_STATE, moved, strict=True):
        graph.carry(f"smoothing_{name}", tensor)

    member = (experts == np.arange(experts.max() + 1)[:, None]).astype(float)  # (G, A)
    share = _shares(loss, member, experts)
    steps = np.arange(1, n_steps + 1)[:, None]
    damping = np.cumsum(phi[:, 0] ** steps, axis=0)[..., None]  # (M, A, 1)
    found = level + damping * trend
    if n_seasonal:
        ahead = rows_back(steps, lengths)
        looked_up = _looked_up(joined, reach - ahead)
        looked_up = looked_up - _first(counted, ahead, lengths, first_mean, n_plain)
        found = found + g.concatenate([np.zeros((n_steps, n_plain, S)), looked_up], axis=1)
    if is_log.any():  # they come last
        n = int(A - is_log.sum())
        of_level = g.rows(level, n)
        most = g.log(g.maximum(0.0 - limit, SMALLEST)) + MOST_GROWTH
        most = g.where(limit > 0.0, np.inf, most)
        middle = g.minimum(of_level, most)
        limited = g.maximum(g.rows(found, n, axis=1), middle - FURTHEST)
        limited = g.minimum(limited, g.minimum(middle + FURTHEST, most))
        found = g.concatenate([g.rows(found, 0, n, axis=1), g.exp(limited) + zero], axis=1)
    asleep = has_season & counted.below(periods[:, None] - 1)
    if is_log.any():
        asleep = asleep | (is_log & ((limit <= 0.0) & (limit >= 0.0)))
    found = g.where(asleep, 0.0, found * share)
    forecasts = g.product(member, found)
    first_of = member.argmax(axis=1)  # all settings of an expert sleep together
    asleep = g.take(asleep, first_of) | (n_known <= 0.0)
    return g.where(asleep, np.nan, forecasts)


def _limit_after(above, known, fits, n_known, limit):
    """Return minus the largest value above zero after a label; see `move_states`."""
    first = n_known <= 0.0
    lower = g.minimum(0.0 - above, g.where(first, np.inf, limit))
    limit = g.where(fits & (first | (limit < 0.0)), lower, limit)
    return g.where(known & ~fits, 0.0, limit)


def _shares(loss, member, experts):
    """Return the weights (A, S) of settings among those of their expert."""
    most = int(member.sum(axis=1).max())
    own = np.array([np.resize(np.flatnonzero(settings), most) for settings in member])
    least = g.take(g.least(g.take(loss, own), axis=1), experts)
    share = (least + TINY) / (loss + TINY)
    for _ in range(2):
        share = share * share
    return share / g.take(g.product(member, share), experts)


def _looked_up(seasonal, at):
    """Return the seasonal states of rows (..., A') of settings: (..., A', S)."""
    n_rows, n_seasonal, n_streams = seasonal.shape
    flat = g.reshape(seasonal, n_rows * n_seasonal, n_streams)
    return g.take(flat, at * n_seasonal + np.arange(n_seasonal))


def _first(counted, back, lengths, first_mean, n_plain):
    """Return what the seasonal state of rows so far back is measured from; see `follow_smoothing`.

    The row itself, of which as many had been seen as are `counted`, is 0 back.
    """
    first = counted.below((back + lengths)[..., None])
    return g.where(first, g.rows(first_mean, n_plain), 0.0)
