"""Level and scale of the newest season are followed where they have left the history."""

from dataclasses import replace

import numpy as np
import pytest

from tsrnn.features.instance_norm import InstanceNorm

SEASON = 24


def wave(n_rows=600, seed=0):
    rows = np.arange(n_rows)
    noise = np.random.default_rng(seed).normal(scale=0.2, size=(n_rows, 2))
    return np.stack([np.sin(rows * 2 * np.pi / SEASON)] * 2, axis=1) + noise


def slow(norm, targets, row):
    """Return center and scale of a row, written out."""
    season = targets[row + 1 - SEASON : row + 1]
    known = np.isfinite(season)
    season = np.where(known, season, np.nan)
    mean = np.nanmean(season, axis=0)
    growth = np.log(np.nanmean(np.abs(season - mean), axis=0) / norm.spread)
    trust = np.minimum(1.0, 2.0 * known.mean(axis=0))
    mean, growth = (mean - norm.level) * trust, growth * trust
    far = np.abs([mean, growth]) / norm.moved
    share = far**8 / (1 + far**8)
    return norm.level + mean * share[0], np.exp(growth * share[1])


@pytest.mark.parametrize("level", [0.0, 2.0])
def test_it_is_the_formula(level):
    targets = wave()
    norm = replace(InstanceNorm.of(targets[:300], SEASON), level=np.array([0.0, level]))
    means = np.array([targets[row - 23 : row + 1].mean(axis=0) for row in range(23, 300)])
    np.testing.assert_allclose(norm.moved[0], 1.0 + np.quantile(np.abs(means), 0.9, axis=0))
    assert (norm.moved[1] > 0.4).all() and (norm.moved[1] < 0.7).all()
    targets[350:] = 2.0 * targets[350:] + 1.5
    targets[[400, 401, 420], 1] = np.nan
    targets[440:456, 0] = np.nan
    center, scale = norm.at(targets, 300, 600)
    for row in range(300, 600, 7):
        expected = slow(norm, targets, row)
        np.testing.assert_allclose(
            [center[row - 300], scale[row - 300]], expected, rtol=1e-12, atol=1e-15
        )


def test_a_stream_like_its_history_is_seen_as_it_is():
    targets = wave()
    center, scale = InstanceNorm.of(targets[:300], SEASON).at(targets, 300, 600)
    assert np.abs(center).max() < 1e-3
    assert np.abs(np.log(scale)).max() < 0.05


def test_what_is_missing_has_not_moved():
    targets = wave()
    norm = InstanceNorm.of(targets[:300], SEASON)
    targets[400:500] = np.nan
    center, scale = norm.at(targets, 430, 500)
    np.testing.assert_array_equal(center, 0.0)
    np.testing.assert_array_equal(scale, 1.0)


def test_a_move_is_seen_through_gaps():
    targets = wave() + 5.0
    norm = InstanceNorm.of(wave()[:300], SEASON)
    targets[::3] = np.nan
    center, scale = norm.at(targets, 300, 600)
    assert (np.abs(center - 5.0) < 0.5).all()
    assert (np.abs(np.log(scale)) < 0.1).all()


@pytest.mark.parametrize("size", [1e-12, 1e12, 1e200])
def test_absurd_sizes_stay_finite(size):
    targets = wave()
    norm = InstanceNorm.of(targets[:300], SEASON)
    center, scale = norm.at(targets * size, 300, 600)
    assert np.isfinite(center).all() and (scale > 0).all() and np.isfinite(scale).all()
    constant = InstanceNorm.of(np.zeros((300, 1)), SEASON)
    assert constant.spread == 1.0


def test_rows_do_not_hang_on_their_block():
    targets = wave()
    targets[444] = np.nan
    norm = InstanceNorm.of(targets[:300], SEASON)
    whole = norm.at(targets, 300, 600)
    for start, stop in [(300, 301), (301, 307), (440, 450), (599, 600)]:
        part = norm.at(targets, start, stop)
        rows = slice(start - 300, stop - 300)
        np.testing.assert_array_equal(part, [whole[0][rows], whole[1][rows]])


def test_a_constant_has_no_scale_to_follow():
    norm = InstanceNorm.of(np.zeros((300, 1)), SEASON)
    targets = np.zeros((600, 1))
    targets[400:, 0] = wave()[400:, 0]
    targets[500:] += 3.0
    center, scale = norm.at(targets, 300, 600)
    np.testing.assert_array_equal(scale, 1.0)
    assert center[90] == 0.0
    assert 2.8 < center[-1] < 3.2


# --- a level that has moved for good --------------------------------------------------------------

PERIOD = 6  # rows between two looks


def settle(norm, targets, stops, period=PERIOD):
    for stop in stops:
        norm = norm.settled(targets[:stop], period)
    return norm


@pytest.fixture
def moved():
    """Targets of which the second stream moves by three at row 300, and their norm before."""
    targets = wave(900)
    targets[300:, 1] += 3.0
    return targets, InstanceNorm.of(targets[:300], SEASON)


@pytest.mark.parametrize("period", [6, 7])
def test_a_level_that_moves_far_is_that_of_the_newest_season_and_then_of_some(moved, period):
    targets, norm = moved
    norm = settle(norm, targets, range(264, 301, period), period)
    assert not norm.level.any() and np.isinf(norm.since).all()
    stops = np.arange(306, 900, period)
    means = np.array([targets[stop - SEASON : stop, 1].mean() for stop in stops])
    far = np.flatnonzero(np.abs(means) > 1.5 * norm.moved[0, 1])[0]
    norm = settle(norm, targets, stops[: far + 1], period)
    assert norm.since[1] == 0 and norm.level[1] == means[far]
    last = far + SEASON // period  # a season later nothing is left of before
    norm = settle(norm, targets, stops[far + 1 : last + 1], period)
    assert norm.since[1] <= SEASON and norm.level[1] == means[last]
    some = far + 5 * SEASON // period
    norm = settle(norm, targets, stops[last + 1 : some + 1], period)
    fresh = np.arange(last, some + 1) if SEASON % period == 0 else np.arange(last + 1, some + 1)
    np.testing.assert_allclose(norm.level, [0.0, means[fresh].mean()], rtol=1e-12)
    later = settle(norm, targets, stops[some + 1 :], period)
    np.testing.assert_array_equal(later.level, norm.level)
    center, _ = later.at(targets, 800, 900)
    np.testing.assert_allclose(center[:, 1], later.level[1], atol=1e-3)


def test_a_level_may_move_back(moved):
    targets, norm = moved
    targets[500:, 1] -= 3.0
    norm = settle(norm, targets, range(300, 900, PERIOD))
    assert np.abs(norm.level[1]) < 0.2


def test_of_an_outage_no_level_is_told(moved):
    targets, norm = moved
    targets[304:] = np.nan
    norm = settle(norm, targets, range(306, 600, PERIOD))
    assert not norm.level.any()


def test_a_move_goes_on_after_an_outage(moved):
    targets, norm = moved
    targets[311:612] = np.nan
    norm = settle(norm, targets, range(306, 612, PERIOD))
    assert 1.0 < norm.level[1] < 2.7  # of a season that is half of before
    norm = settle(norm, targets, range(612, 900, PERIOD))
    np.testing.assert_allclose(norm.level[1], 3.0, atol=0.2)


def test_unmoved_is_where_the_history_was(moved):
    targets, norm = moved
    there = settle(norm, targets, range(306, 600, PERIOD))
    assert there.level.any() and not there.unmoved().level.any()
    assert np.isinf(there.unmoved().since).all()
