"""Imports point one way, and importing tsrnn brings in its base dependencies alone."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "tsrnn"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Parts of tsrnn from the top of the house to its ground floor: a part imports what is below it.
FLOORS = [
    {"__main__"},
    {"cli", "integrations"},
    {"plotting"},
    {"evaluate", "metrics", "baselines"},  # thin: what is public of the floors below
    {"evaluation"},
    {"estimators"},
    {"online"},
    {"features"},
    {"frames"},
    {"nn"},
    {"kernels"},
    {"persistence"},
    {"threads", "memory", "partitions", "warnings_", "datasets"},
]
FLOOR = {part: number for number, floor in enumerate(FLOORS) for part in floor}
FORBIDDEN_OUTSIDE = {
    **{part: {"pandas", "sklearn", "joblib"} for part in ("kernels", "nn", "features")},
    "frames": {"joblib"},
}
OPTIONAL = {
    "rich",
    "narwhals",
    "polars",
    "pyarrow",
    "matplotlib",
    "bokeh",
    "numba",
    "river",
    "sktime",
    "dask",
    "distributed",
}
# Imported by name, when their kernels are chosen or a page is asked for; by users who have what
# they are made for.
ON_DEMAND = [
    PACKAGE / "kernels" / "numba_",
    PACKAGE / "plotting" / "interactive",
    PACKAGE / "integrations",
]


def part_of(path):
    relative = path.relative_to(PACKAGE)
    return relative.parts[0].removesuffix(".py")


def imports_of(path):
    """Yield (top-level package, part of tsrnn or None, whether inside a function)."""
    tree = ast.parse(path.read_text())
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for_types = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for statement in block.body
        for node in ast.walk(statement)
    }
    package = ["tsrnn", *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(tree):
        if id(node) in for_types:  # nobody imports it
            continue
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            top, *rest = name.split(".")
            yield top, rest[0] if top == "tsrnn" else None, id(node) in inside


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    part = part_of(path)
    for top, imported, in_function in imports_of(path):
        if imported is not None and part != "__init__" and imported != part:
            assert FLOOR[imported] > FLOOR[part], f"{part} imports tsrnn.{imported}"
        assert top not in FORBIDDEN_OUTSIDE.get(part, ()), f"{part} imports {top}"
        assert not in_function or top in OPTIONAL, f"import of {top} inside a function"
        at_the_top = top in OPTIONAL and not in_function
        assert not at_the_top or any(map(path.is_relative_to, ON_DEMAND)), (
            f"{top} is optional, yet at the top"
        )


def test_importing_tsrnn_needs_the_base_dependencies_alone():
    # scikit-learn itself imports rich where it is installed: here neither extra is to be had.
    # Narwhals is left: scikit-learn 1.9 needs it.
    code = f"""
import sys
sys.modules.update(dict.fromkeys({sorted(OPTIONAL - {"narwhals"})}))
import tsrnn.cli, tsrnn.plotting
heavy = {{"torch", "numba", "river", "dask", "onnxruntime", "statsmodels", "matplotlib"}}
heavy |= {{f"sklearn.{{part}}" for part in ("linear_model", "model_selection", "svm", "ensemble")}}
heavy = [name for name in heavy if sys.modules.get(name)]
assert not heavy, heavy
assert not any(name.startswith("tsrnn.integrations") for name in sys.modules)
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_importing_tsrnn_brings_in_nothing_but_its_base_dependencies_and_theirs():
    code = """
import sys

def packages():
    return {name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names

import joblib, numpy, pandas, sklearn.pipeline, threadpoolctl
before = packages()
import tsrnn, tsrnn.cli, tsrnn.plotting
found = packages() - before
assert found == {"tsrnn"}, found
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
