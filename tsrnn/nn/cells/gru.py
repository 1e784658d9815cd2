"""Gated recurrent unit."""

from __future__ import annotations

import numpy as np

from tsrnn.nn.cells.base import Cell, finish_sigmoid, tanh_slope
from tsrnn.nn.tape import Gradient, Record
from tsrnn.persistence.registry import saved


@saved("gru-cell")
class GRUCell(Cell):
    """Gated recurrent unit, reset after the product (Cho et al., 2014; PyTorch's and cuDNN's).

    ::

        r, z = sigmoid(a_r), sigmoid(a_z)
        n = tanh(a_x + r * a_h)                                (1)
        h_t = n + z * (h_{t-1} - n)                            (2)

    The candidate n needs its input part a_x and its hidden part a_h apart, so it is packed as
    two blocks, the one with zeros for h, the other with zeros for x; one product still does.
    """

    name = "gru"
    gate_order = ("r", "z", "n")
    torch_gate_order = ("r", "z", "n")
    n_sigmoids = 2
    packed_blocks = 4
    repacks = True
    spans = ((0, 2),)  # r z
    extra_names = ("bias_hn",)

    def pack(self, weights: list[np.ndarray], out: np.ndarray) -> None:
        """Copy r and z, and write the two blocks of n."""
        W, bias_hn = weights
        hidden = bias_hn.size
        rows = 2 * hidden
        np.copyto(out[:rows], W[:rows])
        a_x, a_h = out[rows : rows + hidden], out[rows + hidden :]
        a_x[:, :hidden] = 0
        a_x[:, hidden:] = W[rows:, hidden:]
        a_h[:, :hidden] = W[rows:, :hidden]
        a_h[:, hidden:-1] = 0
        a_h[:, -1] = bias_hn

    def unpack_grad(self, d_packed: np.ndarray, grads: list[np.ndarray]) -> None:
        """Gather the gradient of n from its two blocks."""
        dW, d_bias_hn = grads
        hidden = d_bias_hn.size
        rows = 2 * hidden
        np.copyto(dW[:rows], d_packed[:rows])
        a_x, a_h = d_packed[rows : rows + hidden], d_packed[rows + hidden :]
        dW[rows:, hidden:] = a_x[:, hidden:]
        dW[rows:, :hidden] = a_h[:, :hidden]
        d_bias_hn[:] = a_h[:, -1]

    def forward(self, step: Record) -> None:
        """Compute (1) and (2)."""
        _, _, _, (r, z, n, a_h), (sigmoids,), h_prev, h, _, half, (_, tmp, _) = step
        np.tanh(sigmoids, sigmoids)
        finish_sigmoid(sigmoids, half)
        np.multiply(r, a_h, tmp)  # (1); n holds a_x until it becomes n
        np.add(n, tmp, n)
        np.tanh(n, n)
        np.subtract(h_prev, n, h)  # (2)
        np.multiply(h, z, h)
        np.add(h, n, h)

    def derivatives(self, piece: Record, d: Gradient) -> None:
        """Fill in all of (2) and (1) but ``d.h``, on which all blocks depend linearly."""
        (r, z, n, a_h), (sigmoids,) = piece.blocks, piece.spans
        (d_r, d_z, d_x, d_h), (d_sigmoids,) = d.blocks, d.spans
        np.multiply(sigmoids, sigmoids, d_sigmoids)  # s (1-s)
        np.subtract(sigmoids, d_sigmoids, d_sigmoids)
        np.subtract(piece.h_prev, n, d_h)  # (2); d_h is free until the last line
        np.multiply(d_z, d_h, d_z)
        tanh_slope(n, out=d_x)  # (1)
        np.multiply(d_x, z, d_h)
        np.subtract(d_x, d_h, d_x)  # (1 - z) (1 - n²)
        np.multiply(d_r, d_x, d_r)
        np.multiply(d_r, a_h, d_r)
        np.multiply(d_x, r, d_h)

    def backward(self, step: Record, d: Gradient, d_c: None) -> None:
        """Multiply every block by ``d.h``."""
        d_r, d_z, d_x, d_h = d.blocks
        np.multiply(d_r, d.h, d_r)
        np.multiply(d_z, d.h, d_z)
        np.multiply(d_x, d.h, d_x)
        np.multiply(d_h, d.h, d_h)

    def bypass(self, step: Record, d: Gradient) -> None:
        """Add what z lets through to ``h_{t-1}`` in (2)."""
        tmp = d.tmp[1]
        np.multiply(d.h, step.blocks[1], tmp)
        np.add(d.h_prev, tmp, d.h_prev)
