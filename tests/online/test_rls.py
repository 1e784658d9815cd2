"""Delayed recursive least squares against weighted ridge regression solved from scratch."""

import numpy as np
import pytest

from tsrnn.online.readouts.covariance import RENEWAL
from tsrnn.online.readouts.rls import DelayedRLS

pytestmark = pytest.mark.usefixtures("both_kernels")

S, K, N_ROWS = 2, 5, 60


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(N_ROWS, S, K))
    base = rng.normal(size=(N_ROWS, S))
    labels = rng.normal(size=(N_ROWS, S, 1))
    return features, base, labels


def batch_ridge(features, targets, forgetting, n_known):
    """Weighted ridge with the identity as prior, by the normal equations.

    The prior fades with every origin that has entered.
    """
    weights = forgetting ** np.arange(n_known - 1, -1, -1.0)
    x, y = features[:n_known], targets[:n_known]
    gram = forgetting**n_known * np.eye(x.shape[1]) + (x * weights[:, None]).T @ x
    return np.linalg.solve(gram, (x * weights[:, None]).T @ y)


@pytest.mark.parametrize("forgetting", [1.0, 0.97])
@pytest.mark.parametrize("delays", [[1], [0, 0], [1, 2, 5]])
def test_equals_batch_ridge_on_the_origins_whose_labels_are_in(rows, delays, forgetting):
    features, base, labels = rows
    readout = DelayedRLS(S, K, delays, forgetting).learn(features, base, labels)
    for s in range(S):
        for m, delay in enumerate(delays):
            n_known = N_ROWS - delay
            targets = labels[delay:, s, 0] - base[:n_known, s]
            expected = batch_ridge(features[:, s], targets, forgetting, n_known)
            np.testing.assert_allclose(readout.weights[s, m], expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("cuts", [[1, 2, 3], [30], list(range(1, N_ROWS))])
def test_any_split_of_the_rows_gives_the_same_bits(rows, cuts):
    whole = DelayedRLS(S, K, [1, 3], 0.99).learn(*rows)
    part = DelayedRLS(S, K, [1, 3], 0.99)
    for chunk in zip(*(np.split(a, cuts) for a in rows), strict=True):
        part = part.learn(*chunk)
    for name, value in whole.__getstate__().items():
        np.testing.assert_array_equal(getattr(part, name), value, err_msg=name)


def test_learning_leaves_the_old_readout_as_it_was(rows):
    features, base, labels = rows
    readout = DelayedRLS(S, K, [1, 2], 0.99).learn(features[:20], base[:20], labels[:20])
    before = {name: np.copy(value) for name, value in readout.__getstate__().items()}
    readout.learn(features[20:], base[20:], labels[20:])
    readout.advance(features[20:], base[20:])
    readout.restarted()
    for name, value in readout.__getstate__().items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)


def test_a_missing_label_is_not_learnt_from(rows):
    features, base, labels = rows
    labels = labels.copy()
    labels[40:, 0] = np.nan
    readout = DelayedRLS(S, K, [1], 0.99)
    until = readout.learn(features[:40], base[:40], labels[:40])
    after = until.learn(features[40:], base[40:], labels[40:])
    np.testing.assert_array_equal(after.weights[0], until.weights[0])
    assert (after.weights[1] != until.weights[1]).all()


def sparse_rows(n_rows, n_outputs, seed):
    """Rows of which three in ten bring no label, and the weights that made them."""
    rng = np.random.default_rng(seed)
    x = np.zeros(n_rows + K)
    for t in range(1, len(x)):
        x[t] = 0.8 * x[t - 1] + rng.normal()
    features = np.stack([x[k : n_rows + k] for k in range(K)], axis=1)[:, None]
    truth = rng.normal(size=(n_outputs, K))
    labels = np.full((n_rows, 1, n_outputs), np.nan)
    for m in range(n_outputs):
        labels[m + 1 :, 0, m] = features[: -m - 1, 0] @ truth[m] + rng.normal(size=n_rows - m - 1)
    labels[rng.random(n_rows) < 0.3] = np.nan
    return features, np.zeros((n_rows, 1)), labels, truth


def ridge_on_known_labels(features, labels, delay, forgetting):
    origins = np.arange(len(features) - delay)
    origins = origins[np.isfinite(labels[origins + delay])]
    weight = forgetting ** (len(features) - delay - 1.0 - origins)
    x, y = features[origins], labels[origins + delay]
    gram = forgetting ** (len(features) - delay) * np.eye(K) + (x.T * weight) @ x
    return np.linalg.solve(gram, (x.T * weight) @ y)


def test_what_is_taken_out_of_a_covariance_is_as_if_it_had_never_been_let_in():
    rng = np.random.default_rng(0)
    readout = DelayedRLS(3, K, [1, 2], 1.0)
    phi, share = rng.normal(size=(3, 4, K)), rng.random((3, 4))
    share[0, 1:3] = 0.0
    share[1] = 0.0
    weighted = share[..., None] * phi
    everything = np.eye(K) + phi.swapaxes(1, 2) @ phi
    inverse = np.linalg.inv(everything)
    readout.covariance = before = (inverse + inverse.swapaxes(1, 2)) / 2.0
    before[2] *= 100.0  # which knows less of them than is to be taken out
    readout._take_out(phi, share)
    left = np.linalg.inv(everything[0] - weighted[0].T @ phi[0])
    np.testing.assert_allclose(readout.covariance[0], left, rtol=1e-9)
    np.testing.assert_array_equal(readout.covariance[0], readout.covariance[0].T)
    np.testing.assert_array_equal(readout.covariance[1:], before[1:])


def test_with_one_output_missing_labels_leave_least_squares_exact():
    features, base, labels, _ = sparse_rows(400, 1, seed=0)
    readout = DelayedRLS(1, K, [1], 0.99).learn(features, base, labels)
    expected = ridge_on_known_labels(features[:, 0], labels[:, 0, 0], 1, 0.99)
    np.testing.assert_allclose(readout.weights[0, 0], expected, rtol=1e-8)


def test_with_several_outputs_missing_labels_cost_next_to_nothing():
    excess = {"ours": 0.0, "exact": 0.0}
    for seed in range(10):
        features, base, labels, truth = sparse_rows(2000, 6, seed)
        readout = DelayedRLS(1, K, np.arange(1, 7), 0.998).learn(features, base, labels)
        for m in range(6):
            exact = ridge_on_known_labels(features[:, 0], labels[:, 0, m], m + 1, 0.998)
            for name, weights in (("ours", readout.weights[0, m]), ("exact", exact)):
                excess[name] += np.mean((features[:, 0] @ (weights - truth[m])) ** 2)
    assert excess["ours"] < 1.05 * excess["exact"]


def test_rows_passed_without_learning_are_never_learnt_from(rows):
    features, base, labels = rows
    readout = DelayedRLS(S, K, [1, 4], 0.99).learn(features[:20], base[:20], labels[:20])
    passed = readout.advance(features[20:40], base[20:40])
    np.testing.assert_array_equal(passed.weights, readout.weights)
    np.testing.assert_array_equal(passed.covariance, readout.covariance)
    # The label of row 40 belongs to origins 39 and 36, both passed by.
    later = passed.learn(features[40:41], base[40:41], labels[40:41])
    np.testing.assert_array_equal(later.weights, readout.weights)


@pytest.mark.parametrize("forgetting", [0.9, 0.999])
def test_whatever_comes_the_covariance_stays_positive_and_the_weights_finite(forgetting):
    rng = np.random.default_rng(0)
    size = np.repeat([1e-9, 1e10, 1.0, 0.0, 1e-3, 1e6], 100)
    features = rng.normal(size=(600, 1, K)) * size[:, None, None]
    labels = rng.normal(size=(600, 1, 2)) * size[:, None, None]
    labels[rng.random(600) < 0.3] = np.nan
    readout = DelayedRLS(1, K, [1, 2], forgetting)
    for row in range(600):
        rows = slice(row, row + 1)
        readout = readout.learn(features[rows], np.zeros((1, 1)), labels[rows])
        assert np.isfinite(readout.weights).all()
        assert np.linalg.eigvalsh(readout.covariance[0]).min() > 0, row


def test_the_covariance_stays_symmetric_and_bounded_without_excitation():
    readout = DelayedRLS(1, 3, [1], 0.9)
    x = np.zeros((2000, 1, 3))
    x[:, 0, 0] = 1.0  # two directions are never excited: P would reach 0.9 ** -2000
    readout = readout.learn(x, np.zeros((2000, 1)), np.ones((2000, 1, 1)))
    P = readout.covariance[0]
    np.testing.assert_array_equal(P, P.T)
    assert np.isfinite(P).all()
    assert np.linalg.eigvalsh(P).min() > 0
    np.testing.assert_allclose(readout.output(x[-1:]), 1.0)


@pytest.mark.parametrize(("ridge", "K"), [(0.5, K), (20.0, K), (20.0, 150)])
def test_with_a_lasting_penalty_it_is_ridge_regression_for_good(ridge, K):
    rng = np.random.default_rng(0)
    n_rows = 6 * RENEWAL  # with 150 features the penalty is renewed every 128 rows
    features = rng.normal(size=(n_rows, 1, K))
    features[100:, :, 3:] = 0.0  # no longer excited: here a fading prior would hold nothing
    labels = (features @ rng.normal(size=(K, 2))) + rng.normal(size=(n_rows, 1, 2))
    readout = DelayedRLS(1, K, [0, 0], 0.98, ridge=[ridge])
    readout = readout.learn(features, np.zeros((n_rows, 1)), labels)
    weight = 0.98 ** np.arange(n_rows - 1, -1, -1)
    x, y = features[:, 0], labels[:, 0]
    gram = ridge * np.eye(K) + (x.T * weight) @ x
    expected = np.linalg.solve(gram, (x.T * weight) @ y).T
    np.testing.assert_allclose(readout.weights[0], expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(readout.covariance[0], np.linalg.inv(gram), rtol=1e-9, atol=1e-12)


def test_with_labels_to_come_a_lasting_penalty_is_ridge_regression_but_for_little():
    rng = np.random.default_rng(0)
    n_rows = 47 * RENEWAL
    features = rng.normal(size=(n_rows, 1, K))
    truth = rng.normal(size=K)
    labels = np.zeros((n_rows, 1, 1))
    labels[4:, 0, 0] = features[:-4, 0] @ truth + rng.normal(size=n_rows - 4)
    readout = DelayedRLS(1, K, [4], 0.99, ridge=[20.0])
    readout = readout.learn(features, np.zeros((n_rows, 1)), labels)
    weight = 0.99 ** np.arange(n_rows - 5, -1, -1)
    x, y = features[:-4, 0], labels[4:, 0, 0]
    expected = np.linalg.solve(20.0 * np.eye(K) + (x.T * weight) @ x, (x.T * weight) @ y)
    assert np.linalg.norm(readout.weights[0, 0] - expected) < 0.03 * np.linalg.norm(expected)


def test_a_lasting_penalty_bounds_the_covariance_without_excitation():
    readout = DelayedRLS(1, 3, [1], 0.9, ridge=[2.0])
    x = np.zeros((5000, 1, 3))
    x[:, 0, 0] = 1.0
    readout = readout.learn(x, np.zeros((5000, 1)), np.ones((5000, 1, 1)))
    P = readout.covariance[0]
    np.testing.assert_array_equal(P, P.T)
    values = np.linalg.eigvalsh(P)
    assert values.min() > 0
    assert values.max() <= 0.5 / (1 - 0.9**RENEWAL) / 0.9**RENEWAL


def test_follow_says_what_the_weights_after_each_row_would(rows):
    readout, expected = DelayedRLS(S, K, [1, 3], 0.99, ridge=[1.0, 2.0]), []
    _, outputs = readout.follow(*rows)
    for row in range(N_ROWS):
        readout = readout.learn(*(a[row : row + 1] for a in rows))
        expected.append(readout.output(rows[0][row : row + 1])[0])
    np.testing.assert_array_equal(outputs, expected)
    frozen, outputs = readout.follow(*rows, learning=False)
    np.testing.assert_array_equal(outputs, readout.output(rows[0]))
    np.testing.assert_array_equal(frozen.weights, readout.weights)
