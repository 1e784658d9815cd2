"""What a cell is: pointwise maths over the views that `tsrnn.nn.tape` cuts.

Notation, for one step t (feature-major, N streams side by side)::

    z = [h_{t-1}; x_t; 1]     (H+D+1, N)
    a = packed @ z            (blocks*H, N)   the scan's only product
    h, c                      (H, N)          written by the cell

``sigmoid(v) = ½ tanh(½ v) + ½``, so with the sigmoid rows of ``packed`` halved every gate
needs only ``np.tanh``, and one call serves them all. Packing is a linear map from the weights to
``packed``; `unpack_grad` is its adjoint, so a scan need not know what a cell packs.

Backward, ``d.a`` is first filled with everything that does not depend on later steps
(`derivatives`, some steps at once) and then multiplied, step by step, by the
gradient that arrives (`backward`). Slopes are written through products that are at hand anyway:
for ``y = s * v`` with ``s = sigmoid(a)``, ``dy/da = s (1-s) v = y - s*y``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from tsrnn.nn.tape import Gradient, Record
from tsrnn.nn.transfer import take_in


class Cell(ABC):
    """One kind of recurrent cell: its constants and its maths. Cells hold no data."""

    name: ClassVar[str]
    #: Row blocks of the weights, in order; sigmoid gates first.
    gate_order: ClassVar[tuple[str, ...]]
    #: The order in which PyTorch keeps the same gates.
    torch_gate_order: ClassVar[tuple[str, ...]]
    #: How many gates, counted from the first, are sigmoids.
    n_sigmoids: ClassVar[int]
    #: Row blocks of the packed weights.
    packed_blocks: ClassVar[int]
    #: Whether the packed weights are others than the weights.
    repacks: ClassVar[bool] = False
    #: Ranges of blocks that the cell treats with one call.
    spans: ClassVar[tuple[tuple[int, int], ...]] = ()
    #: Whether a cell state c is carried beside h.
    has_c: ClassVar[bool] = False
    #: Names of weights of shape (H,) beside the fused matrix.
    extra_names: ClassVar[tuple[str, ...]] = ()
    #: Compiled cells take many steps in one call, products included, without Python's lock:
    #: ``forward_window(tape, packed)``, which takes them all, and
    #: ``backward_window(tape, gradient_tape, start, stop, d_h, d_c)``.
    forward_window = backward_window = None
    #: Where nothing is kept for a backward, they take them straight from the weights:
    #: ``forward_stream(weights, x, state, h) -> (state, its h once more, finite x?)``; contiguous x
    #: and h have one axis of size 1, for the stream, before or behind their others.
    forward_stream = None

    def pack(self, weights: list[np.ndarray], out: np.ndarray) -> None:
        """Write the weights as one product needs them.

        Parameters
        ----------
        weights : list of ndarray
            ``W (G*H, H+D+1)`` and the extra vectors ``(H,)``.
        out : ndarray of shape (packed_blocks*H, H+D+1)
            The packed weights.
        """
        np.copyto(out, weights[0])

    def unpack_grad(self, d_packed: np.ndarray, grads: list[np.ndarray]) -> None:
        """Turn the gradient of the packed weights into that of the weights (adjoint of `pack`)."""
        np.copyto(grads[0], d_packed)

    @abstractmethod
    def forward(self, step: Record) -> None:
        """Turn ``step.a`` into ``step.h`` (and ``step.c``), keeping what backward needs."""

    @abstractmethod
    def derivatives(self, piece: Record, d: Gradient) -> None:
        """Fill ``d.a`` (and ``d.h_to_c``) with the factors known before backward starts.

        Here the views have a leading axis: some steps at once.
        """

    @abstractmethod
    def backward(self, step: Record, d: Gradient, d_c: np.ndarray | None) -> None:
        """Multiply the factors in ``d.a`` by the gradients ``d.h`` and `d_c` that arrive.

        `d_c` comes in as the gradient of ``c_t`` from later steps and leaves as that of
        ``c_{t-1}``.
        """

    def take_in(self, d_h: np.ndarray, out: np.ndarray, stage: np.ndarray) -> None:
        """Copy `d_h` (steps, H, N), of any layout, to `out`; `stage` as `staging` makes it."""
        take_in(d_h, out, stage)

    def bypass(self, step: Record, d: Gradient) -> None:  # noqa: B027 - most cells have no such path
        """Add to ``d.h_prev`` what reaches ``h_{t-1}`` otherwise than through the product."""


def finish_sigmoid(s: np.ndarray, half: np.ndarray) -> None:
    """Turn ``tanh(½ v)`` into ``sigmoid(v)``, in place."""
    np.multiply(s, half, s)
    np.add(s, half, s)


def tanh_slope(y: np.ndarray, out: np.ndarray) -> None:
    """Write the derivative of ``y = tanh(u)`` with respect to u: ``1 - y²``."""
    np.multiply(y, y, out)
    np.subtract(1, out, out)
