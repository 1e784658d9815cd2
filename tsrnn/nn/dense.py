"""Affine layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tsrnn.nn.checks import NO_TAPE, check_array, check_dtype, check_keys, check_size
from tsrnn.nn.params import HasParams, LiveViews


class Dense(HasParams):
    """Time-distributed affine layer: ``y = x @ W + bias`` on the last axis.

    Gradients are not clipped; see `clip_by_global_norm`.

    Parameters
    ----------
    in_features, out_features : int
        Sizes of the last axis of x and y.
    dtype : {float32, float64}, default=float32
        Of weights and outputs.
    random_state : None, int or numpy.random.Generator
        Source of the first weights, drawn from U(-1/√in, 1/√in) as in PyTorch.

    Attributes
    ----------
    params, grads : dict of ndarray
        W (in, out) and bias (out,), live; the gradients of the last backward.

    Raises
    ------
    ValueError
        If a size is not a positive integer or dtype is another.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.nn import Dense
    >>> layer = Dense(8, 1, random_state=0)
    >>> y = layer.forward(np.ones((2, 5, 8)))
    >>> d_x = layer.backward(np.ones_like(y))
    >>> y.shape, d_x.shape, float(layer.grads["bias"][0])
    ((2, 5, 1), (2, 5, 8), 10.0)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        dtype: DTypeLike = np.float32,
        random_state: int | np.random.Generator | None = None,
    ):
        self.in_features = check_size("in_features", in_features)
        self.out_features = check_size("out_features", out_features)
        self.dtype = check_dtype(dtype)
        bound = 1 / np.sqrt(self.in_features)
        shape = self.out_features, self.in_features + 1  # columns [x | 1]
        drawn = np.random.default_rng(random_state).uniform(-bound, bound, shape)
        self._W = drawn.astype(self.dtype)
        self._dW = np.zeros_like(self._W)
        self._x: np.ndarray | None = None  # the tape

    @property
    def weights(self) -> list[np.ndarray]:  # noqa: D102 - as in HasParams
        return [self._W]

    @property
    def weight_grads(self) -> list[np.ndarray]:  # noqa: D102 - as in HasParams
        return [self._dW]

    def forward(self, x: np.ndarray, *, tape: bool = True) -> np.ndarray:
        """Return y of shape (..., out) for a finite x of shape (..., in).

        With ``tape=False`` nothing is kept for a backward.

        Raises
        ------
        ValueError
            If x has a wrong shape or a value that is not finite.
        """
        given, x = x, check_array("x", x, (..., self.in_features), self.dtype)
        self._x = None
        if tape:
            # The caller may write to x before backward, so the tape needs a copy of its own.
            self._x = x.copy() if np.shares_memory(x, given) else x
        y: np.ndarray = x @ self.params["W"] + self.params["bias"]
        return y

    def backward(self, d_y: np.ndarray) -> np.ndarray:
        """Fill `grads` from d_y (..., out); return d_x (..., in).

        Raises
        ------
        RuntimeError
            If there is no tape: no forward yet, ``tape=False``, or backward called already.
        ValueError
            If d_y has a wrong shape or a value that is not finite; the tape is then kept.
        """
        if self._x is None:
            raise RuntimeError(NO_TAPE)
        d_y = check_array("d_y", d_y, (*self._x.shape[:-1], self.out_features), self.dtype)
        x, self._x = self._x, None
        rows = d_y.reshape(-1, self.out_features)
        np.matmul(rows.T, x.reshape(-1, self.in_features), out=self._dW[:, :-1])
        np.sum(rows, axis=0, out=self._dW[:, -1])
        d_x: np.ndarray = d_y @ self.params["W"].T
        return d_x

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copy the weights in PyTorch's names and layout: weight (out, in), bias (out,)."""
        return {"weight": self._W[:, :-1].copy(), "bias": self._W[:, -1].copy()}

    def load_state_dict(self, given: Mapping[str, np.ndarray]) -> None:
        """Take over the weights of a `state_dict`, or of `torch.nn.Linear` as arrays.

        Raises
        ------
        ValueError
            If a key is missing or unexpected, a shape differs or a value is not finite;
            the weights are then left as they were.
        """
        check_keys(given, ["weight", "bias"])
        shape = self.out_features, self.in_features
        weight = check_array("weight", given["weight"], shape, self.dtype)
        bias = check_array("bias", given["bias"], shape[:1], self.dtype)
        self._W[:, :-1], self._W[:, -1] = weight, bias

    def _views(self, arrays: list[np.ndarray]) -> LiveViews:
        """W (in, out) and bias (out,)."""
        (W,) = arrays
        return LiveViews(W=W[:, :-1].T, bias=W[:, -1])

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_x": None}
