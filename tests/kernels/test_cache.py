"""Compiled code on disk: what is read again, what is not, and what is said."""

import os
import shutil
import subprocess
import sys
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import needs_numba

from tsrnn.cli import main
from tsrnn.kernels import ahead
from tsrnn.nn import compile_kernels, get_kernels, set_kernels

pytestmark = needs_numba


def twice(x):
    return x + x


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    """Compiling functions, in an empty folder; nothing has been said yet."""
    cache = pytest.importorskip("tsrnn.kernels.numba_.cache")
    maths = pytest.importorskip("tsrnn.kernels.numba_.maths")
    numba = pytest.importorskip("numba")
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "kept"))
    monkeypatch.delenv("TSRNN_QUIET", raising=False)
    monkeypatch.setattr(cache, "say_once", cache.say_once.__wrapped__)
    cache._say_what_goes_on.cache_clear()
    yield SimpleNamespace(cache=cache, compiled=partial(maths.compiled, allocates=True))
    cache._say_what_goes_on.cache_clear()


def is_read(kernels):
    """Return whether the function, in what could be a new process, is read from disk."""
    function = kernels.compiled(twice)
    assert function(2.0) == 4.0
    return sum(function.stats.cache_hits.values()) == 1


def nowhere(tmp_path, monkeypatch):
    """Let compiled code have no folder that anybody can write to, not even root."""
    numba = pytest.importorskip("numba")
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "file" / "kept"))


def test_what_is_compiled_is_read_again(kernels):
    assert not is_read(kernels)
    assert is_read(kernels)
    assert kernels.compiled(twice)(np.ones(2)).tolist() == [2.0, 2.0]  # of another type


def test_a_line_says_once_what_goes_on(kernels, monkeypatch, capsys):
    is_read(kernels)
    kernels.compiled(twice)(np.ones(2))
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("tsrnn: numba compiles the kernels, which takes up to a minute, once")
    assert str(kernels.cache.kept_in()) in said
    assert "`tsrnn compile`" in said
    kernels.cache._say_what_goes_on.cache_clear()
    monkeypatch.setenv("TSRNN_QUIET", "1")
    kernels.compiled(twice)(1)
    assert capsys.readouterr().err == ""


def test_nothing_is_said_where_nothing_is_compiled(kernels, capsys):
    is_read(kernels)
    kernels.cache._say_what_goes_on.cache_clear()
    capsys.readouterr()
    assert is_read(kernels)
    assert capsys.readouterr().err == ""


def test_no_folder_is_no_error_and_is_said(kernels, tmp_path, monkeypatch, capsys):
    nowhere(tmp_path, monkeypatch)
    assert not is_read(kernels)
    assert not is_read(kernels)
    said = capsys.readouterr().err
    assert "no cache folder can be written to" in said
    assert "Set NUMBA_CACHE_DIR to one that can" in said


def test_a_folder_that_can_only_be_read_is_read(kernels, monkeypatch):
    is_read(kernels)
    monkeypatch.setattr(kernels.cache, "kept_in", lambda: None)
    assert is_read(kernels)


def test_a_full_disk_is_no_error_and_is_said(kernels, monkeypatch, capsys):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kernels.cache.os, "replace", full)
    assert not is_read(kernels)
    assert "could not be kept in" in capsys.readouterr().err
    assert list(kernels.cache.kept_in().iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"\x80\x04 no pickle", None])
def test_a_broken_file_is_compiled_anew(kernels, content):
    is_read(kernels)
    (path,) = kernels.cache.kept_in().iterdir()
    path.write_bytes(path.read_bytes()[:1000] if content is None else content)
    assert not is_read(kernels)
    assert is_read(kernels)


def test_code_of_other_sources_is_neither_read_nor_left(kernels, monkeypatch):
    is_read(kernels)
    (old,) = kernels.cache.kept_in().iterdir()
    monkeypatch.setattr(kernels.cache, "stamp", lambda: "other")
    assert not is_read(kernels)
    assert is_read(kernels)
    (new,) = kernels.cache.kept_in().iterdir()
    assert new != old


def test_a_constant_of_any_file_of_the_kernels_is_seen(kernels, tmp_path, monkeypatch):
    stamp = kernels.cache.stamp.__wrapped__
    copy = shutil.copytree(kernels.cache.KERNELS, tmp_path / "kernels")
    before = stamp()
    monkeypatch.setattr(kernels.cache, "KERNELS", copy)
    assert stamp() == before
    path = copy / "numpy_" / "drift.py"
    path.write_text(path.read_text().replace("\nRATE = ", "\nRATE = 0.5 * "))
    assert stamp() != before


@pytest.mark.parametrize("part", ["numba.__version__", "np.__version__", "sys.version"])
def test_versions_are_seen(kernels, monkeypatch, part):
    stamp = kernels.cache.stamp.__wrapped__
    before = stamp()
    owner, name = part.split(".")
    monkeypatch.setattr(getattr(kernels.cache, owner), name, "another")
    assert stamp() != before


def test_compile_kernels_runs_what_uses_them(kernels, monkeypatch, capsys):
    set_kernels("numpy")
    used = []
    monkeypatch.setattr(ahead, "_uses", [lambda: used.append(get_kernels())])
    assert compile_kernels() == kernels.cache.kept_in()
    assert used == ["numba"]
    assert get_kernels() == "numpy"
    assert main(["compile"]) == 0
    assert capsys.readouterr().out == f"compiled kernels are kept in {kernels.cache.kept_in()}\n"
    set_kernels(None)


def test_compiling_ahead_needs_a_folder(kernels, tmp_path, monkeypatch, capsys):
    nowhere(tmp_path, monkeypatch)
    monkeypatch.setattr(ahead, "_uses", [])
    with pytest.raises(OSError, match=r"found no folder that can be written to among .*file"):
        compile_kernels()
    assert main(["compile"]) == 1
    assert "Set NUMBA_CACHE_DIR" in capsys.readouterr().err


def test_compiling_ahead_needs_numba(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    for name in [name for name in sys.modules if name.startswith("tsrnn.kernels.numba_")]:
        monkeypatch.delitem(sys.modules, name)
    set_kernels("numpy")
    with pytest.raises(ImportError, match=r'pip install "tsrnn\[fast\]"'):
        compile_kernels()
    set_kernels(None)


@pytest.mark.slow
def test_compiled_ahead_nothing_is_left_to_compile(tmp_path):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "TSRNN_QUIET": "0"}
    run = [sys.executable, "-m", "tsrnn", "compile"]
    subprocess.run(run, env=environment, check=True, capture_output=True)
    code = """
import numpy as np, pandas as pd
from tsrnn import RNNForecaster, RNNRegressor, datasets
data = datasets.load_electricity()[:1500]
model = RNNForecaster(12, hidden_size=8, max_iter=2).fit(data[:1400])
for row in range(1400, 1410):
    model.partial_fit(data[row : row + 1]).forecast(coverage=0.9)
names = pd.concat([data.rename_axis("t").reset_index().assign(id=i) for i in "ab"])
names = names.sort_values(["t", "id"]).reset_index(drop=True)
panel = RNNForecaster(12, id_col="id", time_col="t", max_iter=2).fit(names[:2800])
panel.partial_fit(names[2800:2804]).forecast()
y = data.iloc[:, 0].to_numpy()
RNNRegressor(max_iter=2).fit(np.c_[np.roll(y, 24), np.roll(y, 168)], y)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], env=environment, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.stderr == ""
