"""The core of a recurrent layer: its weights, and scans over feature-major arrays."""

from __future__ import annotations

import copy
import importlib
import math
import threading
from functools import cache
from typing import Any

import numpy as np

from tsrnn import threads
from tsrnn.kernels import compiled_kernels
from tsrnn.nn.cells.base import Cell
from tsrnn.nn.checks import NO_TAPE
from tsrnn.nn.initializers import initialize
from tsrnn.nn.products import unpacked
from tsrnn.nn.scan import scan_backward, scan_forward
from tsrnn.nn.state import State
from tsrnn.nn.tape import GradientTape, Tape
from tsrnn.nn.transfer import aligned
from tsrnn.persistence.registry import saved


def in_use(cell: Cell) -> Cell:
    """Return the cell with the maths in use: its own, in NumPy, or the compiled one."""
    return cell if compiled_kernels() is None else _compiled_cells()[cell.name]


@cache
def _compiled_cells() -> dict[str, Cell]:
    return importlib.import_module("tsrnn.nn.cells.compiled").CELLS


@saved("recurrence")
class Recurrence:
    """One recurrent layer without a shell: no checks of values, no clipping, no axis swaps.

    The public layers and `Network` are built on it. Scratch arrays are kept between calls of one
    shape, belong to one thread each, and are no part of a copy or a pickle.

    Attributes
    ----------
    weights : list of ndarray
        ``W (G*H, H+D+1)`` with columns [h | x | 1], rows in the cell's gate order, and the
        cell's extra vectors ``(H,)``. Change them in place. W is in Fortran's order: a product
        with one vector is then a sum of contiguous columns, twice as fast as one by rows.
    weight_grads : list of ndarray
        The gradients of the last backward, in the same order and shapes.
    """

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        *,
        dtype: np.dtype,
        rng: np.random.Generator,
        initializer: str,
    ):
        self.cell, self.dtype = cell, dtype
        self.input_size, self.hidden_size = input_size, hidden_size
        shape = len(cell.gate_order) * hidden_size, hidden_size + input_size + 1
        self.weights = [aligned(shape, dtype, "F")]
        self.weights += [np.empty(hidden_size, dtype) for _ in cell.extra_names]
        initialize(initializer, cell, self.weights, rng)
        self.weight_grads = [np.zeros_like(weight) for weight in self.weights]
        self._scratch = _Scratch()

    def zero_state(self, n_streams: int) -> State:
        """Return the state before the first step, arrays of shape (H, N)."""
        return State.zeros((self.hidden_size, n_streams), self.dtype, has_c=self.cell.has_c)

    @property
    def blank(self) -> State:
        """The state of one stream before the first step, which is nobody's to write to."""
        scratch = self._scratch
        if scratch.blank is None:
            scratch.blank = self.zero_state(1)
        return scratch.blank

    def forward(
        self, x: np.ndarray, state: State, *, tape: bool, out: np.ndarray | None = None
    ) -> tuple[np.ndarray, State]:
        """Run over `x` (T, D, N); return every h (T, H, N) and the last state.

        h is `out`, if given; else memory of ours, valid until the next call. The state is a copy.
        """
        n_steps, _, n_streams = x.shape
        if n_streams == 1 and not tape:
            h = np.empty((n_steps, self.hidden_size, 1), self.dtype) if out is None else out
            streamed = self.forward_stream(x, state, h)
            assert streamed is not None  # without a check it always is
            return h, streamed[0]
        scratch = self._scratch
        scratch.recorded = None  # whatever happens below, the old tape must not be used again
        parts = self._parts(in_use(self.cell), n_steps, n_streams, tape)
        first = parts.tapes[0]
        self.cell.pack(self.weights, first.packed)
        if n_streams > 1:
            np.multiply(first.packed, first.halves, first.halved)
        if out is None:
            out = first.h if len(parts.tapes) == 1 else parts.joined_h()
        h = out
        ends: list[Any] = [None] * len(parts.tapes)

        def work(k: int) -> None:
            record, streams = parts.tapes[k], parts.streams[k]
            given = x[:, :, streams], state.part(streams)
            handed = None if h is record.h else h[:, :, streams]
            ends[k] = scan_forward(record, *given, handed)

        threads.run(work, len(ends), first.size)
        if tape:
            scratch.recorded = parts
        return h, State.joined(ends)

    def forward_stream(
        self, x: np.ndarray, state: State, out: np.ndarray, *, check: bool = False
    ) -> tuple[State, np.ndarray] | None:
        """Run over one stream without a tape; return the last state, and its h (H, 1) once more.

        None if a `check` finds that `x` is not finite. A streamed row goes this way: it is short.
        `x` is (T, D, 1) or (1, T, D), and `out`, contiguous, (T, H, 1) or (1, T, H).
        """
        cell = in_use(self.cell)
        if cell.forward_stream is not None:
            x = np.ascontiguousarray(x)
            end, h_last, finite = cell.forward_stream(self.weights, x, state, out)
            if check and not finite:
                return None
            self._scratch.recorded = None
            return end, h_last
        if check and not math.isfinite(np.vdot(x, x)):
            return None
        self._scratch.recorded = None
        x = x.reshape(-1, self.input_size, 1)
        tape = self._parts(cell, len(x), 1, False).tapes[0]
        packed = self.weights[0]
        if cell.repacks:
            packed = tape.packed
            cell.pack(self.weights, packed)
        given = tape, x, state, out.reshape(tape.h.shape), packed
        if tape.size <= threads.SMALL_WITH_VECTOR:
            end = scan_forward(*given)
        else:
            with threads.one_blas_thread:
                end = scan_forward(*given)
        return end, end.h.copy()

    @property
    def recorded_shape(self) -> tuple[int, int]:
        """(T, N) of the forward that the next backward belongs to.

        Raises
        ------
        RuntimeError
            If there is none.
        """
        if self._scratch.recorded is None:
            raise RuntimeError(NO_TAPE)
        return self._scratch.recorded.shape

    def backward(
        self, d_h: np.ndarray, *, out: np.ndarray | None = None
    ) -> tuple[np.ndarray, State]:
        """Fill `weight_grads` from `d_h` (T, H, N); return d_x (T, D, N), new or `out`, d_state."""
        n_steps, n_streams = self.recorded_shape
        if d_h.shape != (n_steps, self.hidden_size, n_streams):
            raise ValueError(
                f"the gradient must have the shape of forward's output, "
                f"{(n_steps, self.hidden_size, n_streams)}, found {d_h.shape}."
            )
        scratch = self._scratch
        parts, scratch.recorded = scratch.recorded, None
        assert parts is not None  # or `recorded_shape` has raised
        gradients = parts.gradients = parts.gradients or [GradientTape(t) for t in parts.tapes]
        if out is None:
            out = np.empty((n_steps, self.input_size, n_streams), self.dtype)
        d_x: np.ndarray = out
        starts: list[Any] = [None] * len(gradients)

        def work(k: int) -> None:
            s = parts.streams[k]
            starts[k] = scan_backward(parts.tapes[k], gradients[k], d_h[:, :, s], d_x[:, :, s])

        threads.run(work, len(starts), gradients[0].size)
        d_packed = gradients[0].d_packed
        for other in gradients[1:]:
            d_packed += other.d_packed
        self.cell.unpack_grad(d_packed, self.weight_grads)
        return d_x, State.joined(starts)

    def _parts(self, cell: Cell, n_steps: int, n_streams: int, keep: bool) -> _Parts:
        """Return the arrays for a shape: those of the last call if they fit."""
        product_size = self.cell.packed_blocks * self.weights[0].shape[1] * self.hidden_size
        # Compiled windows alone run without Python's lock. Halves have the bits of the whole where
        # they fill their registers; gradients, sums over the streams, never have.
        compiled = not keep and cell.forward_window is not None
        same_bits = compiled and unpacked() > 0 and n_streams % 16 == 0
        steps = n_steps if same_bits else None
        streams = threads.parts(n_streams, product_size * n_streams, steps)
        key = cell, n_steps, streams
        parts = self._scratch.parts.get(keep)
        if parts is None or parts.key != key:
            sizes = self.input_size, self.hidden_size
            tapes: list[Tape] = []
            for part in streams:
                shape, beside = (n_steps, part.stop - part.start), len(streams) > 1
                like = tapes[0] if tapes else None
                tape = Tape(cell, *shape, *sizes, self.dtype, keep=keep, beside=beside, like=like)
                tapes.append(tape)
            parts = self._scratch.parts[keep] = _Parts(key, tapes)
        return parts

    def copy(self) -> Recurrence:
        """Return a layer with its own weights and gradients, and no scratch arrays."""
        twin = copy.copy(self)
        twin.weights = [weight.copy(order="K") for weight in self.weights]
        twin.weight_grads = [grad.copy(order="K") for grad in self.weight_grads]
        return twin

    def __getstate__(self) -> dict:
        return {key: value for key, value in self.__dict__.items() if key != "_scratch"}

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        self.weights = [np.asfortranarray(weight) for weight in self.weights]  # of an older file
        self.weight_grads = [np.asfortranarray(grad) for grad in self.weight_grads]
        self._scratch = _Scratch()


class _Parts:
    """The arrays for one shape: for all streams, or for each half of them."""

    def __init__(self, key: tuple[Cell, int, tuple[slice, ...]], tapes: list[Tape]):
        self.key, self.tapes = key, tapes
        _, n_steps, self.streams = key
        self.shape = n_steps, self.streams[-1].stop
        self.gradients: list[GradientTape] | None = None
        self._h: np.ndarray | None = None

    def joined_h(self) -> np.ndarray:
        """Return an array (T, H, N) for the h of all parts."""
        if self._h is None:
            n_steps, n_streams = self.shape
            self._h = np.empty(
                (n_steps, self.tapes[0].hidden_size, n_streams), self.tapes[0].Z.dtype
            )
        return self._h


class _Scratch(threading.local):
    """Arrays that one thread reuses from call to call."""

    def __init__(self):
        self.parts: dict[bool, _Parts] = {}
        self.recorded: _Parts | None = None
        self.blank: State | None = None
