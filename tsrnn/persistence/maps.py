"""Arrays that joblib maps into memory from its file, or from that of another process."""

import copy
from collections.abc import Iterator
from types import ModuleType
from typing import Any, TypeVar

import numpy as np

_Tree = TypeVar("_Tree")


def unmapped(tree: _Tree) -> _Tree:
    """Return a tree of values as it is, or a copy of it with plain arrays in place of memory maps.

    Examples
    --------
    >>> tree = {"weights": [np.zeros(3), None]}
    >>> unmapped(tree) is tree
    True
    """
    copies = {id(array): np.array(array) for array in _maps(tree, set())}
    return copy.deepcopy(tree, copies) if copies else tree


def _maps(value: Any, seen: set[int]) -> Iterator[np.memmap]:
    """Yield the memory maps of a tree, which may have cycles."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, np.memmap):
        yield value
        return
    items = value
    if not isinstance(value, (list, tuple)):
        fields = value if isinstance(value, dict) else _fields(value)
        items = fields.values()
    for item in items:
        yield from _maps(item, seen)


def _fields(value: Any) -> dict[str, Any]:
    """Return the attributes of an object; modules and classes hold code, no values."""
    fields = None if isinstance(value, (ModuleType, type)) else getattr(value, "__dict__", None)
    return fields if isinstance(fields, dict) else {}
