"""Elman's cell."""

from __future__ import annotations

import numpy as np

from tsrnn.nn.cells.base import Cell, tanh_slope
from tsrnn.nn.tape import Gradient, Record
from tsrnn.persistence.registry import saved


@saved("rnn-cell")
class RNNCell(Cell):
    """``h_t = tanh(a)`` (Elman, 1990)."""

    name = "rnn"
    gate_order = ("h",)
    torch_gate_order = ("h",)
    n_sigmoids = 0
    packed_blocks = 1

    def forward(self, step: Record) -> None:
        """Write h."""
        np.tanh(step.a, step.h)

    def derivatives(self, piece: Record, d: Gradient) -> None:
        """Fill ``d.a`` with tanh'."""
        tanh_slope(piece.h, out=d.a)

    def backward(self, step: Record, d: Gradient, d_c: None) -> None:
        """Multiply by ``d.h``."""
        np.multiply(d.a, d.h, d.a)
