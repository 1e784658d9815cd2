"""Files of every released version load, and go on as that version did, with both kernels."""

import importlib.util
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import versions
from helpers.internals import learner_of
from sklearn.exceptions import InconsistentVersionWarning

import tsrnn
from tsrnn.nn import get_kernels, set_kernels

pytest.importorskip("holidays")  # one of the kinds needs it

FOLDER = Path(__file__).parents[1] / "files"
RELEASED = sorted(path for path in FOLDER.iterdir() if re.fullmatch(r"\d+\.\d+\.\d+", path.name))
KERNELS = ["numpy", "numba"]
# Of the spread of the forecasts. Networks are of float32, and one step of learning is in between.
NOW, LATER = 1e-5, 1e-4


@pytest.fixture(params=KERNELS)
def kernels(request):
    if request.param == "numba" and importlib.util.find_spec("numba") is None:
        pytest.skip("numba is not installed")
    before = get_kernels()
    set_kernels(request.param)
    yield request.param
    set_kernels(before)


@pytest.fixture(scope="module")
def of_today(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files") / tsrnn.__version__
    versions.write(folder)
    return folder


def require_files_go_on(folder):
    """Load the files of a folder and compare what they forecast with what is kept beside them."""
    known, kinds = json.loads((folder / "forecasts.json").read_text()), versions.kinds()
    assert {path.stem for path in folder.glob("*.tsrnn")} == known.keys() <= kinds.keys()
    for name, expected in known.items():
        kind, model = kinds[name], tsrnn.load(folder / f"{name}.tsrnn")
        require_near(versions.result(kind, model, versions.N_HISTORY), expected["now"], NOW, name)
        model = versions.learnt(kind, model)
        end = versions.N_ROWS - versions.N_AHEAD
        require_near(versions.result(kind, model, end), expected["later"], LATER, name)


def require_near(found, expected, tolerance, name):
    found, expected = np.array(found), np.array(expected)
    assert np.isfinite(expected).all() and found.shape == expected.shape, name
    unit = max(float(expected.std()), 0.1)
    assert float(np.abs(found - expected).max()) < tolerance * unit, name


# Transformers of a pipeline are scikit-learn's, which warns where its version was another.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
@pytest.mark.parametrize("folder", RELEASED, ids=lambda folder: folder.name)
def test_files_of_released_versions_go_on(folder, kernels):
    require_files_go_on(folder)


def test_a_panel_of_0_1_0_mixes_and_scales_errors_as_it_did():
    """Forecasts alone would not show it: its season of errors is one that counts in full anyway."""
    experts = learner_of(tsrnn.load(FOLDER / "0.1.0" / "panel.tsrnn")).experts
    assert (experts.noise, experts.shares, experts.shrinks) == (0.0, False, False)


def test_files_of_this_version_go_on(of_today, kernels):
    """That the next release will find what it looks for: it is what the files above were once."""
    require_files_go_on(of_today)


def test_transformers_of_another_scikit_learn_load_with_its_warning(
    of_today, monkeypatch, tmp_path
):
    """Where warnings are errors the file was called damaged."""
    model = tsrnn.load(of_today / "pipeline.tsrnn")
    monkeypatch.setattr("sklearn.base.__version__", "0.24.0")
    model.save(tmp_path / "m.tsrnn")
    monkeypatch.undo()
    with pytest.raises(InconsistentVersionWarning, match=r"from version 0\.24\.0"):
        tsrnn.load(tmp_path / "m.tsrnn")
    with pytest.warns(InconsistentVersionWarning):
        again = tsrnn.load(tmp_path / "m.tsrnn")
    pd.testing.assert_frame_equal(again.forecast(), model.forecast())


def test_files_stay_small(of_today):
    """Each, and all kinds of one version."""
    sizes = [path.stat().st_size for path in of_today.iterdir()]
    assert max(sizes) < 125_000
    assert sum(sizes) < 1_800_000


def test_another_forecast_would_be_noticed(of_today, tmp_path):
    for path in of_today.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    known = json.loads((tmp_path / "forecasts.json").read_text())
    known["panel"]["later"][0][0] += 0.01
    (tmp_path / "forecasts.json").write_text(json.dumps(known))
    with pytest.raises(AssertionError, match="panel"):
        require_files_go_on(tmp_path)
