"""Copies of the caller's arrays into the scan's, compiled: see `tsrnn.nn.transfer`."""

from __future__ import annotations

import numpy as np

from tsrnn.nn.compiled.maths import compiled


class CompiledCopies:
    """What the compiled cells share; the axes of every array are (steps, H, N)."""

    def take_in(self, d_h: np.ndarray, out: np.ndarray, stage: np.ndarray) -> None:
        """Copy `d_h`, whatever its layout, to `out`."""
        if d_h.strides[1] < d_h.strides[2]:
            _take_in(d_h, out)
        else:
            np.copyto(out, d_h)


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
