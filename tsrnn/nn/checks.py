"""Checks of what callers pass in; each error says what was found, expected, and the remedy."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from types import EllipsisType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

#: Entries up to which a sum of squares is the quickest proof that all are finite: beyond, BLAS
#: would think of threads.
SMALL = 8192
#: What backward says when there is nothing to run back over.
NO_TAPE = (
    "backward needs the tape of one forward, in the same thread, and uses it up; there is none. "
    "Call forward(x, tape=True) before each backward."
)


def check_size(name: str, value: Any) -> int:
    """Return `value` as a positive int, or raise a ValueError that names it."""
    try:
        size = operator.index(value)
    except TypeError:
        size = 0
    if size < 1 or isinstance(value, bool):
        raise ValueError(f"{name} must be a positive integer, found {value!r}.")
    return size


def check_positive(name: str, value: Any) -> float:
    """Return `value` as a positive finite float, or raise a ValueError that names it."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not 0 < number < np.inf:
        raise ValueError(f"{name} must be a positive finite number, found {value!r}.")
    return number


def check_dtype(dtype: DTypeLike) -> np.dtype:
    """Return `dtype` as a NumPy dtype that BLAS multiplies: float32 or float64."""
    checked = np.dtype(dtype)
    if checked not in (np.float32, np.float64):
        raise ValueError(f"dtype must be float32 or float64, found {checked}.")
    return checked


def check_array(
    name: str, value: object, shape: tuple[int | str | EllipsisType, ...], dtype: np.dtype
) -> np.ndarray:
    """Return `value` as a finite array of `dtype`; it may share memory with `value`.

    Parameters
    ----------
    name : str
        What the caller calls the array.
    value : array_like
        The array, as it came from outside.
    shape : tuple of int, str or Ellipsis
        An int is the size expected on that axis; a str names an axis of any size but 0; an
        Ellipsis in front stands for any further axes.
    dtype : numpy.dtype
        What to cast to.

    Raises
    ------
    ValueError
        If the values are not real numbers, the shape differs or an entry is not finite.
    """
    if (
        type(value) is np.ndarray
        and value.dtype == dtype
        and value.size <= SMALL
        and _matches(value.shape, shape)
        and math.isfinite(np.vdot(value, value))  # an overflow is looked at again below
    ):
        return value  # a streamed row: this takes a sixth of the time
    try:
        given = np.asarray(value)
        with np.errstate(over="ignore"):  # an overflow to inf is reported below, with its place
            array = None if given.dtype.kind == "c" else given.astype(dtype, copy=False)
    except (TypeError, ValueError):
        array = None
    if array is None:
        raise ValueError(
            f"{name} must be an array of real numbers, found {type(value).__name__}; "
            "convert it to a numeric array."
        )
    if not _matches(array.shape, shape):
        expected = ", ".join("..." if size is ... else str(size) for size in shape)
        expected = f"({expected},)" if len(shape) == 1 else f"({expected})"
        raise ValueError(
            f"{name} must have shape {expected}, no axis empty; found {array.shape}: reshape it."
        )
    finite = np.isfinite(array)
    if not finite.all():
        index = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise ValueError(
            f"{name} must be finite in {dtype}; the first bad entry is {name}{list(index)} = "
            f"{given[index]}. Fill, scale or drop such values first."
        )
    return array


def check_keys(given: Mapping, expected: list[str]) -> None:
    """Raise a ValueError that names the missing and the unexpected keys of a state dict."""
    missing = [key for key in expected if key not in given]
    unexpected = [key for key in given if key not in expected]
    if missing or unexpected:
        raise ValueError(
            f"a state dict with exactly the keys {expected} was expected; found missing {missing} "
            f"and unexpected {unexpected}. Check that it comes from a model of the same make."
        )


def _matches(found: tuple[int, ...], expected: tuple) -> bool:
    if expected[:1] == (...,):
        expected = expected[1:]
        if 0 in found:
            return False
        found = found[len(found) - len(expected) :] if len(found) >= len(expected) else ()
    if len(found) != len(expected):
        return False
    for size, want in zip(found, expected, strict=True):
        if size != want and (size == 0 or not isinstance(want, str)):
            return False
    return True
