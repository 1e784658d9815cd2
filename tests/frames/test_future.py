"""Rows of X_future: those of a slow look-up, at any size; a panel's in little time."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsrnn.frames.columns import Columns
from tsrnn.frames.form import Form
from tsrnn.frames.future import following_inputs, read_future

START = pd.Timestamp("2024-03-30")
FORM = Form(True, "id", "time", levels=False, id_column=True, time_column=True)


def columns_of(**values):
    frame = pd.DataFrame({"y": [1.0], **{name: [value] for name, value in values.items()}})
    return Columns.of(frame, None, frame.shape[1], "y", list(values))


def looked_up(known, index):
    """The slow way: row by row, None where one is missing or doubled."""
    table, doubled = {}, set()
    for key, value in known:
        doubled |= {key} & table.keys()
        table[key] = value
    keys = list(index)
    if any(key not in table or key in doubled for key in keys):
        return None
    return np.array([[table[key]] for key in keys])


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.data())
def test_rows_are_those_of_a_slow_look_up(data):
    """Series with cutoffs of their own, in any order; rows of others; some missing or doubled."""
    n_series, horizon = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    tz = data.draw(st.sampled_from([None, "Europe/Berlin"]))
    ids = data.draw(st.permutations([f"s{i}" for i in range(n_series)]))
    cutoffs = data.draw(st.lists(st.integers(0, 30), min_size=n_series, max_size=n_series))
    hours = (np.array(cutoffs)[:, None] + 1 + np.arange(horizon)).ravel()
    times = START.tz_localize(tz) + pd.to_timedelta(hours, "h")
    index = pd.MultiIndex.from_arrays([np.repeat(ids, horizon), times], names=["id", "time"])
    pairs = [(name, hour) for name in [*ids, "other"] for hour in range(-3, 40)]
    order = data.draw(st.randoms(use_true_random=False))
    order.shuffle(pairs)
    pairs = pairs[: data.draw(st.sampled_from([len(pairs), len(pairs), len(pairs) - 5]))]
    pairs += pairs[: data.draw(st.sampled_from([0, 0, 5]))]
    frame = pd.DataFrame(pairs, columns=["id", "hour"])
    frame["time"] = START.tz_localize(tz) + pd.to_timedelta(frame["hour"], "h")
    frame["price"] = np.arange(float(len(frame)))
    expected = looked_up(zip(zip(frame["id"], frame["time"]), frame["price"]), index)  # noqa: B905
    if expected is None:
        with pytest.raises(ValueError, match=r"without|more than once"):
            read_future(frame, index, columns_of(price=1.0), FORM)
    else:
        found = read_future(frame, index, columns_of(price=1.0), FORM)
        np.testing.assert_array_equal(found, expected)


def test_row_numbers_of_a_panel_are_times():
    index = pd.MultiIndex.from_arrays([["b", "b", "a", "a"], [5, 6, 3, 4]], names=["id", "n"])
    form = Form(True, "id", "n", levels=True, id_column=False, time_column=False)
    pairs = [(name, number) for number in range(9, -1, -1) for name in ("a", "c", "b")]
    frame = pd.DataFrame({"price": [10.0 * n + ord(c) for c, n in pairs]},
                         pd.MultiIndex.from_tuples(pairs))  # fmt: skip
    found = read_future(frame, index, columns_of(price=1.0), form)
    assert found.ravel().tolist() == [50.0 + 98, 60.0 + 98, 30.0 + 97, 40.0 + 97]
    with pytest.raises(ValueError, match=r"without 1 of the 4 rows .* of 'b' at 5"):
        read_future(frame.drop(("b", 5)), index, columns_of(price=1.0), form)


def test_categories_and_numbers_beside_each_other():
    index = pd.date_range("2024", periods=3, name="day")
    columns = columns_of(day="holiday", price=1.0)
    frame = pd.DataFrame({"price": [1, None, 3], "day": ["holiday", "storm", None]}, index)
    found = read_future(frame[::-1], index, columns)
    np.testing.assert_array_equal(found, [[0, 1], [-1, np.nan], [np.nan, 3]])
    nothing = frame.assign(day=None, price=None)
    assert np.isnan(read_future(nothing, index, columns)).all()


def test_ten_thousand_series_are_picked_from_shuffled_rows():
    """240,000 rows among as many others; a loop over the rows would take a minute."""
    n_series, horizon = 10_000, 24
    times = pd.date_range("2024", periods=2 * horizon, freq="h")
    names = np.array([f"series {i}" for i in range(n_series)], dtype=object)
    frame = pd.DataFrame({"id": np.tile(names, len(times)), "time": times.repeat(n_series)})
    frame["price"] = np.arange(float(len(frame)))
    index = pd.MultiIndex.from_arrays([names.repeat(horizon), np.tile(times[:horizon], n_series)],
                                      names=["id", "time"])  # fmt: skip
    shuffled = frame.sample(frac=1, random_state=0)
    found = read_future(shuffled, index, columns_of(price=1.0), FORM)
    expected = frame["price"].to_numpy()[: n_series * horizon].reshape(horizon, n_series).T
    np.testing.assert_array_equal(found.ravel(), expected.ravel())


def test_what_follows_is_that_of_a_slow_look_up():
    rng = np.random.default_rng(0)
    series, positions = np.divmod(rng.permutation(60)[:45], 20)
    inputs = np.where(rng.random((45, 2)) < 0.3, np.nan, rng.normal(size=(45, 2)))
    found = following_inputs(series, positions, inputs, horizon=4)
    for row, step, column in np.ndindex(45, 4, 2):
        ahead = (series == series[row]) & (positions > positions[row])
        ahead &= (positions <= positions[row] + step + 1) & np.isfinite(inputs[:, column])
        newest = np.flatnonzero(ahead)
        if len(newest):
            newest = newest[positions[newest].argmax()]
        expected = inputs[newest, column] if np.ndim(newest) == 0 else np.nan
        np.testing.assert_equal(found[row, step, column], expected)
