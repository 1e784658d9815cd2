"""Gated recurrent unit."""

from __future__ import annotations

import numpy as np

from tsrnn.nn.cells.base import Cell, finish_sigmoid, sigmoid_slope, tanh_slope
from tsrnn.nn.tape import Gradient, Record


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
    extra_names = ("bias_hn",)

    def pack(self, weights: list[np.ndarray], out: np.ndarray) -> None:
        """Halve the sigmoid rows and write the two blocks of n."""
        W, bias_hn = weights
        rows, hidden = self._sigmoid_rows(W), bias_hn.size
        np.multiply(W[:rows], 0.5, out=out[:rows])
        a_x, a_h = out[rows : rows + hidden], out[rows + hidden :]
        a_x[:, :hidden] = 0
        a_x[:, hidden:] = W[rows:, hidden:]
        a_h[:, :hidden] = W[rows:, :hidden]
        a_h[:, hidden:-1] = 0
        a_h[:, -1] = bias_hn

    def unpack_grad(self, d_packed: np.ndarray, grads: list[np.ndarray]) -> None:
        """Gather the gradient of n from its two blocks."""
        dW, d_bias_hn = grads
        rows, hidden = self._sigmoid_rows(dW), d_bias_hn.size
        np.multiply(d_packed[:rows], 0.5, out=dW[:rows])
        a_x, a_h = d_packed[rows : rows + hidden], d_packed[rows + hidden :]
        dW[rows:, hidden:] = a_x[:, hidden:]
        dW[rows:, :hidden] = a_h[:, :hidden]
        d_bias_hn[:] = a_h[:, -1]

    def forward(self, step: Record) -> None:
        """Compute (1) and (2)."""
        _, _, sigmoids, (r, z, n, a_h), h_prev, h, _, _, _, tmp = step
        np.tanh(sigmoids, out=sigmoids)
        finish_sigmoid(sigmoids)
        np.multiply(r, a_h, out=tmp)  # (1); n holds a_x until it becomes n
        np.add(n, tmp, out=n)
        np.tanh(n, out=n)
        np.subtract(h_prev, n, out=h)  # (2)
        np.multiply(h, z, out=h)
        np.add(h, n, out=h)

    def derivatives(self, run: Record, d: Gradient) -> None:
        """Fill in all of (2) and (1) but ``d.h``, on which all blocks depend linearly."""
        r, z, n, a_h = run.blocks
        d_r, d_z, d_x, d_h = d.blocks
        sigmoid_slope(run.sigmoids, out=d.sigmoids)
        np.subtract(run.h_prev, n, out=d_h)  # (2); d_h is free until the last line
        d_z *= d_h
        np.subtract(1, z, out=d_h)
        tanh_slope(n, out=d_x)  # (1)
        d_x *= d_h
        d_r *= d_x
        d_r *= a_h
        np.multiply(d_x, r, out=d_h)

    def backward(self, step: Record, d: Gradient, d_c: None) -> None:
        """Multiply every block by ``d.h``."""
        np.multiply(d.stacked, d.h, out=d.stacked)

    def bypass(self, step: Record, d: Gradient) -> None:
        """Add what z lets through to ``h_{t-1}`` in (2)."""
        np.multiply(d.h, step.blocks[1], out=d.tmp)
        np.add(d.h_prev, d.tmp, out=d.h_prev)
