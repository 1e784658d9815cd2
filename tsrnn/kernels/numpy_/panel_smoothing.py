"""Exponential smoothing of many series, whose seasonal states lie in a ring."""

import numpy as np

from tsrnn.kernels.numpy_.seasons import rows_back
from tsrnn.kernels.numpy_.smoothing import forecast_states, move_states, season_lengths


def move_series(first, columns, labels, seen, row, seasonal, settings, zero, state):
    """Move the states of some series by a row, in place; see `follow_smoothing`.

    Parameters
    ----------
    first : int
        Place of the first of these b series among the B of the row; there are S = J b streams.
    columns : ndarray of int, shape (b,), ascending
        Their columns in the ring.
    labels : ndarray of shape (J, B)
        NaN where missing.
    seen : ndarray of int, shape (B,)
        Rows that each series has seen before this one.
    row : int
        Where the row lies in the ring.
    seasonal : ndarray of shape (L, A', J, C)
        Ring of the seasonal states of the settings that have one; those of the row are written.
    settings : tuple of ndarray
    zero : ndarray of shape (S,)
    state : tuple of ndarray
    """
    some, n_targets = slice(first, first + len(columns)), len(labels)
    rows, places = (row - season_lengths(settings)) % len(seasonal), np.arange(seasonal.shape[1])
    shape = len(rows), n_targets, len(columns)  # of no rows, where nothing has a season
    past = seasonal[rows, places][..., columns].reshape(shape[0], shape[1] * shape[2])
    seen = np.tile(seen[some], n_targets)
    moved = move_states(labels[:, some].ravel(), seen, past, settings, zero, state)
    seasonal[row][..., columns] = moved.reshape(shape)


def forecast_series(first, columns, seen, row, seasonal, settings, zero, state, place, out):
    """Write the forecasts of some series after a row; see `follow_smoothing`.

    Parameters
    ----------
    first, columns, seen, row, seasonal, settings, zero, state
        As for `move_series`, which has moved them; columns in any order.
    place : int
        Of the first of these experts in `out`.
    out : ndarray of shape (M, place + G, J, B)
        NaN of those that sleep.
    """
    some, n_targets, n_steps = slice(first, first + len(columns)), out.shape[2], len(out)
    lengths, places = season_lengths(settings), np.arange(seasonal.shape[1])
    back = rows_back(np.arange(1, n_steps + 1)[:, None], lengths)
    newest = seasonal[(row - back) % len(seasonal), places][..., columns]
    newest = newest.reshape(*back.shape, n_targets * len(columns))
    found = forecast_states(np.tile(seen[some], n_targets), newest, settings, zero, state)
    out[:, place:, :, some] = found.reshape(*found.shape[:2], n_targets, len(columns))
