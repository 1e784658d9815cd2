"""What a cell is: pointwise maths over the views that `tsrnn.nn.tape` cuts.

Notation, for one step t (feature-major, N streams side by side)::

    z = [h_{t-1}; x_t; 1]     (H+D+1, N)
    a = packed @ z            (blocks*H, N)   the scan's only product
    h, c                      (H, N)          written by the cell

``sigmoid(v) = ½ tanh(½ v) + ½``, so with the inner ½ folded into the packed weights every gate
needs only ``np.tanh``, and one call serves them all. Packing is a linear map from the weights to
``packed``; `unpack_grad` is its adjoint, so a scan need not know what a cell packs.

Backward, ``d.a`` is first filled with everything that does not depend on later steps
(`derivatives`, all steps of a run at once) and then multiplied, step by step, by the
gradient that arrives (`backward`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from tsrnn.nn.tape import Gradient, Record


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
    #: Whether a cell state c is carried beside h.
    has_c: ClassVar[bool] = False
    #: Names of weights of shape (H,) beside the fused matrix.
    extra_names: ClassVar[tuple[str, ...]] = ()

    def pack(self, weights: list[np.ndarray], out: np.ndarray) -> None:
        """Write the weights as the product needs them: sigmoid rows halved.

        Parameters
        ----------
        weights : list of ndarray
            ``W (G*H, H+D+1)`` and the extra vectors ``(H,)``.
        out : ndarray of shape (packed_blocks*H, H+D+1)
            The packed weights.
        """
        (W,) = weights
        rows = self._sigmoid_rows(W)
        np.multiply(W[:rows], 0.5, out=out[:rows])
        np.copyto(out[rows:], W[rows:])

    def unpack_grad(self, d_packed: np.ndarray, grads: list[np.ndarray]) -> None:
        """Turn the gradient of the packed weights into that of the weights (adjoint of `pack`)."""
        # Scaling rows is its own adjoint, and for most cells that is all that packing does.
        Cell.pack(self, [d_packed], grads[0])

    def _sigmoid_rows(self, W: np.ndarray) -> int:
        return W.shape[0] // len(self.gate_order) * self.n_sigmoids

    @abstractmethod
    def forward(self, step: Record) -> None:
        """Turn ``step.a`` into ``step.h`` (and ``step.c``), keeping what backward needs."""

    @abstractmethod
    def derivatives(self, run: Record, d: Gradient) -> None:
        """Fill ``d.a`` (and ``d.h_to_c``) with the factors known before backward starts.

        Here the views have a leading axis: all steps of a run at once.
        """

    @abstractmethod
    def backward(self, step: Record, d: Gradient, d_c: np.ndarray | None) -> None:
        """Multiply the factors in ``d.a`` by the gradients ``d.h`` and `d_c` that arrive.

        `d_c` comes in as the gradient of ``c_t`` from later steps and leaves as that of
        ``c_{t-1}``.
        """

    def bypass(self, step: Record, d: Gradient) -> None:  # noqa: B027 - most cells have no such path
        """Add to ``d.h_prev`` what reaches ``h_{t-1}`` otherwise than through the product."""


def finish_sigmoid(s: np.ndarray) -> None:
    """Turn ``tanh(½ v)`` into ``sigmoid(v)``, in place."""
    s *= 0.5
    s += 0.5


def sigmoid_slope(s: np.ndarray, out: np.ndarray) -> None:
    """Write the derivative of ``s = ½ tanh(u) + ½`` with respect to u: ``2 s (1-s)``."""
    np.subtract(1, s, out=out)
    out *= s
    out *= 2


def tanh_slope(y: np.ndarray, out: np.ndarray) -> None:
    """Write the derivative of ``y = tanh(u)`` with respect to u: ``1 - y²``."""
    np.multiply(y, y, out=out)
    np.subtract(1, out, out=out)
