"""Compiled functions of errors against NumPy's of the same name."""

import numpy as np
import pytest
from helpers import needs_numba

from tsrnn.kernels.numpy_ import conformal, drift, mixing

pytestmark = needs_numba

M, E, R, S, Q = 5, 4, 1, 7, 3


@pytest.fixture
def compiled():
    """The module of compiled functions."""
    return pytest.importorskip("tsrnn.kernels.numba_")


def errors(rng, *shape, missing=0.2):
    values = rng.normal(size=shape)
    values[..., -1, :][rng.random((*shape[:-2], shape[-1])) < missing] = np.nan
    return values


@pytest.mark.parametrize("n_regrets", [0, 1, 2])
@pytest.mark.parametrize("prior", [0.0, 3.0])
@pytest.mark.parametrize("by_step", [False, True])
@pytest.mark.parametrize("scale", [0.0, np.nan])
def test_score_experts(compiled, n_regrets, prior, by_step, scale):
    rng = np.random.default_rng(0)
    discounts = np.linspace(0.9, 0.98, n_regrets + 2)
    if by_step:
        discounts = discounts * np.linspace(0.9, 1.0, M)[:, None]
    before = prior * rng.random((M, E + n_regrets + 1, S))
    shapes = [(M, n_regrets, E, S)] * 2 + [(M, E + n_regrets + 1, S), (M, S)]
    states = [
        [np.zeros(shape) for shape in shapes]
        + [
            np.full((M, S), scale),
            np.full((M, n_regrets + 1, E, S), 1 / E),
            np.full((M, n_regrets + 1, S), 1.0),
        ]
        for _ in range(2)
    ]
    for _ in range(60):
        error = errors(rng, M, E + n_regrets + 1, S)
        error[:, 0, rng.random(S) < 0.2] = np.nan  # asleep
        mixing.score_experts(error, before, discounts, *states[0])
        compiled.score_experts(error, before, discounts, *states[1])
    for plain, fast in zip(*states, strict=True):
        np.testing.assert_allclose(fast, plain, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n_regrets", [0, 1, 2])
def test_shrink_to_all_steps(compiled, n_regrets):
    rng, shape = np.random.default_rng(0), (M, n_regrets, E, S)
    sums = rng.normal(size=shape), rng.random(shape), rng.random((M, E + n_regrets + 1, S))
    n_labels, scale = rng.integers(0, 3, (M, S)).astype(float), 0.1 + rng.random((M, S))
    n_labels[:, 0], scale[:, 1] = 0.0, np.nan  # no label has come; a file of 0.1.0
    parts = rng.random((M, n_regrets + 1, E, S))
    found, forecasts = parts.copy(), np.ones((M, E, S))
    forecasts[:, 0, 3] = forecasts[1, :, 4] = np.nan  # asleep
    forecasts[1, 2, 4] = 1.0  # but for one
    steps = np.array([1, 2, 3, 5, 9])
    compiled.shrink_to_all_steps(steps, forecasts, *sums, n_labels, scale, found)
    expected = parts.copy()
    mixing.shrink_to_all_steps(steps, forecasts, *sums, n_labels, scale, expected)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_array_equal(found[..., :2], parts[..., :2])
    assert not np.isclose(found[..., 2:], parts[..., 2:]).any()


@pytest.mark.parametrize("pace", [np.ones(M), np.linspace(0.1, 1.0, M)])
@pytest.mark.parametrize("own", [np.ones(M), np.linspace(1.0, 0.05, M)])
@pytest.mark.parametrize("noise", [0.0, conformal.PROFILE_NOISE])
def test_score_errors_and_expected_scale(compiled, pace, own, noise):
    """Errors have a season of three rows, and none of seven."""
    rng = np.random.default_rng(0)
    probabilities, seasons = np.array([0.1, 0.5, 0.9]), np.array([3, 7])
    delays = np.arange(1, M + 1)
    states = [
        [np.full((Q, M, S), 0.5), np.ones((M, S)), np.zeros((M, S)), np.ones((10, S))]
        for _ in range(2)
    ]
    for row in range(300):
        error = rng.normal(size=(M, S)) * (0.5 + row % 3)
        error[rng.random((M, S)) < 0.2] = np.nan
        for functions, state in zip((conformal, compiled), states, strict=True):
            weights = conformal.season_weights(state[3], seasons, state[2][0], noise)
            scale = functions.expected_scale(state[1], state[3], weights, seasons, delays, row)
            settings = probabilities, seasons, row, *state, pace, own, noise
            functions.score_errors(error, scale, *settings)
    for plain, fast in zip(*states, strict=True):
        np.testing.assert_allclose(fast, plain, rtol=1e-9)


def test_follow_size(compiled):
    rng = np.random.default_rng(0)
    states = [[np.ones(S), np.zeros(S), np.ones(S, dtype=bool)] for _ in range(2)]
    for row in range(400):
        scaled = np.abs(rng.normal(size=(M, S))) * (1.0 if row < 250 else 4.0)
        scaled[rng.random((M, S)) < 0.2] = np.nan
        noted = drift.follow_size(scaled, *states[0]), compiled.follow_size(scaled, *states[1])
        np.testing.assert_allclose(noted[1], noted[0], rtol=1e-9)
    for plain, fast in zip(*states, strict=True):
        np.testing.assert_allclose(fast, plain, rtol=1e-9)
