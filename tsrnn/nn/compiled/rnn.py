"""Elman's cell, compiled."""

from __future__ import annotations

import numpy as np

from tsrnn.nn.cells.rnn import RNNCell
from tsrnn.nn.compiled.copies import CompiledCopies
from tsrnn.nn.compiled.maths import (
    all_finite,
    compiled,
    in_rows,
    packed_product,
    product_by_columns,
    transposed_product,
)
from tsrnn.nn.compiled.tanh import tanh
from tsrnn.nn.state import State
from tsrnn.nn.tape import GradientTape, Tape


class CompiledRNN(CompiledCopies, RNNCell):
    """As `RNNCell`."""

    def forward_window(self, tape: Tape, packed: np.ndarray, where: slice) -> None:
        """Take a range of steps, products included."""
        _forward_window(packed, *tape.arrays, tape.keep, tape.block, where.start, where.stop)

    def forward_stream(self, weights, x, state, h):
        """Take all steps of one stream, of which nothing is kept but `h`."""
        end = State(np.empty_like(state.h))
        return end, stream(weights[0], x, state.h, h, end.h)

    def backward_window(
        self, tape: Tape, d: GradientTape, start: int, stop: int, d_h: np.ndarray, d_c: None
    ) -> None:
        """Take the steps from `stop` back to `start`, products included."""
        _backward_window(d.packed_T, tape.arrays[0], *d.arrays, d_h, d.block, start, stop)


@compiled
def _forward(a, h):
    a, h = a.reshape(a.size), h.reshape(h.size)
    for k in range(h.size):
        h[k] = tanh(a[k])


@compiled
def _backward(h, d_h, d_h_carried, d_a):
    n = h.size
    h, d_h, d_h_carried, d_a = h.reshape(n), d_h.reshape(n), d_h_carried.reshape(n), d_a.reshape(n)
    for k in range(n):
        d_h_k = d_h[k] + d_h_carried[k]
        d_a[k] = d_h_k - d_h_k * h[k] * h[k]


@compiled
def _forward_window(packed, Z, A, keep, block, start, stop):
    H = packed.shape[0]
    for t in range(start, stop):
        a = A[t if keep else 0]
        packed_product(packed, Z[t], a, 0, block)
        _forward(a, Z[t + 1, :H])


@compiled
def stream(W, x, h_0, h, h_end):
    """Take all steps of one stream; return whether `x` is finite."""
    H = len(h_0)
    z, a = np.empty(W.shape[1], W.dtype), np.empty(H, W.dtype)
    z[:H], z[-1] = h_0[:, 0], 1
    x, h = in_rows(x, W.shape[1] - H - 1), in_rows(h, H)
    for t in range(len(x)):
        z[H:-1] = x[t]
        product_by_columns(W, z, a)
        _forward(a, z[:H])
        h[t] = z[:H]
    h_end[:, 0] = z[:H]
    return all_finite(x)


@compiled
def _backward_window(packed_T, Z, dZ, dA, dH, d_h, block, start, stop):
    H = packed_T.shape[1]
    carried = d_h
    for t in range(stop - 1, start - 1, -1):
        d_a, d_z = dA[t - start], dZ[t - start]
        _backward(Z[t + 1, :H], dH[t - start], carried, d_a)
        transposed_product(packed_T, d_a, d_z, block)
        carried = d_z[:H]
    d_h[:] = carried
