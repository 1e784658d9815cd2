"""Packing weights, and its adjoint."""

import numpy as np
import pytest
from helpers.layers import CELL_NAMES, D, H

from tsrnn.nn import CELLS


def draw_weights(cell, rng):
    shapes = [(len(cell.gate_order) * H, H + D + 1), *[(H,) for _ in cell.extra_names]]
    return [rng.normal(size=shape) for shape in shapes]


@pytest.mark.parametrize("name", CELL_NAMES)
def test_unpack_grad_is_the_adjoint_of_pack(name):
    cell, rng = CELLS[name], np.random.default_rng(0)
    weights, grads = draw_weights(cell, rng), draw_weights(cell, rng)
    packed = np.full((cell.packed_blocks * H, H + D + 1), np.nan)
    cell.pack(weights, packed)
    d_packed = rng.normal(size=packed.shape)
    cell.unpack_grad(d_packed, grads)
    inner = sum(np.sum(weight * grad) for weight, grad in zip(weights, grads, strict=True))
    assert inner == pytest.approx(np.sum(packed * d_packed), rel=1e-12)


@pytest.mark.parametrize("name", CELL_NAMES)
def test_one_product_gives_what_the_gates_need(name):
    cell, rng = CELLS[name], np.random.default_rng(0)
    W, *extra = weights = draw_weights(cell, rng)
    packed = np.full((cell.packed_blocks * H, H + D + 1), np.nan)
    cell.pack(weights, packed)
    h, x = rng.normal(size=H), rng.normal(size=D)
    a = packed @ np.concatenate([h, x, [1]])
    expected = W @ np.concatenate([h, x, [1]])
    if name == "gru":
        n = W[-H:]
        expected = [*expected[:-H], *(n[:, H:-1] @ x + n[:, -1]), *(n[:, :H] @ h + extra[0])]
    assert np.allclose(a, expected, rtol=1e-12, atol=1e-12)
