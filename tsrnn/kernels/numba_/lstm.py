"""The LSTM cell, compiled."""

from __future__ import annotations

from tsrnn.kernels.numba_.maths import (
    all_finite,
    compiled,
    copy_to,
    flat,
    in_rows,
    inner,
    on_stack,
    packed_product,
    transposed_product,
)
from tsrnn.kernels.numba_.tanh import tanh


@inner
def _forward(a, h, c, tmp):
    n, half = h.size, a.dtype.type(0.5)
    i, f, o, g, c_prev = a[:n], a[n : 2 * n], a[2 * n : 3 * n], a[3 * n : 4 * n], a[4 * n :]
    for k in range(n):  # (1)
        i_k, f_k, g_k = tanh(i[k]) * half + half, tanh(f[k]) * half + half, tanh(g[k])
        i[k], f[k], g[k], tmp[k] = i_k, f_k, g_k, i_k * g_k + f_k * c_prev[k]
    for k in range(n):  # (2)
        o_k = tanh(o[k]) * half + half
        o[k], h[k] = o_k, o_k * tanh(tmp[k])
    for k in range(n):  # c may share its memory with c_prev, which would stop the compiler in (1)
        c[k] = tmp[k]


@inner
def _backward(a, h, c, d_h, d_h_carried, d_c, d_a):
    n = h.size
    i, f, o, g, c_prev = a[:n], a[n : 2 * n], a[2 * n : 3 * n], a[3 * n : 4 * n], a[4 * n :]
    d_i, d_f, d_o, d_g = d_a[:n], d_a[n : 2 * n], d_a[2 * n : 3 * n], d_a[3 * n :]
    for k in range(n):
        d_h_k = d_h[k] + d_h_carried[k]
        d_o[k] = d_h_k * (h[k] - o[k] * h[k])  # (2)
        d_c_k = d_c[k] + d_h_k * (o[k] - h[k] * tanh(c[k]))
        d_i[k] = d_c_k * g[k] * (i[k] - i[k] * i[k])  # (1)
        d_f[k] = d_c_k * c_prev[k] * (f[k] - f[k] * f[k])
        d_g[k] = d_c_k * (i[k] - i[k] * g[k] * g[k])
        d_c[k] = d_c_k * f[k]  # what is left for c_{t-1}


@compiled
def forward_window(packed, Z, A, tmp, keep, block):
    """Take all steps, products included; arrays as `tsrnn.nn.tape` cuts them."""
    rows, H, tmp = packed.shape[0], packed.shape[0] // 4, flat(tmp)
    for t in range(len(Z) - 1):
        wide, c = A[t if keep else 0], A[t + 1 if keep else 0, rows:]
        packed_product(packed, Z[t], wide[:rows], 3 * H, block)
        _forward(flat(wide), flat(Z[t + 1, :H]), flat(c), tmp)


@compiled
def stream(W, x, h_0, c_0, h, end):
    """Take all steps of one stream; fill `end` with h, c and h; return whether `x` is finite."""
    (_, columns), H = W.shape, len(h_0)
    wide = on_stack(6 * H + columns, W.dtype)
    wide, tmp, z = wide[: 5 * H], wide[5 * H : 6 * H], wide[6 * H :]
    copy_to(z[:H], h_0[:, 0])
    copy_to(wide[4 * H :], c_0[:, 0])
    z[-1] = 1
    x, h = in_rows(x, W.shape[1] - H - 1), in_rows(h, H)
    for t in range(len(x)):
        copy_to(z[H:-1], x[t])
        packed_product(W, z, wide[: 4 * H], 3 * H, len(W))
        _forward(wide, z[:H], wide[4 * H :], tmp)
        copy_to(h[t], z[:H])
    copy_to(end[0, :, 0], z[:H])
    copy_to(end[1, :, 0], wide[4 * H :])
    copy_to(end[2, :, 0], z[:H])
    return all_finite(x)


@compiled
def backward_window(packed_T, Z, A, dZ, dA, dH, d_h, d_c, block, start, stop):
    """Take the steps from stop back to start, products included."""
    rows, H = packed_T.shape[1], packed_T.shape[1] // 4
    carried, d_c = flat(d_h), flat(d_c)
    for t in range(stop - 1, start - 1, -1):
        d_a, d_z = dA[t - start], dZ[t - start]
        a, h, c = flat(A[t]), flat(Z[t + 1, :H]), flat(A[t + 1, rows:])
        _backward(a, h, c, flat(dH[t - start]), carried, d_c, flat(d_a))
        transposed_product(packed_T, d_a, d_z, block)
        carried = flat(d_z[:H])
    copy_to(flat(d_h), carried)  # a slice's assignment takes seconds to compile
