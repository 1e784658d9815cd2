"""Copies between the scan's arrays and the caller's, compiled: see `tsrnn.nn.transfer`."""

from __future__ import annotations

import numpy as np

from tsrnn.nn.compiled.maths import compiled

FIRST_CACHE = 1 << 15  # bytes of a core's first-level cache, or somewhat less


class CompiledCopies:
    """What the compiled cells share; the axes of every array are (steps, H, N)."""

    piece_bytes = 1 << 17

    def hand_out(self, h: np.ndarray, out: np.ndarray) -> None:
        """Copy `h` to `out`, whatever the layout of `out`."""
        if out.strides[1] < out.strides[2]:
            _hand_out(h, out)
        else:
            np.copyto(out, h)

    def take_in(self, d_h: np.ndarray, out: np.ndarray, stage: np.ndarray) -> None:
        """Copy `d_h`, whatever its layout, to `out`."""
        if d_h.strides[1] < d_h.strides[2]:
            _take_in(d_h, out)
        else:
            np.copyto(out, d_h)


@compiled
def _hand_out(h, out):
    n_steps, H, N = h.shape
    # Column by column a step is read N times: where it does not fit in cache, by four at once.
    in_fours = N - N % 4 if H * N * h.itemsize > FIRST_CACHE else 0
    for t in range(n_steps):
        for n in range(0, in_fours, 4):
            for k in range(H):
                h_k, out_k = h[t, k], out[t, k]
                out_k[n], out_k[n + 1] = h_k[n], h_k[n + 1]
                out_k[n + 2], out_k[n + 3] = h_k[n + 2], h_k[n + 3]
        for n in range(in_fours, N):
            for k in range(H):
                out[t, k, n] = h[t, k, n]


@compiled
def _take_in(d_h, out):
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
