"""Stacked recurrent layers, feature-major: the network inside the estimators."""

from __future__ import annotations

import copy

import numpy as np
from numpy.typing import DTypeLike

from tsrnn.nn.cells import CELLS
from tsrnn.nn.checks import check_dtype, check_size
from tsrnn.nn.core import Recurrence
from tsrnn.nn.layout import TorchLayout
from tsrnn.nn.state import State
from tsrnn.persistence.registry import saved


@saved("network")
class Network(TorchLayout):
    """`n_layers` recurrent layers, each reading the hidden states of the one below.

    Works on feature-major arrays ``(T, features, N)`` and checks shapes only: values are the
    caller's care, and so is clipping (`clip_by_global_norm`). Threads may run forward on one
    network together; each has scratch arrays of its own. Backward writes `weight_grads`, so
    only one thread at a time may learn.

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    n_layers : int, default=1
        How many layers.
    cell : {"rnn", "lstm", "gru"}, default="lstm"
        Kind of cell.
    dtype : {float32, float64}, default=float32
        Of weights, states and outputs.
    random_state : None, int or numpy.random.Generator
        Source of the first weights.
    initializer : {"uniform", "xavier", "orthogonal"}, default="uniform"
        See `tsrnn.nn.initializers.initialize`.

    Attributes
    ----------
    d_state : tuple of State or None
        After `backward`: the gradient of the starting state, layer by layer.

    Raises
    ------
    ValueError
        If a size is not a positive integer or a name is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.nn import Network
    >>> network = Network(3, 8, n_layers=2, cell="gru", random_state=0)
    >>> x = np.ones((5, 3, 1), np.float32)
    >>> h, state = network.forward(x)
    >>> h.shape, len(state)
    ((5, 8, 1), 2)
    >>> network.backward(np.ones_like(h)).shape
    (5, 3, 1)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        n_layers: int = 1,
        *,
        cell: str = "lstm",
        dtype: DTypeLike = np.float32,
        random_state: int | np.random.Generator | None = None,
        initializer: str = "uniform",
    ):
        if cell not in CELLS:
            raise ValueError(f"cell must be one of {sorted(CELLS)}, found {cell!r}.")
        self.cell = cell
        self.input_size = check_size("input_size", input_size)
        self.hidden_size = check_size("hidden_size", hidden_size)
        self.n_layers = check_size("n_layers", n_layers)
        self.dtype = check_dtype(dtype)
        self.d_state: tuple[State, ...] | None = None
        rng = np.random.default_rng(random_state)
        sizes = [self.input_size] + [self.hidden_size] * (self.n_layers - 1)
        self.layers = [
            Recurrence(
                CELLS[cell], D, self.hidden_size, dtype=self.dtype, rng=rng, initializer=initializer
            )
            for D in sizes
        ]

    @property
    def weights(self) -> list[np.ndarray]:
        """Weights of all layers, live: change them in place."""
        return [weight for layer in self.layers for weight in layer.weights]

    @property
    def weight_grads(self) -> list[np.ndarray]:
        """Gradients of the last backward, matching `weights` one by one."""
        return [grad for layer in self.layers for grad in layer.weight_grads]

    def zero_state(self, n_streams: int) -> tuple[State, ...]:
        """Return the state before the first step: for each layer, arrays of shape (H, N)."""
        return tuple(layer.zero_state(n_streams) for layer in self.layers)

    def forward(
        self, x: np.ndarray, state: tuple[State, ...] | None = None, *, tape: bool = True
    ) -> tuple[np.ndarray, tuple[State, ...]]:
        """Run over all steps.

        Parameters
        ----------
        x : ndarray of shape (T, D, N)
            Finite inputs.
        state : tuple of State, optional
            Where to start, for each layer, arrays of shape (H, N); zero if None.
        tape : bool, default=True
            Keep what `backward` needs.

        Returns
        -------
        h : ndarray of shape (T, H, N)
            Hidden states of the top layer. A view on scratch memory: valid until the next call.
        state : tuple of State
            After the last step; copies, safe to keep.

        Raises
        ------
        ValueError
            If x or the state has another shape.
        """
        if x.ndim != 3 or x.shape[1] != self.input_size or 0 in x.shape:
            raise ValueError(
                f"x must have shape (T, {self.input_size}, N), no axis empty; found {x.shape}."
            )
        if state is None:
            state = self.zero_state(x.shape[2])
        self._check_state(state, x.shape[2])
        last = []
        h = x
        for layer, start in zip(self.layers, state, strict=True):
            h, end = layer.forward(h, start, tape=tape)
            last.append(end)
        return h, tuple(last)

    def _check_state(self, state: tuple[State, ...], n_streams: int) -> None:
        shape = self.hidden_size, n_streams
        has_c = CELLS[self.cell].has_c
        c_shape = shape if has_c else None
        fits = len(state) == self.n_layers
        for h, c in state:
            fits = fits and h.shape == shape and (None if c is None else c.shape) == c_shape
        if not fits:
            raise ValueError(
                f"state must hold {self.n_layers} layers of h{' and c' * has_c} of shape {shape}; "
                f"found {[(s.h.shape, None if s.c is None else s.c.shape) for s in state]}. "
                "Start from zero_state(N), or from a state of the same streams."
            )

    def backward(self, d_h: np.ndarray) -> np.ndarray:
        """Run back over the last forward; fills `weight_grads` and `d_state`.

        Parameters
        ----------
        d_h : ndarray of shape (T, H, N)
            Gradient with respect to the hidden states of the top layer.

        Returns
        -------
        d_x : ndarray of shape (T, D, N)
            Gradient with respect to the inputs.

        Raises
        ------
        RuntimeError
            If there is no tape: no forward, ``tape=False``, or backward called already.
        ValueError
            If d_h has another shape.
        """
        d_states: list[State] = []
        for layer in reversed(self.layers):
            d_h, d_state = layer.backward(d_h)
            d_states.insert(0, d_state)
        self.d_state = tuple(d_states)
        return d_h

    def copy(self) -> Network:
        """Return a network with weights of its own and no scratch arrays."""
        twin = copy.copy(self)
        twin.layers = [layer.copy() for layer in self.layers]
        return twin

    @property
    def _cores(self) -> list[Recurrence]:
        return self.layers
