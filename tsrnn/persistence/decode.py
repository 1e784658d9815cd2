"""From a JSON document and a list of arrays back to the object tree; trusts neither."""

import math
import re
from collections import deque
from dataclasses import MISSING, fields, is_dataclass
from functools import partial

import numpy as np
from sklearn.base import BaseEstimator

from tsrnn.persistence import pandas_values
from tsrnn.persistence.encode import PLAIN_KINDS, PYTHON_TYPES
from tsrnn.persistence.errors import CheckpointError, require
from tsrnn.persistence.registry import class_of, is_of_sklearn

DTYPE = re.compile(rf"[<>|=]?[{PLAIN_KINDS}O]\d{{0,6}}(\[\d{{0,6}}[a-zA-Zμ]{{1,2}}\])?")
BIT_GENERATORS = {
    cls.__name__: cls
    for cls in (
        np.random.PCG64,
        np.random.PCG64DXSM,
        np.random.MT19937,
        np.random.Philox,
        np.random.SFC64,
    )
}


class Decoder:
    """Turns the nodes of an `Encoder` back into values.

    Parameters
    ----------
    arrays : list of ndarray
        Those that the nodes name by number; they are not copied.
    """

    def __init__(self, arrays):
        self._arrays = arrays
        self._known = []  # the mutable values in the order in which their nodes are met

    def value(self, node):
        """Return the value of a node.

        Raises
        ------
        CheckpointError
            The node is none that an `Encoder` writes. Values that do not go together may also
            raise what the constructors of NumPy and pandas raise; `load` turns that into the same.
        """
        if node is None or type(node) in (bool, int, str, float):
            return node
        if type(node) is list:
            values = self._number([])
            values.extend(map(self.value, node))
            return values
        tag = next(iter(node), None)  # JSON has nothing else but objects
        if tag not in READERS:
            raise CheckpointError(f"found a node of the unknown kind {tag!r}")
        read, names = READERS[tag]
        if not {tag, *names} >= set(node):
            raise CheckpointError(f"found the keys {list(node)[:6]} in a node of the kind {tag!r}")
        return read(self, **node)

    def _number(self, value):
        self._known.append(value)
        return value

    def values(self, nodes):
        """Return the values of a list of nodes."""
        require(type(nodes) is list, "a list was expected")
        return [self.value(node) for node in nodes]

    def _ref(self, ref):
        require(type(ref) is int and 0 <= ref < len(self._known), "a reference leads nowhere")
        require(self._known[ref] is not None, "a value holds itself")
        return self._known[ref]

    def _float(self, float):
        require(float in ("nan", "inf", "-inf"), "a number is none")
        return math.inf if float == "inf" else -math.inf if float == "-inf" else math.nan

    def _complex(self, complex):
        return PYTHON_TYPES["complex"](*self.values(complex))

    def _dict(self, dict):
        mapping = self._number({})
        for key, item in dict:
            key = self.value(key)
            require(key not in mapping, "a key comes twice")
            mapping[key] = self.value(item)
        return mapping

    def _deque(self, deque, maxlen):
        values = self._number(new_deque(maxlen=maxlen))
        values.extend(self.values(deque))
        return values

    def _tuple(self, tuple):
        return new_tuple(self.values(tuple))

    def _named(self, named, items):
        cls = class_of(named)
        require(cls is not None and hasattr(cls, "_fields"), f"{named!r} is no tuple of tsrnn")
        return cls._make(self.values(items))

    def _set(self, set, frozen):
        return (frozenset if frozen else new_set)(self.values(set))

    def _slice(self, slice):
        return new_slice(*self.values(slice))

    def _range(self, range):
        return new_range(*range)

    def _bytes(self, bytes):
        return new_bytes.fromhex(bytes)

    def _numbered_array(self, **node):
        place = len(self._known)
        self._number(None)
        self._known[place] = self.array(**node)
        return self._known[place]

    def array(self, array, axes=None, readonly=False):
        """Return the array of numbers, texts or times of a node."""
        require(type(array) is int and 0 <= array < len(self._arrays), "an array is missing")
        value = self._arrays[array]
        if axes is not None:
            value = value.transpose(np.argsort(axes))
        if readonly:
            value.flags.writeable = False
        return value

    def objects(self, objects, items, known=False):
        """Return the array of objects of a node; `known` as one that may be met again."""
        values = np.empty(_checked_shape(objects, len(items)), dtype=object)
        if known:
            self._number(values)
        for i, item in enumerate(items):
            values.flat[i] = self.value(item)
        return values

    def _scalar(self, scalar, hex):
        data, dtype = new_bytes.fromhex(hex), _dtype(scalar)
        require(dtype.kind != "O" and dtype.itemsize == len(data) > 0, "a number has another size")
        return np.frombuffer(data, dtype)[0]

    def _ufunc(self, ufunc):
        function = getattr(np, ufunc, None) if type(ufunc) is str else None
        require(isinstance(function, np.ufunc), "a function is unknown")
        return function

    def _type(self, type):
        if type in PYTHON_TYPES:
            return PYTHON_TYPES[type]
        package, _, name = type.partition(".")
        require(package == "numpy" and re.fullmatch(r"[a-z]+\d{0,3}", name), "a type is unknown")
        return np.dtype(name).type

    def _generator(self, generator):
        generator_of = self._number(np.random.Generator(np.random.PCG64(0)))
        state = self.value(generator)
        require(state["bit_generator"] in BIT_GENERATORS, "a random generator is unknown")
        bits = BIT_GENERATORS[state["bit_generator"]](0)
        bits.state = state
        generator_of.__init__(bits)
        return generator_of

    def _random_state(self, random_state):
        random = self._number(np.random.RandomState(0))
        random.set_state(self.value(random_state))
        return random

    def _object(self, object, state):
        cls = class_of(object)
        require(cls is not None, f"{object!r} is no class of tsrnn")
        require(not issubclass(cls, new_tuple), f"{object!r} is a tuple")
        new = self._number(cls.__new__(cls))
        values = {key: self.value(item) for key, item in state.items()}
        if is_dataclass(cls):
            # What has a default may be newer than the file.
            needed = {field.name for field in fields(cls) if field.default is MISSING}
            absent = needed - values.keys()
            require(not absent, f"{object} lacks {sorted(absent)}: another version saved it")
        if is_of_sklearn(cls):
            # With a directory of its own, a forged file could have pickles read from there.
            require(values.get("memory") is None, f"{object!r} names a cache")
            BaseEstimator.__setstate__(new, values)  # warns where another version saved it
        elif cls.__module__.startswith("tsrnn.") and "__setstate__" in _own_methods(cls):
            new.__setstate__(values)
        elif hasattr(new, "__dict__"):
            vars(new).update(values)
        else:
            for key, item in values.items():
                PYTHON_TYPES["object"].__setattr__(new, key, item)
        return new


new_bytes, new_deque, new_range, new_set, new_slice, new_tuple = (
    bytes,
    deque,
    range,
    set,
    slice,
    tuple,
)  # fmt: skip - the methods above name their arguments after the tags

# The reader of each tag, and the keys that may stand beside it.
READERS = pandas_values.READERS | {
    "array": (Decoder._numbered_array, {"axes", "readonly"}),
    "bytes": (Decoder._bytes, ()),
    "complex": (Decoder._complex, ()),
    "deque": (Decoder._deque, {"maxlen"}),
    "dict": (Decoder._dict, ()),
    "dtype": (lambda self, dtype: _dtype(dtype), ()),
    "float": (Decoder._float, ()),
    "generator": (Decoder._generator, ()),
    "named": (Decoder._named, {"items"}),
    "object": (Decoder._object, {"state"}),
    "objects": (partial(Decoder.objects, known=True), {"items"}),
    "random_state": (Decoder._random_state, ()),
    "range": (Decoder._range, ()),
    "ref": (Decoder._ref, ()),
    "scalar": (Decoder._scalar, {"hex"}),
    "set": (Decoder._set, {"frozen"}),
    "slice": (Decoder._slice, ()),
    "tuple": (Decoder._tuple, ()),
    "type": (Decoder._type, ()),
    "ufunc": (Decoder._ufunc, ()),
}


def _checked_shape(shape, size):
    sizes = all(type(n) is int and n >= 0 for n in shape)
    require(sizes and math.prod(shape) == size, "an array has another shape than content")
    return new_tuple(shape)


def _dtype(text):
    require(DTYPE.fullmatch(text), "a dtype is unknown")
    return np.dtype(text)


def _own_methods(cls):
    return {
        name for base in cls.__mro__ if base.__module__.startswith("tsrnn.") for name in vars(base)
    }
