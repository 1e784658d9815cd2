"""Every example runs, quickly and without a warning, as its reader would start it."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

FOLDER = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(FOLDER.glob("*.py"))

# Arguments that keep a script short, and a word that its output must hold.
QUICK = {
    "dataframe_forecast": (["picture.png", "--rows", "400"], "picture: picture.png"),
    "messy_traffic": (["--rows", "50", "--max-iter", "2"], "50 late rows dropped"),
    "numpy_layers": (["--steps", "200"], "weight_hh_l0  (96, 24)"),
    "pipeline_grid_search": (["--rows", "1000", "--max-iter", "2"], "RNNRegressor"),
    "streaming_update": (["--rows", "60", "--max-iter", "2"], "2023-11"),
}


def run(name, folder):
    arguments, word = QUICK[name]
    command = [sys.executable, "-W", "error", str(FOLDER / f"{name}.py"), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert word in done.stdout
    return done.stdout


@pytest.mark.parametrize("name", [path.stem for path in SCRIPTS])
def test_example_runs(name, tmp_path):
    run(name, tmp_path)
    saved = [path.name for path in tmp_path.iterdir()]
    assert saved == (["picture.png"] if name == "dataframe_forecast" else [])


def test_layers_learn_and_carry_their_state(tmp_path):
    out = run("numpy_layers", tmp_path)
    losses = [float(line.split()[-1]) for line in out.splitlines() if line.startswith("step")]
    assert losses[-1] < losses[0] / 20
    assert "largest difference 0.0e+00" in out
