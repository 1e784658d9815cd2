"""The stack of layers inside the estimators."""

import numpy as np
import pytest
from helpers.layers import CELL_NAMES, D, H, N, T, make_layer

from tsrnn.nn import CELLS, Network, State

each_cell = pytest.mark.parametrize("name", CELL_NAMES)
x = np.random.default_rng(0).normal(size=(T, D, N))


def test_every_cell_is_known():
    assert sorted(CELLS) == sorted(CELL_NAMES)


@each_cell
def test_one_layer_equals_the_public_layer(name):
    layer = make_layer(name, clip=None)
    network = Network(D, H, cell=name, dtype=np.float64)
    network.load_state_dict(layer.state_dict())
    h, (state,) = network.forward(x)
    h_last, h_stack = layer.forward(x.transpose(2, 0, 1))
    assert np.array_equal(h, h_stack.transpose(1, 2, 0))
    assert np.array_equal(state.h, h_last.T)
    d_x = network.backward(np.ones((T, H, N)))
    assert np.array_equal(d_x, layer.backward(np.ones((N, T, H))).transpose(1, 2, 0))
    for ours, theirs in zip(network.weight_grads, layer.weight_grads, strict=True):
        assert np.array_equal(ours, theirs)


@each_cell
def test_weights_and_gradients_of_all_layers(name):
    network = Network(D, H, 3, cell=name, random_state=0)
    assert len(network.weights) == 3 * (2 if name == "gru" else 1)
    assert [w.shape for w in network.weights] == [g.shape for g in network.weight_grads]
    network.forward(x.astype(np.float32))
    network.backward(np.ones((T, H, N), np.float32))
    assert all(np.any(grad != 0) for grad in network.weight_grads)
    assert not np.array_equal(network.weights[-1], network.weights[-2]), "layers start apart"


@each_cell
def test_copy(name):
    network = Network(D, H, 2, cell=name, dtype=np.float64, random_state=0)
    expected = network.forward(x)[0].copy()
    twin = network.copy()
    for weight in network.weights:
        weight[...] = 0
    assert np.array_equal(twin.forward(x)[0], expected)
    twin.backward(np.ones((T, H, N)))
    assert all(np.all(grad == 0) for grad in network.weight_grads)


def test_returned_state_outlives_the_next_call():
    network = Network(D, H, 2, dtype=np.float64, random_state=0)
    _, state = network.forward(x)
    before = [(s.h.copy(), s.c.copy()) for s in state]
    network.forward(x + 1)
    for s, (h, c) in zip(state, before, strict=True):
        assert np.array_equal(s.h, h)
        assert np.array_equal(s.c, c)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cell": "transformer"}, r"cell must be one of \['gru', 'lstm', 'rnn'\]"),
        ({"n_layers": 0}, "n_layers must be a positive integer, found 0"),
        ({"hidden_size": -1}, "hidden_size"),
        ({"dtype": "float16"}, "float32 or float64, found float16"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        Network(**({"input_size": D, "hidden_size": H} | options))


@pytest.mark.parametrize("bad", [x[0], x[:, :1], x[:0], x[..., :0]])
def test_bad_x(bad):
    with pytest.raises(ValueError, match=r"x must have shape \(T, 2, N\)"):
        Network(D, H).forward(bad)


@pytest.mark.parametrize(
    "bad",
    [
        (State(np.ones((H, N)), np.ones((H, N))),),
        2 * (State(np.ones((H, 1)), np.ones((H, 1))),),
        2 * (State(np.ones((H, N)), np.ones((H, 1))),),
    ],
    ids=["one layer for two", "one stream for three", "c of one stream"],
)
def test_bad_state(bad):
    with pytest.raises(ValueError, match=r"2 layers of h and c of shape \(4, 3\)"):
        Network(D, H, 2).forward(x, bad)


def test_bad_gradient_keeps_the_tape():
    network = Network(D, H, 2)
    network.forward(x)
    with pytest.raises(ValueError, match=r"\(5, 4, 3\), found \(5, 4, 1\)"):
        network.backward(np.ones((T, H, 1)))
    network.backward(np.ones((T, H, N)))


def test_bad_state_dict_leaves_all_layers_as_they_were():
    network = Network(D, H, 2, random_state=0)
    before = [weight.copy() for weight in network.weights]
    given = Network(D, H, 2, random_state=1).state_dict()
    given["bias_ih_l1"] = given["bias_ih_l1"][:-1]  # the last layer's: the first is fine
    with pytest.raises(ValueError, match="bias_ih_l1 must have shape"):
        network.load_state_dict(given)
    for weight, copied in zip(network.weights, before, strict=True):
        assert np.array_equal(weight, copied)
