"""The GRU cell, compiled."""

from __future__ import annotations

from tsrnn.kernels.numba_.maths import (
    add_in_place,
    add_product,
    all_finite,
    compiled,
    copy_to,
    flat,
    halve,
    in_rows,
    inner,
    on_stack,
    packed_product,
    transposed_product,
)
from tsrnn.kernels.numba_.tanh import tanh


@inner
def _forward(a, h_prev, h):
    size, half = h.size, a.dtype.type(0.5)
    r, z, n, a_h = a[:size], a[size : 2 * size], a[2 * size : 3 * size], a[3 * size :]
    for k in range(size):  # n holds a_x until it becomes n
        r_k, z_k = tanh(r[k]) * half + half, tanh(z[k]) * half + half
        n_k = tanh(n[k] + r_k * a_h[k])  # (1)
        r[k], z[k], n[k], h[k] = r_k, z_k, n_k, n_k + z_k * (h_prev[k] - n_k)  # (2)


@inner
def _backward(a, h_prev, d_h, d_h_carried, d_a):
    size, one = d_h.size, a.dtype.type(1)
    r, z, n, a_h = a[:size], a[size : 2 * size], a[2 * size : 3 * size], a[3 * size :]
    d_r, d_z = d_a[:size], d_a[size : 2 * size]
    d_x, d_ah = d_a[2 * size : 3 * size], d_a[3 * size :]
    for k in range(size):
        d_h_k = d_h[k] + d_h_carried[k]
        d_h_carried[k] = d_h_k * z[k]  # (2); what z lets through to h_{t-1}
        d_z[k] = d_h_k * (h_prev[k] - n[k]) * (z[k] - z[k] * z[k])
        d_x_k = d_h_k * (one - z[k]) * (one - n[k] * n[k])  # (1)
        d_x[k], d_ah[k] = d_x_k, d_x_k * r[k]
        d_r[k] = d_x_k * a_h[k] * (r[k] - r[k] * r[k])


@compiled
def forward_window(packed, Z, A, keep, block):
    """Take all steps, products included; arrays as `tsrnn.nn.tape` cuts them."""
    H = packed.shape[0] // 4
    for t in range(len(Z) - 1):
        a = A[t if keep else 0]
        packed_product(packed, Z[t], a, 2 * H, block)
        _forward(flat(a), flat(Z[t, :H]), flat(Z[t + 1, :H]))


@compiled
def stream(W, bias_hn, x, h_0, h, end):
    """Take all steps of one stream; fill `end` with h twice; return whether `x` is finite."""
    # Sums run in the order of the packed product, whose zeros add nothing: the same bits.
    H = len(h_0)
    z, a = on_stack(W.shape[1] - H, W.dtype), on_stack(4 * H, W.dtype)
    W_T, a_h, h_t, h_prev = W.T, a[3 * H :], on_stack(H, W.dtype), on_stack(H, W.dtype)
    copy_to(h_prev, h_0[:, 0])
    z[-1] = 1
    x, h = in_rows(x, W.shape[1] - H - 1), in_rows(h, H)
    for t in range(len(x)):
        copy_to(z[:-1], x[t])
        a[: 3 * H] = 0
        add_product(W_T[:H], h_prev, a[: 3 * H])
        copy_to(a_h, a[2 * H : 3 * H])
        a[2 * H : 3 * H] = 0
        add_product(W_T[H:], z, a[: 3 * H])
        for k in range(H):
            a_h[k] += bias_hn[k]
        halve(a[: 2 * H])
        _forward(a, h_prev, h_t)
        copy_to(h[t], h_t)
        copy_to(h_prev, h_t)
    copy_to(end[0, :, 0], h_prev)
    copy_to(end[1, :, 0], h_prev)
    return all_finite(x)


@compiled
def backward_window(packed_T, Z, A, dZ, dA, dH, d_h, block, start, stop):
    """Take the steps from stop back to start, products included."""
    H, carried = packed_T.shape[1] // 4, flat(d_h)
    for t in range(stop - 1, start - 1, -1):
        d_a, d_z = dA[t - start], dZ[t - start]
        _backward(flat(A[t]), flat(Z[t, :H]), flat(dH[t - start]), carried, flat(d_a))
        transposed_product(packed_T, d_a, d_z, block)
        add_in_place(carried, flat(d_z[:H]))
