"""The experts of a regressor over rows whose labels arrive with them."""

import numpy as np

from tsrnn.kernels.numpy_.conformal import expected_scale, score_errors
from tsrnn.kernels.numpy_.mixing import issue, score_experts


def score_rows(forecasts, labels, earlier, ages, mixing, intervals):
    """Score what is issued at rows by the labels they bring, for each age of the newest label.

    The last expert repeats the newest label known; at age a that is the one of a rows before,
    and where it is missing, nothing is learnt of that age.

    Parameters
    ----------
    forecasts : ndarray of shape (n, M, E - 1, S)
        Of the other experts, as they stood before the labels; where one is NaN, too, nothing is
        learnt.
    labels : ndarray of shape (n, S)
        NaN where missing.
    earlier : ndarray of shape (reach, S)
        Labels of the rows before, at least as many as the largest age.
    ages : ndarray of int, shape (M,)
    mixing : tuple of ndarray
        Discounts, and the arrays that `score_experts` moves in place.
    intervals : tuple of ndarray
        Probabilities, the arrays that `score_errors` moves in place, its pace, shares and noise.
    """
    (n, M, n_others, S), reach = forecasts.shape, len(earlier)
    discounts, *weighed = mixing
    probabilities, *scored, pace, own, noise = intervals
    parts, blend = weighed[-2:]
    level, profiles = scored[1], scored[3]
    prior, seasons = np.zeros_like(weighed[2]), np.zeros(0, dtype=np.intp)
    weights = np.ones((0, level.shape[1]))
    known = np.concatenate([earlier, labels])
    experts = np.empty((M, n_others + 1, S))
    for row in range(n):
        label = labels[row]
        if not np.isfinite(label).any():
            continue
        experts[:, :-1] = forecasts[row]
        experts[:, -1] = known[reach + row - ages]
        issued, mixture = issue(experts, parts, blend)
        unknown = np.isnan(experts).any(axis=1)  # no label of that age: no expert sleeps here
        issued[:, experts.shape[1] :][np.broadcast_to(unknown[:, None], blend.shape)] = np.nan
        mixture[unknown] = np.nan
        scale = expected_scale(level, profiles, weights, seasons, ages, row)
        errors = probabilities, seasons, row, *scored, pace, own, noise
        score_experts(issued - label, prior, discounts, *weighed)
        score_errors(label - mixture, scale, *errors)
