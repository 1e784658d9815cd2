"""Every gradient against central differences, in float64."""

import numpy as np
import pytest
from helpers.layers import (
    CELL_NAMES,
    D,
    H,
    N,
    T,
    draw_state,
    make_layer,
    numerical_gradient,
    relative_error,
)

from tsrnn.nn import Dense, Network, State, tape

TOLERANCE = 1e-6


RUNS = {
    "one-run": (tape.RUN_BYTES, tape.PIECE),
    "1-step": (1, tape.PIECE),
    "2-steps": (2 * 4 * H * N * 8, tape.PIECE),
    "one-run, pieces of 1": (tape.RUN_BYTES, 1),
    "one-run, pieces of 2": (tape.RUN_BYTES, 2 * H * N),
}


@pytest.fixture(params=RUNS.values(), ids=RUNS)
def runs(request, monkeypatch):
    """Let backward take all steps in one run or piece, or in several, not all of a length."""
    monkeypatch.setattr(tape, "RUN_BYTES", request.param[0])
    monkeypatch.setattr(tape, "PIECE", request.param[1])


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("name", CELL_NAMES)
def test_layer(name):
    rng = np.random.default_rng(0)
    layer = make_layer(name, clip=None)
    x, d_h = rng.normal(size=(N, T, D)), rng.normal(size=(N, T, H))
    h_0, c_0 = draw_state(name, rng)

    def loss():
        return np.sum(layer.forward(x, (h_0, c_0), tape=False)[1] * d_h)

    layer.forward(x, (h_0, c_0))
    found = {"x": layer.backward(d_h), "h_0": layer.d_h_0, "c_0": layer.d_c_0} | layer.grads
    values = {"x": x, "h_0": h_0, "c_0": c_0} | layer.params
    if name != "lstm":
        assert found.pop("c_0") is values.pop("c_0")
    for key, value in values.items():
        assert relative_error(found[key], numerical_gradient(loss, value)) < TOLERANCE, key


@pytest.mark.parametrize("name", CELL_NAMES)
def test_network_of_two_layers(name):
    rng = np.random.default_rng(0)
    network = Network(D, H, n_layers=2, cell=name, dtype=np.float64, random_state=0)
    x, d_h = rng.normal(size=(T, D, N)), rng.normal(size=(T, H, N))
    state = tuple(State(*draw_state(name, rng)).swapped() for _ in range(2))

    def loss():
        return np.sum(network.forward(x, state, tape=False)[0] * d_h)

    network.forward(x, state)
    found = [network.backward(d_h), *network.weight_grads]
    values = [x, *network.weights]
    for gradient, start in zip(network.d_state, state, strict=True):
        found += [gradient.h] if start.c is None else [gradient.h, gradient.c]
        values += [start.h] if start.c is None else [start.h, start.c]
    assert len(values) == {"rnn": 5, "lstm": 7, "gru": 7}[name]
    for gradient, value in zip(found, values, strict=True):
        assert relative_error(gradient, numerical_gradient(loss, value)) < TOLERANCE


def test_dense():
    rng = np.random.default_rng(0)
    layer = Dense(D, H, dtype=np.float64, random_state=0)
    x, d_y = rng.normal(size=(N, T, D)), rng.normal(size=(N, T, H))

    def loss():
        return np.sum(layer.forward(x, tape=False) * d_y)

    layer.forward(x)
    found = {"x": layer.backward(d_y)} | layer.grads
    for key, value in ({"x": x} | layer.params).items():
        assert relative_error(found[key], numerical_gradient(loss, value)) < TOLERANCE, key
