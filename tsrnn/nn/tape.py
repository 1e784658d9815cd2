"""The arrays a scan works in, and the views on them that a cell sees.

Views are cut when the arrays are made, once a shape and not once a step: cutting a dozen of them
takes longer than the maths of a small step.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tsrnn.nn.products import blocks, plan, unpacked
from tsrnn.nn.transfer import aligned, staging

#: Bytes of one run of backward steps: small enough to stay in a core's second-level cache.
RUN_BYTES = 1 << 19
#: Numbers of a (H, N) block in a piece of a run: as few as stay in the first-level cache, together
#: with what is computed of them, and as many as are worth a call of NumPy.
PIECE = 1 << 11


class Record(NamedTuple):
    """What forward writes, for one step, or with a leading axis for a piece of a run."""

    z: np.ndarray  # (H+D+1, N)  [h_{t-1}; x_t; 1]
    a: np.ndarray  # (blocks*H, N)  packed @ z, then the gates
    wide: np.ndarray  # a, and behind it c_{t-1}
    blocks: tuple[np.ndarray, ...]  # wide, cut into (H, N) blocks
    spans: tuple[np.ndarray, ...]  # the ranges of blocks that the cell asks for
    h_prev: np.ndarray  # (H, N)  rows of z
    h: np.ndarray  # (H, N)  rows of the next z
    c: np.ndarray | None  # (H, N)  behind the gates of the next step
    half: np.ndarray  # 0-d: NumPy takes twice as long over a Python float
    tmp: tuple[np.ndarray, ...]  # (2H, N), and its halves (H, N): free to use within a step


class Gradient(NamedTuple):
    """What backward writes, for one step, or with a leading axis for a piece of a run."""

    z: np.ndarray  # (H+D, N)  gradient of z without its constant row
    a: np.ndarray  # (blocks*H, N)
    blocks: tuple[np.ndarray, ...]
    spans: tuple[np.ndarray, ...]
    h_prev: np.ndarray  # (H, N)  rows of z
    h: np.ndarray  # (H, N)
    h_to_c: np.ndarray | None  # (H, N)  derivative of h with respect to c
    tmp: tuple[np.ndarray, ...]  # (2H, N), and its halves (H, N): free to use


class Run(NamedTuple):
    """Consecutive steps of backward, whose gradients are in memory together."""

    start: int
    z: np.ndarray  # (steps, H+D+1, N)  of forward
    d_z: np.ndarray  # (steps, H+D, N)
    d_a: np.ndarray  # (steps, blocks*H, N)
    d_h: np.ndarray  # (steps, H, N)
    #: First step, one behind the last, and both their views, of each piece; the last piece first.
    pieces: list[tuple[int, int, Record, Gradient]]


class Tape:
    """Arrays and views for forward over `n_steps` steps of `n_streams` streams.

    With ``keep=False`` the gates and c of every step share one place in memory: nothing is left
    for a backward. `beside` says that another thread runs over other streams at the same time, and
    `like`, a tape of those, has the weights. The views a cell sees have the same shape and layout
    for any number of steps, and kept or not, so results are equal bit for bit.
    """

    def __init__(
        self,
        cell,
        n_steps,
        n_streams,
        input_size,
        hidden_size,
        dtype,
        *,
        keep,
        beside=False,
        like=None,
    ):
        kept, H, N = n_steps if keep else 1, hidden_size, n_streams
        self.cell, self.keep = cell, keep
        self.shape, self.hidden_size = (n_steps, n_streams), hidden_size
        self.whole = cell.forward_window is not None
        self.rows, columns = cell.packed_blocks * H, H + input_size + 1
        self.size = self.rows * columns * N  # multiplications of a step
        self.packed = like.packed if like else aligned((self.rows, columns), dtype, "F")
        #: Multiplications at once, at most; 0: a product is one call. (Two threads that take steps
        #: in Python wait for each other at every call.)
        self.most = 0 if beside and not self.whole else unpacked()
        self.block, order = plan(self.rows, columns, N, self.most)  # rows of `halved` at once
        if n_streams == 1:
            self.halved = self.packed  # it is quicker to halve sums
        else:
            self.halved = like.halved if like else aligned(self.packed.shape, dtype, order)
        self.halves = np.ones((self.rows, 1), dtype)  # what the scan multiplies `packed` by
        self.halves[: cell.n_sigmoids * H] = 0.5
        self.Z = aligned((n_steps + 1, columns, N), dtype)
        self.Z[:, -1] = 1
        has_c = cell.has_c
        self.A = aligned((kept + (keep and has_c), self.rows + has_c * H, N), dtype)
        self.half = np.array(0.5, dtype)
        self.tmp = _halved(aligned((2 * H, N), dtype))
        self.arrays = without_one(self.Z), without_one(self.A)
        self.x = self.Z[:-1, H:-1]
        self.h_first, self.h = self.Z[0, :H], self.Z[1:, :H]
        self.c_first, self.c_last = (self.A[0, self.rows :], self.A[-1, self.rows :])
        places = [(t, t if keep else 0) for t in range(0 if self.whole else n_steps)]
        self.steps = [self.cut(*place) for place in places]
        z, a = self.arrays
        self.vectors = [  # for one stream: z, a and its sigmoids of each step
            (z[t], a[k, : self.rows], a[k, : cell.n_sigmoids * H])
            for t, k in (places if n_streams == 1 else ())
        ]
        cuts = blocks(self.rows, self.block)
        self.products = [  # for many: what goes into each product of a step, and comes out
            [(self.halved[rows], z[t], a[k, rows]) for rows in cuts]
            for t, k in (places if n_streams > 1 else ())
        ]

    def cut(self, where: int | slice, kept: int | slice) -> Record:
        """Cut the views of a step, or of a piece, at `where` in Z and `kept` elsewhere."""
        H = self.hidden_size
        z, wide = self.Z[:-1][where], self.A[kept]
        blocks, spans = _cut_rows(wide, H, self.cell.spans)
        c = self.A[int(self.keep) :][kept][..., self.rows :, :] if self.cell.has_c else None
        a, h_prev, h = wide[..., : self.rows, :], z[..., :H, :], self.h[where]
        return Record(z, a, wide, blocks, spans, h_prev, h, c, self.half, self.tmp)


class GradientTape:
    """Arrays and views for backward over a run of steps, the longest that stays in cache.

    What is known before backward starts is computed a piece of a run at a time.
    """

    def __init__(self, tape: Tape):
        (n_steps, N), H = tape.shape, tape.hidden_size
        rows, columns = tape.packed.shape
        dtype = tape.Z.dtype
        self.cell, self.hidden_size = tape.cell, H
        self.length = max(1, min(n_steps, RUN_BYTES // (rows * N * dtype.itemsize)))
        self.piece_length = max(1, min(self.length, PIECE // (H * N)))  # steps of a piece
        self.size = self.length * tape.size  # multiplications of the largest product
        # In C's order, unlike the weights: so the product comes, and runs are added up quicker.
        self.d_packed, self.d_run = (aligned((rows, columns), dtype) for _ in range(2))
        self.dZ = aligned((self.length, columns - 1, N), dtype)
        self.dA = aligned((self.length, rows, N), dtype)
        self.dH = aligned((self.length, H, N), dtype)
        self.h_to_c = aligned((self.piece_length, H, N), dtype) if self.cell.has_c else None
        self.arrays = without_one(self.dZ), without_one(self.dA), without_one(self.dH)
        self.tmp = aligned((self.piece_length, 2 * H, N), dtype)
        self.stage = staging(self.length, H, N, dtype)
        self.steps = [self.cut(t) for t in range(0 if tape.whole else self.length)]
        dZ, dA, _ = self.arrays
        self.packed_T = packed_T = tape.packed[:, :-1].T
        self.block, _ = plan(columns - 1, rows, N, tape.most)  # rows of `packed_T` at once
        cuts = blocks(columns - 1, self.block)
        self.products = [  # what goes into each product of a step, and comes out
            [(packed_T[rows], d_a, d_z[rows]) for rows in cuts]
            for d_a, d_z in (() if tape.whole else zip(dA, dZ, strict=True))
        ]
        #: From the last to the first.
        self.runs = [self._run(tape, stop) for stop in range(n_steps, 0, -self.length)]

    def _run(self, tape: Tape, stop: int) -> Run:
        start = max(0, stop - self.length)
        n = stop - start
        arrays = tape.Z[start:stop], self.dZ[:n], self.dA[:n], self.dH[:n]
        pieces = []
        for k in () if tape.whole else reversed(range(0, n, self.piece_length)):
            end = min(k + self.piece_length, n)
            where = slice(start + k, start + end)
            views = tape.cut(where, where), self.cut(slice(k, end))
            pieces.append((where.start, where.stop, *views))
        return Run(start, *arrays, pieces)

    def cut(self, where: int | slice) -> Gradient:
        """Cut the views of a step, or of a piece, whose own `h_to_c` and `tmp` others use too."""
        H = self.hidden_size
        z, a = self.dZ[where], self.dA[where]
        blocks, spans = _cut_rows(a, H, self.cell.spans)
        if isinstance(where, slice):
            piece: int | slice = slice(0, where.stop - where.start)
        else:
            piece = where % self.piece_length
        h_to_c = None if self.h_to_c is None else self.h_to_c[piece]
        h_prev, h = z[..., :H, :], self.dH[where]
        return Gradient(z, a, blocks, spans, h_prev, h, h_to_c, _halved(self.tmp[piece]))


def without_one(a: np.ndarray) -> np.ndarray:
    """Return `a` (..., N), of one stream without its axis: a product is then one with a vector."""
    return a[..., 0] if a.shape[-1] == 1 else a


def _cut_rows(a, hidden_size, spans):
    """Cut the rows of `a` into blocks of `hidden_size`, and into the ranges of blocks asked for."""
    H = hidden_size
    blocks = tuple(a[..., row : row + H, :] for row in range(0, a.shape[-2], H))
    return blocks, tuple(a[..., first * H : last * H, :] for first, last in spans)


def _halved(a):
    """Return `a` (2H, N) and views on its upper and lower half."""
    half = a.shape[-2] // 2
    return a, a[..., :half, :], a[..., half:, :]
