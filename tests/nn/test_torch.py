"""Outputs and gradients against PyTorch, number for number."""

import numpy as np
import pytest
from helpers.layers import CELL_NAMES, D, H, N, T, draw_state, make_layer, relative_error

from tsrnn.nn import SGD, Adam, Dense, Network

torch = pytest.importorskip("torch")

MODULES = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
DTYPES = [(np.float32, 1e-5), (np.float64, 1e-10)]


def as_arrays(module):
    return {key: value.numpy() for key, value in module.state_dict().items()}


def as_tensors(arrays):
    return {key: torch.from_numpy(value) for key, value in arrays.items()}


def random_module(name, dtype, n_layers=1):
    torch.manual_seed(0)
    module = MODULES[name](D, H, n_layers, batch_first=True)
    return module.to(torch.float32 if dtype == np.float32 else torch.float64)


def leaf(array):
    return torch.tensor(array, requires_grad=True)


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize("name", CELL_NAMES)
def test_layer(name, dtype, tolerance):
    rng = np.random.default_rng(0)
    module = random_module(name, dtype)
    layer = make_layer(name, dtype=dtype, clip=None, stateful=True)
    layer.load_state_dict(as_arrays(module))
    x, d_h = rng.normal(size=(N, T, D)).astype(dtype), rng.normal(size=(N, T, H)).astype(dtype)
    start = [array.astype(dtype) for array in draw_state(name, rng) if array is not None]

    x_leaf, leaves = leaf(x), [leaf(array) for array in start]
    hidden = tuple(leaf_[None] for leaf_ in leaves)
    theirs, end = module(x_leaf, hidden if name == "lstm" else hidden[0])
    theirs.backward(torch.from_numpy(d_h))

    layer.set_state(*start)
    h_last, h_stack = layer.forward(x)
    d_x = layer.backward(d_h)
    end = [part[0].detach().numpy() for part in (end if name == "lstm" else (end,))]
    pairs = {
        "h_stack": (h_stack, theirs.detach().numpy()),
        "h_last": (h_last, end[0]),
        "state.h": (layer.state.h, end[0]),
        "d_x": (d_x, x_leaf.grad.numpy()),
        "d_h_0": (layer.d_h_0, leaves[0].grad.numpy()),
    }
    if name == "lstm":
        pairs["state.c"] = layer.state.c, end[1]
        pairs["d_c_0"] = layer.d_c_0, leaves[1].grad.numpy()
    # Written out here, apart from layout.py, which is under test: our rows in PyTorch's order.
    order = np.arange(layer.params["bias"].size)
    if name == "lstm":
        order = order.reshape(4, H)[[0, 1, 3, 2]].ravel()
    grads = {key: value.grad.numpy() for key, value in module.named_parameters()}
    pairs["Wx"] = layer.grads["Wx"].T[order], grads["weight_ih_l0"]
    pairs["Wh"] = layer.grads["Wh"].T[order], grads["weight_hh_l0"]
    pairs["bias"] = layer.grads["bias"][order], grads["bias_ih_l0"]
    if name == "gru":
        pairs["bias_hn"] = layer.grads["bias_hn"], grads["bias_hh_l0"][-H:]
    for key, (ours, expected) in pairs.items():
        assert relative_error(ours, expected) < tolerance, key


@pytest.mark.parametrize("name", CELL_NAMES)
def test_layer_weights_move_to_torch(name):
    layer = make_layer(name)
    module = random_module(name, np.float64)
    module.load_state_dict(as_tensors(layer.state_dict()))
    x = np.random.default_rng(0).normal(size=(N, T, D))
    expected = module(torch.from_numpy(x))[0].detach().numpy()
    assert relative_error(layer.forward(x)[1], expected) < 1e-10


@pytest.mark.parametrize("there", [True, False], ids=["to-torch", "from-torch"])
@pytest.mark.parametrize("name", CELL_NAMES)
def test_network_of_two_layers(name, there):
    rng = np.random.default_rng(0)
    module = random_module(name, np.float64, n_layers=2)
    network = Network(D, H, n_layers=2, cell=name, dtype=np.float64, random_state=0)
    if there:
        module.load_state_dict(as_tensors(network.state_dict()))
    else:
        network.load_state_dict(as_arrays(module))
    x, d_h = rng.normal(size=(N, T, D)), rng.normal(size=(N, T, H))
    x_leaf = leaf(x)
    theirs, _ = module(x_leaf)
    theirs.backward(torch.from_numpy(d_h))
    h, _ = network.forward(x.transpose(1, 2, 0))
    assert relative_error(h.transpose(2, 0, 1), theirs.detach().numpy()) < 1e-10
    d_x = network.backward(d_h.transpose(1, 2, 0))
    assert relative_error(d_x.transpose(2, 0, 1), x_leaf.grad.numpy()) < 1e-10


def test_dense_weights_move_both_ways():
    module = torch.nn.Linear(D, H, dtype=torch.float64)
    layer = Dense(D, H, dtype=np.float64, random_state=0)
    x = np.random.default_rng(0).normal(size=(N, T, D))
    for _ in range(2):
        expected = module(torch.from_numpy(x)).detach().numpy()
        module.load_state_dict(as_tensors(layer.state_dict()))
        assert relative_error(layer.forward(x), expected) > 0.1
        expected = module(torch.from_numpy(x)).detach().numpy()
        assert relative_error(layer.forward(x), expected) < 1e-12
        torch.nn.init.normal_(module.weight)
        torch.nn.init.normal_(module.bias)
        layer.load_state_dict(as_arrays(module))
        expected = module(torch.from_numpy(x)).detach().numpy()
        assert relative_error(layer.forward(x), expected) < 1e-12
        layer = Dense(D, H, dtype=np.float64, random_state=1)


OPTIMIZERS = {
    "sgd": (SGD(0.1), lambda p: torch.optim.SGD(p, 0.1)),
    "momentum": (SGD(0.1, 0.9), lambda p: torch.optim.SGD(p, 0.1, momentum=0.9)),
    "nesterov": (
        SGD(0.1, 0.9, nesterov=True),
        lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True),
    ),
    "adam": (
        Adam(0.1, betas=(0.8, 0.95), epsilon=1e-3),
        lambda p: torch.optim.Adam(p, 0.1, betas=(0.8, 0.95), eps=1e-3),
    ),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer(name):
    ours, make_theirs = OPTIMIZERS[name]
    ours = ours.copy()
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=(3, 2)), rng.normal(size=4)]
    tensors = [leaf(weight.copy()) for weight in weights]
    theirs = make_theirs(tensors)
    for _ in range(5):
        grads = [rng.normal(size=weight.shape) for weight in weights]
        for tensor, grad in zip(tensors, grads, strict=True):
            tensor.grad = torch.from_numpy(grad)
        theirs.step()
        ours.step(weights, grads)
        for weight, tensor in zip(weights, tensors, strict=True):
            assert relative_error(weight, tensor.detach().numpy()) < 1e-12
