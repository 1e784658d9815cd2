"""Compiled functions of panels against NumPy's of the same name."""

import numpy as np
import pandas as pd
import pytest
from helpers import needs_numba

from tsrnn import RNNForecaster
from tsrnn.kernels.numpy_ import (
    panel_experts,
    panel_features,
    panel_norm,
    panel_readout,
    panel_steps,
)
from tsrnn.kernels.numpy_.conformal import PROFILE_NOISE, own_share
from tsrnn.online.experts.panel_experts import PanelExperts

pytestmark = needs_numba

J, C, M, L = 2, 9, 4, 40


@pytest.fixture
def compiled():
    """The module of compiled functions."""
    return pytest.importorskip("tsrnn.kernels.numba_")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("noise", "half"), [(PROFILE_NOISE, 6.0), (0.0, 0.0)])
def test_score_block(compiled, dtype, noise, half):
    """The second half of some series; others are late, asleep or unsettled now and then."""
    rng, steps = np.random.default_rng(0), np.append(np.arange(1, M), 96)
    sizes = M, J, ("one", "two"), (3, 6), 3, (0.1, 0.5, 0.9)
    experts = PanelExperts(*sizes, ("three",), dtype=dtype).taken(slice(None), 5)
    E, columns, block = len(experts.names), np.array([1, 2, 3, 6, 8]), experts.tracks.blocks[0]
    fixed = experts.discounts, experts.probabilities, experts.profile_seasons
    fixed = *fixed, own_share(steps), noise, half
    pooled, beyond, n_noted = np.zeros((E + 2, M, J)), np.zeros_like(experts.tails), 0
    for row in range(330):
        size = 1.0 + 9.0 * (row > 300)
        issued = size * rng.normal(size=(L, 3, J, C)).astype(np.float32)
        issued[:, 2, :, rng.random(C) < 0.1] = np.nan
        levels, arrived = size * rng.normal(size=(L, J, C)), size * rng.normal(size=(J, 9))
        arrived[rng.random(arrived.shape) < 0.2] = np.nan
        scales, unsettled = rng.uniform(0.5, 2.0, (M, J, 9)), np.full((J, 9), -9)
        unsettled[:, 5] = row - row % 50 % 3
        effects = rng.normal(size=(M, 3, J, 9)) if row % 2 else np.empty((0, 3, J, 9))
        asleep, waited = rng.random((M, 4, 9)) < 0.1, rng.random((M, 9)) < 0.9
        looked_at = row, steps, rng.integers(0, L, M), rng.integers(0, L, (M, 4)), asleep, waited
        usual = pooled[:E] / np.maximum(pooled[-1], 1.0)
        of_panel = (arrived, scales, unsettled, effects), looked_at, issued, levels, 2, usual
        found = []
        for kernels in (panel_experts, compiled):
            moved, limits = block.copy(), np.full((M if row % 3 else 0, J, 9), 7.0)
            sums = np.zeros_like(pooled), np.zeros_like(beyond)
            rest = fixed, tuple(experts._fields(moved)), experts.tails, limits, sums
            noted = kernels.score_block(4, columns, *of_panel, *rest)
            found.append((moved, limits, *sums, noted))
        for one, other, eps in zip(*found, (dtype, dtype, float, float, dtype), strict=True):
            tiny = 16.0 * np.finfo(eps).eps  # weights are an eighth power of what was rounded
            np.testing.assert_allclose(other, one, rtol=max(tiny, 1e-11), atol=1e-3 * tiny)
        block, limits, sums, more, noted = found[0]
        assert (limits[..., :4] == 7.0).all()
        pooled, beyond = 0.99 * pooled + sums, beyond + more
        n_noted += np.isfinite(noted).sum()
    assert n_noted > 3 and 0 < beyond[:, 2].sum() < 3300


def looked_up(rng, n_series, flags, n_inputs):
    """What features of steps are looked up in, of all series; the third has started late."""
    levels = rng.normal(size=(L, J, C))
    levels[:20, :, 2] = np.nan
    profiles = tuple(rng.normal(size=(10, J, C)).astype(np.float32) for _ in range(2))
    profiles[0][rng.random(profiles[0].shape) < 0.3] = np.nan
    rows, at = rng.integers(0, L, (M, 5)), rng.integers(0, 10, M)
    centers, scales = rng.normal(size=(J, n_series)), rng.uniform(0.5, 3.0, (M, J, n_series))
    flags = rng.random(M) if flags else np.empty(0)
    inputs = rng.normal(size=(M, n_inputs, n_series))
    return levels, profiles, rows, at, centers, scales, flags, inputs


@pytest.mark.parametrize(("flags", "n_inputs"), [(False, 0), (True, 3)])
def test_steps(compiled, flags, n_inputs):
    """In two blocks of series, of which some are left out."""
    rng, columns, K = np.random.default_rng(0), np.array([0, 2, 3, 7, 8]), 8 + flags + n_inputs
    rings, weights = looked_up(rng, 5, flags, n_inputs), rng.normal(size=(J, M, K))
    rings[0][:, 0, 2][rings[2][:, 0]] = 1.0  # of whose newest values some are known
    labels = rng.normal(size=(J, 5)), rng.random((M, J, 5)) < 0.7, rng.random((M, J, 5))
    limits, found = (rng.uniform(0.1, 2.0, (M, J, 5)), np.empty((0, J, 5))), []
    for kernels in (panel_steps, compiled):
        features, forecasts = np.full((J, M, K, 5), np.nan), np.full((M, J, 5), np.nan)
        sums = [np.zeros(shape) for shape in ((J, M, K, K), (J, M, K)) * 2]
        for some in (slice(0, 3), slice(3, 5)):
            of_block = some.start, columns[some], rings
            part = np.full((J, M, K, some.stop - some.start), np.nan)
            kernels.step_features(*of_block, part)
            features[..., some] = part
            kernels.step_forecasts(*of_block, weights, forecasts)
            kernels.step_sums(*of_block, weights, (*labels, limits[0]), *sums[:2])
            kernels.step_sums(*of_block, weights, (*labels, limits[1]), *sums[2:])
        found.append([features, forecasts, *sums])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-10, atol=1e-12)
    features, forecasts, _, limited, gram, errors = found[0]
    np.testing.assert_allclose(forecasts, np.einsum("jmk,jmks->mjs", weights, features))
    root = np.where(labels[1], labels[2], 0.0)
    np.testing.assert_allclose(gram, np.einsum("mjs,jmks,jmls->jmkl", root**2, features, features))
    newest = rings[0][rings[2][:, 0]][..., columns]
    left = (labels[0] - newest) / rings[5] - forecasts
    for of_labels, limit in ((errors, np.inf), (limited, limits[0])):
        error = np.where(root > 0.0, np.clip(left, -limit, limit), 0.0)
        expected = np.einsum("mjs,jmks->jmk", root**2 * error, features)
        np.testing.assert_allclose(of_labels, expected, rtol=1e-10, atol=1e-12)


def test_lag_features(compiled):
    rng, columns = np.random.default_rng(0), np.array([0, 2, 3, 7])
    levels, rows = rng.normal(size=(L, J, C)), np.array([25, 24, 20, 3])
    levels[:10, :, 2] = np.nan
    centers, scales = rng.normal(size=(J, 5)), rng.uniform(0.5, 2.0, (J, 5))
    expected = np.full((J, 5, 7), 7.0)
    for j, s in np.ndindex(J, 4):
        own, to = levels[rows, j, columns[s]], expected[j, 1 + s]
        to[2:5] = np.nan_to_num(own[1:] - own[0]) / scales[j, 1 + s]
        to[5] = (own[0] - centers[j, 1 + s]) / scales[j, 1 + s]
    for kernels in (panel_features, compiled):
        found = np.full(expected.shape, 7.0)
        kernels.lag_features(1, columns, levels, rows, centers, scales, 2, found)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_season_moments(compiled):
    rng, columns = np.random.default_rng(0), np.array([0, 2, 3, 7])
    targets = rng.normal(size=(L, J, C))
    targets[rng.random(targets.shape) < 0.2] = np.nan
    moments = [np.full((3, J, 5), 7.0) for _ in range(2)]
    for n, kernels in enumerate((panel_norm, compiled)):
        kernels.season_moments(1, columns, targets, np.arange(30, 37), moments[n])
    np.testing.assert_allclose(moments[1], moments[0], rtol=1e-12)
    assert (moments[0][..., 0] == 7.0).all()


def test_step_features_of_a_series_in_another_unit_are_those_of_before(compiled):
    """Values and level doubled about another zero, at twice the scale."""
    rng, columns = np.random.default_rng(0), np.arange(C)
    levels, profiles, *rows, centers, _, flags, inputs = looked_up(rng, C, False, 0)
    ones = np.ones((M, J, C))
    for kernels in (panel_steps, compiled):
        found = [np.zeros((J, M, 8, C)) for _ in range(2)]
        for scale, out in zip((1.0, 2.0), found, strict=True):
            moved = (a * scale + 3.0 * (scale - 1.0) for a in (levels, centers))
            levels_now, centers_now = moved
            of_scale = *rows, centers_now, scale * ones, flags, inputs
            kernels.step_features(0, columns, (levels_now, profiles, *of_scale), out)
        np.testing.assert_allclose(found[1], found[0], rtol=1e-9, atol=1e-12)


def test_known_errors():
    rng, R = np.random.default_rng(0), 2
    errors = rng.normal(size=(M, R + 1, J, C))
    errors[rng.random(errors.shape) < 0.2] = np.nan
    errors[rng.random(errors.shape) < 0.1] = -np.inf
    waited = rng.random((M, C)) < 0.7
    expected = np.isfinite(errors[:, 0]) & np.isfinite(errors[:, 1]) & waited[:, None]
    assert expected.any()
    known = np.empty((M, J, C), dtype=bool)
    panel_experts.known_errors(errors, R, waited, known)
    np.testing.assert_array_equal(known, expected)


def test_label_sums(compiled):
    rng, K, V = np.random.default_rng(0), 5, 2
    features, weights = rng.normal(size=(M, J, C, K)), rng.normal(size=(M, J, V, K))
    targets, limits = rng.normal(size=(M, J, C)), rng.uniform(0.1, 2.0, (M, J, C))
    known = rng.random((M, J, C)) < 0.7
    targets[~known] = np.nan
    errors, sums = np.zeros((M, J, V, C)), np.zeros((M, J, V, K))
    for m, j, s in np.argwhere(known):
        for v in range(V):
            error = targets[m, j, s] - weights[m, j, v] @ features[m, j, s]
            errors[m, j, v, s] = np.clip(error, -limits[m, j, s], limits[m, j, s])
            sums[m, j, v] += errors[m, j, v, s] * features[m, j, s]
    assert (np.abs(errors)[:, :, 0] == limits).any()
    for kernels in (panel_readout, compiled):
        found = np.full_like(errors, np.nan), np.full_like(sums, np.nan)
        kernels.label_sums(features, weights, targets, limits, known, *found)
        np.testing.assert_allclose(found[0], errors, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(found[1], sums, rtol=1e-12, atol=1e-14)


def test_a_panel_may_have_more_series_than_its_network_was_trained_on(both_kernels):
    n_series, n_rows = 70, 60
    values = np.random.default_rng(0).normal(size=(n_rows, n_series)).cumsum(axis=0)
    rows = pd.DataFrame({
        "id": np.tile([f"s{i}" for i in range(n_series)], n_rows),
        "time": pd.date_range("2024-01-01", periods=n_rows, freq="h").repeat(n_series),
        "y": values.ravel(),
    })  # fmt: skip
    model = RNNForecaster(2, id_col="id", time_col="time", random_state=0)
    assert len(model.fit(rows).forecast()) == 2 * n_series
