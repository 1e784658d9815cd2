"""The LSTM cell, compiled."""

from __future__ import annotations

import numpy as np

from tsrnn.nn.cells.lstm import LSTMCell
from tsrnn.nn.compiled.copies import CompiledCopies
from tsrnn.nn.compiled.maths import (
    add_in_place,
    all_finite,
    compiled,
    in_rows,
    inlined,
    packed_product,
    tanh,
    transposed_product,
)
from tsrnn.nn.state import State
from tsrnn.nn.tape import GradientTape, Tape


class CompiledLSTM(CompiledCopies, LSTMCell):
    """As `LSTMCell`, whose maths it names by the same numbers; one pass over memory."""

    def forward_window(self, tape: Tape, packed: np.ndarray, where: slice) -> None:
        """Take a range of steps, products included."""
        _forward_window(
            packed, *tape.arrays, tape.tmp[0], tape.keep, tape.block, where.start, where.stop
        )

    def forward_stream(self, weights, x, state, h):
        """Take all steps of one stream, of which nothing is kept but `h`."""
        h_0, c_0 = state
        end = np.empty((2, len(h_0), 1), h.dtype)
        finite = _forward_stream(weights[0], x, h_0, c_0, h, end)
        return State(end[0], end[1]), finite

    def backward_window(self, tape: Tape, d: GradientTape, start: int, stop: int, d_h, d_c) -> None:
        """Take the steps from `stop` back to `start`, products included."""
        more = d_h, d_c, tape.tmp[0], d.block, start, stop
        _backward_window(d.packed_T, *tape.arrays, *d.arrays, *more)


# Each loop stores to one array and counts from 0: what the compiler can prove, it vectorises.


@compiled
def _forward(wide, h, c, tmp):
    n, half = h.size, wide.dtype.type(0.5)
    a, h, c, tmp = wide.reshape(5, n), h.reshape(n), c.reshape(n), tmp.reshape(2 * n)
    sigmoids, i, f, o, g, c_prev = a[:3].reshape(3 * n), a[0], a[1], a[2], a[3], a[4]
    for k in range(3 * n):
        sigmoids[k] = tanh(sigmoids[k]) * half + half
    for k in range(n):
        g[k] = tanh(g[k])
    for k in range(n):  # (1)
        tmp[k] = i[k] * g[k] + f[k] * c_prev[k]
    for k in range(n):  # (2)
        h[k] = o[k] * tanh(tmp[k])
    for k in range(n):  # c may share its memory with c_prev, which would stop the compiler in (1)
        c[k] = tmp[k]


@compiled
def _backward(wide, h, c, d_h, d_c, d_a, tmp):
    n = h.size
    a, h, c, d_a = wide.reshape(5, n), h.reshape(n), c.reshape(n), d_a.reshape(4, n)
    d_h, d_c, tmp = d_h.reshape(n), d_c.reshape(n), tmp.reshape(2 * n)
    i, f, o, g, c_prev = a[0], a[1], a[2], a[3], a[4]
    d_i, d_f, d_o, d_g = d_a[0], d_a[1], d_a[2], d_a[3]
    for k in range(n):  # (2)
        tmp[k] = d_c[k] + d_h[k] * (o[k] - h[k] * tanh(c[k]))
    for k in range(n):
        d_o[k] = d_h[k] * (h[k] - o[k] * h[k])
    for k in range(n):  # (1)
        d_i[k] = tmp[k] * g[k] * (i[k] - i[k] * i[k])
    for k in range(n):
        d_f[k] = tmp[k] * c_prev[k] * (f[k] - f[k] * f[k])
    for k in range(n):
        d_g[k] = tmp[k] * (i[k] - i[k] * g[k] * g[k])
    for k in range(n):  # what is left for c_{t-1}
        d_c[k] = tmp[k] * f[k]


@compiled
def _forward_window(packed, Z, A, tmp, keep, block, start, stop):
    rows, H = packed.shape[0], packed.shape[0] // 4
    for t in range(start, stop):
        wide = A[t if keep else 0]
        _step(packed, Z[t], wide, Z[t + 1, :H], A[t + 1 if keep else 0, rows:], tmp, block)


@inlined
def _step(W, z, wide, h, c, tmp, block):
    rows, H = W.shape[0], W.shape[0] // 4
    packed_product(W, z, wide[:rows], 3 * H, block)
    _forward(wide, h, c, tmp)


@compiled
def _forward_stream(W, x, h_0, c_0, h, end):
    (_, columns), H = W.shape, len(h_0)
    wide = np.empty(7 * H + columns, W.dtype)
    wide, tmp, z = wide[: 5 * H], wide[5 * H : 7 * H], wide[7 * H :]
    z[:H], z[-1], wide[4 * H :] = h_0[:, 0], 1, c_0[:, 0]
    x, h = in_rows(x, W.shape[1] - H - 1), in_rows(h, H)
    for t in range(len(x)):
        z[H:-1] = x[t]
        _step(W, z, wide, z[:H], wide[4 * H :], tmp, len(W))
        h[t] = z[:H]
    end[0, :, 0], end[1, :, 0] = z[:H], wide[4 * H :]
    return all_finite(x)


@compiled
def _backward_window(packed_T, Z, A, dZ, dA, dH, d_h, d_c, tmp, block, start, stop):
    rows, H = packed_T.shape[1], packed_T.shape[1] // 4
    for t in range(stop - 1, start - 1, -1):
        d_a, d_z, d_h_t = dA[t - start], dZ[t - start], dH[t - start]
        add_in_place(d_h_t, d_h)
        _backward(A[t], Z[t + 1, :H], A[t + 1, rows:], d_h_t, d_c, d_a, tmp)
        transposed_product(packed_T, d_a, d_z, block)
        d_h[:] = d_z[:H]
