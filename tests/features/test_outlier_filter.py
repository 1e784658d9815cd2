"""Absurd values are taken for missing ones, lasting changes are believed."""

import numpy as np
import pytest

from tsrnn import datasets
from tsrnn.features.outlier_filter import (
    JUMP_LIMIT,
    STEP,
    USUAL_INPUT,
    Screen,
    filter_outliers,
    start_from,
)
from tsrnn.features.window import Window
from tsrnn.frames.scaling import first_levels

USUAL = start_from(np.zeros(2))


def noise(n_rows=300):
    return np.random.default_rng(0).normal(size=(n_rows, 2))


def run(targets):
    return run_from(targets, np.zeros(2))


def run_from(targets, levels):
    return filter_outliers(targets, *start_from(levels))


def test_ordinary_values_pass_untouched():
    targets = noise()
    targets[7, 1] = np.nan
    screened, levels, *_ = run(targets)
    np.testing.assert_array_equal(screened, targets)
    np.testing.assert_array_equal(levels[7], [targets[7, 0], targets[6, 1]])


def test_a_spike_is_missing_in_its_own_column_alone():
    targets = noise()
    targets[50, 0] += 1000.0
    screened, levels, *_ = run(targets)
    assert np.isnan(screened[50, 0])
    assert levels[50, 0] == targets[49, 0]
    assert np.isnan(screened).sum() == 1


@pytest.mark.parametrize("size", [25.0, 1e3, 1e6])
@pytest.mark.parametrize("change", ["level", "unit"])
def test_a_lasting_change_is_believed_within_tens_of_rows(size, change):
    targets = noise(600)
    targets[200:] = targets[200:] + size if change == "level" else targets[200:] * size
    screened, *_ = run(targets)
    assert np.isfinite(screened[300:]).all()


@pytest.mark.parametrize("size", [25.0, 1e3, 1e6])
def test_a_second_row_that_agrees_is_believed(size):
    targets = noise()
    targets[200:] += size
    targets[201, 1] = np.nan
    screened, *_ = run(targets)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(screened[:, 0])), [200])
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(screened[:, 1])), [200, 201])


def test_the_same_value_again_confirms_nothing():
    targets = noise()
    targets[50:56, 0] = -999.0
    screened, *_ = run(targets)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(screened[:, 0])), range(50, 56))


def test_coming_back_to_where_the_history_was_is_never_absurd():
    targets = noise()
    targets[100:200, 0] -= 40.0  # a fault, after which the sensor holds one value
    targets[200:] = [1.5, -1.5]
    screened, levels, *_ = run(targets)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(screened[:, 0])), [100])
    assert levels[200, 0] == 1.5


def test_a_confirmed_jump_is_taken_out_until_the_series_jumps_back():
    targets = noise()
    targets[100:200, 0] -= 40.0
    screened, levels, *_, jumps = run(targets)
    jump = targets[101, 0] - targets[99, 0]
    np.testing.assert_array_equal(jumps[:, 0], [0.0] * 101 + [jump] * 99 + [0.0] * 100)
    np.testing.assert_allclose(screened[101:, 0] + jumps[101:, 0], targets[101:, 0], rtol=1e-12)
    assert np.abs(levels).max() < 8.0
    assert not jumps[:, 1].any()


@pytest.mark.parametrize("size", [21.0, 24.0, 25.0, 28.0, 200.0])
@pytest.mark.parametrize("n_rows", [2, 6, 24])
def test_a_short_excursion_leaves_no_jump_behind(n_rows, size):
    targets = 0.3 * noise()
    targets[100 : 100 + n_rows, 0] += size
    _, levels, *_, jumps = run(targets)
    assert jumps[101 : 100 + n_rows, 0].all()
    assert not jumps[100 + n_rows :].any()
    assert np.abs(levels).max() < 3.0


def test_a_jump_that_fades_is_dropped_on_the_way_back():
    targets = 0.3 * noise()
    targets[100:, 0] += 100.0 * np.exp(-np.arange(200) / 8.0)
    screened, _, *_, jumps = run(targets)
    assert jumps[101, 0]
    assert not jumps[110:].any()
    np.testing.assert_array_equal(screened[110:], targets[110:])


def test_what_is_believed_as_limits_grow_is_no_jump():
    targets = noise(600)
    targets[200:] *= 1e3  # a change of unit
    *_, jumps = run(targets)
    assert not jumps[300:].any()


def test_two_spikes_apart_do_not_confirm_each_other():
    targets = noise()
    targets[[50, 52], 0] += 1000.0
    screened, *_ = run(targets)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(screened[:, 0])), [50, 52])


SHIPPED = {
    "electricity": lambda: datasets.load_electricity().loc["2012-04":],
    "traffic": lambda: datasets.load_traffic().loc["2015-07":, ["traffic_volume"]],
    "pedestrians": lambda: datasets.load_pedestrians().iloc[:20000, :4],
    "air quality": lambda: datasets.load_air_quality()[["pm25"]],
}


@pytest.mark.parametrize("name", SHIPPED)
def test_nothing_real_is_refused(name):
    values = SHIPPED[name]()
    scaled = ((values - values[:4000].mean()) / values[:4000].std()).to_numpy(float)
    screened, *_ = filter_outliers(scaled, *start_from(first_levels(scaled)))
    np.testing.assert_array_equal(screened, scaled)


def test_blocks_are_rows_one_by_one():
    """To the bit, held against scalars: most rows are taken in together."""
    rng = np.random.default_rng(3)
    for start in (0.3, 5.0):  # changes below one standard deviation, and beyond it
        targets = start * rng.normal(size=(400, 3))
        targets[rng.random(targets.shape) < 0.1] = np.nan
        targets[300:304, 1] += [900.0, 50.0, 51.0, 52.0]
        found = run_from(targets, np.zeros(3))
        for stream, values in enumerate(targets.T.tolist()):
            level, spread, refused, jump = 0.0, 1.0, np.nan, 0.0
            for row, value in enumerate(values):
                change, difference = abs(value - (level + jump)), abs(value - refused)
                limit = JUMP_LIMIT * spread
                agrees = 0.0 < difference <= limit
                if change > limit and abs(value) > limit and not agrees:
                    value, refused = np.nan, value
                elif np.isfinite(value):
                    jump = value - level if agrees and difference < change else jump
                    jump = 0.0 if abs(value) < abs(value - jump) else jump
                    level = value = value - jump
                    refused = np.nan
                change = min(change, limit) if np.isfinite(change) else spread
                spread = max(spread + STEP * (change - spread), 1.0)
                expected = value, level, spread, refused, jump
                np.testing.assert_array_equal([a[row, stream] for a in found], expected)


def test_inputs_known_ahead_are_remembered_alike_in_blocks_and_rows():
    rng = np.random.default_rng(4)
    targets, inputs = rng.normal(size=(60, 2)), rng.integers(0, 3, (60, 1, 1)).astype(float)
    targets[rng.random(targets.shape) < 0.2] = np.nan
    screens = []
    for n in (60, 1):
        *guard, screen = start_from(np.zeros(2), Screen(future=(0,)).opened(2))
        for row in range(0, 60, n):
            rows = slice(row, row + n)
            found = filter_outliers(targets[rows], *guard, screen, inputs[rows])
            guard = [values[-1] for values in found[1:]]
        screens.append(screen.known)
    np.testing.assert_array_equal(*screens)
    assert np.isfinite(screens[0][..., USUAL_INPUT:]).all()


def test_the_caller_keeps_its_values():
    targets = noise()
    targets[50] += 1000.0
    before = targets.copy()
    run(targets)
    np.testing.assert_array_equal(targets, before)


def test_records_follow_the_guard_across_chunks():
    targets = noise()
    targets[40:43, 0] += [1000.0, 3000.0, -2000.0]
    targets[98:170, 1] += 60.0
    empty = np.zeros((300, 0))
    record = Window(targets, empty, empty)
    whole = record.padded(5, USUAL)
    parts = record[:41].padded(5, USUAL).append(record[41:100]).append(record[100:])
    for name in ("targets", "levels", "spreads", "refused", "jumps"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    assert np.isnan(whole.targets[45:48, 0]).all()
    assert np.isfinite(record.padded(5).targets[45:48]).all()  # only where it is asked for
    assert (whole.spreads[5 + 42] > JUMP_LIMIT / 20).any()
