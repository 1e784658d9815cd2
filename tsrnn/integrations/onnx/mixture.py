"""The mixture of experts in the graph; see `tsrnn.kernels.numpy_.mixing`."""

import numpy as np

from tsrnn.integrations.onnx import graph as g
from tsrnn.kernels.numpy_.mixing import HALF_OWN, NEWEST, OUTLIER, SURGE, TINY, among


def mixed(graph, ensemble, kept, forecasts, label):
    """Score what was issued for a row, issue for the next ones, and return the mixture (M, S).

    Parameters
    ----------
    graph : Graph
    ensemble : Ensemble
    kept : ndarray of int, shape (E,)
        Places of the experts that are mixed.
    forecasts : Tensor of shape (M, E, S)
        Theirs.
    label : Tensor of shape (S,)
    """
    scored, start = ensemble.scored, restricted(ensemble.mixing, kept)
    n_experts, n_all = len(kept), len(ensemble.names)
    behind = np.append(kept, np.arange(n_all, start.loss.shape[1] - n_experts + n_all))
    names = "regret", "spread", "loss", "n_labels", "scale", "parts", "blend"
    moving = tuple(
        graph.state(f"mixture_{name}", array)
        for name, array in zip(names, start.moving, strict=True)
    )
    waiting = graph.state("issued", ensemble.rows[:, :, behind])  # (M, m, E + R + 1, S)
    n_rows, n_scored, *rest = waiting.shape
    flat = g.reshape(waiting, n_rows * n_scored, *rest)
    due = g.take(flat, (n_rows - scored.steps) * n_scored + np.arange(n_scored))
    *sums, parts, blend = _after(due - label, start.discounts, moving)
    now = forecasts if scored.all_are else g.take(forecasts, scored.places)
    awake = ~g.isnan(now)
    parts = _shrunk(scored.steps, awake, sums, _among(awake, parts))
    mixtures = g.total(parts * _unsqueezed(_where_awake(now)), axis=2)
    issued = g.concatenate([now, mixtures], axis=1)
    issued = g.reshape(issued, 1, *issued.shape)
    graph.carry("issued", g.concatenate([g.rows(waiting, 1), issued]))
    for name, tensor in zip(names, (*sums, parts, blend), strict=True):
        graph.carry(f"mixture_{name}", tensor)
    if scored.all_are:
        return g.total(mixtures * blend, axis=1)
    weights = g.total(parts * _unsqueezed(blend, axis=2), axis=1)  # (m, E, S)
    share = scored.share[:, None, None]
    right = np.minimum(scored.left + 1, n_scored - 1)
    weights = g.take(weights, scored.left) * (1.0 - share) + g.take(weights, right) * share
    return g.total(weights * _where_awake(forecasts), axis=1)


def restricted(mixing, kept):
    """Return a `Mixing` of some of its experts: their weights in each mixture sum to 1 again.

    What the mixtures have lost, by which they are blended, stays.
    """
    n_experts = mixing.regret.shape[2]
    if len(kept) == n_experts:
        return mixing
    behind = np.append(kept, np.arange(n_experts, mixing.loss.shape[1]))
    parts = mixing.parts[:, :, kept]
    awake = np.ones((len(parts), *parts.shape[2:]), bool)
    return mixing.moved(
        mixing.regret[:, :, kept],
        mixing.spread[:, :, kept],
        mixing.loss[:, behind],
        mixing.n_labels,
        mixing.scale,
        among(awake, parts),
        mixing.blend,
    )


def _after(error, discounts, moving):
    """Return losses and regrets, and by them the weights, after labels; see `score_experts`."""
    regret, spread, loss, n_labels, scale, *_ = moving
    m, R, E, S = regret.shape
    discounts = np.broadcast_to(discounts, (m, R + 2))[..., None]
    of_loss = np.repeat(discounts[:, R:], (E, R + 1), axis=1)
    of_regret = discounts[:, :R, None]
    of_experts, of_mixtures = g.rows(error, 0, E, axis=1), g.rows(error, E, axis=1)
    of_last = g.rows(error, E + R, axis=1)
    asleep = g.isnan(of_experts)
    pull = _unsqueezed(g.rows(error, E, E + R, axis=1), axis=2)
    gain = pull * (pull - _unsqueezed(of_experts))
    gain = g.where(_unsqueezed(asleep), 0.0, gain)
    of_experts = g.where(asleep, of_last, of_experts)
    squared, of_mixtures = of_experts * of_experts, of_mixtures * of_mixtures
    all_squared = g.concatenate([squared, of_mixtures], axis=1)
    new_scale, change = _followed(scale, all_squared, n_labels)
    of_all = g.reshape(change, m, 1, 1, S)
    new_regret = of_regret * (of_all * regret) + gain
    new_spread = of_regret * (of_all * (of_all * spread)) + gain * gain
    usual = change * g.least(g.rows(loss, 0, E, axis=1), axis=1) / g.maximum(n_labels, 1.0)
    smallest = g.minimum(g.least(squared, axis=1), g.least(of_mixtures, axis=1))
    limit = OUTLIER * (smallest + g.where(n_labels > 0.0, usual, np.inf))
    of_mixtures = g.minimum(of_mixtures, g.reshape(limit, m, 1, S))
    before = of_loss * (g.reshape(change, m, 1, S) * loss)
    new_loss = before + g.concatenate([squared, of_mixtures], axis=1)
    new_parts = _weights(new_regret, new_spread, g.rows(new_loss, 0, E, axis=1))
    known = ~g.isnan(g.reshape(of_last, m, S))
    new = (
        new_regret,
        new_spread,
        new_loss,
        discounts[:, R] * n_labels + 1.0,
        new_scale,
        new_parts,
        _favoured(g.rows(new_loss, E, axis=1)),
    )
    shapes = {2: known, 3: g.reshape(known, m, 1, S), 4: g.reshape(known, m, 1, 1, S)}
    pairs = zip(moving, new, strict=True)
    return [g.where(shapes[len(old.shape)], after, old) for old, after in pairs]


def _shrunk(steps, awake, sums, parts):
    """Return the weights of each step shrunk to those of all; see `shrink_to_all_steps`."""
    regret, spread, loss, n_labels, scale = sums
    m, _, E, S = regret.shape
    if m == 1:
        return parts
    loss, seen = g.rows(loss, 0, E, axis=1), n_labels > 0.0
    mean_loss = g.reshape(loss, m, 1, E, S) / g.reshape(g.maximum(n_labels, 1.0), m, 1, 1, S)
    n_awake = g.total(g.cast(awake, np.float64), axis=1, keep=True)
    of_awake = g.where(awake, g.reshape(mean_loss, m, E, S), 0.0)
    unit = g.total(of_awake, axis=1, keep=True) / g.maximum(n_awake, 1.0) + TINY
    unit = g.reshape(unit, m, 1, 1, S)
    count = g.cast(seen, np.float64) * np.sqrt(steps)[:, None]
    n_seen = g.total(count, axis=0, keep=True)  # (1, S)
    share_of_step = g.reshape(count / g.maximum(n_seen, 1.0), m, 1, 1, S)
    shared = _weights(
        g.total(share_of_step * (regret / unit), axis=0, keep=True),
        g.total(share_of_step * (spread / (unit * unit)), axis=0, keep=True),
        g.reshape(g.total(share_of_step * (mean_loss / unit), axis=0, keep=True), 1, E, S),
    )
    shared = _among(awake, shared * np.ones((m, 1, 1, 1)))
    own = _among(awake, _weights(regret, spread, loss))
    apart = n_labels / steps[:, None]
    share = g.reshape(apart / (apart + HALF_OWN), m, 1, 1, S)
    moves = (n_seen > 0.0) & ~g.isnan(g.rows(scale, 0, 1))
    return g.where(g.reshape(moves, 1, 1, 1, S), share * own + (1.0 - share) * shared, parts)


def _weights(regret, spread, loss):
    """Return the weights (m, R + 1, E, S) in all mixtures."""
    return g.concatenate([_potential(regret, spread), _unsqueezed(_favoured(loss))], axis=1)


def _followed(scale, squared, n_labels):
    """Return the scale (m, S) after labels, and by what factor it has changed."""
    m, n_errors, S = squared.shape
    first, rate = n_labels <= 0.0, NEWEST / (n_labels + NEWEST)
    of_last = g.reshape(g.rows(squared, n_errors - 1, axis=1), m, S)
    newest = g.minimum(of_last, scale + SURGE * g.least(squared, axis=1))
    largest = 0.0 - g.least(0.0 - squared, axis=1)
    moved = scale + g.where(first, largest - scale, rate * (newest - scale))
    change = (moved + TINY) / (scale + TINY)
    return moved, g.where(first | g.isnan(scale), 1.0, change)


def _favoured(loss):
    """Return weights (m, ..., S) in proportion to the inverse eighth power of losses."""
    loss = loss + TINY
    share = g.least(loss, axis=1, keep=True) / loss
    for _ in range(3):
        share = share * share
    return share / g.total(share, axis=1, keep=True)


def _potential(regret, spread):
    parts = g.maximum(regret - TINY, 0.0) / (spread + TINY)
    lost = g.total(parts, axis=2, keep=True) <= 0.0
    parts = g.where(lost, np.ones(parts.shape), parts)
    return parts / g.total(parts, axis=2, keep=True)


def _among(awake, parts):
    awake = _unsqueezed(awake)
    parts = g.where(awake, parts, 0.0)
    lost = g.total(parts, axis=2, keep=True) <= 0.0
    parts = g.where(lost & awake, np.ones(parts.shape), parts)
    return parts / g.total(parts, axis=2, keep=True)


def _where_awake(forecasts):
    return g.where(g.isnan(forecasts), 0.0, forecasts)


def _unsqueezed(values, axis=1):
    return g.reshape(values, *values.shape[:axis], 1, *values.shape[axis:])
