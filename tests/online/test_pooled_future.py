"""The pooled readout with regressors of each step, against one ridge regression from scratch."""

import numpy as np
import pytest

from tsrnn.online.readouts.pooled_future import PooledFutureRLS

J, B, K, M, Z, N = 2, 3, 4, 3, 2, 60  # targets, series, features, outputs, known ahead, stamps
EFFECT = np.array([2.0, -1.0])


def stream(n_stamps=N, n_series=B, n_outputs=M, seed=0):
    """Features (n, J, B, K), known ahead of labels (n, M, Z, B), and labels (n, J, M, B).

    What is known ahead is correlated with the features of the origins: half of it is theirs.
    """
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n_stamps, J, n_series, K))
    known = rng.normal(size=(n_stamps, n_outputs, Z, n_series))
    labels = rng.normal(size=(n_stamps, J, n_outputs, n_series))
    for output in range(n_outputs):
        at = slice(output + 1, None)
        known[at, output] += features[: -output - 1, 0].swapaxes(1, 2)[:, :Z]
        labels[at, :, output] += features[: -output - 1, ..., 0]
    labels += np.einsum("nmzb,z->nmb", known, EFFECT)[:, None]
    return features, known, labels


def learnt(features, known, labels, forgetting, penalty):
    """Walk a readout through the stamps, as the learner of a panel does."""
    n, _, n_series, _ = features.shape
    n_outputs = labels.shape[2]
    readout = PooledFutureRLS(J, K, n_outputs, forgetting, penalty, Z)
    for t in range(n):
        rows = np.arange(t - n_outputs, t)
        there = (rows >= 0)[:, None, None]
        seen = np.where(there[..., None], features[np.maximum(rows, 0)], 0.0)
        own = labels[t, :, ::-1].swapaxes(0, 1)  # (M, J, B), the oldest origin first
        ahead = np.broadcast_to(known[t, ::-1, None], (n_outputs, J, Z, n_series))
        origins = [(slice(0, n_outputs), seen)]
        errors = readout.errors(origins, np.concatenate([own[:, :, None], ahead], axis=2))
        known_now = np.isfinite(own) & there
        missing = ~np.isfinite(own) & there
        failed = came = None
        if missing.any():
            failed = [seen[:, j][missing[:, j]] for j in range(J)]
            ages = np.broadcast_to((t - 1 - rows)[:, None], missing[:, 0].shape)
            failed = failed, [ages[missing[:, j]] for j in range(J)]
        if known_now.any():
            entered = np.broadcast_to(rows[:, None], (n_outputs, n_series))
            came = origins, errors, entered, known_now
        readout = readout.learn(t, readout.sums(t, features[t], failed, came), 1)
    return readout


def ridge(features, known, labels, output, forgetting, penalty):
    """Solve for weights and effects (J, K + Z) of one output: its origins with known labels."""
    n, solved = len(features) - output - 1, []
    for j in range(J):
        age = np.repeat(forgetting ** np.arange(n - 1, -1, -1.0), features.shape[2])
        ahead = known[output + 1 :, output].swapaxes(1, 2).reshape(-1, Z)
        x = np.concatenate([features[:n, j].reshape(-1, K), ahead], axis=1)
        y = labels[output + 1 :, j, output].ravel()
        came = np.isfinite(y)
        x, y, age = x[came], y[came], age[came]
        held = np.diag([penalty] * K + [1.0] * Z)
        solved.append(np.linalg.solve(held + (x.T * age) @ x, (x.T * age) @ y))
    return np.stack(solved)


@pytest.mark.parametrize("forgetting", [1.0, 0.95])
@pytest.mark.parametrize("penalty", [1.0, 30.0])
def test_equals_ridge_on_the_features_and_what_is_known_ahead(forgetting, penalty):
    rows = stream()
    readout = learnt(*rows, forgetting, penalty)
    for output in range(M):
        expected = ridge(*rows, output, forgetting, penalty)
        found = np.concatenate([readout.weights[:, output], readout.effects[:, output]], axis=1)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    ("n_stamps", "share"),
    [(200, 0.3), pytest.param(700, 0.3, marks=pytest.mark.slow), (700, 0.7)],
)
def test_with_labels_missing_the_excess_error_is_that_of_exact_least_squares(n_stamps, share):
    truth, excess = np.append(np.eye(K)[0], EFFECT), np.zeros(2)
    for seed in range(4):
        features, known, labels = stream(n_stamps, 4, 6, seed)
        rng = np.random.default_rng(seed)
        gone = rng.random((n_stamps, J, 1, 4)) < share  # a row's value is missing for all origins
        labels = np.where(gone, np.nan, labels)
        readout = learnt(features, known, labels, 0.998, 1.0)
        ours = np.concatenate([readout.weights[:, 0], readout.effects[:, 0]], axis=1)
        exact = ridge(features, known, labels, 0, 0.998, 1.0)
        excess += [np.square(w - truth).sum() for w in (ours, exact)]
    assert excess[0] < 1.05 * excess[1]


@pytest.mark.parametrize("size", [1.0, 1e6])
def test_what_is_left_stays_positive_whatever_is_missing(size):
    features, known, labels = stream(300)
    labels[np.random.default_rng(0).random(labels.shape) < 0.9] = np.nan
    known = size * known
    known[:, :, 1] = known[:, :, 0]  # and nothing tells the one from the other
    readout = learnt(1e3 * features, known, labels, 0.9, 1.0)
    size = np.linalg.norm(readout.moments, axis=(2, 3))
    assert (np.linalg.eigvalsh(readout.moments)[..., 0] > -1e-12 * size).all()
    assert np.isfinite(readout.weights).all()
    assert (np.abs(readout.effects) < 10).all()


def test_what_is_left_stays_positive_where_a_gain_is_forgotten():
    """The newest gain, of a gram that has forgotten the origin, claims too much of its error."""
    readout = PooledFutureRLS(J, K, M, 0.5, 1.0, Z)
    phi = np.zeros((J, B, K))
    phi[:, 0, 0] = 100.0
    readout = readout.learn(0, readout.sums(0, phi), 1)
    for group in range(1, M + 2):
        readout = readout.learn(group, readout.sums(group, 0.0 * phi), 1)
    origins = [(slice(0, M), np.repeat(phi[None], M, axis=0))]
    errors = np.random.default_rng(0).normal(size=(M, J, 1 + Z, B))
    known = np.ones((M, J, B), dtype=bool)
    came = origins, errors, np.zeros((M, B), dtype=int), known
    readout = readout.learn(M + 2, readout.sums(M + 2, 0.0 * phi, came=came), 1)
    assert np.linalg.eigvalsh(readout.moments).min() > -1e-12


def test_methods_leave_the_old_readout_as_it_was():
    features, known, labels = stream(10)
    readout = learnt(features, known, labels, 0.9, 1.0)
    names = ("weights", "gram", "effects", "regressions", "moments")
    before = {name: getattr(readout, name).copy() for name in names}
    origins = [(slice(0, M), features[:M])]
    errors = np.ones((M, J, 1 + Z, B))
    came = origins, errors, np.full((M, B), 10), np.ones((M, J, B), dtype=bool)
    readout.learn(10, readout.sums(10, features[0], came=came), 1)
    for name in names:
        np.testing.assert_array_equal(getattr(readout, name), before[name])
