"""Products in blocks of rows give what whole products give."""

import numpy as np
import pytest

from tsrnn.nn import LSTM, Network, products

from .helpers import CELL_NAMES, relative_error

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
    monkeypatch.setattr(products, "UNPACKED", 16 * (H + D + 1) * n_streams)
    found = passes(name, n_streams)
    assert products.block_rows(4 * H, H + D + 1, n_streams) == 16
    for ours, reference in zip(found, expected, strict=True):
        assert relative_error(ours, reference) < 1e-13
    np.testing.assert_array_equal(passes(name, n_streams, keep=False)[0], found[0])


@pytest.mark.parametrize("name", CELL_NAMES)
def test_a_large_product_without_blocks(name, monkeypatch):
    expected = passes(name, 16)
    monkeypatch.setattr(products, "UNPACKED", 1)
    assert products.block_rows(4 * H, H + D + 1, 16) == 4 * H
    for ours, reference in zip(passes(name, 16), expected, strict=True):
        assert relative_error(ours, reference) < 1e-13


def test_blocks_are_used_at_their_own_size():
    layer = LSTM(8, 64, random_state=0)
    x = np.random.default_rng(0).normal(size=(100, 3, 8)).astype(np.float32)
    h = layer.forward(x)[1]
    assert layer._core._scratch.parts[True].tapes[0].block == 136
    one_by_one = [layer.forward(x[n : n + 1])[1][0] for n in range(0, 100, 17)]
    np.testing.assert_allclose(h[::17], one_by_one, atol=1e-6)
