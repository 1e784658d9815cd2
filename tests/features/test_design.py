"""Features against a slow, literal reading of what they are said to be."""

from dataclasses import replace

import numpy as np
import pytest

from tsrnn.features.design import ForecastDesign, lag_offsets
from tsrnn.features.regression import RegressionDesign
from tsrnn.features.window import Window
from tsrnn.frames.calendar import Calendar
from tsrnn.kernels import compiled_kernels


@pytest.fixture
def record():
    rng = np.random.default_rng(0)
    return Window(rng.normal(size=(40, 2)), rng.normal(size=(40, 1)), rng.normal(size=(40, 3)))


@pytest.mark.parametrize(
    ("lags", "seasons", "horizon", "expected"),
    [
        (3, (), 1, [1, 2, 3]),
        (0, (24,), 2, [22, 23]),
        (1, (3,), 7, [1, 2]),  # longer than a season: the newest of each phase
        (2, (7, 14), 2, [1, 2, 5, 6, 12, 13]),
        (0, (), 1, []),
    ],
)
def test_offsets_of_lags_and_seasons(lags, seasons, horizon, expected):
    np.testing.assert_array_equal(lag_offsets(lags, seasons, horizon), expected)


@pytest.mark.parametrize("level", [(0.0, 0.0), (3.0, -1.0)])
def test_skip_features_are_what_they_say(record, level):
    design = ForecastDesign.of(record, horizon=2, lags=3, seasons=(7,), normalized=True)
    design = replace(design, norm=replace(design.norm, level=np.array(level)))
    padded = record.padded(design.reach)
    skip = design.skip(padded, design.reach, len(padded))
    y = record.targets
    for row in (10, 39):
        for s in range(2):
            lags = [y[row - k, s] - y[row, s] for k in (1, 2, 3, 5, 6)]
            newest = y[row, s] - level[s]
            expected = [*lags, newest, *record.calendar[row], *record.inputs[row], 1.0]
            np.testing.assert_allclose(skip[row, s], expected, rtol=1e-12)
    assert skip.shape[2] == design.n_features


def test_network_inputs_are_what_they_say(record):
    design = ForecastDesign.of(record, horizon=2, lags=3, seasons=(7,))
    padded = record.padded(design.reach)
    inputs = design.inputs(padded, design.reach, len(padded))
    y, row, s = record.targets, 20, 1
    scale = np.std(np.diff(y[:, s]))
    expected = [y[20, s], (y[20, s] - y[19, s]) / scale, y[14, s] - y[20, s]]
    expected += [*record.calendar[row], *record.inputs[row], 0.0, 0.0]
    np.testing.assert_allclose(inputs[row, s], expected, rtol=1e-12)


@pytest.mark.usefixtures("both_kernels")
def test_the_network_does_not_see_what_readouts_know_of_the_step_itself():
    rng = np.random.default_rng(1)
    values, known = rng.normal(size=(2, 40, 1))
    other = rng.normal(size=(40, 1))
    known[5] = np.nan
    calendar = rng.normal(size=(40, 2))
    kinds = {"horizon": 2, "lags": 3, "seasons": (7,), "normalized": True}
    loops, views = compiled_kernels(), []
    for inputs, future in ((np.hstack([known, other]), [0]), (other, ())):
        record = Window(values, inputs, calendar)
        design = ForecastDesign.of(record, future=future, **kinds)
        padded, first = record.padded(design.reach), design.reach
        views.append(design.views(padded, first, len(padded), loops and loops.views))
        np.testing.assert_array_equal(views[-1][1][0, 0, -design.n_flags :], 0.0)
    np.testing.assert_array_equal(views[0][1], views[1][1])
    assert views[0][0].shape[2] == views[1][0].shape[2] + 1  # the readout does


def test_the_network_is_told_what_is_missing_and_the_readout_is_not(record):
    record.targets[20:23, 1] = np.nan
    record.inputs[[10, 20]] = np.nan
    design = ForecastDesign.of(record, horizon=2, lags=3, seasons=())
    padded = record.padded(design.reach)
    for part in (padded, record[:15].padded(design.reach).append(record[15:])):
        flags = design.inputs(part, design.reach, len(part))[..., -design.n_flags :]
        np.testing.assert_array_equal(flags[..., 0], np.isnan(record.targets))
        np.testing.assert_array_equal(flags[..., 1], np.isnan(record.inputs).repeat(2, axis=1))
    full = record.padded(design.reach)
    full.missing[:] = False
    np.testing.assert_array_equal(
        design.skip(padded, design.reach, 40 + design.reach),
        design.skip(full, design.reach, 40 + design.reach),
    )
    some = ForecastDesign.of(record, horizon=2, lags=3, seasons=(), flagged=[])
    assert some.inputs(padded, some.reach, 30).shape[2] == design.inputs(padded, 5, 30).shape[2] - 1
    regression = RegressionDesign(n_inputs=1, n_outputs=2, lags=2, flagged=[0])
    padded = record.padded(2)
    expected = np.concatenate([np.clip(padded.inputs[2:], -8, 8), np.isnan(record.inputs)], axis=1)
    np.testing.assert_array_equal(regression.inputs(padded, 2, len(padded))[:, 0], expected)


def test_rows_look_no_further_back_than_they_say_and_never_ahead(record):
    design = ForecastDesign.of(record, horizon=3, lags=2, seasons=(5,))
    padded = record.padded(design.reach)
    skip = design.skip(padded, design.reach, len(padded))
    inputs = design.inputs(padded, design.reach, len(padded))
    row = 30
    only = padded[row : row + design.reach + 1]
    np.testing.assert_array_equal(design.skip(only, design.reach, len(only))[0], skip[row])
    np.testing.assert_array_equal(design.inputs(only, design.reach, len(only))[0], inputs[row])


def test_regression_sees_the_row_and_its_lags(record):
    design = RegressionDesign(n_inputs=1, n_outputs=2, lags=2, flagged=[0])
    padded = record.padded(design.reach)
    skip = design.skip(padded, design.reach, len(padded))
    np.testing.assert_array_equal(skip[9, 0], [*record.inputs[[9, 8, 7], 0], 1.0])
    np.testing.assert_array_equal(skip[0, 0], [*record.inputs[[0, 0, 0], 0], 1.0])


def test_calendar_cycles_return_after_a_day_and_a_week():
    hour = 3600 * 10**9
    calendar = Calendar.of_step(hour)
    stamps = np.arange(24 * 15) * hour
    features = calendar.features(stamps)
    np.testing.assert_allclose(features[:24, :4], features[24:48, :4], atol=1e-9)
    np.testing.assert_allclose(features[:168], features[168:336], atol=1e-9)
    # 1970-01-01 was a Thursday: the weekend starts two days later.
    np.testing.assert_array_equal(features[:168, 6], np.repeat([0, 1, 0], [48, 48, 72]))
    assert Calendar.of_step(24 * hour).n_harmonics == 2
    assert Calendar.of_step(None).features(stamps).shape == (360, 0)
