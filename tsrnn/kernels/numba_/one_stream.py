"""Steps of one stream by whatever cell has such weights: for other compiled code to call."""

import numpy as np
from numba import types
from numba.extending import overload

from tsrnn.kernels.numba_ import gru, lstm, rnn
from tsrnn.kernels.numba_.maths import inner


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


def state_of(states, at, s):
    """Return the state of one of S streams, from rows of states."""
    raise NotImplementedError


@overload(state_of, inline="always")
def _state_of(states, at, s):
    if isinstance(states[1], types.NoneType):
        return lambda states, at, s: (states[0][at, :, s : s + 1].copy(), None)

    def of_both(states, at, s):
        return states[0][at, :, s : s + 1].copy(), states[1][at, :, s : s + 1].copy()

    return of_both


@inner
def put(rows, at, s, column):
    """Write a column (H, 1) to one stream of rows (n, H, S); a slice takes seconds to compile."""
    for k in range(len(column)):
        rows[at, k, s] = column[k, 0]


def put_state(states, at, s, new):
    """Write the state of one of S streams to rows of states."""
    raise NotImplementedError


@overload(put_state, inline="always")
def _put_state(states, at, s, new):
    if isinstance(states[1], types.NoneType):

        def of_hidden(states, at, s, new):
            put(states[0], at, s, new[0])

        return of_hidden

    def of_both(states, at, s, new):
        put(states[0], at, s, new[0])
        put(states[1], at, s, new[1])

    return of_both
