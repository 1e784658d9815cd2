"""Rows of which outputs alone are asked for: their places in the buffers are given back."""

import numpy as np
import pytest
from helpers import content, hourly

import tsrnn
from tsrnn import RNNForecaster
from tsrnn.features.window import Window
from tsrnn.kernels import compiled_kernels


@pytest.fixture(scope="module")
def fitted():
    if compiled_kernels() is None:
        pytest.skip("compiled kernels are not in use")
    rows = hourly(700)
    return RNNForecaster(3, hidden_size=4, max_iter=3, random_state=0).fit(rows[:500]), rows


def copy_of(fitted):
    return tsrnn.loads(tsrnn.dumps(fitted[0])), fitted[1]


def packed(model):
    return model._state.learner.stream.packed


def test_a_row_that_was_predicted_is_learnt_in_the_same_buffers(fitted):
    model, rows = copy_of(fitted)
    model.partial_fit(rows[500:501])
    buffer = packed(model).rows[0][0]
    for row in range(501, 510):  # before the network's next step, which goes part by part
        model.predict(rows[row : row + 1])
        model.predict(rows[row : row + 3])
        model.partial_fit(rows[row : row + 1])
        assert packed(model).rows[0][0] is buffer


def test_code_is_kept_for_rows_and_found_anew_for_another_network(fitted):
    """Its weights may lie in memory in another order."""
    model, rows = copy_of(fitted)
    model.partial_fit(rows[500:501])
    first = packed(model)
    model.partial_fit(rows[501:502])
    assert first.code is not None
    assert packed(model).code is first.code
    assert first.with_network(first.design, first.encoder).code is None


def test_predictions_between_rows_change_nothing(fitted):
    """Also of several rows, of missing ones that go part by part, and beyond the buffers."""
    model, rows = copy_of(fitted)
    alone, _ = copy_of(fitted)
    for row in range(500, 600):
        model.predict(rows[row : row + 1 + row % 5])
        gone = rows[row : row + 4].copy()
        gone.iloc[2] = np.nan
        model.predict(gone)
        model.p_values(rows[row : row + 2])
        model.partial_fit(rows[row : row + 1])
        alone.partial_fit(rows[row : row + 1])
    assert content(model) == content(alone)


def test_places_that_somebody_looks_at_stay_taken(fitted):
    """A learner that went on is held, and one of its parts: neither may be written over."""
    model, rows = copy_of(fitted)
    model.partial_fit(rows[500:501])
    stream = model._state.learner.stream
    reader, record = model._reader, model._reader.read(model, rows[501:502])
    scaled = model._state.scaling.apply(slice(None), record.targets[:, :, None])[:, :, 0]
    window = Window(scaled, record.inputs, reader.calendar_after(501, 1))
    _, held = stream.outputs(window)
    levels = held.window.levels  # a part, which looks at the place
    seen = levels.copy()
    del held
    for value in (1e3, -1e3):
        changed = rows[501:502] + value
        tsrnn.loads(tsrnn.dumps(model)).partial_fit(changed)
        model.predict(changed)
        np.testing.assert_array_equal(levels, seen)
    model.partial_fit(rows[501:502] + 5.0)
    np.testing.assert_array_equal(levels, seen)
