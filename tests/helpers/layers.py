"""What the tests of tsrnn.nn share."""

import importlib.util

import numpy as np
import pytest

from tsrnn.nn import GRU, LSTM, RNN

LAYERS = {"rnn": RNN, "lstm": LSTM, "gru": GRU}
CELL_NAMES = list(LAYERS)
needs_numba = pytest.mark.skipif(
    importlib.util.find_spec("numba") is None, reason="numba, the extra fast, is not installed"
)
#: Odd, all different sizes: a swapped axis cannot go unnoticed.
N, T, D, H = 3, 5, 2, 4


def numerical_gradient(loss, array, step=1e-6):
    """Central differences of `loss()` with respect to each entry of `array` (float64, in place)."""
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        value = array[index]
        array[index] = value + step
        above = loss()
        array[index] = value - step
        below = loss()
        array[index] = value
        gradient[index] = (above - below) / (2 * step)
    return gradient


def relative_error(found, expected):
    """Largest deviation, in units of the largest entry expected."""
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    scale = np.abs(expected).max()
    assert scale > 1e-3, "a gradient of nothing would prove nothing"
    return np.abs(found - expected).max() / scale


def make_layer(name, *, dtype=np.float64, seed=0, **options):
    """Build a layer whose biases are not zero, forget gates included."""
    layer = LAYERS[name](D, H, dtype=dtype, random_state=seed, **options)
    rng = np.random.default_rng(seed + 1)
    for key in layer.params:
        layer.params[key] = rng.normal(0, 0.6, layer.params[key].shape)
    return layer


def draw_state(name, rng, n=N):
    """Draw a starting state: (h, c) for an LSTM, else (h, None)."""
    return rng.normal(0, 0.7, (n, H)), rng.normal(0, 0.7, (n, H)) if name == "lstm" else None
