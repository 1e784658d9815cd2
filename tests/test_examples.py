"""Every example runs, quickly and without a warning."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import joblib
import pytest

plt = pytest.importorskip("matplotlib.pyplot")

FOLDER = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(FOLDER.glob("*.py"))
NOTEBOOKS = sorted(FOLDER.glob("notebooks/*.ipynb"))

# Arguments that keep a script short, and a word that its output must hold.
QUICK = {
    "dask_panel": (
        ["--threads", "--series", "6", "--history", "100", "--max-iter", "2"],
        "one machine",
    ),
    "dataframe_forecast": (["picture.png", "--rows", "400"], "picture: picture.png"),
    "messy_traffic": (
        ["--history", "300", "--rows", "50", "--max-iter", "2"],
        "50 late rows dropped",
    ),
    "keyed_state": (
        ["--warm-up", "100", "--rows", "20", "--max-iter", "2"],
        "210 Queen Street: a state of",
    ),
    "numpy_layers": (["--steps", "200"], "weight_hh_l0  (96, 24)"),
    "onnx_step": (["--history", "400", "--rows", "20", "--max-iter", "2"], "of\na standard"),
    "pipeline_grid_search": (["--rows", "400", "--max-iter", "2"], "RNNRegressor"),
    "river_stream": (["--warm-up", "300", "--rows", "30", "--max-iter", "2"], "y_lower_0.9"),
    "sktime_panel": (["--history", "300", "--rows", "48", "--max-iter", "2"], "45 Queen Street"),
    "streaming_update": (["--history", "600", "--rows", "40", "--max-iter", "2"], "2023-06"),
}

# Packages of extras that a script needs.
NEEDED = {
    "dask_panel": ["distributed"],
    "onnx_step": ["onnx", "onnxruntime"],
    "river_stream": ["river"],
    "sktime_panel": ["sktime"],
}


@pytest.mark.parametrize("name", [path.stem for path in SCRIPTS])
def test_example_runs(name, tmp_path, monkeypatch, capfd):
    """In this process, which has imported all and whose warnings are errors."""
    for package in NEEDED.get(name, ()):
        pytest.importorskip(package)
    arguments, word = QUICK[name]
    path = FOLDER / f"{name}.py"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(path), *arguments])
    with joblib.parallel_config("threading"):
        runpy.run_path(str(path), run_name="__main__")
    out, err = capfd.readouterr()
    assert err == ""
    assert word in out
    saved = [path.name for path in tmp_path.iterdir()]
    assert saved == (["picture.png"] if name == "dataframe_forecast" else [])
    if name == "numpy_layers":  # which learn, and carry their state
        losses = [float(line.split()[-1]) for line in out.splitlines() if line.startswith("step")]
        assert losses[-1] < losses[0] / 20
        assert "largest difference 0.0e+00" in out


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path):
    """Its cells one after another, in one interpreter."""
    figures, names = len(plt.get_fignums()), {}
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    for cell in cells:
        exec("".join(cell["source"]), names)
    assert len(cells) > 1
    assert len(plt.get_fignums()) == figures + 1
    plt.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", [path.stem for path in SCRIPTS])
def test_example_runs_as_its_reader_would_start_it(name, tmp_path):
    for package in NEEDED.get(name, ()):
        pytest.importorskip(package)
    arguments, word = QUICK[name]
    command = [sys.executable, "-W", "error", str(FOLDER / f"{name}.py"), *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert word in done.stdout
