"""Copies of the caller's arrays into the scan's, compiled: see `tsrnn.nn.transfer`."""

from __future__ import annotations

from tsrnn.kernels.numba_.maths import compiled


@compiled
def take_in(d_h, out):
    """Copy d_h (steps, H, N), of any layout, to out."""
    n_steps, H, N = out.shape
    in_eights = N - N % 8  # eight streams are read side by side, and written to one cache line
    for n in range(0, in_eights, 8):
        for t in range(n_steps):
            for k in range(H):
                line, d = out[t, k], d_h[t, k]
                line[n], line[n + 1] = d[n], d[n + 1]
                line[n + 2], line[n + 3] = d[n + 2], d[n + 3]
                line[n + 4], line[n + 5] = d[n + 4], d[n + 5]
                line[n + 6], line[n + 7] = d[n + 6], d[n + 7]
    for n in range(in_eights, N):
        for t in range(n_steps):
            for k in range(H):
                out[t, k, n] = d_h[t, k, n]
