"""All that a row does to a learner in one call, out of the loops that its parts have.

What a row costs that comes alone is largely the way into compiled code and out of it again.
"""

import numpy as np

from tsrnn.kernels.numba_.conformal import follow_errors
from tsrnn.kernels.numba_.maths import compiled
from tsrnn.kernels.numba_.mixing import expert_forecasts, follow_experts
from tsrnn.kernels.numba_.one_stream import forward_stream, stream_of, with_stream
from tsrnn.kernels.numba_.per_step import follow_profiles, follow_steps
from tsrnn.kernels.numba_.rls import LEARNT, START, learn_rows, outputs, push_rows
from tsrnn.kernels.numba_.smoothing import follow_smoothing
from tsrnn.kernels.numba_.window import append_rows, views
from tsrnn.kernels.numpy_.per_step import COUNT, LEVEL, ZERO

# No shortcut of the compiler's: the very numbers of the loops come out.


def follow_rows(
    record,
    design,
    layer,
    readout,
    linear,
    columns,
    per_step,
    repeats,
    smoothing,
    mixing,
    intervals,
    learning,
    scoring,
):
    """Take in rows, as ``StreamLearner._take_in`` does part by part.

    What waits for its labels has n more rows in its arrays, which are written.

    Parameters
    ----------
    record : tuple
        Fields of the rows before, those of the new ones, how many before are kept, and the limits
        of the guard: see `append_rows`.
    design : tuple
        What `views` looks at, and how many rows back the calendar is.
    layer : tuple
        Weights and state of the network's only layer.
    readout, linear : tuple
        What waits, delays, covariance, weights and limits: see `learn_rows`.
    columns : ndarray of int
        The features beside the hidden state that the linear expert sees.
    per_step : tuple
        Values and flags of the rows before, table, state and limits; season and rates of the
        profiles: see `follow_steps` and `follow_profiles`.
    repeats : tuple
        Rows back and seasons: see `expert_forecasts`.
    smoothing : tuple
        Seasonal states, settings, steps, zero, rows seen before and state: see `follow_smoothing`.
    mixing : tuple
        What waits, scored steps, discounts, and the moving arrays: see `follow_experts`.
    intervals : tuple
        What waits, first row, fixed and moving arrays and those of drift: see `follow_errors`.
    learning, scoring : bool
        Whether readouts are learnt, and whether intervals follow.

    Returns
    -------
    plain : bool
        False: before a row can be learnt something rare is to be done, and nothing else counts.
    outputs : ndarray of shape (n, S, M)
        The mixtures, with the jumps of the targets put back.
    record : tuple of ndarray
    state : tuple of ndarray
    readout, linear : tuple
        Covariance and weights.
    per_step : tuple
        Flags and state, and whether something started anew.
    smoothing : tuple of ndarray
    mixing : tuple
        The moving arrays.
    intervals : tuple
        As `follow_errors` returns it; if not `scoring`, as it was.
    """
    n, record = len(record[1][0]), append_rows(*record)
    targets, inputs, calendar, levels, missing = *record[:4], record[7]
    start, stop = len(levels) - n, len(levels)
    rows = levels, targets, calendar, inputs, missing
    skip, seen, (_, scale) = views(rows, *design[0], (start, stop, design[1]))
    features, state = _encoded(layer, seen, scale, skip)
    base, labels = levels[start:], targets[start:].reshape(n, targets.shape[1], 1)
    plain, said, readout = _followed(features, base, labels, readout, learning)
    recurrent, seen = _from_base(said, base), _taken(skip, columns)
    also_plain, said, linear = _followed(seen, base, labels, linear, learning)
    of_steps, per_step = _stepped(base, targets[start:], per_step, learning)
    smoothed, smoothing = follow_smoothing(targets[start:], *smoothing), smoothing[4]
    experts = recurrent, said, of_steps, levels, smoothed[0]
    forecasts = expert_forecasts(*experts, *repeats, smoothing)
    waiting, steps, discounts, moving = mixing
    moving, mixed = follow_experts(forecasts, waiting, labels, steps, discounts, moving)
    scored = _scored(mixed, labels, steps[0], intervals, scoring)
    _shift(mixed, record[6][start:])
    parts = readout, linear, per_step, smoothed[1], moving, scored
    return plain and also_plain, mixed, record, state, *parts


def _encoded(layer, inputs, scale, skip):
    """Return the hidden state, in units of the scale, before other features; and the state."""
    weights, state = layer
    (n, S, D), H = inputs.shape, len(state[0])
    x, h = np.empty((n, D, 1), weights[0].dtype), np.empty((n, H, 1), weights[0].dtype)
    features, of_stream, after = np.empty((n, S, H + skip.shape[2])), state, state
    for s in range(S):
        for row, d in np.ndindex(n, D):
            x[row, d, 0] = inputs[row, s, d]
        if S > 1:
            of_stream = stream_of(state, s)
        moved = forward_stream(weights, x, of_stream, h)
        after = moved if S == 1 else with_stream(after, s, moved, s == 0)
        for row in range(n):
            at = features[row, s]
            for k in range(H):
                at[k] = h[row, k, 0] * scale[row, s]
            for k in range(skip.shape[2]):
                at[H + k] = skip[row, s, k]
    return features, after


def _taken(features, columns):
    taken = np.empty((len(features), features.shape[1], len(columns)))
    for row, s in np.ndindex(taken.shape[:2]):
        for k in range(len(columns)):
            taken[row, s, k] = features[row, s, columns[k]]
    return taken


def _followed(features, base, labels, readout, learning):
    """Return whether nothing rare came up, the outputs, and what has moved of a readout."""
    origins, delays, P, weights, limits = readout
    n = len(labels)
    told = np.empty((n, 2, *weights.shape[:2]))
    rows, why = (features, base, labels), LEARNT
    if learning:
        _, why, P, weights = learn_rows(
            0, n, START, origins, rows, delays, P, weights, limits, told
        )
    else:
        push_rows(origins, features, base)
        outputs(weights, features, told[:, 1])
    return why == LEARNT, told[:, 1], (P, weights)


def _from_base(changes, base):
    levels = np.empty(changes.shape)
    for row, s in np.ndindex(base.shape):
        for m in range(changes.shape[2]):
            levels[row, s, m] = changes[row, s, m] + base[row, s]
    return levels


def _stepped(base, labels, per_step, learning):
    """Return the forecasts of the readout of each step, and what has moved of it."""
    values, may_learn, table, state, limits, season, rates = per_step
    n, reach, M = len(base), len(values) - len(base), len(may_learn)
    flags = np.empty(M + n, np.bool_)
    for row in range(M):
        flags[row] = may_learn[row]
    for row in range(n):
        flags[M + row], now = learning, values[reach + row]
        for s in range(base.shape[1]):
            now[s, LEVEL], now[s, ZERO] = base[row, s], 0.0
            now[s, COUNT] = 1.0 if np.isfinite(labels[row, s]) else 0.0
    follow_profiles(values, reach, season, rates)
    forecasts, _, state, restarted = follow_steps(
        values, labels, flags, table, state, limits, learning
    )
    return forecasts, (flags[n:].copy(), state, restarted)


def _scored(mixed, labels, steps, intervals, scoring):
    if scoring:
        if len(steps) < mixed.shape[2]:
            taken = np.empty((*mixed.shape[:2], len(steps)))
            for row, s, m in np.ndindex(taken.shape):
                taken[row, s, m] = mixed[row, s, steps[m] - 1]
            mixed = taken
        return follow_errors(mixed, labels, *intervals)
    _, _, _, moving, drift = intervals
    return moving, drift, np.empty((0, mixed.shape[1])), False


def _shift(outputs, jumps):
    """Add the jumps (n, S) to outputs (n, S, M), in place."""
    for row, s, m in np.ndindex(outputs.shape):
        outputs[row, s, m] += jumps[row, s]


_encoded, _taken = compiled(_encoded, False), compiled(_taken, False)
_followed, _scored = compiled(_followed, False), compiled(_scored, False)
_from_base, _stepped = compiled(_from_base, False), compiled(_stepped, False)
_shift = compiled(_shift, False)
follow_rows = compiled(follow_rows, False)
