import numpy as np

from tsrnn.features.window import Window

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
