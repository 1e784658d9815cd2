"""Rows of a readout for each step, compiled; maths and names are those of the NumPy kernels."""

import numpy as np

from tsrnn.kernels.numba_.maths import FASTMATH, compiled, inlined, inner, on_stack, product
from tsrnn.kernels.numpy_.per_step import COUNT, FAST, LEVEL, MEAN, N_COLUMNS, RENEW_EVERY, SLOW


def _dot(x, y):
    total = 0.0
    for k in range(x.size):
        total += x[k] * y[k]
    return total


_dot = inner(_dot, FASTMATH | {"reassoc"})


def follow_steps(values, labels, may_learn, table, state, limits, learning):
    """Learn rows one by one, and issue the forecasts of each; see the NumPy kernel."""
    state = tuple(map(np.copy, state))
    shape = (*labels.shape, len(table[0]))
    forecasts, effects = np.empty(shape), np.empty((*shape, table[2]))
    issued = forecasts, effects
    restarted = move_steps(values, labels, may_learn, table, state, limits, learning, issued)
    return forecasts, effects, state, restarted


def move_steps(values, labels, may_learn, table, state, limits, learning, issued):
    """As `follow_steps`, with the state in place, and forecasts and effects written."""
    (back, columns, n_ahead), (P, weights, counts), (forecasts, effects) = table, state, issued
    (n, S), (M, K), restarted = labels.shape, weights.shape[1:], False
    x, v, start = on_stack(K, np.float64), on_stack(K, np.float64), len(values) - n
    for s in range(S):
        for m in range(M):
            own = P[s, m], weights[s, m], counts[s, m : m + 1]
            for row in range(n):
                newest, origin = start + row, start + row - 1 - m
                label = labels[row, s]
                if learning and may_learn[M + row - 1 - m] and np.isfinite(label):
                    _look(values, origin, s, back[m], columns, x)
                    for k in range(n_ahead):
                        x[K - n_ahead + k] = values[newest, s, N_COLUMNS + k]
                    target = label - values[origin, s, LEVEL]
                    restarted |= _learn(x, target, own, limits, s, v)
                _look(values, newest, s, back[m], columns, x)
                change = _dot(weights[s, m], x)
                if not np.isfinite(change):
                    _start(own, 1.0 / limits[1][s])
                    change, restarted = 0.0, True
                forecasts[row, s, m] = values[newest, s, LEVEL] + change
                for k in range(n_ahead):
                    effects[row, s, m, k] = weights[s, m, K - n_ahead + k]
    return restarted


def _look(values, origin, s, back, columns, x):
    """Write the features of a step, as seen from an origin, to x, inputs at the step as zeros."""
    for k in range(len(columns)):
        of, less = columns[k, 0], columns[k, 1]
        found = values[origin - back[k, 0], s, of] - values[origin - back[k, 1], s, less]
        x[k] = 0.0 if np.isnan(found) else found  # what has not been seen yet
    x[len(columns)] = 1.0
    for k in range(len(columns) + 1, len(x)):
        x[k] = 0.0


def _learn(x, target, own, limits, s, v):
    """Take one step of recursive least squares in place; tell whether something started anew."""
    P, w, count = own
    forgetting, ridges, most_surprise, most_eigenvalue = limits
    restarted, K = False, x.size
    product(P, x, v)
    surprise = _dot(x, v)
    if not 0.0 <= surprise < most_surprise:
        size = max(_dot(x, x), 1.0)
        if not (surprise >= 0.0 and np.isfinite(surprise)):
            restarted, size = True, max(ridges[s], size / (0.1 * most_surprise))
        _start_covariance(P, 1.0 / size)
        product(P, x, v)
        surprise = _dot(x, v)
    denominator = forgetting + surprise
    step = (target - _dot(w, x)) / denominator
    root, trace = np.sqrt(denominator), 0.0
    for k in range(K):
        w[k] += v[k] * step
        v[k] /= root
        trace += P[k, k] - v[k] * v[k]
    inflation = 1.0 / forgetting if trace < most_eigenvalue * K else 1.0
    for i in range(K):
        old, v_i = P[i], v[i]
        for j in range(K):
            old[j] = (old[j] - v_i * v[j]) * inflation
    count[0] += 1
    if count[0] % RENEW_EVERY == 0:
        _renew(P, w, (count[0] // RENEW_EVERY - 1) % K, ridges[s], forgetting, v)
    return restarted


def _renew(P, w, at, ridge, forgetting, v):
    """Put back what has faded of the penalty of one weight."""
    faded = ridge * (1.0 - forgetting ** (RENEW_EVERY * w.size))
    if faded > 0.0:
        root, w_at = np.sqrt(1.0 / faded + P[at, at]), w[at]
        for k in range(w.size):
            v[k] = P[at, k] / root
        for i in range(w.size):
            old, v_i = P[i], v[i]
            w[i] -= v_i / root * w_at
            for j in range(w.size):
                old[j] -= v_i * v[j]


def _start(own, variance):
    P, w, _ = own
    w[:] = 0.0
    _start_covariance(P, variance)


def _start_covariance(P, variance):
    for i in range(len(P)):
        for j in range(len(P)):
            P[i, j] = variance if i == j else 0.0


def follow_profiles(values, start, season, rates):
    """Fill in the profiles of the rows from `start` on, in place; see the NumPy kernel."""
    fast_rate, slow_rate, mean_rate = rates
    for row in range(start, len(values)):
        for s in range(values.shape[1]):
            now, before = values[row, s], values[row - season, s]
            known, level = now[COUNT] > 0.0, now[LEVEL]
            now[MEAN] = values[row - 1, s, MEAN]
            now[FAST], now[SLOW], now[COUNT] = before[FAST], before[SLOW], before[COUNT]
            if known:
                now[COUNT] += 1.0
                now[FAST] = level if np.isnan(now[FAST]) else now[FAST]
                now[SLOW] = level if np.isnan(now[SLOW]) else now[SLOW]
                now[FAST] += max(fast_rate, 1.0 / now[COUNT]) * (level - now[FAST])
                now[SLOW] += max(slow_rate, 1.0 / now[COUNT]) * (level - now[SLOW])
                now[MEAN] += mean_rate * (level - now[MEAN])


_look, _start_covariance = inner(_look, False), inner(_start_covariance, False)
_start, _renew = inlined(_start, False), inlined(_renew)
_learn, move_steps = inner(_learn), compiled(move_steps, False)
follow_profiles = compiled(follow_profiles, False)
