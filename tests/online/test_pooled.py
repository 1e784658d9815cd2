"""The pooled readout against weighted ridge regression on all origins, solved from scratch."""

import numpy as np
import pytest

from tsrnn.online.readouts.pooled import PooledRLS

J, B, K, M, N = 2, 3, 4, 3, 50  # targets, series, features, outputs, stamps


def stream(n_stamps=N, n_series=B, n_outputs=M, seed=0, missing=0.0):
    """Features (n, J, B, K) and labels (n, J, B) of a linear world with noise."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n_stamps, J, n_series, K))
    labels = rng.normal(size=(n_stamps, J, n_series)) + features[:, ..., 0]
    labels[rng.random(labels.shape) < missing] = np.nan
    return features, labels


def learnt(features, labels, forgetting, penalty, n_outputs=M, groups=None):
    """Walk a readout through the stamps, as the learner of a panel does."""
    n, _, n_series, _ = features.shape
    readout = PooledRLS(J, K, n_outputs, forgetting, penalty)
    for t in range(n):
        first = t - n_outputs
        rows = np.arange(first, t)
        seen = np.where((rows >= 0)[:, None, None, None], features[np.maximum(rows, 0)], 0.0)
        known = np.isfinite(labels[t]) & (rows >= 0)[:, None, None]
        missing = ~np.isfinite(labels[t]) & (rows >= 0)[:, None, None]
        origins = [(slice(0, n_outputs), seen)]
        errors = readout.errors(origins, np.broadcast_to(labels[t], (n_outputs, *labels[t].shape)))
        before = readout
        failed = came = None
        if missing.any():
            failed = [seen[:, j][missing[:, j]] for j in range(J)]
            ages = np.broadcast_to((t - 1 - rows)[:, None], missing[:, 0].shape)
            failed = failed, [ages[missing[:, j]] for j in range(J)]
        if known.any():
            entered = np.broadcast_to(rows[:, None], (n_outputs, n_series))
            came = origins, errors, entered, known
        readout = readout.learn(t, readout.sums(t, features[t], failed, came), 1)
        assert (before.gram == before.gram.swapaxes(1, 2)).all()
    return readout


def ridge(features, labels, delay, forgetting, penalty):
    """Solve for the weights (J, K) of one output by the normal equations of the known labels."""
    n = len(features) - delay
    weights = np.empty((J, K))
    for j in range(J):
        age = np.repeat(forgetting ** np.arange(n - 1, -1, -1.0), features.shape[2])
        x, y = features[:n, j].reshape(-1, K), labels[delay:, j].ravel()
        known = np.isfinite(y)
        x, y, age = x[known], y[known], age[known]
        gram = penalty * np.eye(K) + (x.T * age) @ x
        weights[j] = np.linalg.solve(gram, (x.T * age) @ y)
    return weights


@pytest.mark.parametrize("forgetting", [1.0, 0.95])
@pytest.mark.parametrize("penalty", [1.0, 30.0])
def test_equals_ridge_on_all_origins_whose_labels_are_in(forgetting, penalty):
    features, labels = stream()
    readout = learnt(features, labels, forgetting, penalty)
    for output in range(M):
        expected = ridge(features, labels, output + 1, forgetting, penalty)
        np.testing.assert_allclose(readout.weights[:, output], expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    ("n_stamps", "share"),
    [(200, 0.3), pytest.param(700, 0.3, marks=pytest.mark.slow), (700, 0.7)],
)
def test_with_labels_missing_the_excess_error_is_that_of_exact_least_squares(n_stamps, share):
    truth, excess = np.eye(K)[0], {"ours": 0.0, "exact": 0.0}
    for seed in range(4):
        features, labels = stream(n_stamps, 4, 6, seed)
        rng = np.random.default_rng(seed)
        labels = np.full_like(labels, np.nan)
        labels[1:] = features[:-1, ..., 0] + rng.normal(size=labels[1:].shape)
        labels[rng.random(labels.shape) < share] = np.nan
        readout = learnt(features, labels, 0.998, 1.0, n_outputs=6)
        exact = ridge(features, labels, 1, 0.998, 1.0)
        for name, weights in (("ours", readout.weights[:, 0]), ("exact", exact)):
            excess[name] += np.square(weights - truth).sum()
    assert excess["ours"] < 1.05 * excess["exact"]


def test_the_gram_stays_positive_however_much_is_missing():
    features, labels = stream(300, missing=0.9)
    readout = learnt(1e3 * features, labels, 0.9, 1.0)
    assert np.linalg.eigvalsh(readout.gram).min() > 0.0
    assert np.isfinite(readout.weights).all()


def test_methods_leave_the_old_readout_as_it_was():
    features, labels = stream(10)
    readout = learnt(features, labels, 0.9, 1.0)
    weights, gram, gains = readout.weights.copy(), readout.gram.copy(), dict(readout.gains)
    failed = [features[0, j] for j in range(J)], [np.zeros(B)] * J
    origins = [(slice(0, M), features[:M])]
    known = np.ones((M, J, B), dtype=bool)
    came = origins, np.ones((M, J, 1, B)), np.full((M, B), 10), known
    readout.learn(10, readout.sums(10, features[0], failed, came), 1)
    np.testing.assert_array_equal(readout.weights, weights)
    np.testing.assert_array_equal(readout.gram, gram)
    assert readout.gains.keys() == gains.keys()
