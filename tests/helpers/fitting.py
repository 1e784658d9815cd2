"""Fits that tests share."""

import copy
import hashlib
import pickle

from tsrnn.kernels import compiled_kernels

_FITTED = {}


def fit_once(model, *data):
    """Fit a model; where a test of this process has done the same, return a copy of that."""
    told = type(model).__name__, model.get_params(), data, compiled_kernels() is None
    key = hashlib.sha256(pickle.dumps(told)).digest()
    if key not in _FITTED:
        _FITTED[key] = model.fit(*data)
    return copy.deepcopy(_FITTED[key])
