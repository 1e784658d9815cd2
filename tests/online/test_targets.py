import numpy as np

from tsrnn.online.readouts.targets import origin_targets


def test_each_output_gets_the_label_of_its_delay_less_the_base():
    rng = np.random.default_rng(0)
    base, labels = rng.normal(size=(9, 2)), rng.normal(size=(9, 2, 1))
    targets = origin_targets(base, labels, [1, 4])
    for origin in range(9):
        for m, delay in enumerate([1, 4]):
            if origin + delay < 9:
                expected = labels[origin + delay, :, 0] - base[origin]
                np.testing.assert_array_equal(targets[origin, :, m], expected)
            else:
                assert np.isnan(targets[origin, :, m]).all()


def test_outputs_may_have_labels_of_their_own():
    labels = np.arange(6.0).reshape(3, 1, 2)
    targets = origin_targets(np.zeros((3, 1)), labels, [0, 0])
    np.testing.assert_array_equal(targets, labels)


def test_a_delay_beyond_the_rows_leaves_all_unknown():
    targets = origin_targets(np.zeros((2, 1)), np.zeros((2, 1, 1)), [5])
    assert np.isnan(targets).all()
