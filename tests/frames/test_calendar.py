"""Calendar features of streamed rows are those of the calendar, however they are cut out."""

import numpy as np
import pandas as pd
import pytest

from tsrnn.frames.calendar import STRETCH, Calendar
from tsrnn.frames.time_axis import TimeAxis


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
@pytest.mark.parametrize("freq", ["h", "D", "B"])
def test_features_after_a_position_are_those_of_the_next_step(freq, zone):
    index = pd.date_range("2024-03-01", periods=3 * STRETCH, freq=freq, tz=zone)
    axis = TimeAxis.of(index[:40]._with_freq(None))
    calendar = Calendar.of_step(axis.shortest_step_ns)
    wall = index.tz_localize(None).as_unit("ns").asi8
    whole = calendar.features(wall, wall[:1])
    for start, n in [
        (0, 1),
        (5, 3),
        (STRETCH - 2, 1),
        (STRETCH - 1, 1),
        (STRETCH - 1, 2),
        (STRETCH - 2, 5),
        (9, 600),
    ]:
        found = calendar.after(axis, start, n)
        np.testing.assert_array_equal(found, whole[start + 1 : start + 1 + n])
    for start in range(2 * STRETCH):
        np.testing.assert_array_equal(calendar.after(axis, start, 1), whole[start + 1 : start + 2])


def test_features_are_the_caller_s_to_change():
    axis = TimeAxis.of(pd.date_range("2024", periods=9, freq="h"))
    calendar = Calendar.of_step(axis.shortest_step_ns)
    before = calendar.after(axis, 3, 1).copy()
    calendar.after(axis, 3, 1)[:] = 7.0
    np.testing.assert_array_equal(calendar.after(axis, 3, 1), before)


def test_features_near_the_end_of_time():
    index = pd.date_range("2262-04-01", periods=9, freq="D", unit="ns")
    axis = TimeAxis.of(index[:5])
    calendar = Calendar.of_step(axis.shortest_step_ns)
    np.testing.assert_array_equal(calendar.after(axis, 3, 1), calendar.features(index.asi8[4:5]))


def test_the_year_is_seen_once_two_have_passed():
    index = pd.date_range("2020-03-01", periods=800)
    axis = TimeAxis.of(index)
    calendar = Calendar.of_step(axis.shortest_step_ns)
    found = calendar.after(axis, 0, 799)
    year = 2 * np.pi * (index[1:].as_unit("ns").asi8 / 31_556_952e9)
    expected = np.sin(year) * (index[1:] > "2022-03-01")  # two years of 365.2425 days
    np.testing.assert_allclose(found[:, calendar.n_cyclic], expected, atol=1e-9)
    np.testing.assert_array_equal(calendar.after(axis, 760, 9), found[760:769])
    assert (found[:700, calendar.n_cyclic :] == 0.0).all()
