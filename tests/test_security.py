"""What SECURITY.md promises of the code: no eval, no pickle, no network."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "tsrnn"
MODULES = sorted(PACKAGE.rglob("*.py"))
RUNS_CODE = {"eval", "exec", "compile", "__import__"}
# Listens where `tsrnn stream --live` is told to, and connects to nothing.
SERVER = PACKAGE / "plotting" / "interactive" / "server.py"
# Reads back what numba has compiled, as numba's own cache does, from a folder of the user's.
COMPILED = PACKAGE / "kernels" / "numba_" / "cache.py"
# What partitions of a panel hand each other goes between Dask's workers, which speak in pickles.
ON_DASK = PACKAGE / "integrations" / "dask.py"
UNSAFE = {"pickle", "cPickle", "dill", "marshal", "shelve", "socket", "urllib", "http", "requests"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_runs_text_or_reads_pickles_or_opens_a_connection(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            assert name not in RUNS_CODE, f"line {node.lineno}: {name}"
            for keyword in node.keywords:
                allowed = keyword.arg != "allow_pickle" or keyword.value.value is False
                assert allowed, f"line {node.lineno}: allow_pickle"
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module]
        unsafe = {name.split(".")[0] for name in names} & UNSAFE
        if path == SERVER:
            unsafe -= {"socket", "http", "urllib"}
        if path in (COMPILED, ON_DASK):
            unsafe -= {"pickle"}
        assert not unsafe, f"line {node.lineno}: {names}"


def test_nothing_connects_and_load_runs_nothing(tmp_path):
    code = """
import sys

CONNECTS = ("socket.connect", "socket.getaddrinfo", "socket.sendto")
RUNS = ("exec", "pickle.find_class", "os.system", "subprocess.Popen", "os.exec", "os.posix_spawn")
loading = False

def watch(event, args):
    if event in CONNECTS or (loading and event in RUNS):
        print(event, args, file=sys.stderr)
        raise SystemExit(f"{event} {args}")

sys.addaudithook(watch)
import tsrnn
data = tsrnn.datasets.load_water_flow()
model = tsrnn.RNNForecaster(3, max_iter=2, hidden_size=3, random_state=0).fit(data[:100])
model.save("m.tsrnn")
tsrnn.load("m.tsrnn")  # what the libraries import late is imported now
loading = True
model = tsrnn.load("m.tsrnn")
loading = False
model.partial_fit(data[100:120]).forecast()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
