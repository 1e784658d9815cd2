"""Compiled functions of panels against NumPy's of the same name."""

import numpy as np
import pandas as pd
import pytest
from helpers import needs_numba

from tsrnn import RNNForecaster
from tsrnn.kernels.numpy_ import panel_experts, panel_norm, panel_readout, panel_steps
from tsrnn.online.experts.panel_experts import PanelExperts

pytestmark = needs_numba

J, C, M, L = 2, 9, 4, 40


@pytest.fixture
def compiled():
    """The module of compiled functions."""
    return pytest.importorskip("tsrnn.kernels.numba_")


def test_score_series(compiled):
    rng, seasons = np.random.default_rng(0), (3, 6)
    experts = PanelExperts(M, J, ("one", "two"), seasons, profile=3, probabilities=(0.1, 0.5, 0.9))
    n_experts = len(experts.names)
    experts = experts.taken(slice(None), C)
    blocks = [experts.tracks.blocks[0].copy() for _ in range(2)]
    pooled = [np.zeros((n_experts + 2, M, J)) for _ in range(2)]
    n_noted = 0
    for row in range(400):
        errors = rng.normal(size=(M, n_experts, J, C)) * np.arange(1, n_experts + 1)[:, None, None]
        errors *= 1.0 + 9.0 * (row > 300)
        known = rng.random((M, J, C)) < 0.8
        errors[:, 3:][:, :, rng.random((J, C)) < 0.2] = np.nan  # of experts that sleep
        usual = pooled[0][:n_experts] / np.maximum(pooled[0][-1], 1.0)
        noted = []
        for kernels, block, sums in zip((panel_experts, compiled), blocks, pooled, strict=True):
            fields = tuple(experts._fields(block)[:15])
            fixed = experts.discounts, experts.probabilities, experts.profile_seasons, row
            noted.append(kernels.score_series(errors.copy(), known, usual, *fixed, fields, sums))
        np.testing.assert_allclose(noted[1], noted[0], rtol=1e-9)
        n_noted += np.isfinite(noted[0]).sum()
    assert n_noted > 3
    np.testing.assert_allclose(blocks[1], blocks[0], rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(pooled[1], pooled[0], rtol=1e-9)


def test_expert_errors(compiled):
    rng = np.random.default_rng(0)
    levels = rng.normal(size=(L, J, C)) * np.where(rng.random(C) < 0.2, 30.0, 1.0)
    issued = rng.normal(size=(L, 3, J, C)).astype(np.float32)
    columns = np.array([0, 2, 3, 7])
    arrived = rng.normal(size=(J, 4))
    due, rows = rng.integers(0, L, M), rng.integers(0, L, (M, 4))
    asleep, scales = rng.random((M, 4, 4)) < 0.3, rng.uniform(0.5, 3.0, (M, J, 4))
    found = [np.empty((M, 7, J, 4)) for _ in range(2)]
    of_row = columns, scales, 2  # readouts, of three that were issued
    for kernels, out in zip((panel_experts, compiled), found, strict=True):
        kernels.expert_errors(arrived, issued, due, levels, rows, asleep, *of_row, out)
    np.testing.assert_allclose(found[1], found[0], rtol=1e-12)


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


def test_known_errors(compiled):
    rng, R = np.random.default_rng(0), 2
    errors = rng.normal(size=(M, R + 1, J, C))
    errors[rng.random(errors.shape) < 0.2] = np.nan
    errors[rng.random(errors.shape) < 0.1] = -np.inf
    waited = rng.random((M, C)) < 0.7
    expected = np.isfinite(errors[:, 0]) & np.isfinite(errors[:, 1]) & waited[:, None]
    assert expected.any()
    for kernels in (panel_experts, compiled):
        known = np.empty((M, J, C), dtype=bool)
        kernels.known_errors(errors, R, waited, known)
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
