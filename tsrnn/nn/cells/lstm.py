"""Long short-term memory."""

from __future__ import annotations

import numpy as np

from tsrnn.nn.cells.base import Cell, finish_sigmoid, sigmoid_slope, tanh_slope
from tsrnn.nn.tape import Gradient, Record


class LSTMCell(Cell):
    """Long short-term memory with a forget gate (Gers, Schmidhuber & Cummins, 2000).

    ::

        i, f, o = sigmoid(a_i), sigmoid(a_f), sigmoid(a_o);   g = tanh(a_g)
        c_t = f * c_{t-1} + i * g                              (1)
        h_t = o * tanh(c_t)                                    (2)
    """

    name = "lstm"
    gate_order = ("i", "f", "o", "g")
    torch_gate_order = ("i", "f", "g", "o")
    n_sigmoids = 3
    packed_blocks = 4
    has_c = True

    def forward(self, step: Record) -> None:
        """Compute (1) and (2)."""
        _, a, sigmoids, (i, f, o, g), _, h, c_prev, c, tanh_c, tmp = step
        np.tanh(a, out=a)
        finish_sigmoid(sigmoids)
        np.multiply(f, c_prev, out=c)  # (1)
        np.multiply(i, g, out=tmp)
        np.add(c, tmp, out=c)
        np.tanh(c, out=tanh_c)  # (2)
        np.multiply(o, tanh_c, out=h)

    def derivatives(self, run: Record, d: Gradient) -> None:
        """Fill in all of (2) and (1) but ``d.h`` and `d_c`."""
        i, _, o, g = run.blocks
        d_i, d_f, d_o, d_g = d.blocks
        sigmoid_slope(run.sigmoids, out=d.sigmoids)
        d_o *= run.tanh_c  # (2)
        tanh_slope(run.tanh_c, out=d.h_to_c)
        np.multiply(d.h_to_c, o, out=d.h_to_c)
        d_i *= g  # (1)
        d_f *= run.c_prev
        tanh_slope(g, out=d_g)
        d_g *= i

    def backward(self, step: Record, d: Gradient, d_c: np.ndarray) -> None:
        """Let ``d.h`` flow through (2) into `d_c`, and that through (1)."""
        d_i, d_f, d_o, d_g = d.blocks
        d_o *= d.h  # (2)
        np.multiply(d.h_to_c, d.h, out=d.tmp)
        d_c += d.tmp
        d_i *= d_c  # (1)
        d_f *= d_c
        d_g *= d_c
        d_c *= step.blocks[1]  # f: what is left for c_{t-1}
