"""What optimizers share: their slots, and how these are saved and copied."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from tsrnn.nn.checks import check_array, check_keys, check_positive, check_size


class Optimizer(ABC):
    """Changes a list of arrays in place, against their gradients.

    Parameters
    ----------
    learning_rate : float
        Of steps that name no other.

    Attributes
    ----------
    n_steps : int
        Steps taken.
    slots : dict of list of ndarray
        What is remembered of past gradients: for each name one array a weight, in the order of
        the weights. Empty before the first step.
    """

    slot_names: ClassVar[tuple[str, ...]]

    def __init__(self, learning_rate: float):
        self.learning_rate = check_positive("learning_rate", learning_rate)
        self.n_steps = 0
        self.slots: dict[str, list[np.ndarray]] = {}

    def step(
        self,
        weights: Sequence[np.ndarray],
        grads: Sequence[np.ndarray],
        learning_rate: float | None = None,
    ) -> None:
        """Take one step.

        Parameters
        ----------
        weights : sequence of ndarray
            Changed in place; the same arrays (or their successors) in the same order each time.
        grads : sequence of ndarray
            Their finite gradients; read only.
        learning_rate : float, optional
            For this step alone, as a schedule gives it.

        Raises
        ------
        ValueError
            If the weights, the gradients and the arrays of earlier steps differ in number or
            shape; nothing is then changed.
        """
        rate = learning_rate
        rate = self.learning_rate if rate is None else check_positive("learning_rate", rate)
        shapes = [weight.shape for weight in weights]
        known = self.slots[self.slot_names[0]] if self.slots else weights
        if shapes != [grad.shape for grad in grads] or shapes != [slot.shape for slot in known]:
            raise ValueError(
                f"weights, gradients and those of earlier steps must match; found {shapes}, "
                f"{[grad.shape for grad in grads]} and {[slot.shape for slot in known]}. "
                "Use one optimizer for one list of weights."
            )
        if not self.slots:
            self.slots = {name: [np.zeros_like(w) for w in weights] for name in self.slot_names}
        self.n_steps += 1
        for weight, grad, *slots in zip(weights, grads, *self.slots.values(), strict=True):
            self.update(weight, grad, *slots, rate)

    @abstractmethod
    def update(self, weight: np.ndarray, grad: np.ndarray, *slots_and_rate: Any) -> None:
        """Change one weight and its slots, in place."""

    def copy(self) -> Optimizer:
        """Return an optimizer that shares no array with this one."""
        return copy.deepcopy(self)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copy what is remembered: "n_steps" and "<slot>.<number of the weight>"."""
        arrays = {
            f"{name}.{k}": slot.copy()
            for name, slots in self.slots.items()
            for k, slot in enumerate(slots)
        }
        return {"n_steps": np.array(self.n_steps)} | arrays

    def load_state_dict(
        self, given: Mapping[str, np.ndarray], weights: Sequence[np.ndarray]
    ) -> None:
        """Go on from a `state_dict`.

        Parameters
        ----------
        given : mapping
            As `state_dict` returned it.
        weights : sequence of ndarray
            The weights that the next steps will change; they give shapes and dtypes.

        Raises
        ------
        ValueError
            If keys, shapes or values do not fit; the optimizer is then as before.
        """
        numbered = list(enumerate(weights))
        started = np.any(given.get("n_steps", 1))
        names = self.slot_names if started else ()
        check_keys(given, ["n_steps", *(f"{name}.{k}" for name in names for k, _ in numbered)])
        n_steps = check_size("n_steps", given["n_steps"]) if started else 0
        slots = {
            name: [
                check_array(f"{name}.{k}", given[f"{name}.{k}"], w.shape, w.dtype).copy()
                for k, w in numbered
            ]
            for name in names
        }
        self.n_steps, self.slots = n_steps, slots
