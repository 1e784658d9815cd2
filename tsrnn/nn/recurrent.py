"""The shell of a public recurrent layer: batch-first, checked, and able to carry its state."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tsrnn.nn.cells.base import Cell
from tsrnn.nn.checks import check_array, check_dtype, check_positive, check_size
from tsrnn.nn.core import Recurrence
from tsrnn.nn.layout import TorchLayout, empty_batch_first, feature_major
from tsrnn.nn.params import HasParams, LiveViews, recurrent_views
from tsrnn.nn.state import State


class RecurrentLayer(HasParams, TorchLayout):
    """What `RNN`, `LSTM` and `GRU` share: all but the cell's maths.

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    stateful : bool, default=False
        While True, each forward starts where the last one ended. May be set at any time; switched
        on, it starts from zero.
    clip : float or None, default=1.0
        `backward` clips each entry of the parameter gradients to [-clip, clip]; None: no clipping.
    dtype : {float32, float64}, default=float32
        Of weights, states and outputs.
    random_state : None, int or numpy.random.Generator
        Source of the first weights.
    initializer : {"uniform", "xavier", "orthogonal"}, default="uniform"
        See `tsrnn.nn.initializers.initialize`.

    Attributes
    ----------
    params : dict of ndarray
        Wx (D, G*H), Wh (H, G*H), bias (G*H,) and, for a GRU, bias_hn (H,): live, writable.
    grads : dict of ndarray
        Clipped gradients of the last `backward`, under the same keys.
    gate_order : tuple of str
        Order of the gates in the last axis (G*H) of the parameters.
    d_h_0, d_c_0 : ndarray of shape (N, H) or None
        After `backward`: the gradient of the starting state (d_c_0: None without a c).

    Raises
    ------
    ValueError
        If a size, clip, dtype or initializer is not one of the above.

    Notes
    -----
    Scratch arrays are reused between calls but never handed out: every array returned is the
    caller's own. A copy or a pickle holds weights, gradients and state, not the tape.
    """

    @property
    @abstractmethod
    def _cell(self) -> Cell:
        """What sets one layer apart from another."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        stateful: bool = False,
        clip: float | None = 1.0,
        dtype: DTypeLike = np.float32,
        random_state: int | np.random.Generator | None = None,
        initializer: str = "uniform",
    ):
        self.input_size = check_size("input_size", input_size)
        self.hidden_size = check_size("hidden_size", hidden_size)
        self.gate_order = self._cell.gate_order
        self._state: State | None = None  # feature-major
        self._state_is_set = False  # by hand, since the last forward
        self._stateful = stateful
        self.clip = clip
        self.dtype = check_dtype(dtype)
        rng = np.random.default_rng(random_state)
        sizes = self.input_size, self.hidden_size
        self._core = Recurrence(
            self._cell, *sizes, dtype=self.dtype, rng=rng, initializer=initializer
        )
        self.d_h_0: np.ndarray | None = None
        self.d_c_0: np.ndarray | None = None

    @property
    def stateful(self) -> bool:
        """Whether each forward starts where the last one ended."""
        return self._stateful

    @stateful.setter
    def stateful(self, stateful: bool) -> None:
        if stateful and not self._stateful and not self._state_is_set:
            self.reset_state()  # what an earlier, unrelated forward left is no start
        self._stateful = stateful

    @property
    def clip(self) -> float | None:
        """Bound of each entry of the parameter gradients; None for no bound."""
        return self._clip

    @clip.setter
    def clip(self, clip: float | None) -> None:
        self._clip = None if clip is None else check_positive("clip (or None)", clip)

    @property
    def weights(self) -> list[np.ndarray]:  # noqa: D102 - as in HasParams
        return list(self._core.weights)

    @property
    def weight_grads(self) -> list[np.ndarray]:  # noqa: D102 - as in HasParams
        return list(self._core.weight_grads)

    @property
    def state(self) -> State | None:
        """A copy of the state after the last forward, or as set; arrays of shape (N, H).

        None stands for zero. A stateful layer goes on from it, another one starts from zero.
        """
        return None if self._state is None else self._state.swapped()

    def set_state(self, h: np.ndarray, c: np.ndarray | None = None) -> None:
        """Let the next forward start from this state, whether the layer is stateful or not.

        Parameters
        ----------
        h : array_like of shape (N, H)
            Hidden state.
        c : array_like of shape (N, H), optional
            Cell state: needed by LSTM, refused by RNN and GRU.

        Raises
        ------
        ValueError
            If a shape is wrong, a value is not finite, or c is missing or superfluous.
        """
        self._state, self._state_is_set = self._checked(State(h, c)), True

    def reset_state(self) -> None:
        """Let the next forward start from zero."""
        self._state, self._state_is_set = None, False

    def forward(
        self,
        x: np.ndarray,
        state: State | tuple[np.ndarray, np.ndarray] | np.ndarray | None = None,
        *,
        tape: bool = True,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Run over all steps of a window.

        Parameters
        ----------
        x : array_like of shape (N, T, D)
            Finite inputs.
        state : State, tuple (h, c) or array_like h of shape (N, H), optional
            Where to start. None: from the state set by `set_state` since the last forward, from
            the carried state if the layer is stateful, else from zero.
        tape : bool, default=True
            Keep what `backward` needs. False saves time and memory; results are the same bits.

        Returns
        -------
        h_last : ndarray of shape (N, H)
            Hidden state after the last step.
        h_stack : ndarray of shape (N, T, H)
            Hidden state after every step. In memory it is (T, H, N), as it was computed.

        Raises
        ------
        ValueError
            If x or state has a wrong shape or a value that is not finite, or the carried state is
            of another N. The layer is then as before.
        """
        if not tape and state is None and type(x) is np.ndarray and x.dtype == self.dtype:
            streamed = self._forward_stream(x)
            if streamed is not None:
                return streamed
        x = check_array("x", x, ("N", "T", self.input_size), self.dtype)
        start = self._start(state, n_streams=x.shape[0])
        h_stack = empty_batch_first((*x.shape[:2], self.hidden_size), self.dtype)
        _, end = self._core.forward(feature_major(x), start, tape=tape, out=feature_major(h_stack))
        self._state, self._state_is_set = end, False
        return h_stack[:, -1].copy(), h_stack

    def backward(self, d_h_stack: np.ndarray) -> np.ndarray:
        """Run back over the last forward: fill `grads`, `d_h_0` and `d_c_0`.

        Gradients of the parameters are clipped to [-clip, clip], entry by entry; those of the
        input and of the starting state are exact. A loss on `h_last` is added to
        ``d_h_stack[:, -1]``. The starting state counts as a constant, so gradients do not reach
        into the windows before (truncated backpropagation through time).

        Parameters
        ----------
        d_h_stack : array_like of shape (N, T, H)
            Gradient of the loss with respect to `h_stack`.

        Returns
        -------
        d_x : ndarray of shape (N, T, D)
            Gradient with respect to the input.

        Raises
        ------
        RuntimeError
            If there is no tape: no forward yet, ``tape=False``, or backward called already.
        ValueError
            If d_h_stack has a wrong shape or a value that is not finite; the tape is then kept.
        """
        n_steps, n_streams = self._core.recorded_shape
        shape = n_streams, n_steps, self.hidden_size
        d_h_stack = check_array("d_h_stack", d_h_stack, shape, self.dtype)
        d_x = empty_batch_first((n_streams, n_steps, self.input_size), self.dtype)
        _, d_state = self._core.backward(feature_major(d_h_stack), out=feature_major(d_x))
        if self.clip is not None:
            for grad in self._core.weight_grads:
                np.clip(grad, -self.clip, self.clip, out=grad)
        d_state = d_state.swapped()
        self.d_h_0, self.d_c_0 = d_state.h, d_state.c
        return d_x

    def _forward_stream(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Run over one stream without a tape; return None if this is not the case.

        A streamed row would spend most of its time on what `forward` does around the maths. None
        as well where something is wrong: `forward` then says what.
        """
        shape, state = x.shape, self._state
        if len(shape) != 3 or shape[0] != 1 or shape[2] != self.input_size or not shape[1]:
            return None
        if state is None or not (self._stateful or self._state_is_set):
            state = self._core.blank
        elif state.h.shape[1] != 1:
            return None
        h_stack = np.empty((1, shape[1], self.hidden_size), self.dtype)
        end = self._core.forward_stream(x, state, h_stack, check=True)
        if end is None:
            return None
        self._state, h_last = end
        self._state_is_set = False
        return h_last.T, h_stack

    @property
    def _cores(self) -> list[Recurrence]:
        return [self._core]

    def _start(self, state: Any, n_streams: int) -> State:
        """Return, feature-major and checked, the state that forward starts from."""
        if state is not None:
            pair = isinstance(state, tuple) and len(state) == 2
            origin, start = "given", self._checked(State(*state) if pair else State(state))
        elif self._state is not None and (self.stateful or self._state_is_set):
            origin, start = "carried", self._state
        else:
            return self._core.zero_state(n_streams)
        if start.h.shape[1] != n_streams:
            raise ValueError(
                f"x has N={n_streams} streams, but the {origin} state has {start.h.shape[1]}: call "
                "reset_state() to start from zero, or set_state() with a state of these streams."
            )
        return start

    def _checked(self, state: State) -> State:
        has_c, label = self._cell.has_c, type(self).__name__
        return state.checked(self.hidden_size, self.dtype, has_c=has_c, label=label).swapped()

    def _views(self, arrays: list[np.ndarray]) -> LiveViews:
        return recurrent_views(self._cell, arrays)
