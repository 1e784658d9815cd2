"""From an object tree to a JSON document and a list of arrays."""

import datetime
import math
from collections import deque
from functools import cached_property

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import BaseOffset

from tsrnn.persistence.registry import is_of_sklearn, name_of

PLAIN_KINDS = "?bBiufcmMSU"  # kinds of dtype whose bytes say it all


class Encoder:
    """Turns values into nodes: plain JSON where it says the same, else an object with a tag.

    Lists, dicts, arrays and objects are numbered in the order in which they are met; one that is
    met again becomes a reference, so that what was shared stays shared. Left out are values of
    ``cached_property`` and whatever a class's own ``__getstate__`` leaves out, such as scratch
    arrays.

    Attributes
    ----------
    arrays : list of ndarray
        What the nodes name by number.
    """

    def __init__(self):
        self.arrays = []
        self._numbers = {}  # by id: the number of a mutable value, and the value to keep it alive
        self._path = []

    def node(self, value):
        """Return the node of a value.

        Raises
        ------
        TypeError
            The value is of a kind that a file cannot hold; the message says where it is.
        """
        kind = type(value)
        if value is None or kind in (bool, int, str):
            return value
        if kind is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if id(value) in self._numbers:
            return {"ref": self._numbers[id(value)][0]}
        if kind in CONTAINERS:
            self._number(value)
            return CONTAINERS[kind](self, value)
        if kind in VALUES:
            return VALUES[kind](self, value)
        for base, encode in FAMILIES:
            if isinstance(value, base):
                return encode(self, value)
        return self._object(value)

    def _number(self, value):
        self._numbers[id(value)] = len(self._numbers), value

    def _at(self, step, value):
        self._path.append(step)
        node = self.node(value)
        self._path.pop()
        return node

    def _items(self, values):
        return [self._at(f"[{i}]", value) for i, value in enumerate(values)]

    def _pairs(self, mapping):
        return [[self.node(key), self._at(f"[{key!r}]", value)] for key, value in mapping.items()]

    def _refuse(self, value, remedy):
        raise TypeError(
            f"cannot save the {type(value).__module__}.{type(value).__qualname__} at "
            f"estimator{''.join(self._path)}: {remedy}"
        )

    def _dict(self, value):
        return {"dict": self._pairs(value)}

    def _array(self, value):
        if value.dtype.kind == "O":
            return {"objects": list(value.shape), "items": self._items(value.ravel().tolist())}
        if value.dtype.kind not in PLAIN_KINDS:
            self._refuse(value, f"found dtype {value.dtype}, expected numbers, texts or times")
        node = {"array": len(self.arrays)}
        axes = _axes(value)
        if axes is not None:
            node["axes"], value = axes, value.transpose(axes)
        if not value.flags.writeable:
            node["readonly"] = True
        self.arrays.append(value if value.flags.forc else value.copy(order="C"))
        return node

    def _scalar(self, value):
        if value.dtype.kind not in PLAIN_KINDS:
            self._refuse(value, f"found dtype {value.dtype}, expected a number, text or time")
        return {"scalar": value.dtype.str, "hex": value.tobytes().hex()}

    def _dtype(self, value):
        if value.kind not in PLAIN_KINDS + "O":
            self._refuse(value, "expected a dtype of numbers, texts or times")
        return {"dtype": value.str}

    def _ufunc(self, value):
        if getattr(np, value.__name__, None) is not value:
            self._refuse(value, "found a function of another package, expected one of NumPy")
        return {"ufunc": value.__name__}

    def _type(self, value):
        if value in PYTHON_TYPES.values():
            return {"type": value.__name__}
        if issubclass(value, np.generic) and np.dtype(value).type is value:
            return {"type": f"numpy.{np.dtype(value).name}"}
        return self._refuse(value, f"found the class {value!r}, expected a dtype")

    def _named_or_plain_tuple(self, value):
        if type(value) is tuple:
            return {"tuple": self._items(value)}
        name = name_of(type(value))
        if name is None or not hasattr(value, "_fields"):
            self._refuse(value, "expected a tuple, or a NamedTuple of tsrnn")
        return {"named": name, "items": self._items(value)}

    def _set(self, value):
        return {"set": self._items(sorted(value, key=repr)), "frozen": type(value) is frozenset}

    def _timestamp(self, value):
        if value is pd.NaT:
            return {"nat": None}
        return {
            "timestamp": value.asm8.view("i8").item(),
            "unit": value.unit,
            "tz": self._tz(value),
        }

    def _timedelta(self, value):
        return {"timedelta": value.asm8.view("i8").item(), "unit": value.unit}

    def _tz(self, value):
        return None if value.tzinfo is None else self.node(value.tzinfo)

    def _zone(self, value):
        if isinstance(value, datetime.timezone):
            return {"fixed_zone": value.utcoffset(None).total_seconds()}
        name = getattr(value, "key", None) or getattr(value, "zone", None)  # zoneinfo, pytz
        if not isinstance(name, str):
            self._refuse(value, "found a time zone without a name, expected such as Europe/Rome")
        return {"zone": name}

    def _offset(self, value):
        if to_offset(value.freqstr) != value:
            self._refuse(value, f"found {value!r}, expected a frequency that its text describes")
        return {"offset": value.freqstr}

    def _index(self, value):
        node = {"index": type(value).__name__, "name": self.node(value.name)}
        if type(value) is pd.RangeIndex:
            return node | {"range": [value.start, value.stop, value.step]}
        if type(value) is pd.DatetimeIndex:
            tz = None if value.tz is None else self.node(value.tz)
            freq = None if value.freq is None else self.node(value.freq)
            return node | {
                "values": self._array(value.asi8), "unit": value.unit, "tz": tz, "freq": freq,
            }  # fmt: skip
        if type(value) is pd.MultiIndex:
            levels, codes = (
                self._items(value.levels),
                [self._array(np.asarray(c)) for c in value.codes],
            )
            return node | {"levels": levels, "codes": codes, "names": self._items(value.names)}
        dtype = str(value.dtype)
        plain = isinstance(value.dtype, np.dtype) or dtype == "str"
        if type(value) is not pd.Index or not plain:
            self._refuse(value, f"found an index of {dtype}, expected numbers, texts or times")
        return node | {"dtype": dtype, "values": self._array(value.to_numpy())}

    def _generator(self, value):
        return {"generator": self.node(value.bit_generator.state)}

    def _random_state(self, value):
        return {"random_state": self.node(value.get_state(legacy=False))}

    def _object(self, value):
        cls = type(value)
        name = name_of(cls)
        if name is None or isinstance(value, (dict, list, set, np.ndarray, BaseException)):
            self._refuse(
                value,
                "found a class that no file may name, expected plain values, objects of tsrnn "
                "itself and common transformers of scikit-learn; use joblib or pickle, or register "
                "a class of tsrnn by @saved(name)",
            )
        self._number(value)
        state, slots = value.__getstate__(), {}
        if isinstance(state, tuple):  # Python's form for classes with __slots__
            state, slots = state[0], state[1]
        state = {**(state or {}), **slots}
        if is_of_sklearn(cls) and state.get("memory") is not None:
            self._refuse(value, "found a cache on disk, expected memory=None in what is saved")
        kept = {
            key: self._at(f".{key}", item)
            for key, item in state.items()
            if not isinstance(getattr(cls, key, None), cached_property)
        }
        return {"object": name, "state": kept}


PYTHON_TYPES = {cls.__name__: cls for cls in (bool, int, float, complex, str, object)}

CONTAINERS = {
    list: Encoder._items,
    dict: Encoder._dict,
    deque: lambda self, value: {"deque": self._items(value), "maxlen": value.maxlen},
    np.ndarray: Encoder._array,
    np.random.Generator: Encoder._generator,
    np.random.RandomState: Encoder._random_state,
}
VALUES = {
    bytes: lambda self, value: {"bytes": value.hex()},
    complex: lambda self, value: {"complex": [self.node(value.real), self.node(value.imag)]},
    set: Encoder._set,
    frozenset: Encoder._set,
    slice: lambda self, value: {"slice": self._items([value.start, value.stop, value.step])},
    range: lambda self, value: {"range": [value.start, value.stop, value.step]},
}
FAMILIES = [
    (np.generic, Encoder._scalar),
    (np.dtype, Encoder._dtype),
    (np.ufunc, Encoder._ufunc),
    (type, Encoder._type),
    (tuple, Encoder._named_or_plain_tuple),
    ((pd.Timestamp, type(pd.NaT)), Encoder._timestamp),
    (pd.Timedelta, Encoder._timedelta),
    (datetime.tzinfo, Encoder._zone),
    (BaseOffset, Encoder._offset),
    (pd.Index, Encoder._index),
]


def _axes(array):
    """Return the order of axes in memory where it is neither C's nor Fortran's, else None."""
    if array.flags.forc:
        return None
    axes = sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))
    return None if axes == sorted(axes) else axes
