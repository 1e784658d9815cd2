"""What the last bits of a forecast depend on: versions, threads and kernels, kept in the file."""

import functools
import platform
import sys
from importlib.metadata import version
from typing import Any

import joblib
import numpy as np
import pandas as pd
import sklearn
from threadpoolctl import ThreadpoolController


def environment() -> dict[str, Any]:
    """Return versions, and of each thread pool its threads and kernels, as a dict for JSON.

    A model that is loaded where these are equal goes on bit for bit; elsewhere to rounding.
    """
    versions = {
        "python": platform.python_version(),
        "tsrnn": sys.modules["tsrnn"].__version__,
        **{m.__name__: m.__version__ for m in (np, pd, sklearn, joblib)},
    }
    kernels = sys.modules["tsrnn.kernels"].get_kernels()
    if kernels != "numpy":
        versions[kernels] = version(kernels)
    pools = [
        {key: pool.get(key) for key in ("internal_api", "version", "num_threads", "architecture")}
        for pool in _pools().info()
    ]
    pools.sort(key=str)  # found in the order in which libraries were loaded
    return {
        "versions": versions,
        "machine": platform.machine(),
        "kernels": kernels,
        "thread_pools": pools,
    }


@functools.cache
def _pools() -> ThreadpoolController:
    return ThreadpoolController()  # looking for the libraries takes 10 ms, asking them none
