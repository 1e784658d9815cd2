"""A row in the graph: its outliers filtered, joined to those before, seen by the network."""

import numpy as np

from tsrnn.features.design import INPUT_LIMIT
from tsrnn.features.instance_norm import LARGEST, SMALLEST
from tsrnn.features.outlier_filter import STEP
from tsrnn.integrations.onnx import graph as g
from tsrnn.kernels.numpy_.seasons import (
    DOUBT,
    RECENT,
    SHORTEST_GAP,
    WEIGHTS,
    gap_lengths,
    looked_back,
)

LOWEST = {"log": 0.0, "log1p": -1.0, "sqrt": 0.0}  # what a target has to be larger than


def transformed(name, targets):
    """Return targets on the scale on which they are learnt; see `tsrnn.frames.target_transform`."""
    if name is None:
        return targets
    low = LOWEST[name]
    fits = targets >= low if name == "sqrt" else targets > low
    safe = g.where(fits, targets, 1.0)
    found = {"log": g.log, "log1p": lambda x: g.log(1.0 + x), "sqrt": g.sqrt}[name](safe)
    return g.where(fits, found, np.nan)


def restored(name, values):
    """Return values of the transformed scale on the targets' own."""
    if name is None:
        return values
    if name == "sqrt":
        values = g.maximum(values, 0.0)
        return values * values
    found = g.exp(g.minimum(values, 700.0))
    return found - 1.0 if name == "log1p" else found


def filtered(graph, window, targets, before, seasons):
    """Take absurd targets (S,) for missing ones; see `filter_outliers`.

    Parameters
    ----------
    before : Tensor of shape (n, S)
        Levels of the rows before.
    seasons : tuple of int
        By which levels of missing targets go on; see `follow_season`.

    Returns
    -------
    targets, level, jump : Tensor of shape (S,)
        Level with those that are missing as `follow_season` says; jump to be put back.
    before : Tensor of shape (n, S)
        Levels of the rows before, those of a gap that ends here bridged.
    """
    _, spread, refused, jump = window.guard
    level = g.reshape(g.rows(before, before.shape[0] - 1), len(spread))
    spread, refused = graph.state("usual_change", spread), graph.state("refused", refused)
    jump = graph.state("jump", jump)
    change, difference = g.absolute(targets - (level + jump)), g.absolute(targets - refused)
    limit, known = window.screen.most * spread, ~g.isnan(targets)
    agrees = (difference > 0.0) & (difference <= limit)
    absurd = (change > limit) & (g.absolute(targets) > limit) & ~agrees
    moved = g.where(agrees & (difference < change), targets - level, jump)
    back = g.absolute(targets) < g.absolute(targets - moved)
    moved = g.where(back & ~absurd, 0.0, moved)
    believed = g.where(absurd, np.nan, targets - moved)
    unbelieved = g.where(absurd, targets, g.where(known, np.nan, refused))
    change = g.where(known, g.minimum(change, limit), spread)
    spread = g.maximum(spread + STEP * (change - spread), 1.0)
    gone_on = _gone_on(before, level, seasons)
    level = g.where(g.isnan(believed), gone_on, believed)
    if seasons:
        before = _bridged(graph, window, before, believed, gone_on, seasons)
    for name, value in {"usual_change": spread, "refused": unbelieved}.items():
        graph.carry(name, value)
    graph.carry("jump", moved)
    return believed, level, moved, before


def _bridged(graph, window, before, believed, expected, seasons):
    """Return levels (n, S) that meet the value after a gap, if one ends; see `bridge_gap`."""
    most, n = looked_back(seasons) - 1, before.shape[0]
    length = graph.state("gap", _gap(window, most))
    known = ~g.isnan(believed)
    error = believed - expected
    back = g.reshape(g.descending(graph, n), n, 1)
    share = g.clip(1.0 - back / (length + 1.0), 0.0, 1.0)
    graph.carry("gap", g.where(known, 0.0, g.minimum(length + 1.0, float(most))))
    return g.where(known & (length >= float(SHORTEST_GAP)), before + share * error, before)


def _gap(window, most):
    """Return how many rows are missing at the end of a window (S,), -inf where it holds no value.

    Of a stream of which nothing has been known there is nothing to bridge.
    """
    known = np.isfinite(window.targets).any(axis=0)
    lengths = gap_lengths(window.levels, window.targets, len(window), most)
    return np.where(known | (lengths > 0), lengths.astype(float), -np.inf)


def _gone_on(before, level, seasons):
    """Return the level (S,) of a missing row after those before (n, S); see `follow_season`."""
    now, gone_on = before.shape[0], level
    changes = g.rows(before, now - RECENT) - g.rows(before, now - RECENT - 1, now - 1)
    for season in sorted(seasons):
        backs = (n * season for n in (1, 2, 3))
        rows = [g.rows(before, now - RECENT - 1 - n, now + 1 - n) for n in backs]
        # From the row before the changes to the newest, and each of these rows' next.
        these, following = ([g.rows(r, i, RECENT + 1 + i) for r in rows] for i in (0, 1))
        never = [g.isnan(r) for r in these[1:]]
        usual = _usual(*these, *never)
        newest = [g.take(before, now - 1), *(g.take(r, RECENT) for r in (*these[:2], *never))]
        risen = (_usual(*newest) - g.take(usual, RECENT)) / float(season)
        usual_changes = _usual(*following, *never) - usual
        step = g.take(usual_changes, RECENT) - risen
        earlier = g.rows(usual_changes, 0, RECENT)
        unseen = g.isnan(changes) | g.isnan(earlier)
        seen_changes = g.where(unseen, 0.0, changes)
        earlier = g.where(unseen, 0.0, earlier)
        product = g.total(seen_changes * earlier, axis=0)
        square = g.total(earlier * earlier, axis=0)
        least = g.least(0.0 - g.absolute(seen_changes), axis=0)
        step = g.minimum(g.maximum(step, least), 0.0 - least)
        known = (square > 0.0) & ~g.isnan(step)
        slope = g.minimum(g.maximum(product, 0.0), square) / g.where(known, square, 1.0)
        faded = _faded(g.rows(before, now - RECENT - 1) - usual)
        gone_on = g.where(known, level + slope * step - faded, gone_on)
    return gone_on


def _faded(deviations):
    """Return by how much the deviation (S,) from the seasons before fades at a row.

    Of those (RECENT + 1, S) of the rows before.
    """
    after = g.rows(deviations, 1)
    unseen = g.isnan(after)
    total = g.total(g.where(unseen, 0.0, after), axis=0)
    count = g.total(g.where(unseen, 0.0, 1.0), axis=0)
    deviations = deviations - total / g.maximum(count, 1.0)
    before, after = g.rows(deviations, 0, RECENT), g.rows(deviations, 1)
    unseen = g.isnan(before * after)
    before, after = g.where(unseen, 0.0, before), g.where(unseen, 0.0, after)
    product, square = g.total(before * after, axis=0), g.total(before * before, axis=0)
    newest = g.take(deviations, RECENT)
    share = g.clip(1.0 - DOUBT - product / g.where(square > 0.0, square, 1.0), 0.0, 1.0)
    fades = (square > 0.0) & ~g.isnan(newest)
    return g.where(fades, share * newest, 0.0)


def _usual(one, two, three, unseen_two, unseen_three):
    """Return the weighted mean of levels one, two and three seasons before; see `seasons`."""
    w1, w2, w3 = WEIGHTS
    two = w1 * one + w2 * two
    of_three = (two + w3 * three) / (w1 + w2 + w3)
    return g.where(unseen_three, g.where(unseen_two, one, two / (w1 + w2)), of_three)


class Seen:
    """What is seen of the newest row: by the network, and by the readout beside its state.

    Attributes
    ----------
    levels : Tensor of shape (rows, S)
        The newest values, ending with those of the row.
    skip : Tensor of shape (K, S)
    inputs : Tensor of shape (D, S)
    scale : Tensor of shape (S,), or 1.0
        That the network's inputs were normalized by.
    """

    def __init__(self, graph, design, window, row, before):
        targets, level, inputs, calendar = row
        reach, self.n_streams = before.shape
        self.levels = g.concatenate([before, g.reshape(level, 1, self.n_streams)])
        graph.carry("levels", g.rows(self.levels, 1))
        self._newest = reach  # row of the newest values
        carried = missing = None
        if window.inputs.shape[1]:
            missing = g.isnan(inputs)
            carried = g.where(missing, graph.state("carried_inputs", window.inputs[-1]), inputs)
            graph.carry("carried_inputs", carried)
        if design.n_calendar:
            calendar = _calendar(graph, design, window, calendar)
        shared = self._shared(calendar, carried)
        self.skip = self._skip(design, level, shared)
        self.inputs = self._inputs(graph, design, window, targets, level, shared, missing)

    def back(self, offsets):
        """Return the values so many rows before the newest, (*offsets.shape, S)."""
        return g.take(self.levels, self._newest - np.asarray(offsets))

    def _shared(self, calendar, carried):
        """Return the values (C + E, S) that all streams have in common."""
        values = [part for part in (calendar, carried) if part is not None and part.shape[0]]
        if not values:
            return None
        column = g.concatenate(values)
        return g.expand(g.reshape(column, column.shape[0], 1), column.shape[0], self.n_streams)

    def _skip(self, design, level, shared):
        parts = [np.ones((1, self.n_streams))]
        if shared is not None:
            parts.insert(0, shared)
        parts.insert(
            0, g.reshape(level - (design.norm.level if design.norm else 0.0), 1, self.n_streams)
        )
        if len(design.offsets):
            parts.insert(0, _zero_unseen(self.back(design.offsets) - level))
        return g.concatenate(parts)

    def _inputs(self, graph, design, window, targets, level, shared, missing):
        size = 1, self.n_streams
        one_back, *season_back = _split(self.back(np.array([1, *(s - 1 for s in design.seasons)])))
        changes = [level, _zero_unseen((level - one_back) / design.change_scale)]
        changes += [_zero_unseen(values - level) for values in season_back]
        self.scale = 1.0
        if design.norm:
            center, self.scale = _local(graph, design.norm, window, targets)
            changes[0] = level - center
            changes = [values / self.scale for values in changes]
        parts = [g.reshape(values, *size) for values in changes]
        if shared is not None:
            parts.append(shared)
        parts.append(g.cast(g.reshape(g.isnan(targets), *size), np.float64))
        if design.flagged:
            n, flags = len(design.flagged), g.cast(g.take(missing, design.flagged), np.float64)
            parts.append(g.expand(g.reshape(flags, n, 1), n, self.n_streams))
        return g.clip(g.concatenate(parts), -INPUT_LIMIT, INPUT_LIMIT)


def hidden_features(graph, encoder, seen):
    """Move the network's state on; return it as features (H, S), with the scale of its inputs."""
    network = encoder.network
    x = g.cast(seen.inputs, network.dtype)
    for i, (layer, state) in enumerate(zip(network.layers, encoder.state, strict=True)):
        h = graph.state(f"hidden_{i}", state.h)
        c = None if state.c is None else graph.state(f"cell_{i}", state.c)
        x, c = CELLS[network.cell](layer.weights, h, c, x)
        graph.carry(f"hidden_{i}", x)
        if c is not None:
            graph.carry(f"cell_{i}", c)
    return g.cast(x, np.float64) * seen.scale


def _rnn(weights, h, c, x):
    return g.tanh(g.product(weights[0], _with_one(h, x))), None


def _lstm(weights, h, c, x):
    a, hidden = g.product(weights[0], _with_one(h, x)), h.shape[0]
    gates, candidate = g.sigmoid(g.rows(a, 0, 3 * hidden)), g.tanh(g.rows(a, 3 * hidden))
    i, f, o = (g.rows(gates, n * hidden, (n + 1) * hidden) for n in range(3))
    c = i * candidate + f * c
    return o * g.tanh(c), c


def _gru(weights, h, c, x):
    (packed, bias), hidden = weights, h.shape[0]
    gates = g.sigmoid(g.product(packed[: 2 * hidden], _with_one(h, x)))
    r, z = g.rows(gates, 0, hidden), g.rows(gates, hidden)
    of_x = g.product(packed[2 * hidden :, hidden:], _with_one(x))
    of_h = g.product(packed[2 * hidden :, :hidden], h) + bias[:, None]
    n = g.tanh(of_x + r * of_h)
    return n + z * (h - n), None


CELLS = {"rnn": _rnn, "lstm": _lstm, "gru": _gru}


def _with_one(*parts):
    return g.concatenate([*parts, np.ones((1, parts[0].shape[1]), parts[0].dtype)])


def _calendar(graph, design, window, calendar):
    """Return the calendar (C,) of the row as its phase is."""
    back = design.looked_at[1]
    if not back:
        return calendar
    before = graph.state("calendar_rows", window.calendar[-back:])
    joined = g.concatenate([before, g.reshape(calendar, 1, calendar.shape[0])])
    graph.carry("calendar_rows", g.rows(joined, 1))
    return g.reshape(g.rows(before, 0, 1), calendar.shape[0])


def _local(graph, norm, window, targets):
    """Return center and scale (S,) of the newest season; see `InstanceNorm.at`."""
    before = graph.state("season", window.targets[len(window) + 1 - norm.season :])
    rows = g.concatenate([before, g.reshape(targets, 1, targets.shape[0])])
    graph.carry("season", g.rows(rows, 1))
    missing = g.isnan(rows)
    n_known = g.total(g.where(missing, 0.0, np.ones(rows.shape)), axis=0)
    count = g.maximum(n_known, 1.0)
    mean = g.total(g.where(missing, 0.0, rows), axis=0) / count
    deviation = g.total(g.where(missing, 0.0, g.absolute(rows - mean)), axis=0) / count
    growth = g.log(g.clip(deviation / norm.spread, SMALLEST, LARGEST))
    believed = g.minimum(n_known * (2.0 / norm.season), 1.0)
    moves = [
        _half_of_far(distance * believed, moved)
        for distance, moved in zip((mean - norm.level, growth), norm.moved, strict=True)
    ]
    return norm.level + moves[0], g.exp(moves[1])


def _half_of_far(distance, moved):
    far = g.minimum(g.absolute(distance) / moved, 1e6)
    for _ in range(3):
        far = far * far
    return distance - distance / (1.0 + far)


def _zero_unseen(values):
    """Put 0 for changes since rows before the first one."""
    return g.where(g.isnan(values), 0.0, values)


def _split(values):
    """Return the rows (S,) of values (n, S)."""
    n, n_streams = values.shape
    return [g.reshape(g.rows(values, i, i + 1), n_streams) for i in range(n)]
