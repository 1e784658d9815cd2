"""Products in blocks of rows give what whole products give."""

import numpy as np
import pytest
from helpers.layers import CELL_NAMES, relative_error

from tsrnn.nn import GRU, LSTM, RNN, Network, products, tape

T, D, H = 5, 3, 24


def passes(name, n_streams, keep=True):
    network = Network(D, H, 2, cell=name, dtype=np.float64, random_state=0)
    rng = np.random.default_rng(0)
    x, d_h = rng.normal(size=(T, D, n_streams)), rng.normal(size=(T, H, n_streams))
    h = network.forward(x, tape=keep)[0].copy()
    return [h, network.backward(d_h), *network.weight_grads] if keep else [h]


@pytest.mark.parametrize("name", CELL_NAMES)
@pytest.mark.parametrize("n_streams", [2, 7, 16])
def test_blocks_equal_the_whole(name, n_streams, monkeypatch):
    expected = passes(name, n_streams)
    most = 16 * (H + D + 1) * n_streams
    monkeypatch.setattr(tape, "unpacked", lambda: most)
    found = passes(name, n_streams)
    assert products.plan(4 * H, H + D + 1, n_streams, most) == (16, "C")
    for ours, reference in zip(found, expected, strict=True):
        assert relative_error(ours, reference) < 1e-13
    np.testing.assert_array_equal(passes(name, n_streams, keep=False)[0], found[0])


@pytest.mark.parametrize("name", CELL_NAMES)
def test_a_large_product_without_blocks(name, monkeypatch):
    expected = passes(name, 16)
    monkeypatch.setattr(tape, "unpacked", lambda: 1)
    assert products.plan(4 * H, H + D + 1, 16, 1) == (4 * H, "C")
    for ours, reference in zip(passes(name, 16), expected, strict=True):
        assert relative_error(ours, reference) < 1e-13


@pytest.mark.parametrize("hidden_size", [1, 64])
def test_blocks_at_their_own_size_give_what_one_stream_gives(hidden_size):
    layer = LSTM(8, hidden_size, random_state=0)
    x = np.random.default_rng(0).normal(size=(100, 3, 8)).astype(np.float32)
    h = layer.forward(x)[1]
    sizes = 4 * hidden_size, hidden_size + 9, 100
    block, _ = products.plan(*sizes, products.unpacked())
    assert layer._core._scratch.parts[True].tapes[0].block == block
    one_by_one = [layer.forward(x[n : n + 1])[1][0] for n in range(0, 100, 17)]
    np.testing.assert_allclose(h[::17], one_by_one, atol=1e-6)


@pytest.mark.parametrize("cell", [RNN, LSTM, GRU])
def test_one_hidden_unit_and_many_streams(cell):
    layer = cell(3, 1, random_state=0)
    _, h = layer.forward(np.ones((4, 5, 3), np.float32))
    assert np.isfinite(layer.backward(h)).all()  # and no warning of numba's
