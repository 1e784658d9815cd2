"""How weights start."""

import numpy as np
import pytest
from helpers.layers import CELL_NAMES, LAYERS

from tsrnn.nn import RNN

D, H = 7, 20


def make(name, initializer):
    return LAYERS[name](D, H, dtype=np.float64, random_state=0, initializer=initializer)


def split(matrix):
    return np.split(matrix, matrix.shape[1] // H, axis=1)


@pytest.mark.parametrize("name", CELL_NAMES)
def test_uniform_fills_its_bounds(name):
    layer = make(name, "uniform")
    bound = 1 / np.sqrt(H)
    for key in ("Wx", "Wh"):
        assert 0.9 * bound < np.abs(layer.params[key]).max() <= bound
        assert abs(layer.params[key].mean()) < 0.2 * bound
    biases = [layer.params[key] for key in layer.params if key.startswith("bias")]
    biases = np.concatenate(biases)
    assert 0.7 * bound < np.abs(biases[biases != 1]).max() <= bound


@pytest.mark.parametrize("initializer", ["xavier", "orthogonal"])
@pytest.mark.parametrize("name", CELL_NAMES)
def test_xavier_bounds_each_gate_and_biases_are_zero(name, initializer):
    layer = make(name, initializer)
    bounds = {"Wx": np.sqrt(6 / (D + H))}
    if initializer == "xavier":
        bounds["Wh"] = np.sqrt(6 / (H + H))
    for key, bound in bounds.items():
        for gate in split(layer.params[key]):
            assert 0.85 * bound < np.abs(gate).max() <= bound
    biases = np.concatenate([layer.params[key] for key in layer.params if key.startswith("bias")])
    assert set(biases) <= {0, 1}
    assert np.sum(biases) == (H if name == "lstm" else 0)


@pytest.mark.parametrize("name", CELL_NAMES)
def test_orthogonal(name):
    gates = split(make(name, "orthogonal").params["Wh"])
    for gate in gates:
        assert np.allclose(gate.T @ gate, np.eye(H), atol=1e-12)
    assert len({gate[0, 0] for gate in gates}) == len(gates), "gates are drawn apart"


def test_orthogonal_matrices_are_drawn_uniformly():
    """Left alone, QR gives the first entry always the same sign."""
    drawn = [RNN(1, 2, random_state=seed, initializer="orthogonal") for seed in range(20)]
    assert {np.sign(layer.params["Wh"][0, 0]) for layer in drawn} == {-1, 1}


@pytest.mark.parametrize("initializer", ["uniform", "xavier", "orthogonal"])
def test_forget_gate_starts_open(initializer):
    layer = make("lstm", initializer)
    bias = dict(zip(layer.gate_order, np.split(layer.params["bias"], 4), strict=True))
    assert np.all(bias.pop("f") == 1)
    assert not any(np.any(other == 1) for other in bias.values())
