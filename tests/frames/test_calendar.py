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
    whole = calendar.features(index.tz_localize(None).as_unit("ns").asi8)
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
