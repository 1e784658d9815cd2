"""Named views on the fused weight arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import MutableMapping
from typing import Any

import numpy as np

from tsrnn.nn.cells.base import Cell


class LiveViews(dict[str, np.ndarray]):
    """A dict of views on weights: assigning to a key writes into the weights.

    A plain dict would take ``params["bias"] = new`` and leave the layer as it was.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.nn import RNN
    >>> layer = RNN(2, 3, random_state=0)
    >>> layer.params["bias"] = 0.5
    >>> layer.params["bias"]
    array([0.5, 0.5, 0.5], dtype=float32)
    """

    def __setitem__(self, key: str, value: np.ndarray) -> None:
        self[key][...] = value

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)  # a copy is no longer live, so a plain dict

    update = MutableMapping.update  # dict.update would go round __setitem__


def recurrent_views(cell: Cell, weights: list[np.ndarray]) -> LiveViews:
    """Return Wx (D, G*H), Wh (H, G*H), bias (G*H,) and the cell's extras as views on `weights`."""
    W, *extra = weights
    hidden = W.shape[0] // len(cell.gate_order)
    views = {"Wx": W[:, hidden:-1].T, "Wh": W[:, :hidden].T, "bias": W[:, -1]}
    return LiveViews(views | dict(zip(cell.extra_names, extra, strict=True)))


class HasParams(ABC):
    """The two faces of a layer's weights: whole arrays for optimizers, named views for people."""

    @property
    @abstractmethod
    def weights(self) -> list[np.ndarray]:
        """The arrays that hold all parameters, live, for an optimizer to change in place."""

    @property
    @abstractmethod
    def weight_grads(self) -> list[np.ndarray]:
        """The gradients of the last backward, matching `weights` one by one."""

    @property
    def params(self) -> LiveViews:
        """Named views on `weights`; writing to them changes the layer."""
        return self._views(self.weights)

    @property
    def grads(self) -> LiveViews:
        """Named views on `weight_grads`, under the keys of `params`."""
        return self._views(self.weight_grads)

    @abstractmethod
    def _views(self, arrays: list[np.ndarray]) -> LiveViews:
        """Name the parts of `arrays`, which are shaped like `weights`."""
