"""The arrays a scan works in, and the views on them that a cell sees.

Views are cut when the arrays are made, once a shape and not once a step: cutting a dozen of them
takes longer than the maths of a small step.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

#: Bytes of one run of backward steps: small enough to stay in a core's second-level cache.
RUN_BYTES = 1 << 19


class Record(NamedTuple):
    """What forward writes, for one step, or with a leading axis for a run of steps."""

    z: np.ndarray  # (H+D+1, N)  [h_{t-1}; x_t; 1]
    a: np.ndarray  # (blocks*H, N)  packed @ z, then the gates
    sigmoids: np.ndarray  # the sigmoid rows of a
    blocks: tuple[np.ndarray, ...]  # a, cut into (H, N) blocks
    h_prev: np.ndarray  # (H, N)  rows of z
    h: np.ndarray  # (H, N)  rows of the next z
    c_prev: np.ndarray | None  # (H, N)
    c: np.ndarray | None  # (H, N)
    tanh_c: np.ndarray | None  # (H, N)
    tmp: np.ndarray  # (H, N)  free to use within a step


class Gradient(NamedTuple):
    """What backward writes, for one step, or with a leading axis for a run of steps."""

    z: np.ndarray  # (H+D, N)  gradient of z without its constant row
    a: np.ndarray  # (blocks*H, N)
    sigmoids: np.ndarray
    blocks: tuple[np.ndarray, ...]
    stacked: np.ndarray  # a as (blocks, H, N)
    h_prev: np.ndarray  # (H, N)  rows of z
    h: np.ndarray  # (H, N)
    h_to_c: np.ndarray | None  # (H, N)  derivative of h with respect to c
    tmp: np.ndarray


class Tape:
    """Arrays and views for forward over `n_steps` steps of `n_streams` streams.

    With ``keep=False`` the gates and c of every step share one place in memory: nothing is left
    for a backward. The views a cell sees have the same shape and layout either way and for any
    number of steps, so results are equal bit for bit.
    """

    def __init__(self, cell, n_steps, n_streams, input_size, hidden_size, dtype, *, keep):
        kept, H, N = n_steps if keep else 1, hidden_size, n_streams
        self.cell, self.keep = cell, keep
        self.shape = n_steps, n_streams
        self.packed = np.empty((cell.packed_blocks * H, H + input_size + 1), dtype)
        self.Z = np.empty((n_steps + 1, H + input_size + 1, N), dtype)
        self.Z[:, -1] = 1
        self.A = np.empty((kept, cell.packed_blocks * H, N), dtype)
        self.C = np.empty((kept + keep, H, N), dtype) if cell.has_c else None
        self.tanh_C = np.empty((kept, H, N), dtype) if cell.has_c else None
        self.tmp = np.empty((H, N), dtype)
        self.x = self.Z[:-1, H:-1]
        self.h = self.Z[1:, :H]
        self.steps = [self.cut(t, t if keep else 0) for t in range(n_steps)]

    def cut(self, where: int | slice, kept: int | slice) -> Record:
        """Cut the views of a step, or of a run of steps, at `where` in Z and `kept` elsewhere."""
        H = self.tmp.shape[0]
        z, a = self.Z[:-1][where], self.A[kept]
        c_prev = c = tanh_c = None
        if self.C is not None:
            c_prev = (self.C[:-1] if self.keep else self.C)[kept]
            c = self.C[int(self.keep) :][kept]
            tanh_c = self.tanh_C[kept]
        blocks = cut_blocks(a, H)
        sigmoids = a[..., : self.cell.n_sigmoids * H, :]
        h_prev, h = z[..., :H, :], self.h[where]
        return Record(z, a, sigmoids, blocks, h_prev, h, c_prev, c, tanh_c, self.tmp)


class GradientTape:
    """Arrays and views for backward over a run of steps, the longest that stays in cache."""

    def __init__(self, tape: Tape):
        (n_steps, N), H = tape.shape, tape.tmp.shape[0]
        rows, columns = tape.packed.shape
        dtype = tape.tmp.dtype
        self.cell = tape.cell
        self.length = max(1, min(n_steps, RUN_BYTES // (rows * N * dtype.itemsize)))
        self.d_packed = np.empty_like(tape.packed)
        self.dZ = np.empty((self.length, columns - 1, N), dtype)
        self.dA = np.empty((self.length, rows, N), dtype)
        self.dH = np.empty((self.length, H, N), dtype)
        self.h_to_c = np.empty((self.length, H, N), dtype) if self.cell.has_c else None
        self.tmp = tape.tmp
        self.steps = [self.cut(t) for t in range(self.length)]
        self.runs = []  # from the last to the first: start, and views on all steps of the run
        for stop in range(n_steps, 0, -self.length):
            start = max(0, stop - self.length)
            where = slice(start, stop)
            self.runs.append((start, tape.cut(where, where), self.cut(slice(0, stop - start))))

    def cut(self, where: int | slice) -> Gradient:
        """Cut the views of a step, or of a run of steps."""
        H = self.tmp.shape[0]
        z, a = self.dZ[where], self.dA[where]
        blocks = cut_blocks(a, H)
        sigmoids = a[..., : self.cell.n_sigmoids * H, :]
        stacked = a.reshape(*a.shape[:-2], len(blocks), H, a.shape[-1])
        h_to_c = None if self.h_to_c is None else self.h_to_c[where]
        h_prev, h = z[..., :H, :], self.dH[where]
        return Gradient(z, a, sigmoids, blocks, stacked, h_prev, h, h_to_c, self.tmp)


def cut_blocks(a: np.ndarray, hidden_size: int) -> tuple[np.ndarray, ...]:
    """Cut the rows of `a` into blocks of `hidden_size`."""
    return tuple(a[..., row : row + hidden_size, :] for row in range(0, a.shape[-2], hidden_size))
