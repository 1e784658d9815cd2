"""The shell of the public layers: parameters, clipping, weights in and out, errors."""

import numpy as np
import pytest
from helpers.layers import CELL_NAMES, LAYERS, D, H, N, T, draw_state, make_layer

from tsrnn.nn import GRU, LSTM, RNN, State

each_cell = pytest.mark.parametrize("name", CELL_NAMES)
SHAPES = {
    "rnn": {"Wx": (D, H), "Wh": (H, H), "bias": (H,)},
    "lstm": {"Wx": (D, 4 * H), "Wh": (H, 4 * H), "bias": (4 * H,)},
    "gru": {"Wx": (D, 3 * H), "Wh": (H, 3 * H), "bias": (3 * H,), "bias_hn": (H,)},
}
GATES = {"rnn": ("h",), "lstm": ("i", "f", "o", "g"), "gru": ("r", "z", "n")}


@each_cell
def test_shapes(name):
    layer = make_layer(name, dtype=np.float32)
    assert {key: value.shape for key, value in layer.params.items()} == SHAPES[name]
    assert {key: value.shape for key, value in layer.grads.items()} == SHAPES[name]
    h_last, h_stack = layer.forward(np.ones((N, T, D)))
    d_x = layer.backward(np.ones((N, T, H)))
    assert (h_last.shape, h_stack.shape, d_x.shape) == ((N, H), (N, T, H), (N, T, D))
    assert h_last.dtype == h_stack.dtype == d_x.dtype == np.float32
    assert np.array_equal(h_stack[:, -1], h_last)
    assert layer.d_h_0.shape == (N, H)
    assert (layer.d_c_0 is not None) == (name == "lstm")


@each_cell
def test_gate_order_says_which_columns_are_which(name):
    """A huge bias saturates a gate, and each gate does to h what its name says."""
    layer = LAYERS[name](D, 1, dtype=np.float64, random_state=0)
    assert layer.params["bias"].size == len(layer.gate_order)
    assert layer.gate_order == GATES[name]
    layer.params.update({key: 0 for key in layer.params})
    bias = dict(zip(layer.gate_order, np.zeros(len(layer.gate_order)), strict=True))

    def h_after(h_0=0.5, c_0=0.3, **biases):
        layer.params["bias"] = list((bias | biases).values())
        state = ([[h_0]], [[c_0]]) if name == "lstm" else [[h_0]]
        return layer.forward(np.zeros((1, 1, D)), state)[0].item()

    if name == "rnn":
        assert h_after(h=0.7) == pytest.approx(np.tanh(0.7))
    elif name == "lstm":
        assert h_after(i=-99, f=99, o=99) == pytest.approx(np.tanh(0.3))
        assert h_after(i=99, f=-99, o=99, g=99) == pytest.approx(np.tanh(1))
        assert h_after(i=99, f=99, o=-99, g=99) == pytest.approx(0)
    else:
        assert h_after(z=99) == pytest.approx(0.5)
        assert h_after(z=-99, n=0.4) == pytest.approx(np.tanh(0.4))
        layer.params["bias_hn"] = 0.2
        assert h_after(z=-99, r=99) == pytest.approx(np.tanh(0.2))
        assert h_after(z=-99, r=-99) == pytest.approx(0)


@each_cell
def test_params_are_live(name):
    layer = make_layer(name)
    x = np.ones((N, T, D))
    for key in layer.params:
        before = layer.forward(x)[1]
        layer.params[key][...] *= 1.5
        between = layer.forward(x)[1]
        assert not np.array_equal(before, between), key
        layer.params[key] = layer.params[key] * 1.5
        assert not np.array_equal(between, layer.forward(x)[1]), key
    assert all(np.shares_memory(w, p) for w, p in [(layer.weights[0], layer.params["Wx"])])


def test_weights_and_gradients_match_one_by_one():
    layer = make_layer("gru")
    layer.forward(np.ones((N, T, D)))
    layer.backward(np.ones((N, T, H)))
    assert [w.shape for w in layer.weights] == [g.shape for g in layer.weight_grads]
    assert [w.strides for w in layer.weights] == [g.strides for g in layer.weight_grads]
    assert all(w.flags.f_contiguous for w in layer.weights)
    for fused, views in ((layer.weights, layer.params), (layer.weight_grads, layer.grads)):
        assert np.array_equal(fused[0][:, :H].T, views["Wh"])
        assert np.array_equal(fused[0][:, H:-1].T, views["Wx"])
        assert np.array_equal(fused[0][:, -1], views["bias"])
        assert np.array_equal(fused[1], views["bias_hn"])


@each_cell
def test_clip_bounds_parameter_gradients_only(name):
    clipped, exact = make_layer(name, clip=0.01), make_layer(name, clip=None)
    x, d_h = np.ones((N, T, D)), np.full((N, T, H), 10.0)
    for layer in (clipped, exact):
        layer.forward(x)
        layer.d_x = layer.backward(d_h)
    for key, grad in exact.grads.items():
        assert np.abs(grad).max() > 0.01
        assert np.array_equal(clipped.grads[key], np.clip(grad, -0.01, 0.01)), key
    assert np.array_equal(clipped.d_x, exact.d_x)
    assert np.array_equal(clipped.d_h_0, exact.d_h_0)
    assert LAYERS[name](D, H).clip == 1.0


@each_cell
def test_state_dict_round_trip_is_exact_and_a_copy(name):
    source, target = make_layer(name, seed=0), make_layer(name, seed=5)
    given = source.state_dict()
    target.load_state_dict(given)
    for key in source.params:
        assert np.array_equal(target.params[key], source.params[key]), key
    for array in given.values():
        array[...] = 0
    for key in source.params:
        assert np.array_equal(target.params[key], source.params[key]), key


@each_cell
def test_random_state(name):
    def weights(random_state, dtype=np.float64):
        return LAYERS[name](D, H, dtype=dtype, random_state=random_state).weights[0]

    assert np.array_equal(weights(3), weights(np.random.default_rng(3)))
    assert not np.array_equal(weights(3), weights(4))
    assert not np.array_equal(weights(None), weights(None))
    assert np.array_equal(weights(3, np.float32), weights(3).astype(np.float32))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_size": 0}, "input_size must be a positive integer, found 0"),
        ({"hidden_size": 2.5}, "hidden_size must be a positive integer, found 2.5"),
        ({"hidden_size": True}, "hidden_size must be a positive integer, found True"),
        ({"clip": 0}, "clip .* must be a positive finite number, found 0"),
        ({"clip": "big"}, "clip .* must be a positive finite number, found 'big'"),
        ({"dtype": np.int64}, "float32 or float64, found int64"),
        ({"initializer": "zeros"}, "orthogonal.*found 'zeros'"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        LSTM(**({"input_size": D, "hidden_size": H} | options))


def bad_x(index, value):
    x = np.ones((N, T, D))
    x[index] = value
    return x


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.ones((N, D)), r"x must have shape \(N, T, 2\).*found \(3, 2\)"),
        (np.ones((N, T, D + 1)), r"x must have shape \(N, T, 2\).*found \(3, 5, 3\)"),
        (np.ones((N, 0, D)), "no axis empty"),
        (np.ones((0, T, D)), "no axis empty"),
        (bad_x((1, 2, 0), np.nan), r"x\[1, 2, 0\] = nan"),
        (bad_x((0, 4, 1), -np.inf), r"x\[0, 4, 1\] = -inf"),
        (bad_x((0, 4, 1), 1e300), r"finite in float32.*x\[0, 4, 1\] = 1e\+300"),
        (np.ones((N, T, D)) * 1j, "real numbers"),
        ([[["one"]]], "real numbers"),
        (np.ones((N + 1, T, D)), r"N=4 streams, but the carried state has 3.*reset_state\(\)"),
    ],
)
def test_bad_x_leaves_the_layer_as_it_was(x, message):
    layer = make_layer("lstm", dtype=np.float32, stateful=True)
    good = np.ones((N, T, D))
    layer.forward(good)
    before = layer.state
    with pytest.raises(ValueError, match=message):
        layer.forward(x)
    assert np.array_equal(layer.state.h, before.h)
    assert np.array_equal(layer.state.c, before.c)
    layer.backward(np.ones((N, T, H)))  # the tape is still that of the good forward


@pytest.mark.parametrize(
    ("layer", "state", "message"),
    [
        (LSTM, np.ones((N, H)), "LSTM needs both h and c; found c missing"),
        (GRU, (np.ones((N, H)), np.ones((N, H))), "GRU has no c, only h; found c given"),
        (RNN, State(np.ones((N, H + 1))), r"h must have shape \(N, 4\).*found \(3, 5\)"),
        (LSTM, (np.ones((N, H)), np.ones((1, H))), r"c must have shape \(3, 4\).*found \(1, 4\)"),
        (RNN, np.full((N, H), np.nan), r"h\[0, 0\] = nan"),
        (RNN, np.ones((1, H)), "N=3 streams, but the given state has 1"),
    ],
)
def test_bad_state(layer, state, message):
    layer = layer(D, H, random_state=0)
    with pytest.raises(ValueError, match=message):
        layer.forward(np.ones((N, T, D)), state)


def test_bad_set_state_leaves_the_state_as_it_was():
    layer = make_layer("lstm", stateful=True)
    h, c = draw_state("lstm", np.random.default_rng(0))
    layer.set_state(h, c)
    for bad in [(h,), (h, c[:1]), (h[:, :1], c), (h, np.full_like(c, np.inf))]:
        with pytest.raises(ValueError):
            layer.set_state(*bad)
    assert np.array_equal(layer.state.h, h)
    assert np.array_equal(layer.state.c, c)


@pytest.mark.parametrize(
    "d_h", [np.ones((N, H)), np.ones((N, T + 1, H)), np.full((N, T, H), np.nan)]
)
def test_bad_gradient_keeps_the_tape(d_h):
    layer = make_layer("rnn")
    layer.forward(np.ones((N, T, D)))
    with pytest.raises(ValueError, match="d_h_stack"):
        layer.backward(d_h)
    assert all(np.all(grad == 0) for grad in layer.grads.values())
    layer.backward(np.ones((N, T, H)))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("weight_ih_l0", None, r"missing \['weight_ih_l0'\]"),
        ("weight_ih_l1", np.ones((H, D)), r"unexpected \['weight_ih_l1'\]"),
        ("weight_hh_l0", np.ones((H, H)), r"weight_hh_l0 must have shape \(16, 4\)"),
        ("bias_hh_l0", np.full(4 * H, np.nan), r"bias_hh_l0\[0\] = nan"),
    ],
)
def test_bad_state_dict_leaves_the_weights_as_they_were(key, value, message):
    layer, other = make_layer("lstm"), make_layer("lstm", seed=7)
    before = layer.weights[0].copy()
    given = other.state_dict() | {key: value}
    if value is None:
        del given[key]
    with pytest.raises(ValueError, match=message):
        layer.load_state_dict(given)
    assert np.array_equal(layer.weights[0], before)
