import importlib

import numpy as np
import pytest
from helpers import needs_numba

from tsrnn.features.outlier_filter import start_from
from tsrnn.features.window import Window
from tsrnn.kernels.numpy_.seasons import DOUBT, RECENT, follow_season, gap_end
from tsrnn.nn import get_kernels, set_kernels

NAN = np.nan


def record(targets, inputs=None):
    targets = np.array(targets, dtype=float)[:, None]
    inputs = np.zeros((len(targets), 0)) if inputs is None else np.array(inputs, float)[:, None]
    return Window(targets, inputs, np.zeros((len(targets), 0)))


def test_missing_values_are_carried_forward_across_chunks():
    joined = record([1.0, NAN, 3.0, NAN]).padded(2).append(record([NAN, 5.0, NAN]))
    np.testing.assert_array_equal(joined.levels[:, 0], [NAN, NAN, 1, 1, 3, 3, 3, 5, 5])
    np.testing.assert_array_equal(joined.targets[:, 0], [NAN, NAN, 1, NAN, 3, NAN, NAN, 5, NAN])


def test_missing_inputs_are_carried_forward():
    joined = record([1, 2, 3], [7.0, NAN, 8.0]).padded(1).append(record([4], [NAN]))
    np.testing.assert_array_equal(joined.inputs[:, 0], [7, 7, 7, 8, 8])
    np.testing.assert_array_equal(joined.missing[:, 0], [0, 0, 1, 0, 1])
    later = joined.append(record([5, 6, 7], [NAN, NAN, 5.0]))  # never back
    np.testing.assert_array_equal(later.inputs[:, 0], [7, 7, 7, 8, 8, 8, 8, 5])
    from_the_start = record([1, 2, 3], [NAN, NAN, 9.0]).padded(1)
    np.testing.assert_array_equal(from_the_start.inputs[:, 0], [0, 0, 0, 9])


def test_values_missing_from_the_start_are_the_mean():
    joined = record([NAN, NAN, 2.0]).padded(1)
    np.testing.assert_array_equal(joined.levels[:, 0], [NAN, 0, 0, 2])


def test_padding_was_never_seen_but_may_hold_the_first_level():
    joined = record([4.0, 5.0]).padded(3)
    assert np.isnan(joined.levels[:3]).all()
    assert np.isnan(joined.targets[:3]).all()
    held = record([4.0, 5.0]).padded(3, held=True)
    np.testing.assert_array_equal(held.levels[:3, 0], 4.0)
    assert np.isnan(held.targets[:3]).all()


def as_of_seasons_before(levels, now, season):
    """Return the level of a missing row, by another way: least squares through zero."""

    def usual(seasons_before):
        seen = np.ma.masked_invalid(seasons_before)
        return np.ma.average(seen, axis=0, weights=[3, 2, 1]).filled(np.nan)

    back = season * np.arange(1, 4)[:, None]
    lines = np.concatenate([np.full(back.max(), np.nan), levels])  # what was never seen
    change = np.diff(lines, prepend=np.nan)
    now = now + back.max()
    rows = np.arange(max(now - RECENT, back.max() + season + 1), now + 1)
    earlier = lines[rows - 1 - back]
    then = np.where(np.isnan(earlier), np.nan, lines[rows - back])
    before = usual(then) - usual(earlier)
    step, before, changes = before[-1], before[:-1], change[rows[:-1]]
    seen = np.isfinite(changes) & np.isfinite(before)
    slope = np.linalg.lstsq(before[seen, None], changes[seen], rcond=None)[0][0]
    most = np.abs(changes[seen]).max()
    earlier = lines[now - 1 - back]
    then = np.where(np.isnan(earlier), np.nan, lines[now - 1 + season - back])
    step -= (usual(then) - usual(earlier))[0] / season
    level = lines[now - 1] + min(max(slope, 0.0), 1.0) * min(max(step, -most), most)
    rows = np.arange(rows[0] - 1, now)
    off = lines[rows] - usual(lines[rows - back])
    off -= np.nanmean(off[1:])
    seen = np.isfinite(off[:-1]) & np.isfinite(off[1:])
    kept = np.linalg.lstsq(off[:-1][seen, None], off[1:][seen], rcond=None)[0][0]
    return level - min(max(1.0 - kept - DOUBT, 0.0), 1.0) * off[-1]


@pytest.mark.parametrize(("n_rows", "n_new"), [(43, 8), (60, 16), (100, 40), (280, 40)])
def test_missing_rows_go_on_as_those_of_the_longest_season_seen(n_rows, n_new):
    """Values of days without rows are those of weeks before, as far as weeks have been alike.

    Of one, two or three of them, as many as have been seen.
    """
    rng = np.random.default_rng(0)
    week, noise = rng.normal(size=14), rng.normal(scale=[[0.0, 0.5]], size=(n_rows, 2))
    values = np.tile(week, 20)[:n_rows, None] + noise
    levels = np.concatenate([np.full((14, 2), np.nan), values])
    missing = np.zeros((n_new, 2), dtype=bool)
    missing[n_new // 8 : 3 * n_new // 4, 0] = missing[n_new // 4 :, 1] = True
    expected = levels.copy()
    for row, stream in np.argwhere(missing):
        now = len(levels) - n_new + row
        expected[now, stream] = as_of_seasons_before(expected[:, stream], now, 14)
    levels[-n_new:][missing] = np.nan
    follow_season(levels, missing, (2, 14))
    np.testing.assert_allclose(levels, expected, rtol=1e-9)
    np.testing.assert_allclose(levels[-n_new:, 0], values[-n_new:, 0], rtol=1e-9)


@pytest.mark.parametrize("n_rows", [1, 400])
def test_a_rise_of_the_weeks_before_is_not_made_again(n_rows, both_kernels):
    """A series that has risen for weeks keeps its pattern, about where it was, for all the gap."""
    pattern = np.tile([0.0, 5.0, 3.0, 4.0], 100)
    values = (pattern + np.minimum(np.arange(400), 300) * 0.5)[:, None]
    values[300:] = NAN
    window = walked(values, (4,), n_rows)
    off = window.levels[-100:, 0] - values[299, 0] - (pattern[300:] - pattern[299])
    assert np.abs(off).max() < 2.0  # it was 50: the rise of 100 rows


@pytest.mark.parametrize("n_rows", [1, 400])
def test_an_odd_value_before_a_gap_is_forgotten(n_rows, both_kernels):
    """Deviations that fade within hours do so in missing rows: lags are not off for a week."""
    rng, pattern = np.random.default_rng(3), np.tile(5.0 * np.sin(np.arange(24) * np.pi / 12), 20)
    noise = rng.normal(size=480)
    for row in range(1, 480):
        noise[row] += 0.5 * noise[row - 1]
    values = (pattern + 0.3 * noise)[:, None]
    values[399] += 8.0
    values[400:] = NAN
    window = walked(values, (24,), n_rows)
    off = np.abs(window.levels[-80:, 0] - pattern[400:])
    assert off[:23].max() < 6.0 and off[5:23].max() < 1.5


def test_a_random_walk_stays_where_it_was():
    walk = np.random.default_rng(1).normal(size=(400, 1)).cumsum(axis=0)
    levels, missing = walk.copy(), np.ones((24, 1), dtype=bool)
    follow_season(levels, missing, (24, 168))
    assert np.abs(levels[-24:] - walk[-25]).max() < 0.35 * np.abs(walk[-48:-24] - walk[-49]).max()


def some(values):
    return Window(values, np.zeros((len(values), 0)), np.zeros((len(values), 0)))


def walked(targets, seasons, n_rows):
    """Return the record after rows that come so many at a time, what ends a gap alone."""
    start = start_from(np.zeros(targets.shape[1]))
    window, row = some(targets[:20]).padded(12, start, seasons=seasons), 20
    while row < len(targets):
        new = some(targets[row : row + n_rows])
        joined, start = window.continued(new, 12, 400, seasons)
        n = max(gap_end(joined.targets, start) - start, 1)
        window, _ = window.continued(new[:n], 12, 400, seasons)
        row += n
    return window


@pytest.mark.parametrize("seasons", [(), (3,), (3, 12)])
def test_levels_are_alike_in_all_chunks_and_kernels(seasons, both_kernels):
    """Rows that are missing or absurd, and a jump, one by one and together."""
    rng = np.random.default_rng(2)
    targets = np.tile(rng.normal(size=(12, 2)), (30, 1)) + 0.1 * rng.normal(size=(360, 2))
    targets[rng.random(targets.shape) < 0.2] = NAN
    targets[200:] += 50.0
    targets[100], targets[300, 1] = 900.0, -700.0
    kernels = get_kernels()
    set_kernels("numpy")
    expected = walked(targets, seasons, 360)
    assert np.isnan(expected.targets[-30:]).any() and np.isfinite(expected.levels[12:]).all()
    set_kernels(kernels)
    for n_rows in (1, 7, 360):
        found = walked(targets, seasons, n_rows)
        for name in ("targets", "levels", "spreads", "refused", "jumps"):
            ours, theirs = getattr(found, name), getattr(expected, name)
            np.testing.assert_array_equal(ours[-30:], theirs[-30:])


@pytest.mark.parametrize("n_rows", [1, 720])
def test_a_jump_of_a_season_ago_is_not_made_again(n_rows, both_kernels):
    """A missing row changes by no more than the newest 168 rows did."""
    targets = np.tile(np.sin(2 * np.pi * np.arange(24) / 24), 30)[:, None]
    season, first = 240, len(targets) - 12
    targets[first - season + 6 :] += 10.0
    largest = np.abs(np.diff(targets[first - RECENT - 1 : first], axis=0)).max()
    targets[first:] = NAN
    window = walked(targets, (season,), n_rows)
    changes = np.abs(np.diff(window.levels[-13:], axis=0))
    assert 0.5 * largest < changes.max() <= largest * (1.0 + 1e-12)


def test_levels_of_a_gap_meet_the_value_after_it():
    """What the value is off moves the rows of the gap in proportion, those of its stream alone."""
    values = np.tile([1.0, 5.0, 3.0], 30)[:, None] + np.zeros((90, 3))
    values[80:86, 0] = values[83:86, 1] = values[82:84, 2] = NAN
    values[86:] += 7.0
    levels = walked(values, (3,), 90).levels[-90:]
    usual = np.tile([1.0, 5.0, 3.0], 30)
    moved = np.zeros(90)
    moved[80:86], moved[86:] = np.arange(1, 7), 7.0
    np.testing.assert_allclose(levels[:, 0], usual + moved, rtol=1e-9)
    unmoved = np.where(np.arange(90) < 86, usual, usual + 7.0)  # of three rows: as they were
    np.testing.assert_allclose(levels[:, 1:], np.tile(unmoved[:, None], 2), rtol=1e-9)


def test_nothing_is_bridged_before_the_first_value():
    values = np.concatenate([np.full(10, NAN), np.tile([1.0, 5.0], 20)])[:, None]
    levels = walked(values, (2,), 1).levels[-50:]
    np.testing.assert_array_equal(levels[:10], 0.0)  # the mean


def test_a_gap_is_found_where_it_ends():
    targets = np.zeros((30, 2))
    targets[3:7, 0] = targets[10:13, 1] = targets[20:26, 1] = NAN
    assert [gap_end(targets, start) for start in (0, 7, 8, 26, 27)] == [7, 7, 26, 26, 30]
    assert gap_end(targets[:7], 0) == 7 and gap_end(targets[:2], 1) == 2


@needs_numba
def test_gap_end_of_numba_is_that_of_numpy():
    find = importlib.import_module("tsrnn.kernels.numba_.seasons").gap_end.py_func
    rng, found = np.random.default_rng(0), set()
    for _ in range(300):
        targets = np.where(rng.random((20, 2)) < 0.7, NAN, 0.0)
        start = rng.integers(20)
        found.add(gap_end(targets, start))
        assert find(targets, start) == gap_end(targets, start)
    assert found >= set(range(5, 21))
