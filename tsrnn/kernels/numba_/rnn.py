"""Elman's cell, compiled."""

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
    product_by_columns,
    transposed_product,
)
from tsrnn.kernels.numba_.tanh import tanh


@inner
def _forward(a, h):
    for k in range(h.size):
        h[k] = tanh(a[k])


@inner
def _backward(h, d_h, d_h_carried, d_a):
    n = h.size
    for k in range(n):
        d_h_k = d_h[k] + d_h_carried[k]
        d_a[k] = d_h_k - d_h_k * h[k] * h[k]


@compiled
def forward_window(packed, Z, A, keep, block):
    """Take all steps, products included; arrays as `tsrnn.nn.tape` cuts them."""
    H = packed.shape[0]
    for t in range(len(Z) - 1):
        a = A[t if keep else 0]
        packed_product(packed, Z[t], a, 0, block)
        _forward(flat(a), flat(Z[t + 1, :H]))


@compiled
def stream(W, x, h_0, h, end):
    """Take all steps of one stream; fill `end` with h twice; return whether `x` is finite."""
    H = len(h_0)
    z, a = on_stack(W.shape[1], W.dtype), on_stack(H, W.dtype)
    copy_to(z[:H], h_0[:, 0])
    z[-1] = 1
    x, h = in_rows(x, W.shape[1] - H - 1), in_rows(h, H)
    for t in range(len(x)):
        copy_to(z[H:-1], x[t])
        product_by_columns(W, z, a)
        _forward(a, z[:H])
        copy_to(h[t], z[:H])
    copy_to(end[0, :, 0], z[:H])
    copy_to(end[1, :, 0], z[:H])
    return all_finite(x)


@compiled
def backward_window(packed_T, Z, dZ, dA, dH, d_h, block, start, stop):
    """Take the steps from stop back to start, products included."""
    H = packed_T.shape[1]
    carried = flat(d_h)
    for t in range(stop - 1, start - 1, -1):
        d_a, d_z = dA[t - start], dZ[t - start]
        _backward(flat(Z[t + 1, :H]), flat(dH[t - start]), carried, flat(d_a))
        transposed_product(packed_T, d_a, d_z, block)
        carried = flat(d_z[:H])
    copy_to(flat(d_h), carried)  # a slice's assignment takes seconds to compile
