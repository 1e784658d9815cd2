"""Steps of one stream by whatever cell has such weights: for other compiled code to call."""

from numba import types
from numba.extending import overload

from tsrnn.kernels.numba_ import gru, lstm, rnn
from tsrnn.kernels.numba_.maths import OPTIONS, inner, view_of


def forward_stream(weights, x, states, at, to, s, h, scratch):
    """Take all steps of one of S streams: fill `h`, and write the state after them.

    Parameters
    ----------
    weights : tuple of ndarray
        Those of a `Recurrence`.
    x, h : ndarray of shape (T, D, 1) and (T, H, 1)
        Such as its own ``forward_stream`` hands on, so that the same code is compiled for both.
    states : tuple
        Rows of h (n, H, S), and of c or None.
    at, to, s : int
        The row that holds the state before, the one to write, and the stream.
    scratch : ndarray of shape (5 H,)
    """
    raise NotImplementedError


@overload(forward_stream, jit_options=OPTIONS)
def _forward_stream(weights, x, states, at, to, s, h, scratch):
    if not isinstance(states[1], types.NoneType):

        def of_lstm(weights, x, states, at, to, s, h, scratch):
            H, (of_h, of_c) = h.shape[1], states
            h_0, c_0 = view_of(scratch, 0, (H, 1)), view_of(scratch, H, (H, 1))
            end = view_of(scratch, 2 * H, (3, H, 1))
            _get(of_h, at, s, h_0)
            _get(of_c, at, s, c_0)
            lstm.stream(weights[0], x, h_0, c_0, h, end)
            _put(of_h, to, s, end[0])
            _put(of_c, to, s, end[1])

        return of_lstm

    cell = gru if len(weights) == 2 else rnn

    def of_another(weights, x, states, at, to, s, h, scratch):
        H, of_h = h.shape[1], states[0]
        h_0, end = view_of(scratch, 0, (H, 1)), view_of(scratch, H, (2, H, 1))
        _get(of_h, at, s, h_0)
        cell.stream(*weights, x, h_0, h, end)
        _put(of_h, to, s, end[0])

    return of_another


@inner
def _get(rows, at, s, column):
    """Write one stream of rows (n, H, S) to a column (H, 1)."""
    for k in range(len(column)):
        column[k, 0] = rows[at, k, s]


@inner
def _put(rows, at, s, column):
    """Write a column (H, 1) to one stream of rows (n, H, S); a slice takes seconds to compile."""
    for k in range(len(column)):
        rows[at, k, s] = column[k, 0]
