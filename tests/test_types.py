"""What users import is typed: each parameter and each result."""

import inspect
import os
import subprocess
import sys
from pathlib import Path
from types import FunctionType

import pytest

import tsrnn
from tsrnn import baselines, datasets, evaluate, metrics, nn, persistence, plotting, threads

MODULES = [baselines, datasets, evaluate, metrics, nn, persistence, plotting]
ROOT = Path(__file__).parents[1]


def public():
    """Yield what is public: functions, and methods of classes that tsrnn defines itself."""
    for module in MODULES:
        for name in module.__all__:
            value = getattr(module, name)
            if isinstance(value, type):
                yield from methods_of(value)
            elif isinstance(value, FunctionType):
                yield f"{module.__name__}.{name}", value
    yield "threads.parts", threads.parts
    yield "threads.run", threads.run
    yield "load", tsrnn.load
    for cls in (tsrnn.RNNForecaster, tsrnn.RNNRegressor, tsrnn.StreamingPipeline):
        yield from methods_of(cls)


def methods_of(cls):
    for base in cls.__mro__:
        if not base.__module__.startswith("tsrnn."):
            continue
        for name, value in vars(base).items():
            value = getattr(value, "fget", getattr(value, "__func__", value))
            own = isinstance(value, FunctionType) and value.__module__.startswith("tsrnn.")
            if own and (name == "__init__" or not name.startswith("_")):
                yield f"{cls.__name__}.{name}", value


@pytest.mark.parametrize(("name", "function"), dict(public()).items())
def test_what_is_public_is_annotated(name, function):
    signature = inspect.signature(function)
    untyped = [
        parameter.name
        for parameter in signature.parameters.values()
        if parameter.annotation is parameter.empty and parameter.name not in ("self", "cls")
    ]
    assert not untyped
    assert signature.return_annotation is not signature.empty or name.endswith("__init__")


SCRIPT = """
import numpy as np
import pandas as pd

import tsrnn
from tsrnn import RNNForecaster, RNNRegressor, datasets, metrics
from tsrnn.baselines import LinearForecaster
from tsrnn.evaluate import backtest, prequential

flow = datasets.load_water_flow()
model = RNNForecaster(24, "gru", target="flow", coverage=0.9, lower=0, season=[24, 168])
model.fit(flow[:600]).partial_fit(flow[600:601]).update(flow[601:])
forecast: pd.DataFrame = model.forecast(12, coverage=[0.5, 0.9])
error: float = metrics.mae(flow["flow"][:12], forecast["flow"])
model.save("flow.tsrnn")
again = tsrnn.load("flow.tsrnn")
params = model.set_params(horizon=3).get_params()
result = prequential(LinearForecaster(24).fit(flow[:600]), flow[600:700], chunk=24)
print(result.metrics, backtest(model, flow, initial=500, step=100).seconds_per_row)
regressor = RNNRegressor(hidden_size=8).fit(np.zeros((90, 2)), np.zeros(90))
print(regressor.predict(np.zeros((3, 2))).shape)
"""


def checked(script, folder):
    """Return what mypy, at its strictest, says of a user's script."""
    pytest.importorskip("mypy")
    (folder / "script.py").write_text(script)
    options = ["--strict", "--follow-imports=silent", "--config-file="]
    command = [sys.executable, "-m", "mypy", *options, "script.py"]
    environment = os.environ | {"MYPYPATH": str(ROOT)}
    process = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return process.stdout


@pytest.mark.slow
def test_a_users_script_sees_the_types(tmp_path):
    wrong = {
        "model.forecats()": '"RNNForecaster" has no attribute "forecats"',
        "RNNForecaster(horizon='day')": 'Argument "horizon" to "RNNForecaster" has incompatible',
        "RNNForecaster(cell='gur')": 'Argument "cell" to "RNNForecaster" has incompatible type',
        "RNNRegressor(cell='gur')": 'Argument "cell" to "RNNRegressor" has incompatible type',
        "RNNForecaster(gap='fil')": 'Argument "gap" to "RNNForecaster" has incompatible type',
        "LinearForecaster(late='dorp')": 'Argument "late" to "LinearForecaster" has incompatible',
        "RNNForecaster(season='day')": 'Argument "season" to "RNNForecaster" has incompatible type',
        "RNNForecaster(lower='zero')": 'Argument "lower" to "RNNForecaster" has incompatible type',
        "size: int = tsrnn.dumps(model)": 'expression has type "bytes", variable has type "int"',
        "metrics.mae(flow)": 'Missing positional argument "forecast"',
    }
    found = checked(SCRIPT + "\n".join(wrong), tmp_path)
    for message in wrong.values():
        assert message in found
    assert f"Found {len(wrong)} errors" in found  # and none in the script before them
