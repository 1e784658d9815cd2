"""The only time loop: a cell applied step after step, and back again.

Notation: T steps, N streams, D inputs, H hidden units; arrays are feature-major ``(T, rows, N)``.

::

    Z[t]  = [h_{t-1}; x_t; 1]        (H+D+1, N)
    A[t]  = packed @ Z[t]            (blocks*H, N)    (1)
    h_t   = cell(A[t], state)        (H, N)           (2)   written into Z[t+1]

Backward, with ``dV`` the gradient of a value V; the steps in reverse order, in runs short enough to
stay in cache::

    dA[t] = cell's derivative at h_t, c_t                                  (2')
    dZ[t] = packed.T @ dA[t]         rows of h_{t-1} go to step t-1        (1')
    d_packed = sum over t of dA[t] @ Z[t].T           one product a run    (1'')
"""

from __future__ import annotations

import numpy as np

from tsrnn.nn.state import State
from tsrnn.nn.tape import GradientTape, Tape, without_one


def scan_forward(
    tape: Tape,
    x: np.ndarray,
    state: State,
    out: np.ndarray | None = None,
    packed: np.ndarray | None = None,
) -> State:
    """Run over all steps of `x`, leaving every h in ``tape.h``, and in `out` if given.

    Parameters
    ----------
    tape : Tape
        Where to write, with ``tape.halved`` filled.
    x : ndarray of shape (T, D, N)
        Inputs.
    state : State of arrays of shape (H, N)
        Where to start.
    out : ndarray of shape (T, H, N), optional
        Of any layout.
    packed : ndarray of shape (blocks*H, H+D+1), optional
        For one stream: the packed weights, in the place of ``tape.halved``.

    Returns
    -------
    State of arrays of shape (H, N)
        The state after the last step; shares no memory with the tape.
    """
    tape.x[...] = x
    tape.h_first[...] = state.h
    if tape.cell.has_c:
        tape.c_first[...] = state.c
    cell, packed = tape.cell, tape.halved if packed is None else packed
    if tape.whole:
        cell.forward_window(tape, packed)
    elif tape.vectors:
        _steps_one(tape, packed)
    else:
        _steps(tape)
    if out is not None:
        np.copyto(out, tape.h)
    return State(tape.h[-1].copy(), tape.c_last.copy() if cell.has_c else None)


def _steps(tape):
    """Take all steps."""
    forward, matmul = tape.cell.forward, np.matmul
    for step, products in zip(tape.steps, tape.products, strict=True):
        for packed, z, a in products:
            matmul(packed, z, a)  # (1)
        forward(step)  # (2)


def _steps_one(tape, packed):
    """Take all steps of one stream."""
    forward, product, multiply, half = tape.cell.forward, packed.dot, np.multiply, tape.half
    for step, (z, a, sigmoids) in zip(tape.steps, tape.vectors, strict=True):
        product(z, a)  # (1)
        multiply(sigmoids, half, sigmoids)
        forward(step)  # (2)


def scan_backward(tape: Tape, d: GradientTape, d_h: np.ndarray, d_x: np.ndarray) -> State:
    """Run back over the steps of the last `scan_forward`, leaving ``d.d_packed``.

    Parameters
    ----------
    tape : Tape
        As `scan_forward` left it.
    d : GradientTape
        Made for this tape.
    d_h : ndarray of shape (T, H, N)
        Gradient of the loss with respect to every h.
    d_x : ndarray of shape (T, D, N)
        Where to write the gradient with respect to the inputs.

    Returns
    -------
    d_state : State of arrays of shape (H, N)
        Gradient with respect to the state before the first step.
    """
    (_, N), H = tape.shape, tape.hidden_size
    d_h_carried = np.zeros((H, N), tape.Z.dtype)
    d_c = np.zeros_like(d_h_carried) if tape.cell.has_c else None
    carried = without_one(d_h_carried), d_c if d_c is None else without_one(d_c)
    d.d_packed[...] = 0
    for run in d.runs:
        start, stop = run.start, run.start + len(run.z)
        tape.cell.take_in(d_h[start:stop], run.d_h, d.stage)
        if tape.whole:
            tape.cell.backward_window(tape, d, start, stop, *carried)
        else:
            d_h_carried = _steps_back(tape, d, run, d_h_carried, d_c)
        np.matmul(_rows(run.d_a), _rows(run.z).T, d.d_run)  # (1'')
        d.d_packed += d.d_run
        np.copyto(d_x[start:stop], run.d_z[:, H:])
    return State(d_h_carried.copy(), d_c)


def _steps_back(tape, d, run, d_h_carried, d_c):
    """Take the steps of a run, back; return what reaches the h before them."""
    backward, bypass = tape.cell.backward, tape.cell.bypass
    product = np.dot if tape.shape[1] == 1 else np.matmul
    for first, stop, piece, d_piece in run.pieces:
        tape.cell.derivatives(piece, d_piece)
        for t in range(stop - 1, first - 1, -1):
            step, d_step = tape.steps[t], d.steps[t - run.start]
            np.add(d_step.h, d_h_carried, d_step.h)
            backward(step, d_step, d_c)  # (2')
            for packed_T, d_a, d_z in d.products[t - run.start]:
                product(packed_T, d_a, d_z)  # (1')
            bypass(step, d_step)
            d_h_carried = d_step.h_prev
    return d_h_carried


def _rows(a: np.ndarray) -> np.ndarray:
    """Turn ``(T, rows, N)`` into ``(rows, T*N)``, so that one product sums over T and N."""
    return a.transpose(1, 0, 2).reshape(a.shape[1], -1)
