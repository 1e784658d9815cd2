"""Exponential smoothing of many series, whose seasonal states lie in a ring."""

import numpy as np

from tsrnn.kernels.numpy_.seasons import rows_back
from tsrnn.kernels.numpy_.smoothing import forecast_states, move_states, season_lengths


def move_series(labels, seen, row, cells, seasonal, settings, zero, state):
    """Move the states of streams by a row, in place; see `follow_smoothing`.

    Parameters
    ----------
    labels : ndarray of shape (S,)
        NaN where missing.
    seen : ndarray of int, shape (S,)
        Rows that each stream has seen before this one.
    row : int
        Where the row lies in the ring.
    cells : ndarray of int, shape (S,)
        Columns of the streams in the ring.
    seasonal : ndarray of shape (L, A', C)
        Ring of the seasonal states of the settings that have one; those of the row are written.
    settings : tuple of ndarray
    zero : ndarray of shape (S,)
    state : tuple of ndarray
    """
    lengths, columns = season_lengths(settings), np.arange(seasonal.shape[1])
    rows = (row - lengths) % len(seasonal)
    past = seasonal[rows[:, None], columns[:, None], cells]
    seasonal[row, :, cells] = move_states(labels, seen, past, settings, zero, state).T


def forecast_series(seen, row, cells, seasonal, settings, zero, state, out):
    """Write the forecasts of streams after a row; see `follow_smoothing`.

    Parameters
    ----------
    seen, row, cells, seasonal, settings, zero, state
        As for `move_series`, which has moved them.
    out : ndarray of shape (M, G, S)
        NaN of those that sleep.
    """
    lengths, columns = season_lengths(settings), np.arange(seasonal.shape[1])
    back = rows_back(np.arange(1, len(out) + 1)[:, None], lengths)
    rows = (row - back) % len(seasonal)
    newest = seasonal[rows[..., None], columns[:, None], cells]
    out[...] = forecast_states(seen, newest, settings, zero, state)
