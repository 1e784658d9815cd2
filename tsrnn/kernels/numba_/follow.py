"""All that a row does to a learner in one call, out of the loops that its parts have.

What a row costs that comes alone is in good part the way into compiled code and out of it again:
an array that is returned takes as long as a thousand multiplications, one that is passed a third of
that. So numbers that move lie side by side in one array, and nothing is returned.
"""

import numpy as np

from tsrnn.kernels.numba_.conformal import move_errors
from tsrnn.kernels.numba_.maths import (
    compiled,
    copy_to,
    flat,
    inlined,
    inner,
    on_stack,
    rows_of,
    view_of,
    views_of,
)
from tsrnn.kernels.numba_.mixing import move_experts, write_forecasts
from tsrnn.kernels.numba_.one_stream import forward_stream
from tsrnn.kernels.numba_.per_step import follow_profiles, move_steps
from tsrnn.kernels.numba_.rls import LEARNT, START, learn_rows, outputs, push_rows
from tsrnn.kernels.numba_.seasons import gap_end
from tsrnn.kernels.numba_.smoothing import move_smoothing
from tsrnn.kernels.numba_.window import write_rows, write_views
from tsrnn.kernels.numpy_.per_step import COUNT, LEVEL, ZERO

# No shortcut of the compiler's: the very numbers of the loops come out.


def shapes_of(sizes):
    """Return the shapes of the arrays whose numbers lie side by side, in their order.

    Parameters
    ----------
    sizes : tuple of int
        Streams, steps, features of the readout, of the linear expert and of a step, steps that are
        scored, mixtures by regrets, experts, quantiles, factors of profiles, settings that are
        smoothed by, and experts that smooth; inputs and hidden units of the network.

    Returns
    -------
    tuple of tuple of int
        Covariance and weights of the readout, and of the linear expert; then, of the readout of
        each step, covariance, weights and, as integers, numbers of labels; the moving arrays of a
        `Mixing`, those of a `Conformal`, size, n_rows and calm of a `Drift`, the moving arrays of a
        `Smoothing`, and the tails of the errors.
    """
    S, M, K, L, F, m, R, E, Q, n_factors, A, _, _, _ = sizes
    return (
        (S, K, K), (S, M, K), (S, L, L), (S, M, L),
        (S, M, F, F), (S, M, F), (S, M),
        (m, R, E, S), (m, R, E, S), (m, E + R + 1, S),
        (m, S), (m, S), (m, R + 1, E, S), (m, R + 1, S),
        (Q, m, S), (m, S), (m, S), (n_factors, S),
        (S,), (S,), (S,),
        (A, S), (A, S), (A, S), (A, S), (S,), (S,), (2, 3, S),
    )  # fmt: skip


def scratch_shapes(n, sizes):
    """Return the shapes of what a call for n rows makes on the way, in the order it is made in.

    Features that the readout sees beside the hidden state, network inputs, their center and scale;
    features of the readout, of the linear expert; what both learn in turns with others, and a gain;
    innovations and outputs of both; forecasts of the readout and of each step, of those that
    smooth, of all experts; outputs at the steps that are scored; what the network works in; and
    changes of the errors' level that are noted.
    """
    S, M, K, L, _, m, _, E, _, _, _, G, D, H = sizes
    turns = min(n - 1, 1)  # a row that comes alone needs no second buffer
    return (
        (n, S, K - H), (n, S, D), (n, S), (n, S),
        (n, S, K), (n, S, L),
        (S * turns, K, K), (S * turns, M, K), (K,), (S * turns, L, L), (S * turns, M, L), (L,),
        (n, 2, S, M), (n, 2, S, M),
        (n, S, M), (n, S, M), (n, M, G, S), (n, M, E, S), (n, S, m),
        (n * (D + H) + 5 * H,), (n, S),
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
        mixtures, with the jumps of the targets put back. The latter two are written. And as many
        numbers as `scratch_shapes` have, for what is made on the way.
    window : tuple
        Limits of the guard, see `append_rows`; what `views` looks at; how many rows back the
        calendar is; and the seasons of `write_rows`.
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
    (before, after, mixed, scratch), (learning, follows) = numbers, scoring
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
    write_rows(record, start, new, window[0], window[3])
    if _judged(record[5], new[0], targets, start) or gap_end(targets, start) < stop:
        return False
    arrays = views_of(scratch, 0, _scratch_shapes(n, sizes))
    seen, (features, some), turns, linear_turns = arrays[:4], arrays[4:6], arrays[6:9], arrays[9:12]
    results, linear_results, recurrent, forecasts, smoothed, issued_now = arrays[12:18]
    taken, of_network, noted = arrays[18:]
    looked_at = levels, targets, calendar, inputs, missing
    write_views(looked_at, *window[1], (start, stop, window[2]), seen)
    _encode(layer, seen, states, n_written, of_network, features)
    base, arrived = levels[start:], targets[start:]
    labels = view_of(flat(arrived), 0, (n, targets.shape[1], 1))
    then, _ = _readouts(before, sizes)
    now, at = _readouts(after, sizes)
    delays, limits, linear_limits, columns = readouts
    rows, given = (features, base, labels), (delays, limits, learning)
    origins = _open(of_readout, place)
    if not _followed(rows, origins, given, then[:2], now[:2], turns, results):
        return False
    _from_base(results, base, recurrent)
    _take(seen[0], columns, some)
    rows, given = (some, base, labels), (delays, linear_limits, learning)
    origins = _open(of_linear, place)
    if not _followed(rows, origins, given, then[2:], now[2:], linear_turns, linear_results):
        return False
    rest = (len(after) - at,)
    copy_to(view_of(after, at, rest), view_of(before, at, rest))
    state, moving, of_conformal, of_drift, of_smoothing = _others(after, at, sizes)
    values, flags = _open(of_steps[0], place), _open(of_steps[1], place)
    if _stepped((base, arrived, learning), values, flags, per_step, state, forecasts):
        return False
    settings, _, zero = smoothing
    given = arrived, _open(seasonal, place), settings, zero, n_seen
    move_smoothing(*given, of_smoothing, smoothed)
    given = recurrent, linear_results[:, 1], forecasts, levels, smoothed
    write_forecasts(*given, *repeats, n_seen, issued_now)
    steps, discounts, fixed = mixing
    waiting = _open(issued, place)
    move_experts(issued_now, waiting, labels, steps, discounts, moving, mixed)
    if follows:
        waiting = _open(of_errors, place)
        given = mixed, labels, steps[0], waiting, first_row, fixed, taken, noted
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
    return rows_of(buffer, n_written, len(buffer) - n_spare + n_written + n)


def _readouts(numbers, sizes):
    """Return covariances and weights of readout and linear expert, and where they end."""
    arrays = views_of(numbers, 0, _shapes(sizes)[:4])
    P, weights, linear_P, linear_weights = arrays
    return arrays, P.size + weights.size + linear_P.size + linear_weights.size


def _others(numbers, at, sizes):
    """Return what moves of the readout of each step, of mixture, intervals, drift, smoothing."""
    arrays = views_of(numbers, at, _shapes(sizes)[4:])
    P, weights, counts = arrays[:3]
    per_step = P, weights, counts.view(np.int64)
    conformal = *arrays[10:14], arrays[23]
    return per_step, arrays[3:10], conformal, arrays[14:17], arrays[17:23]


def _encode(layer, seen, states, n_written, scratch, features):
    """Write the hidden state, in units of the scale, before other features; and the states."""
    (skip, inputs, _, scale), dtype = seen, layer[0].dtype
    (n, S, D), H = inputs.shape, states[0].shape[1]
    numbers = scratch.view(dtype)
    x, h = view_of(numbers, 0, (n, D, 1)), view_of(numbers, n * D, (n, H, 1))
    rest = numbers[n * (D + H) : n * (D + H) + 5 * H]
    for s in range(S):
        for row, d in np.ndindex(n, D):
            x[row, d, 0] = inputs[row, s, d]
        forward_stream(layer, x, states, n_written, n_written + n, s, h, rest)
        for row in range(n):
            at = features[row, s]
            for k in range(H):
                at[k] = h[row, k, 0] * scale[row, s]
            for k in range(skip.shape[2]):
                at[H + k] = skip[row, s, k]


def _take(features, columns, taken):
    for row, s in np.ndindex(taken.shape[:2]):
        for k in range(len(columns)):
            taken[row, s, k] = features[row, s, columns[k]]


def _followed(rows, origins, given, before, after, turns, results):
    """Move a readout over rows, from arrays to arrays; tell whether nothing rare came up."""
    (features, base, labels), (delays, limits, learning) = rows, given
    if not learning:
        push_rows(origins, features, base)
        outputs(before[1], features, results[:, 1])
        copy_to(flat(after[0]), flat(before[0]))
        copy_to(flat(after[1]), flat(before[1]))
        return True
    first, why = np.int64(0), np.int64(START)  # literals are types of their own
    _, why = learn_rows(
        first, len(labels), why, origins, rows, delays, before, after, turns, limits, results
    )
    return why == LEARNT


def _from_base(results, base, levels):
    for row, s in np.ndindex(base.shape):
        for m in range(levels.shape[2]):
            levels[row, s, m] = results[row, 1, s, m] + base[row, s]


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
    effects = view_of(flat(forecasts), 0, (*forecasts.shape, 0))  # nothing is known ahead
    issued = forecasts, effects
    return move_steps(values, labels, flags, table, state, limits, learning, issued)


def _scored(given, conformal, drift):
    """Move intervals and drift; tell whether a change is to be noted."""
    mixed, labels, steps, waiting, first_row, fixed, taken, noted = given
    if len(steps) < mixed.shape[2]:
        for row, s, m in np.ndindex(taken.shape):
            taken[row, s, m] = mixed[row, s, steps[m] - 1]
        mixed = taken
    size, n_rows, is_calm = drift
    calm = on_stack(len(is_calm), np.bool_)
    for s in range(len(calm)):
        calm[s] = is_calm[s] > 0.0
    of_drift = size, n_rows, calm
    any_noted = move_errors(mixed, labels, waiting, first_row, fixed, conformal, of_drift, noted)
    for s in range(len(calm)):
        is_calm[s] = 1.0 if calm[s] else 0.0
    return any_noted


def _shift(outputs, jumps):
    """Add the jumps (n, S) to outputs (n, S, M), in place."""
    for row, s, m in np.ndindex(outputs.shape):
        outputs[row, s, m] += jumps[row, s]


_shapes, _scratch_shapes = inner(shapes_of, False), inner(scratch_shapes, False)
_open, _judged = inlined(_open, False), inlined(_judged, False)
_readouts, _others = inner(_readouts, False), inlined(_others, False)
_encode, _take, _followed = inlined(_encode, False), inlined(_take, False), inner(_followed, False)
_from_base, _stepped = inlined(_from_base, False), inlined(_stepped, False)
_scored, _shift = inlined(_scored, False), inlined(_shift, False)
follow_rows = compiled(follow_rows, False)
