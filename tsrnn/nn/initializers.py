"""How the weights of a recurrent layer start."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from tsrnn.nn.cells.base import Cell


def initialize(name: str, cell: Cell, weights: list[np.ndarray], rng: np.random.Generator) -> None:
    """Fill the weights of one recurrent layer, in place.

    The forget-gate bias of an LSTM is 1 whatever the initializer, so that the layer remembers
    from the start (Jozefowicz, Zaremba & Sutskever, 2015). Numbers are drawn in float64: one seed
    gives the same weights, up to rounding, in either dtype.

    Parameters
    ----------
    name : {"uniform", "xavier", "orthogonal"}
        - "uniform": every weight and bias from U(-1/√H, 1/√H), as in PyTorch.
        - "xavier": matrices from U(-b, b) with b = √(6 / (fan_in + fan_out)) for each gate
          (Glorot & Bengio, 2010); biases zero.
        - "orthogonal": the recurrent matrix of each gate orthogonal (Saxe, McClelland & Ganguli,
          2014), input matrices "xavier", biases zero.
    cell : Cell
        Whose gate order the rows follow.
    weights : list of ndarray
        ``W (G*H, H+D+1)`` with columns [h | x | 1], and the extra vectors ``(H,)``.
    rng : numpy.random.Generator
        Source of randomness.

    Raises
    ------
    ValueError
        If `name` is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.nn import CELLS, initializers
    >>> W = np.empty((4 * 2, 2 + 3 + 1))
    >>> initializers.initialize("orthogonal", CELLS["lstm"], [W], np.random.default_rng(0))
    >>> W[:, -1]
    array([0., 0., 1., 1., 0., 0., 0., 0.])
    """
    if name not in INITIALIZERS:
        raise ValueError(f"initializer must be one of {sorted(INITIALIZERS)}, found {name!r}.")
    W, *extra = weights
    gates = W.reshape(len(cell.gate_order), -1, W.shape[1])  # a view: (G, H, H+D+1)
    hidden = gates.shape[1]
    INITIALIZERS[name](gates, extra, hidden, rng)
    if "f" in cell.gate_order:
        gates[cell.gate_order.index("f"), :, -1] = 1


def _uniform(
    gates: np.ndarray, extra: list[np.ndarray], hidden: int, rng: np.random.Generator
) -> None:
    bound = 1 / np.sqrt(hidden)
    for array in (gates, *extra):
        array[...] = rng.uniform(-bound, bound, array.shape)


def _xavier(
    gates: np.ndarray, extra: list[np.ndarray], hidden: int, rng: np.random.Generator
) -> None:
    gates[...] = 0
    for array in extra:
        array[...] = 0
    for columns in (gates[:, :, :hidden], gates[:, :, hidden:-1]):
        bound = np.sqrt(6 / sum(columns.shape[1:]))
        columns[...] = rng.uniform(-bound, bound, columns.shape)


def _orthogonal(
    gates: np.ndarray, extra: list[np.ndarray], hidden: int, rng: np.random.Generator
) -> None:
    _xavier(gates, extra, hidden, rng)
    Q, R = np.linalg.qr(rng.standard_normal((len(gates), hidden, hidden)))
    # QR leaves signs open; fixing R's diagonal makes Q uniform over the orthogonal group.
    gates[:, :, :hidden] = Q * np.sign(np.diagonal(R, axis1=1, axis2=2))[:, None, :]


INITIALIZERS = MappingProxyType({"uniform": _uniform, "xavier": _xavier, "orthogonal": _orthogonal})
