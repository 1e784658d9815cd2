"""Scripts of benchmarks, run in this process; and what needs an extra."""

import importlib.util
import runpy
import sys

import pytest
from joblib.externals.loky import get_reusable_executor

needs_numba = pytest.mark.skipif(
    importlib.util.find_spec("numba") is None, reason="numba, the extra fast, is not installed"
)


def run_benchmark(path, arguments, monkeypatch, capsys):
    """Run a script of ``benchmarks`` in this process, which has imported all; return its output."""
    get_reusable_executor().shutdown()  # processes that wait from before do not know the folder
    monkeypatch.syspath_prepend(path.parent)
    monkeypatch.setattr(sys, "argv", [str(path), *arguments])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(path), run_name="__main__")
    out = capsys.readouterr().out
    assert not ended.value.code, out
    return out
