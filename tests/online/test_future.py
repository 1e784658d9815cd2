"""What is known ahead of each step, against ridge regression on all of it at once."""

import numpy as np
import pytest
from helpers import content

from tsrnn.online.readouts.future import FutureRLS
from tsrnn.online.readouts.rls import DelayedRLS

N, S, K, Z, DELAYS = 60, 2, 3, 2, [1, 2, 4]
M = len(DELAYS)


@pytest.fixture
def stream():
    """Features, bases, labels as they arrive, and what was known ahead, by origin."""
    rng = np.random.default_rng(0)
    features, base = rng.normal(size=(N, S, K)), rng.normal(size=(N, S))
    ahead = rng.normal(size=(N, 1, M, Z)) + features[:, :1, :1, None]
    labels = rng.normal(size=(N, S, M))
    return features, base, labels, ahead


def by_arrival(ahead):
    arrived = np.zeros_like(ahead)
    for m, delay in enumerate(DELAYS):
        arrived[delay:, :, m] = ahead[:-delay, :, m]
    return arrived


def ridge(features, base, labels, ahead, forgetting, s, m):
    """Exponentially weighted ridge regression on [features; what is known ahead], literally."""
    n = N - DELAYS[m]
    X = np.concatenate([features[:n, s], ahead[:n, 0, m]], axis=1)
    y = labels[DELAYS[m] :, s, m] - base[:n, s]
    known = np.isfinite(y)
    weight = forgetting ** np.arange(n - 1, -1, -1.0) * known
    prior = [forgetting**n] * K + [forgetting**N] * Z  # each forgotten since its first row
    A = (X * weight[:, None]).T @ X + np.diag(prior)
    return np.linalg.solve(A, (X * weight[:, None]).T @ np.where(known, y, 0.0))


@pytest.mark.parametrize("forgetting", [0.9, 0.99, 1.0])
def test_it_is_ridge_regression_on_both(stream, forgetting):
    features, base, labels, ahead = stream
    readout = FutureRLS(S, K, DELAYS, forgetting, Z)
    readout = readout.learn(features, base, labels, by_arrival(ahead))
    for s in range(S):
        for m in range(M):
            weights = np.concatenate([readout.weights[s, m], readout.effect_weights[s, m]])
            expected = ridge(features, base, labels, ahead, forgetting, s, m)
            np.testing.assert_allclose(weights, expected, rtol=1e-8, atol=1e-10)


def test_one_output_may_miss_labels(stream):
    features, base, labels, ahead = stream
    labels[20:30, :, :], labels[45, :, :] = np.nan, np.nan
    sub = slice(0, 1)
    readout = FutureRLS(S, K, DELAYS[sub], 0.98, Z)
    arrived = by_arrival(ahead)[:, :, sub]
    readout = readout.learn(features, base, labels[:, :, sub], arrived)
    for s in range(S):
        weights = np.concatenate([readout.weights[s, 0], readout.effect_weights[s, 0]])
        expected = ridge(features, base, labels, ahead, 0.98, s, 0)
        np.testing.assert_allclose(weights, expected, rtol=0.02, atol=0.005)


def test_without_effects_it_is_the_readout_without_what_is_known_ahead(stream):
    features, base, labels, ahead = stream
    plain = DelayedRLS(S, K, DELAYS, 0.99).learn(features, base, labels)
    readout = FutureRLS(S, K, DELAYS, 0.99, Z)
    readout = readout.learn(features, base, labels, np.zeros_like(ahead))
    np.testing.assert_allclose(readout.weights, plain.weights, rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(readout.effect_weights, 0.0)
    np.testing.assert_allclose(
        readout.output(features, ahead), plain.output(features), rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("cuts", [[30], [1, 2, 3, 17, 58], list(range(1, N))])
def test_any_split_gives_the_same_readout(stream, cuts):
    features, base, labels, ahead = stream
    labels[5:9, 0] = np.nan
    arrived = by_arrival(ahead)
    whole = FutureRLS(S, K, DELAYS, 0.99, Z).learn(features, base, labels, arrived)
    parts = FutureRLS(S, K, DELAYS, 0.99, Z)
    before = content(parts)
    blank = parts
    for start, stop in zip([0, *cuts], [*cuts, N], strict=True):
        rows = slice(start, stop)
        parts = parts.learn(features[rows], base[rows], labels[rows], arrived[rows])
    assert content(whole) == content(parts)
    assert content(blank) == before  # a readout is a value


def test_origins_that_wait_keep_their_base_while_rows_pass(stream):
    features, base, labels, ahead = stream
    plain, readout = DelayedRLS(S, K, DELAYS, 0.99), FutureRLS(S, K, DELAYS, 0.99, Z)
    for start, stop, learning in [(0, 30, True), (30, 31, False), (31, 33, True), (33, 60, False)]:
        rows = slice(start, stop)
        if learning:
            plain = plain.learn(features[rows], base[rows], labels[rows])
            readout = readout.learn(features[rows], base[rows], labels[rows], 0 * ahead[rows])
        else:
            plain = plain.advance(features[rows], base[rows])
            readout = readout.advance(features[rows], base[rows])
        np.testing.assert_allclose(readout.weights, plain.weights, rtol=1e-10, atol=1e-12)


def test_rows_let_pass_are_never_learnt_from(stream):
    features, base, labels, ahead = stream
    arrived = by_arrival(ahead)
    readout = FutureRLS(S, K, DELAYS, 0.99, Z)
    readout = readout.learn(features[:30], base[:30], labels[:30], arrived[:30])
    for passed in (readout.advance(features[30:40], base[30:40]), readout.restarted()):
        later = passed.learn(features[40:41], base[40:41], labels[40:41], arrived[40:41])
        np.testing.assert_array_equal(later.weights, readout.weights)
        np.testing.assert_array_equal(later.effect_weights, readout.effect_weights)
