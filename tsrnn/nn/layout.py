"""The one owner of axis order, and of the way to and from PyTorch's weights.

Inside `tsrnn.nn` arrays are feature-major, ``(T, features, N)``, because then each gate of each
step is one contiguous block. Outside they are batch-first, ``(N, T, features)``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np

from tsrnn.nn.cells.base import Cell
from tsrnn.nn.checks import check_array, check_keys
from tsrnn.nn.core import Recurrence


def feature_major(x: np.ndarray) -> np.ndarray:
    """View ``(N, T, features)`` as ``(T, features, N)``."""
    return x.transpose(1, 2, 0)


def empty_batch_first(shape: tuple[int, int, int], dtype: np.dtype) -> np.ndarray:
    """Return an array (N, T, features) that is feature-major in memory: nothing need be swapped."""
    n_streams, n_steps, n_features = shape
    return np.empty((n_steps, n_features, n_streams), dtype).transpose(2, 0, 1)


class TorchLayout(ABC):
    """Weights out of, and into, PyTorch's names, layout and gate order."""

    @property
    @abstractmethod
    def _cores(self) -> list[Recurrence]:
        """The recurrent layers, from the input up."""

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copy the weights in PyTorch's names, layout and gate order.

        For layer k: weight_ih_l{k} (G*H, D), weight_hh_l{k} (G*H, H), bias_ih_l{k} and
        bias_hh_l{k} (G*H,). PyTorch has two biases where one suffices: ours goes into bias_ih, and
        bias_hh is zero, save for the n block of a GRU, which has a bias of its own (bias_hn).
        """
        return {
            key: part
            for k, core in enumerate(self._cores)
            for key, part in zip(_keys(k), _split(core.cell, core.weights), strict=True)
        }

    def load_state_dict(self, given: Mapping[str, np.ndarray]) -> None:
        """Take over the weights of a `state_dict`, or of a PyTorch module's as arrays.

        Raises
        ------
        ValueError
            If a key is missing or unexpected, a shape differs or a value is not finite;
            the weights are then left as they were.
        """
        check_keys(given, [key for k in range(len(self._cores)) for key in _keys(k)])
        new = [
            _join(core.cell, core.weights, {name: given[name] for name in _keys(k)})
            for k, core in enumerate(self._cores)
        ]
        for core, values in zip(self._cores, new, strict=True):
            for weight, value in zip(core.weights, values, strict=True):
                weight[...] = value


def _keys(layer: int) -> list[str]:
    return [f"{kind}_l{layer}" for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]


def _split(cell: Cell, weights: list[np.ndarray]) -> list[np.ndarray]:
    """Turn our weights of one layer into PyTorch's four arrays, in the order of `_keys`."""
    W, *extra = weights
    theirs = _reordered(W, cell.gate_order, cell.torch_gate_order)
    hidden = W.shape[0] // len(cell.gate_order)
    bias_hh = np.zeros(W.shape[0], W.dtype)
    if extra:
        bias_hh[-hidden:] = extra[0]  # n is the last gate, here and in PyTorch
    parts = theirs[:, hidden:-1], theirs[:, :hidden], theirs[:, -1], bias_hh
    return [part.copy(order="C") for part in parts]


def _join(cell: Cell, weights: list[np.ndarray], given: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Turn PyTorch's four arrays of one layer into new arrays shaped like `weights`."""
    W, *extra = weights
    rows, hidden = W.shape[0], W.shape[0] // len(cell.gate_order)
    shapes = (rows, W.shape[1] - hidden - 1), (rows, hidden), (rows,), (rows,)
    weight_ih, weight_hh, bias_ih, bias_hh = (
        check_array(key, array, shape, W.dtype)
        for (key, array), shape in zip(given.items(), shapes, strict=True)
    )
    bias = bias_ih + bias_hh
    if extra:
        bias[-hidden:] = bias_ih[-hidden:]
        extra = [bias_hh[-hidden:]]
    theirs = np.column_stack([weight_hh, weight_ih, bias])
    return [_reordered(theirs, cell.torch_gate_order, cell.gate_order), *extra]


def _reordered(rows: np.ndarray, found: tuple[str, ...], wanted: tuple[str, ...]) -> np.ndarray:
    """Copy row blocks, one for each gate, from one order into another."""
    blocks = rows.reshape(len(found), -1, rows.shape[1])
    return blocks[[found.index(gate) for gate in wanted]].reshape(rows.shape)
