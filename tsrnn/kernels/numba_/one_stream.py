"""Steps of one stream by whatever cell has such weights: for other compiled code to call."""

import numpy as np
from numba import types
from numba.extending import overload

from tsrnn.kernels.numba_ import gru, lstm, rnn


def forward_stream(weights, x, state, h):
    """Take all steps of one stream, fill `h` and return the state after them.

    Weights and state are those of a `Recurrence`, as plain tuples; the arrays are such as its own
    ``forward_stream`` hands on, so that the same code, and no other, is compiled for both.
    """
    raise NotImplementedError


@overload(forward_stream, inline="always")
def _forward_stream(weights, x, state, h):
    if not isinstance(state[1], types.NoneType):

        def of_lstm(weights, x, state, h):
            end = np.empty((3, *state[0].shape), h.dtype)
            lstm.stream(weights[0], x, state[0], state[1], h, end)
            return end[0], end[1]

        return of_lstm

    cell = gru if len(weights) == 2 else rnn

    def of_another(weights, x, state, h):
        end = np.empty((2, *state[0].shape), h.dtype)
        cell.stream(*weights, x, state[0], h, end)
        return end[0], None

    return of_another


def stream_of(state, s):
    """Return the state of one of S streams."""
    raise NotImplementedError


@overload(stream_of, inline="always")
def _stream_of(state, s):
    if isinstance(state[1], types.NoneType):
        return lambda state, s: (state[0][:, s : s + 1].copy(), None)
    return lambda state, s: (state[0][:, s : s + 1].copy(), state[1][:, s : s + 1].copy())


def with_stream(state, s, new, first):
    """Put the state of a stream in the place of its old one; at first, in arrays of their own."""
    raise NotImplementedError


@overload(with_stream, inline="always")
def _with_stream(state, s, new, first):
    if isinstance(state[1], types.NoneType):

        def of_hidden(state, s, new, first):
            hidden = state[0].copy() if first else state[0]
            hidden[:, s] = new[0][:, 0]
            return hidden, None

        return of_hidden

    def of_both(state, s, new, first):
        hidden = state[0].copy() if first else state[0]
        cell = state[1].copy() if first else state[1]
        hidden[:, s], cell[:, s] = new[0][:, 0], new[1][:, 0]
        return hidden, cell

    return of_both
