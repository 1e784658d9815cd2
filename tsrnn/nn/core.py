"""The core of a recurrent layer: its weights, and scans over feature-major arrays."""

from __future__ import annotations

import copy
import threading

import numpy as np

from tsrnn.nn.cells import Cell
from tsrnn.nn.checks import NO_TAPE
from tsrnn.nn.initializers import initialize
from tsrnn.nn.scan import scan_backward, scan_forward
from tsrnn.nn.state import State
from tsrnn.nn.tape import GradientTape, Tape


class Recurrence:
    """One recurrent layer without a shell: no checks of values, no clipping, no axis swaps.

    The public layers and `Network` are built on it. Scratch arrays are kept between calls of one
    shape, belong to one thread each, and are no part of a copy or a pickle.

    Attributes
    ----------
    weights : list of ndarray
        ``W (G*H, H+D+1)`` with columns [h | x | 1], rows in the cell's gate order, and the
        cell's extra vectors ``(H,)``. Change them in place.
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
        self.weights = [np.empty(shape, dtype)]
        self.weights += [np.empty(hidden_size, dtype) for _ in cell.extra_names]
        initialize(initializer, cell, self.weights, rng)
        self.weight_grads = [np.zeros_like(weight) for weight in self.weights]
        self._scratch = _Scratch()

    def zero_state(self, n_streams: int) -> State:
        """Return the state before the first step, arrays of shape (H, N)."""
        return State.zeros((self.hidden_size, n_streams), self.dtype, has_c=self.cell.has_c)

    def forward(self, x: np.ndarray, state: State, *, tape: bool) -> tuple[np.ndarray, State]:
        """Run over `x` (T, D, N); return a view of every h (T, H, N) and the last state.

        The view is valid until the next call; the state is a copy.
        """
        scratch, shape = self._scratch, (x.shape[0], x.shape[2])
        scratch.recorded = None  # whatever happens below, the old tape must not be used again
        record = scratch.tapes.get(tape)
        if record is None or record.shape != shape:
            sizes = self.input_size, self.hidden_size
            record = scratch.tapes[tape] = Tape(self.cell, *shape, *sizes, self.dtype, keep=tape)
            if tape:
                scratch.gradient = None
        self.cell.pack(self.weights, record.packed)
        self.cell.halve(record.packed, record.halved)
        last = scan_forward(record, x, state)
        if tape:
            scratch.recorded = record
        return record.h, last

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

    def backward(self, d_h: np.ndarray) -> tuple[np.ndarray, State]:
        """Fill `weight_grads` from `d_h` (T, H, N); return d_x (T, D, N) and d_state."""
        n_steps, n_streams = self.recorded_shape
        if d_h.shape != (n_steps, self.hidden_size, n_streams):
            raise ValueError(
                f"the gradient must have the shape of forward's output, "
                f"{(n_steps, self.hidden_size, n_streams)}, found {d_h.shape}."
            )
        scratch = self._scratch
        record, scratch.recorded = scratch.recorded, None
        if scratch.gradient is None:
            scratch.gradient = GradientTape(record)
        d_x, d_state = scan_backward(record, scratch.gradient, d_h)
        self.cell.unpack_grad(scratch.gradient.d_packed, self.weight_grads)
        return d_x, d_state

    def copy(self) -> Recurrence:
        """Return a layer with its own weights and gradients, and no scratch arrays."""
        twin = copy.copy(self)
        twin.weights = [weight.copy() for weight in self.weights]
        twin.weight_grads = [grad.copy() for grad in self.weight_grads]
        return twin

    def __getstate__(self) -> dict:
        return {key: value for key, value in self.__dict__.items() if key != "_scratch"}

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        self._scratch = _Scratch()


class _Scratch(threading.local):
    """Arrays that one thread reuses from call to call."""

    def __init__(self):
        self.tapes: dict[bool, Tape] = {}
        self.gradient: GradientTape | None = None
        self.recorded: Tape | None = None
