"""The cells compiled by numba, the extra ``fast``; imported by `tsrnn.nn.core` where in use."""

from __future__ import annotations

import numpy as np

from tsrnn.kernels.numba_ import copies, gru, lstm, rnn
from tsrnn.nn.cells.gru import GRUCell
from tsrnn.nn.cells.lstm import LSTMCell
from tsrnn.nn.cells.rnn import RNNCell
from tsrnn.nn.state import state_of
from tsrnn.nn.tape import GradientTape, Tape


class CompiledCopies:
    """What the compiled cells share; the axes of every array are (steps, H, N)."""

    def take_in(self, d_h: np.ndarray, out: np.ndarray, stage: np.ndarray) -> None:
        """Copy `d_h`, whatever its layout, to `out`."""
        if d_h.strides[1] < d_h.strides[2]:
            copies.take_in(d_h, out)
        else:
            np.copyto(out, d_h)


class CompiledRNN(CompiledCopies, RNNCell):
    """As `RNNCell`."""

    def forward_window(self, tape: Tape, packed: np.ndarray) -> None:
        """Take all steps, products included."""
        rnn.forward_window(packed, *tape.arrays, tape.keep, tape.block)

    def forward_stream(self, weights, x, state, h):
        """Take all steps of one stream, of which nothing is kept but `h`."""
        end = np.empty((2, len(state.h), 1), h.dtype)
        finite = rnn.stream(weights[0], x, state.h, h, end)
        return state_of((end[0], None)), end[1], finite

    def backward_window(
        self, tape: Tape, d: GradientTape, start: int, stop: int, d_h: np.ndarray, d_c: None
    ) -> None:
        """Take the steps from `stop` back to `start`, products included."""
        rnn.backward_window(d.packed_T, tape.arrays[0], *d.arrays, d_h, d.block, start, stop)


class CompiledLSTM(CompiledCopies, LSTMCell):
    """As `LSTMCell`, whose maths it names by the same numbers; one pass over memory."""

    def forward_window(self, tape: Tape, packed: np.ndarray) -> None:
        """Take all steps, products included."""
        lstm.forward_window(packed, *tape.arrays, tape.tmp[1], tape.keep, tape.block)

    def forward_stream(self, weights, x, state, h):
        """Take all steps of one stream, of which nothing is kept but `h`."""
        h_0, c_0 = state
        end = np.empty((3, len(h_0), 1), h.dtype)
        finite = lstm.stream(weights[0], x, h_0, c_0, h, end)
        return state_of((end[0], end[1])), end[2], finite

    def backward_window(self, tape: Tape, d: GradientTape, start: int, stop: int, d_h, d_c) -> None:
        """Take the steps from `stop` back to `start`, products included."""
        more = d_h, d_c, d.block, start, stop
        lstm.backward_window(d.packed_T, *tape.arrays, *d.arrays, *more)


class CompiledGRU(CompiledCopies, GRUCell):
    """As `GRUCell`, whose maths it names by the same numbers; one pass over memory."""

    def forward_window(self, tape: Tape, packed: np.ndarray) -> None:
        """Take all steps, products included."""
        gru.forward_window(packed, *tape.arrays, tape.keep, tape.block)

    def forward_stream(self, weights, x, state, h):
        """Take all steps of one stream, of which nothing is kept but `h`."""
        end = np.empty((2, len(state.h), 1), h.dtype)
        finite = gru.stream(*weights, x, state.h, h, end)
        return state_of((end[0], None)), end[1], finite

    def backward_window(
        self, tape: Tape, d: GradientTape, start: int, stop: int, d_h: np.ndarray, d_c: None
    ) -> None:
        """Take the steps from `stop` back to `start`, products included."""
        gru.backward_window(d.packed_T, *tape.arrays, *d.arrays, d_h, d.block, start, stop)


CELLS = {cell.name: cell for cell in (CompiledRNN(), CompiledLSTM(), CompiledGRU())}
