"""Intervals and drift over rows, compiled; maths and names are those of `Conformal`, `Drift`."""

import numpy as np

from tsrnn.kernels.numba_.maths import compiled, inlined, inner, on_stack
from tsrnn.kernels.numpy_ import conformal, tails
from tsrnn.kernels.numpy_.conformal import (
    EARLY_RATE,
    FAR,
    FIRST_RATE,
    LARGEST_EARLY,
    LARGEST_RATE,
    LEVEL_RATE,
    OUTLIER,
    PROFILE_LIMITS,
    PROFILE_OUTLIER,
    PROFILE_RATE,
    RATE,
    SMALLEST_SIZE,
    TINY,
)
from tsrnn.kernels.numpy_.drift import CALM, FALL, FIRST_ROWS, LIMIT, RISE
from tsrnn.kernels.numpy_.drift import RATE as DRIFT_RATE
from tsrnn.kernels.numpy_.tails import COUNT, FIRST_WEIGHT, LARGEST, MEAN, SQUARE
from tsrnn.kernels.numpy_.tails import RATE as TAIL_RATE

LOW, HIGH = PROFILE_LIMITS


# No shortcut of the compiler's: infinities and NaN mean something here.


def follow_errors(forecasts, labels, waiting, first_row, fixed, moving, drift):
    """Score what was forecast by the labels of rows, and note the scale of their own forecasts.

    Parameters
    ----------
    forecasts : ndarray of shape (n, S, M)
    labels : ndarray of shape (n, S, M or 1)
    waiting : ndarray of shape (reach + n, M, 2, S)
        Forecast and scale of the rows before; those of the rows are written behind them.
    first_row : int
    fixed : tuple of ndarray
        Probabilities, delays, shares of what is a step's own, seasons and noise, of a `Conformal`.
    moving : tuple of ndarray
        Its quantiles, level, n_labels and profiles; and the tails, see `follow_tails`.
    drift : tuple of ndarray
        Size, n_rows and calm.

    Returns
    -------
    moving : tuple of ndarray
    drift : tuple of ndarray
    noted : ndarray of shape (n, S)
        The size that is a change worth noting, else NaN.
    any_noted : bool
    """
    moving, drift = tuple(map(np.copy, moving)), tuple(map(np.copy, drift))
    noted = np.empty(labels.shape[:2])
    any_noted = move_errors(forecasts, labels, waiting, first_row, fixed, moving, drift, noted)
    return moving, drift, noted, any_noted


def move_errors(forecasts, labels, waiting, first_row, fixed, moving, drift, noted):
    """As `follow_errors`, with the moving arrays in place, and noted sizes written."""
    probabilities, delays, own, seasons, noise = fixed
    quantiles, level, n_labels, profiles, tails = moving
    low, high = _thresholds(probabilities)
    (size, n_rows, calm), any_noted = drift, False
    n, (M, S), reach = len(labels), level.shape, len(waiting) - len(labels)
    excess, mean = on_stack(M, np.float64), on_stack(len(probabilities) + 2, np.float64)
    weights, off = on_stack(len(seasons), np.float64), on_stack(len(seasons), np.float64)
    for row in range(n):
        now = first_row + row
        for s in range(S):
            _season_weights(
                profiles, seasons, min(n_labels[0, s], now + 1.0), noise, s, weights, off
            )
            expected, n_known, scaled = _factor(profiles, weights, seasons, now, s), 0.0, 0.0
            mean[:] = 0.0
            for m in range(M):
                past = waiting[reach + row - delays[m], m]
                error = labels[row, s, min(m, labels.shape[2] - 1)] - past[0, s]
                excess[m] = np.nan
                if np.isfinite(error):
                    n_known += 1.0
                    scaled += min(abs(error) / past[1, s], LIMIT)
                    if m == 0:
                        _follow_tail(quantiles[low, m, s] - error / past[1, s], tails[0], s)
                        _follow_tail(error / past[1, s] - quantiles[high, m, s], tails[1], s)
                    excess[m] = _score(
                        error,
                        past[1, s],
                        expected,
                        probabilities,
                        quantiles[:, m, s],
                        level[m],
                        n_labels[m],
                        s,
                        pace_of(delays[m]),
                        own[m],
                        mean,
                    )
            if n_known > 0.0:
                _move_profiles(profiles, seasons, off, now, s, excess, n_known)
                _season_weights(
                    profiles, seasons, min(n_labels[0, s], now + 1.0), noise, s, weights, off
                )
            noted[row, s] = _drift(scaled, n_known, size, n_rows, calm, s)
            any_noted |= not np.isnan(noted[row, s])
            for m in range(M):
                scale = level[m, s] * _factor(profiles, weights, seasons, now + delays[m], s)
                waiting[reach + row, m, 0, s] = forecasts[row, s, m]
                waiting[reach + row, m, 1, s] = max(scale, TINY)
    return any_noted


def expected_scale(level, profiles, weights, seasons, delays, row):
    """Return the expected size (M, S) of errors, as of `tsrnn.kernels.numpy_.conformal`."""
    scale = np.empty(level.shape)
    for m, s in np.ndindex(level.shape):
        factor = _factor(profiles, weights[:, s], seasons, row + delays[m], s)
        scale[m, s] = max(level[m, s] * factor, TINY)
    return scale


def score_errors(
    error, scale, probabilities, seasons, row, quantiles, level, n_labels, profiles, pace, own,
    noise,
):  # fmt: skip
    """Move quantiles, levels and profiles by errors, as of `tsrnn.kernels.numpy_.conformal`."""
    (M, S), excess = error.shape, on_stack(len(error), np.float64)
    mean = on_stack(len(probabilities) + 2, np.float64)
    weights, off = on_stack(len(seasons), np.float64), on_stack(len(seasons), np.float64)
    for s in range(S):
        _season_weights(profiles, seasons, min(n_labels[0, s], row + 1.0), noise, s, weights, off)
        expected, n_known = _factor(profiles, weights, seasons, row, s), 0.0
        mean[:] = 0.0
        for m in range(M):
            excess[m] = np.nan
            if np.isfinite(error[m, s]):
                n_known += 1.0
                moving = quantiles[:, m, s], level[m], n_labels[m], s, pace[m], own[m], mean
                excess[m] = _score(error[m, s], scale[m, s], expected, probabilities, *moving)
        if n_known > 0.0:
            _move_profiles(profiles, seasons, off, row, s, excess, n_known)


def follow_size(scaled, size, n_rows, calm):
    """Move the recent size of errors, as of `tsrnn.kernels.numpy_.drift`."""
    noted = np.empty(len(size))
    for s in range(len(size)):
        total, n_known = 0.0, 0.0
        for m in range(len(scaled)):
            if np.isfinite(scaled[m, s]):
                n_known += 1.0
                total += min(scaled[m, s], LIMIT)
        noted[s] = _drift(total, n_known, size, n_rows, calm, s)
    return noted


def follow_tails(scaled, quantiles, probabilities, tails):
    """Move the moments of tails by errors, as of `tsrnn.kernels.numpy_.tails`."""
    low, high = _thresholds(probabilities)
    for s in range(len(scaled)):
        _follow_tail(quantiles[low, s] - scaled[s], tails[0], s)
        _follow_tail(scaled[s] - quantiles[high, s], tails[1], s)


def _follow_tail(excess, tail, s):
    """Move the moments of a tail by an error, if it lies beyond where the tail begins."""
    if not excess > 0.0:
        return
    mean, square = tail[MEAN, s], tail[SQUARE, s]
    excess = min(excess, LARGEST * mean)
    rate = max(1.0 / (tail[COUNT, s] + 1.0 + FIRST_WEIGHT), TAIL_RATE)
    tail[MEAN, s] = mean + rate * (excess - mean)
    tail[SQUARE, s] = square + rate * (excess * excess - square)
    tail[COUNT, s] += 1.0


def _season_weights(profiles, seasons, n_rows, noise, s, weights, off):
    """Write the weights of the seasons of a stream, and the mean of the factors of each less 1."""
    weights[:], off[:], start = 1.0, 0.0, 0
    if noise == 0.0:
        return
    for i in range(len(seasons)):
        season, total, squares = seasons[i], 0.0, 0.0
        for place in range(start, start + season):
            more = profiles[place, s] - 1.0
            total += more
            squares += more * more
        start += season
        off[i] = total / season
        found = squares / season - off[i] * off[i]
        by_chance = noise * (1.0 - (1.0 - PROFILE_RATE) ** (2.0 * n_rows / season))
        weights[i] = 1.0 - (by_chance / found) ** 2 if found > by_chance else 0.0


def _factor(profiles, weights, seasons, row, s):
    """Return the product of the factors of a row."""
    product, start = 1.0, 0
    for i in range(len(seasons)):
        product *= 1.0 + weights[i] * (profiles[start + row % seasons[i], s] - 1.0)
        start += seasons[i]
    return product


def _score(error, scale, profile, probabilities, quantiles, level, n_labels, s, pace, own, mean):
    """Move quantiles and level by an error; return its excess over what was to be expected.

    Of nearer steps, and then of this one too, `mean` (Q + 2,) has the sums of the moves of the
    quantiles, of the excess, and of the weights.
    """
    Q, weight = len(quantiles), own * own
    root = min(FIRST_RATE / np.sqrt(n_labels[s] + 1.0), LARGEST_RATE)
    rate = pace * max(root, RATE)
    mean[Q + 1] += weight
    other = (1.0 - own) / mean[Q + 1]
    for q in range(Q):
        step = probabilities[q] - (1.0 if error / scale < quantiles[q] else 0.0)
        mean[q] += weight * step
        step = own * step + other * mean[q]
        quantiles[q] += max(abs(quantiles[q]), SMALLEST_SIZE) * (rate * step)
    base = max(level[s], TINY)
    excess = min(abs(error) / (base * profile), OUTLIER) - 1.0
    early = min(EARLY_RATE / (n_labels[s] + 1.0), LARGEST_EARLY)
    n_labels[s] += 1.0
    early = max(1.0 / (n_labels[s] + 1.0), early)
    rate = max(pace * max(LEVEL_RATE, root), early)
    alone = max(own, early / rate * min(1.0 / (FAR * weight), 1.0))
    mean[Q] += weight * excess
    level[s] += rate * (alone * excess + (1.0 - alone) * (mean[Q] / mean[Q + 1])) * base
    return excess


def _move_profiles(profiles, seasons, off, row, s, excess, n_known):
    """Move the factors of a row by the mean excess of its errors, and by what they are off 1."""
    total, start = 0.0, 0
    for m in range(len(excess)):
        if np.isfinite(excess[m]):
            total += min(excess[m], PROFILE_OUTLIER - 1.0)
    for i in range(len(seasons)):
        at, factor = start + row % seasons[i], 1.0 + PROFILE_RATE * (total / n_known - off[i])
        profiles[at, s] = min(max(profiles[at, s] * factor, LOW), HIGH)
        start += seasons[i]


def _drift(scaled, n_known, size, n_rows, calm, s):
    """Move the recent size of errors; return it where it is a change to be noted, else NaN."""
    if n_known > 0.0:
        size[s] += DRIFT_RATE * (scaled / n_known - size[s])
        n_rows[s] += 1.0
    far = size[s] > RISE or size[s] < FALL
    noted = size[s] if far and calm[s] and n_rows[s] >= FIRST_ROWS else np.nan
    calm[s] = (calm[s] and not far) or CALM[0] < size[s] < CALM[1]
    return noted


_thresholds, _follow_tail = inner(tails.thresholds, False), inner(_follow_tail, False)
pace_of = inner(conformal.pace_of, False)
_season_weights, _factor = inner(_season_weights, False), inner(_factor, False)
_score = inner(_score, False)
_move_profiles, _drift = inlined(_move_profiles, False), inlined(_drift, False)
move_errors = compiled(move_errors, False)
expected_scale = compiled(expected_scale, False, allocates=True)
score_errors, follow_tails = compiled(score_errors, False), compiled(follow_tails, False)
follow_size = compiled(follow_size, False, allocates=True)
