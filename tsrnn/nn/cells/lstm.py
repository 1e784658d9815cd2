"""Long short-term memory."""

from __future__ import annotations

import numpy as np

from tsrnn.nn.cells.base import Cell, finish_sigmoid
from tsrnn.nn.tape import Gradient, Record
from tsrnn.persistence.registry import saved


@saved("lstm-cell")
class LSTMCell(Cell):
    """Long short-term memory with a forget gate (Gers, Schmidhuber & Cummins, 2000).

    ::

        i, f, o = sigmoid(a_i), sigmoid(a_f), sigmoid(a_o);   g = tanh(a_g)
        c_t = i * g + f * c_{t-1}                              (1)
        h_t = o * tanh(c_t)                                    (2)

    In memory c_{t-1} follows g, so that one call makes both products of (1). Backward makes
    tanh(c) anew: that is faster than to write it and to read it back from memory.
    """

    name = "lstm"
    gate_order = ("i", "f", "o", "g")
    torch_gate_order = ("i", "f", "g", "o")
    n_sigmoids = 3
    packed_blocks = 4
    spans = ((0, 3), (0, 2), (3, 5))  # i f o; i f; g c_{t-1}
    has_c = True

    def forward(self, step: Record) -> None:
        """Compute (1) and (2)."""
        _, a, _, (_, _, o, _, _), (sigmoids, i_f, g_c), _, h, c, half, tmp = step
        products, i_g, f_c = tmp
        np.tanh(a, a)
        finish_sigmoid(sigmoids, half)
        np.multiply(i_f, g_c, products)  # (1)
        np.add(i_g, f_c, c)
        np.tanh(c, i_g)  # (2)
        np.multiply(o, i_g, h)

    def derivatives(self, piece: Record, d: Gradient) -> None:
        """Fill in all of (2) and (1) but ``d.h`` and `d_c`."""
        (i, _, o, g, _), (_, i_f, g_c) = piece.blocks, piece.spans
        (_, _, d_o, d_g), (_, d_if, _) = d.blocks, d.spans
        products, i_g, _ = d.tmp
        np.multiply(o, piece.h, d_o)  # (2)
        np.subtract(piece.h, d_o, d_o)
        np.tanh(piece.c, d.h_to_c)  # o (1 - tanh²)
        np.multiply(piece.h, d.h_to_c, d.h_to_c)
        np.subtract(o, d.h_to_c, d.h_to_c)
        np.multiply(i_f, g_c, products)  # (1)
        np.multiply(i_f, products, d_if)
        np.subtract(products, d_if, d_if)
        np.multiply(i_g, g, d_g)  # i (1 - g²)
        np.subtract(i, d_g, d_g)

    def backward(self, step: Record, d: Gradient, d_c: np.ndarray) -> None:
        """Let ``d.h`` flow through (2) into `d_c`, and that through (1)."""
        d_i, d_f, d_o, d_g = d.blocks
        np.multiply(d_o, d.h, d_o)  # (2)
        np.multiply(d.h_to_c, d.h, d.h_to_c)
        np.add(d_c, d.h_to_c, d_c)
        np.multiply(d_i, d_c, d_i)  # (1)
        np.multiply(d_f, d_c, d_f)
        np.multiply(d_g, d_c, d_g)
        np.multiply(d_c, step.blocks[1], d_c)  # f: what is left for c_{t-1}
