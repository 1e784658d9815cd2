"""The exact content of an estimator."""

import dataclasses

import numpy as np
import pandas as pd


def content(value):
    """Everything an object holds, arrays as bytes, so that two contents can be compared."""
    if isinstance(value, np.ndarray):
        if value.dtype == object:  # its bytes are pointers
            return value.tolist()
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, pd.Index):
        return type(value).__name__, value.name, value.tolist()
    if isinstance(value, dict):
        return {key: content(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [content(item) for item in value]
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
        return type(value).__name__, content({name: getattr(value, name) for name in names})
    if type(value).__module__.startswith("tsrnn") and hasattr(value, "__dict__"):
        return type(value).__name__, content(value.__getstate__() or {})  # without scratch
    return value
