"""What users import is typed: each parameter and each result."""

import inspect
from types import FunctionType

import pytest

import tsrnn
from tsrnn import datasets, evaluate, metrics, nn, persistence, plotting, threads

MODULES = [datasets, evaluate, metrics, nn, persistence, plotting]


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
