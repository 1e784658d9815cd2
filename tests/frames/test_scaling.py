"""Units of series: of one they are those of its column, and of many those of each."""

import numpy as np
import pytest

from tsrnn.frames.scaling import Scaling
from tsrnn.frames.series_scaling import SeriesScaling


@pytest.mark.parametrize("n_rows", [3, 200, 25_000])
def test_one_series_has_the_unit_of_its_columns(n_rows):
    rng = np.random.default_rng(0)
    values = rng.normal(5.0, 2.0, (n_rows, 2)).cumsum(axis=0)
    values[rng.random(values.shape) < 0.1] = np.nan
    if n_rows > 100:
        values[n_rows // 2, 0] = 1e9  # one spike counts in neither
    one, columns = SeriesScaling.fit(values, np.zeros(n_rows, int), 1), Scaling.fit(values)
    np.testing.assert_allclose(one.mean[:, 0], columns.mean, rtol=1e-12)
    np.testing.assert_allclose(one.scale[:, 0], columns.scale, rtol=1e-12)
    scaled = one.apply(slice(None), values[:, :, None])
    np.testing.assert_allclose(scaled[..., 0], columns.apply(values), rtol=1e-9, atol=1e-9)
    back = one.undo(slice(None), scaled[..., None])[:, :, 0, 0]
    np.testing.assert_allclose(back, values, rtol=1e-9)


def test_the_unit_of_a_new_series_is_set_by_its_first_value_once():
    values = 10.0 * np.random.default_rng(0).normal(5.0, 1.0, (200, 1))
    scaling = SeriesScaling.fit(values, np.repeat([0, 1], 100), 2)
    assert scaling.complete
    assert scaling.with_first_values(slice(None), np.full((1, 1, 2), 7.0)) is scaling
    grown = scaling.grown(1)
    assert not grown.complete
    assert grown.with_first_values(np.array([2]), np.full((3, 1, 1), np.nan)) is grown
    rows = np.array([np.nan, 1000.0, 5.0]).reshape(3, 1, 1)
    known = grown.with_first_values(np.array([2]), rows)
    assert known.mean[0, 2] == 1000.0
    assert known.scale[0, 2] == pytest.approx(1000.0 * scaling.typical[2, 0])
    assert known.with_first_values(np.array([2]), rows / 7) is known
