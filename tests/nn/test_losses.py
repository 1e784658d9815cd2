"""Losses: values, slopes, kinks and masks."""

import numpy as np
import pytest
from helpers.layers import numerical_gradient, relative_error

from tsrnn.nn import Absolute, Huber, Quantile, Squared, get_loss

LOSSES = [Squared(), Absolute(), Huber(0.8), Quantile(0.9), Quantile(0.1)]
each_loss = pytest.mark.parametrize("loss", LOSSES, ids=str)


@each_loss
@pytest.mark.parametrize("masked", [False, True])
def test_gradient(loss, masked):
    rng = np.random.default_rng(0)
    prediction, target = rng.normal(size=(2, 6, 5))
    mask = rng.random((6, 5)) < 0.6 if masked else None
    _, found = loss(prediction, target, mask)
    expected = numerical_gradient(lambda: loss(prediction, target, mask)[0], prediction)
    assert relative_error(found, expected) < 1e-7


@pytest.mark.parametrize(
    ("loss", "above", "below"),
    [
        (Squared(), 9, 9),
        (Absolute(), 3, 3),
        (Huber(2), 4, 4),
        (Huber(5), 4.5, 4.5),
        (Quantile(0.9), 0.3, 2.7),
    ],
    ids=str,
)
def test_value(loss, above, below):
    """A forecast 3 too high, and one 3 too low."""
    assert loss(np.array([4.0]), np.array([1.0]))[0] == pytest.approx(above)
    assert loss(np.array([-2.0]), np.array([1.0]))[0] == pytest.approx(below)


@pytest.mark.parametrize(
    ("loss", "slope"),
    [(Squared(), 0), (Absolute(), 0), (Huber(), 0), (Quantile(0.9), -0.9)],
    ids=str,
)
def test_slope_at_the_kink(loss, slope):
    value, found = loss(np.zeros(1), np.zeros(1))
    assert value == 0
    assert found == pytest.approx(slope)


@each_loss
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-6), (np.float64, 1e-14)])
def test_masked_targets_do_not_leak(loss, dtype, tolerance):
    rng = np.random.default_rng(0)
    prediction, target = rng.normal(size=(2, 4, 3))
    prediction = prediction.astype(dtype)
    mask = np.ones((4, 3), bool)
    mask[1, 2] = mask[3, 0] = False
    expected, slope = loss(prediction[mask], target[mask])
    for unknown in (np.nan, np.inf, -np.inf, 1e308):
        target[~mask] = unknown
        value, d_prediction = loss(prediction, target, mask)
        assert value == pytest.approx(expected, rel=tolerance)
        assert np.allclose(d_prediction[mask], slope, rtol=tolerance)
        assert np.all(d_prediction[~mask] == 0)


@each_loss
def test_nothing_known(loss):
    value, d_prediction = loss(np.ones((2, 3)), np.full((2, 3), np.nan), np.zeros((2, 3), bool))
    assert value == 0.0
    assert np.array_equal(d_prediction, np.zeros((2, 3)))


@each_loss
def test_unmasked_nan_is_not_hidden(loss):
    assert np.isnan(loss(np.ones(2), np.array([1.0, np.nan]))[0])


@each_loss
def test_dtype_is_that_of_the_prediction(loss):
    value, d_prediction = loss(np.ones(3, np.float32), np.zeros(3), np.array([True, True, False]))
    assert isinstance(value, float)
    assert d_prediction.dtype == np.float32


@pytest.mark.parametrize(
    ("target", "mask"),
    [(np.ones(3), None), (np.ones((2, 1)), None), (np.ones((2, 3)), np.ones((2, 3)))],
)
def test_bad_shapes_and_masks(target, mask):
    with pytest.raises(ValueError, match="must share one shape"):
        Squared()(np.ones((2, 3)), target, mask)


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("squared", Squared()),
        ("absolute", Absolute()),
        ("huber", Huber(1.0)),
        ("huber:0.5", Huber(0.5)),
        ("quantile:0.9", Quantile(0.9)),
        (Huber(3.0), Huber(3.0)),
    ],
)
def test_get_loss(name, loss):
    assert get_loss(name) == loss


@pytest.mark.parametrize(
    "name",
    ["cubic", "quantile", "quantile:2", "quantile:0.9:1", "huber:x", "huber:0", "squared:1", None],
)
def test_get_loss_of_an_unknown_name(name):
    with pytest.raises(ValueError, match="loss must be"):
        get_loss(name)


@pytest.mark.parametrize("bad", [0, -1, np.nan, np.inf, "x"])
def test_bad_numbers(bad):
    with pytest.raises(ValueError, match="delta must be"):
        Huber(bad)
    with pytest.raises(ValueError, match="level must"):
        Quantile(bad)
