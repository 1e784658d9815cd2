"""The affine layer's maths and errors."""

import numpy as np
import pytest
from helpers.layers import D, H, N, T

from tsrnn.nn import Dense


@pytest.mark.parametrize("shape", [(D,), (N, D), (N, T, D)])
def test_last_axis_is_mapped(shape):
    layer = Dense(D, H, dtype=np.float64, random_state=0)
    x = np.random.default_rng(0).normal(size=shape)
    y = layer.forward(x)
    assert np.allclose(y, np.tensordot(x, layer.params["W"], 1) + layer.params["bias"], rtol=1e-14)
    d_x = layer.backward(np.ones_like(y))
    assert d_x.shape == x.shape
    assert np.allclose(layer.grads["bias"], y.size / H)


def test_params_are_live_and_bounded_at_the_start():
    layer = Dense(100, H, dtype=np.float64, random_state=0)
    assert 0.09 < np.abs(layer.params["W"]).max() <= 0.1
    layer.params["W"] = 0
    layer.params["bias"][...] = 3
    assert np.all(layer.forward(np.ones(100)) == 3)


@pytest.mark.parametrize("bad", [np.ones((N, D + 1)), np.ones((0, D)), np.ones(()), [np.nan] * D])
def test_bad_x_keeps_the_tape(bad):
    layer = Dense(D, H, random_state=0)
    layer.forward(np.ones((N, D)))
    with pytest.raises(ValueError, match=r"^x must"):
        layer.forward(bad)
    with pytest.raises(ValueError, match=r"d_y must have shape \(3, 4\).*found \(3, 1\)"):
        layer.backward(np.ones((N, 1)))
    layer.backward(np.ones((N, H)))
    assert np.all(layer.grads["W"] == N)


@pytest.mark.parametrize(
    "change",
    [{"weight": np.ones((D, H))}, {"bias": np.ones(H - 1)}, {"extra": 0}, {"bias": [np.inf] * H}],
)
def test_bad_state_dict_leaves_the_weights_as_they_were(change):
    layer = Dense(D, H, random_state=0)
    before = layer.weights[0].copy()
    with pytest.raises(ValueError, match=next(iter(change))):
        layer.load_state_dict(Dense(D, H, random_state=1).state_dict() | change)
    assert np.array_equal(layer.weights[0], before)
