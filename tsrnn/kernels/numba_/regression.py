"""The experts of a regressor over rows, compiled; see `tsrnn.kernels.numpy_.regression`."""

import numpy as np

from tsrnn.kernels.numba_.conformal import expected_scale, score_errors
from tsrnn.kernels.numba_.maths import compiled, inner
from tsrnn.kernels.numba_.mixing import score_experts

# No shortcut of the compiler's: NaN means something here.


def score_rows(forecasts, labels, earlier, ages, mixing, intervals):
    """Score what is issued at rows by the labels they bring, for each age of the newest label."""
    (n, M, n_others, S), reach = forecasts.shape, len(earlier)
    discounts, regret, spread, loss, n_labels, size, parts, blend = mixing
    probabilities, quantiles, level, n_errors, profiles, pace, own, noise = intervals
    prior, seasons = np.zeros((1, loss.shape[1], 1)), np.zeros(0, np.intp)
    error, mixture_error, weights = np.empty(loss.shape), np.empty((M, S)), np.ones((0, S))
    for row in range(n):
        any_known = False
        for s in range(S):
            any_known |= np.isfinite(labels[row, s])
        if not any_known:
            continue
        for m, s in np.ndindex(M, S):
            place, label = reach + row - ages[m], labels[row, s]
            newest = earlier[place, s] if place < reach else labels[place - reach, s]
            for e in range(n_others):
                error[m, e, s] = forecasts[row, m, e, s] - label
            error[m, n_others, s] = newest - label
            # weights are of sum 1: the error of a mixture is the mixture of the errors
            mixture_error[m, s] = -_mix(error, parts, blend, m, s)
        scale = expected_scale(level, profiles, weights, seasons, ages, row)
        score_experts(error, prior, discounts, regret, spread, loss, n_labels, size, parts, blend)
        scored = quantiles, level, n_errors, profiles
        score_errors(mixture_error, scale, probabilities, seasons, row, *scored, pace, own, noise)


def _mix(error, parts, blend, m, s):
    """Write the errors of the mixtures behind those of the experts; return that of the blend."""
    (n_mixtures, E), blended = parts.shape[1:3], 0.0
    for r in range(n_mixtures):
        mixture = 0.0
        for e in range(E):
            mixture += parts[m, r, e, s] * error[m, e, s]
        error[m, E + r, s] = mixture
        blended += blend[m, r, s] * mixture
    return blended


_mix = inner(_mix, False)
score_rows = compiled(score_rows, False, allocates=True)
