"""All that a row does to a learner in one call, out of the loops that its parts have.

What a row costs that comes alone is in good part the way into compiled code and out of it again:
an array that is returned takes as long as a thousand multiplications, one that is passed a third of
that. So numbers that move lie side by side in one array, and nothing is returned.
"""

import numpy as np

from tsrnn.kernels.numba_.conformal import move_errors
from tsrnn.kernels.numba_.maths import compiled, inlined, inner, view_of
from tsrnn.kernels.numba_.mixing import expert_forecasts, move_experts
from tsrnn.kernels.numba_.one_stream import forward_stream, put_state, state_of
from tsrnn.kernels.numba_.per_step import follow_profiles, move_steps
from tsrnn.kernels.numba_.rls import LEARNT, START, learn_rows, outputs, push_rows
from tsrnn.kernels.numba_.smoothing import move_smoothing
from tsrnn.kernels.numba_.window import views, write_rows
from tsrnn.kernels.numpy_.per_step import COUNT, LEVEL, ZERO

# No shortcut of the compiler's: the very numbers of the loops come out.


def shapes_of(sizes):
    """Return the shapes of the arrays whose numbers lie side by side, in their order.

    Parameters
    ----------
    sizes : tuple of int
        Streams, steps, features of the readout, of the linear expert and of a step, steps that are
        scored, mixtures by regrets, experts, quantiles, factors of profiles, and settings that are
        smoothed by.

    Returns
    -------
    tuple of tuple of int
        Covariance and weights of the readout, and of the linear expert; then, of the readout of
        each step, covariance, weights and, as integers, numbers of labels; the moving arrays of a
        `Mixing`, those of a `Conformal`, size, n_rows and calm of a `Drift`, the moving arrays of a
        `Smoothing`, and the tails of the errors.
    """
    S, M, K, L, F, m, R, E, Q, n_factors, A = sizes
    return (
        (S, K, K), (S, M, K), (S, L, L), (S, M, L),
        (S, M, F, F), (S, M, F), (S, M),
        (m, R, E, S), (m, R, E, S), (m, E + R + 1, S), (m, S), (m, R + 1, E, S), (m, R + 1, S),
        (Q, m, S), (m, S), (m, S), (n_factors, S),
        (S,), (S,), (S,),
        (A, S), (A, S), (A, S), (A, S), (S,), (S,), (2, 3, S),
    )  # fmt: skip


def follow_rows(
    new, rows, places, sizes, numbers, window, layer, readouts, per_step, repeats, smoothing,
    mixing, scoring,
):  # fmt: skip
    """Take in n rows, as ``StreamLearner._take_in`` does part by part.

    Parameters
    ----------
    new : tuple of ndarray
        Targets, inputs and calendar of the rows.
    rows : tuple
        Buffers of rows, those before, and behind them the places of rows to come, which are
        written: the fields of a `Window`; states of the layer; and what waits in the readout, in
        the linear expert, in that of each step (values, and whether they are learnt from), in the
        mixture and in the intervals; seasonal states of a `Smoothing`.
    places : tuple of int
        How many rows have been written behind those before; for how many there are places; the
        number of the first row as intervals count them; and how many were seen before it.
    sizes : tuple of int
        See `shapes_of`.
    numbers : tuple of ndarray
        The numbers that move, before and after, and the outputs (n, S, M) after each row: the
        mixtures, with the jumps of the targets put back. The latter two are written.
    window : tuple
        Limits of the guard, see `append_rows`; what `views` looks at, and how many rows back the
        calendar is.
    layer : tuple of ndarray
        Weights of the network's only layer.
    readouts : tuple
        Delays and limits of readout and linear expert, see `learn_rows`; and the features beside
        the hidden state that the linear expert sees.
    per_step : tuple
        Table and limits, season and rates of the profiles: see `follow_steps`, `follow_profiles`.
    repeats : tuple
        Rows back and seasons: see `expert_forecasts`.
    smoothing : tuple
        Settings, steps and zero: see `follow_smoothing`.
    mixing : tuple
        Scored steps and discounts, see `follow_experts`; and what is fixed of the intervals, see
        `follow_errors`.
    scoring : tuple of bool
        Whether readouts are learnt, and whether intervals follow.

    Returns
    -------
    bool
        False: something rare is to be done, or noted, and nothing that was written counts.
    """
    (before, after, mixed), (learning, follows) = numbers, scoring
    fields, states, of_readout, of_linear, of_steps, issued, of_errors, seasonal = rows
    n, (n_written, n_spare, first_row, n_seen) = len(new[0]), places
    place = n_written, n_spare, n
    record = (
        _open(fields[0], place), _open(fields[1], place), _open(fields[2], place),
        _open(fields[3], place), _open(fields[4], place), _open(fields[5], place),
        _open(fields[6], place), _open(fields[7], place),
    )  # fmt: skip
    targets, inputs, calendar, levels, missing = *record[:4], record[7]
    stop = len(levels)
    start = stop - n
    write_rows(record, start, new, window[0])
    if _judged(record[5], new[0], targets, start):
        return False
    looked_at = levels, targets, calendar, inputs, missing
    skip, seen, (_, scale) = views(looked_at, *window[1], (start, stop, window[2]))
    features = _encoded(layer, seen, scale, skip, states, n_written)
    base, arrived = levels[start:], targets[start:]
    labels = np.empty((n, targets.shape[1], 1))
    for row, s in np.ndindex(arrived.shape):
        labels[row, s, 0] = arrived[row, s]
    then, _ = _readouts(before, sizes)
    now, at = _readouts(after, sizes)
    delays, limits, linear_limits, columns = readouts
    given = delays, limits, learning
    origins, results = _open(of_readout, place), _room(n, mixed)
    if not _followed(features, base, labels, origins, given, then[:2], now[:2], results):
        return False
    recurrent, results = _from_base(results[:, 1], base), _room(n, mixed)
    origins, given = _open(of_linear, place), (delays, linear_limits, learning)
    if not _followed(
        _taken(skip, columns), base, labels, origins, given, then[2:], now[2:], results
    ):
        return False
    for k in range(at, len(after)):
        after[k] = before[k]
    state, moving, of_conformal, of_drift, of_smoothing = _others(after, at, sizes)
    values, flags = _open(of_steps[0], place), _open(of_steps[1], place)
    forecasts = np.empty(mixed.shape)
    if _stepped((base, arrived, learning), values, flags, per_step, state, forecasts):
        return False
    settings, n_steps, zero = smoothing
    smoothed = np.empty((n, n_steps, settings[3][-1] + 1, mixed.shape[1]))
    given = arrived, _open(seasonal, place), settings, zero, n_seen
    move_smoothing(*given, of_smoothing, smoothed)
    given = recurrent, results[:, 1], forecasts, levels, smoothed
    forecasts = expert_forecasts(*given, *repeats, n_seen)
    steps, discounts, fixed = mixing
    waiting = _open(issued, place)
    move_experts(forecasts, waiting, labels, steps, discounts, moving, mixed)
    if follows:
        waiting = _open(of_errors, place)
        given = mixed, labels, steps[0], waiting, first_row, fixed
        if _scored(given, of_conformal, of_drift):
            return False
    _shift(mixed, record[6][start:])
    return True


def _judged(refused, given, targets, start):
    """Tell whether a value is refused, or one is judged that was: that is to be noted."""
    for row, s in np.ndindex(given.shape):
        if np.isfinite(refused[start + row - 1, s]):
            return True
        if np.isnan(targets[start + row, s]) and np.isfinite(given[row, s]):
            return True
    return False


def _open(buffer, place):
    """Return the rows of a buffer up to the new ones, those before as many as there were."""
    n_written, n_spare, n = place
    return buffer[n_written : len(buffer) - n_spare + n_written + n]


def _cut(numbers, at, shape):
    """Return the array of a shape that begins at a place among numbers, and where it ends."""
    size = 1
    for length in shape:
        size *= length
    return view_of(numbers, at, shape), at + size


def _readouts(numbers, sizes):
    """Return covariances and weights of readout and linear expert, and where they end."""
    shapes = _shapes(sizes)
    P, at = _cut(numbers, np.int64(0), shapes[0])  # a literal is a type of its own
    weights, at = _cut(numbers, at, shapes[1])
    linear_P, at = _cut(numbers, at, shapes[2])
    linear_weights, at = _cut(numbers, at, shapes[3])
    return (P, weights, linear_P, linear_weights), at


def _others(numbers, at, sizes):
    """Return what moves of the readout of each step, of mixture, intervals, drift, smoothing."""
    shapes = _shapes(sizes)
    P, at = _cut(numbers, at, shapes[4])
    weights, at = _cut(numbers, at, shapes[5])
    counts, at = _cut(numbers.view(np.int64), at, shapes[6])
    regret, at = _cut(numbers, at, shapes[7])
    spread, at = _cut(numbers, at, shapes[8])
    loss, at = _cut(numbers, at, shapes[9])
    n_labels, at = _cut(numbers, at, shapes[10])
    parts, at = _cut(numbers, at, shapes[11])
    blend, at = _cut(numbers, at, shapes[12])
    quantiles, at = _cut(numbers, at, shapes[13])
    level, at = _cut(numbers, at, shapes[14])
    n_errors, at = _cut(numbers, at, shapes[15])
    profiles, at = _cut(numbers, at, shapes[16])
    size, at = _cut(numbers, at, shapes[17])
    n_rows, at = _cut(numbers, at, shapes[18])
    calm, at = _cut(numbers, at, shapes[19])
    smooth_level, at = _cut(numbers, at, shapes[20])
    trend, at = _cut(numbers, at, shapes[21])
    first_mean, at = _cut(numbers, at, shapes[22])
    smooth_loss, at = _cut(numbers, at, shapes[23])
    n_known, at = _cut(numbers, at, shapes[24])
    positive, at = _cut(numbers, at, shapes[25])
    tails, at = _cut(numbers, at, shapes[26])
    mixing = regret, spread, loss, n_labels, parts, blend
    conformal = quantiles, level, n_errors, profiles, tails
    smoothing = smooth_level, trend, first_mean, smooth_loss, n_known, positive
    return (P, weights, counts), mixing, conformal, (size, n_rows, calm), smoothing


def _encoded(layer, inputs, scale, skip, states, n_written):
    """Return the hidden state, in units of the scale, before other features; write the states."""
    (n, S, D), H = inputs.shape, states[0].shape[1]
    x, h = np.empty((n, D, 1), layer[0].dtype), np.empty((n, H, 1), layer[0].dtype)
    features = np.empty((n, S, H + skip.shape[2]))
    for s in range(S):
        for row, d in np.ndindex(n, D):
            x[row, d, 0] = inputs[row, s, d]
        moved = forward_stream(layer, x, state_of(states, n_written, s), h)
        put_state(states, n_written + n, s, moved)
        for row in range(n):
            at = features[row, s]
            for k in range(H):
                at[k] = h[row, k, 0] * scale[row, s]
            for k in range(skip.shape[2]):
                at[H + k] = skip[row, s, k]
    return features


def _taken(features, columns):
    taken = np.empty((len(features), features.shape[1], len(columns)))
    for row, s in np.ndindex(taken.shape[:2]):
        for k in range(len(columns)):
            taken[row, s, k] = features[row, s, columns[k]]
    return taken


def _room(n, mixed):
    """Return where innovations and outputs of rows are written."""
    return np.empty((n, 2, *mixed.shape[1:]))


def _followed(features, base, labels, origins, given, before, after, results):
    """Move a readout over rows, from arrays to arrays; tell whether nothing rare came up."""
    (delays, limits, learning), n = given, len(labels)
    if not learning:
        push_rows(origins, features, base)
        outputs(before[1], features, results[:, 1])
        _copy(before, after)
        return True
    rows = features, base, labels
    first, why = np.int64(0), np.int64(START)  # literals are types of their own
    _, why, P, weights = learn_rows(
        first, n, why, origins, rows, delays, before, after, limits, results
    )
    if n > 1:  # the newest are in one of two buffers that take turns
        _copy((P, weights), after)
    return why == LEARNT


def _copy(arrays, out):
    for one, other in ((arrays[0].ravel(), out[0].ravel()), (arrays[1].ravel(), out[1].ravel())):
        for k in range(len(one)):
            other[k] = one[k]


def _from_base(changes, base):
    levels = np.empty(changes.shape)
    for row, s in np.ndindex(base.shape):
        for m in range(changes.shape[2]):
            levels[row, s, m] = changes[row, s, m] + base[row, s]
    return levels


def _stepped(arrived, values, flags, per_step, state, forecasts):
    """Move the readout of each step, and write its forecasts; tell whether it started anew."""
    (base, labels, learning), (table, limits, season, rates) = arrived, per_step
    n, reach, M = len(base), len(values) - len(base), len(flags) - len(base)
    for row in range(n):
        flags[M + row], now = learning, values[reach + row]
        for s in range(base.shape[1]):
            now[s, LEVEL], now[s, ZERO] = base[row, s], 0.0
            now[s, COUNT] = 1.0 if np.isfinite(labels[row, s]) else 0.0
    follow_profiles(values, reach, season, rates)
    issued = forecasts, np.empty((*forecasts.shape, table[2]))
    return move_steps(values, labels, flags, table, state, limits, learning, issued)


def _scored(given, conformal, drift):
    """Move intervals and drift; tell whether a change is to be noted."""
    mixed, labels, steps, waiting, first_row, fixed = given
    if len(steps) < mixed.shape[2]:
        taken = np.empty((*mixed.shape[:2], len(steps)))
        for row, s, m in np.ndindex(taken.shape):
            taken[row, s, m] = mixed[row, s, steps[m] - 1]
        mixed = taken
    size, n_rows, is_calm = drift
    calm = np.empty(len(is_calm), np.bool_)
    for s in range(len(calm)):
        calm[s] = is_calm[s] > 0.0
    noted = np.empty((len(labels), len(calm)))
    of_drift = size, n_rows, calm
    any_noted = move_errors(mixed, labels, waiting, first_row, fixed, conformal, of_drift, noted)
    for s in range(len(calm)):
        is_calm[s] = 1.0 if calm[s] else 0.0
    return any_noted


def _shift(outputs, jumps):
    """Add the jumps (n, S) to outputs (n, S, M), in place."""
    for row, s, m in np.ndindex(outputs.shape):
        outputs[row, s, m] += jumps[row, s]


_shapes, _judged = inner(shapes_of, False), inlined(_judged, False)
_open, _cut, _copy = inner(_open, False), inner(_cut, False), inner(_copy, False)
_readouts, _others = inner(_readouts, False), inlined(_others, False)
_encoded, _taken = inlined(_encoded, False), inlined(_taken, False)
_room, _followed = inner(_room, False), inlined(_followed, False)
_from_base, _stepped = inlined(_from_base, False), inlined(_stepped, False)
_scored, _shift = inlined(_scored, False), inlined(_shift, False)
follow_rows = compiled(follow_rows, False)
