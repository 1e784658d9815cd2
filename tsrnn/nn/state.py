"""The recurrent state as a value."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np

from tsrnn.nn.checks import check_array
from tsrnn.persistence.registry import saved


@saved("state")
class State(NamedTuple):
    """What a recurrent layer hands from one step to the next.

    A tuple, so ``h, c = state`` takes it apart. Public layers hold batch-first states, ``(N, H)``;
    `Network` holds feature-major ones, ``(H, N)``. `swapped` is the only way from one to the other.

    Parameters
    ----------
    h : ndarray of shape (N, H)
        Hidden state.
    c : ndarray of shape (N, H), optional
        Cell state; None for cells without one (RNN, GRU).

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.nn import State
    >>> state = State(h=np.zeros((2, 3)), c=np.ones((2, 3)))
    >>> state.swapped().c.shape
    (3, 2)
    """

    h: np.ndarray
    c: np.ndarray | None = None

    @classmethod
    def zeros(cls, shape: tuple[int, int], dtype: np.dtype, *, has_c: bool) -> State:
        """Return the state before the first step."""
        return cls(np.zeros(shape, dtype), np.zeros(shape, dtype) if has_c else None)

    def swapped(self) -> State:
        """Return a copy with the two axes swapped: batch-first to feature-major or back."""
        # order="C" matters: a copy of a transposed array would keep the old memory layout.
        return State(self.h.T.copy(order="C"), None if self.c is None else self.c.T.copy(order="C"))

    def part(self, streams: slice) -> State:
        """Return a view on some streams of a feature-major state."""
        return State(self.h[:, streams], None if self.c is None else self.c[:, streams])

    @classmethod
    def joined(cls, parts: list[State]) -> State:
        """Put the streams of feature-major states side by side; of one, return it as it is."""
        if len(parts) == 1:
            return parts[0]
        hs, cs = zip(*parts, strict=True)
        return cls(np.concatenate(hs, axis=1), None if cs[0] is None else np.concatenate(cs, 1))

    def copy(self) -> State:
        """Return a state that shares no memory with this one."""
        return State(self.h.copy(), None if self.c is None else self.c.copy())

    def checked(self, hidden_size: int, dtype: np.dtype, *, has_c: bool, label: str) -> State:
        """Return the state as finite batch-first arrays that a layer called `label` can take.

        Raises
        ------
        ValueError
            If a shape is wrong, a value is not finite, or c is missing or superfluous.
        """
        if has_c != (self.c is not None):
            raise ValueError(
                f"the state of {label} {'needs both h and c' if has_c else 'has no c, only h'}; "
                f"found c {'missing' if self.c is None else 'given'}."
            )
        h = check_array("h", self.h, ("N", hidden_size), dtype)
        return State(h, check_array("c", self.c, h.shape, dtype) if has_c else None)


#: State of a pair (h, c), for where what a call of the class costs is long: a single step.
state_of = partial(tuple.__new__, State)
