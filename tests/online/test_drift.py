"""What counts as a change of the error level."""

import numpy as np

from tsrnn.online.drift import MOST, Drift


def walk(scaled, drift):
    for row, values in enumerate(scaled):
        drift = drift.step(values, row)
    return drift


def test_a_rise_and_a_fall_are_noted_once_each():
    rng = np.random.default_rng(0)
    sizes = np.repeat([1.0, 4.0, 1.0, 0.1, 1.0], 300)[:, None, None]
    scaled = np.abs(rng.normal(size=(1500, 24, 2))) / 0.8 * sizes
    scaled[:, :, 1] /= sizes[:, 0]  # nothing happens to the second stream
    changes = walk(scaled, Drift.of(2)).changes
    assert [(stream, size > 1) for _, stream, size in changes] == [(0, True), (0, False)]
    assert 300 < changes[0][0] < 320
    assert 900 < changes[1][0] < 940


def test_one_spike_and_missing_errors_are_no_drift():
    scaled = np.ones((500, 3, 1))
    scaled[300] = 1e9
    scaled[::7] = np.nan
    scaled[::5, 0] = np.nan
    assert walk(scaled, Drift.of(1)).changes == ()


def test_the_log_is_bounded_and_can_be_cleared():
    sizes = np.where(np.arange(30_000) // 100 % 2 == 0, 1.0, 4.0)[:, None, None]
    drift = walk(sizes, Drift.of(1))
    assert len(drift.changes) == MOST
    assert drift.cleared().changes == ()
