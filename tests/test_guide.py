"""The guide's code runs, page by page, and prints what the page shows."""

import runpy
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

blocks = runpy.run_path(str(Path(__file__).parents[1] / "docs" / "blocks.py"))


def test_outputs_are_held_against_what_is_shown():
    differences = blocks["differences"]
    assert differences("MAE 64.0 at 3\n", "MAE  66.1 at 3") == []
    assert differences("MAE 64.0 at 3", "MAE 76.1 at 3") == ["shown 64.0, printed 76.1"]
    assert len(differences("MAE 64.0 at 3", "MAE 64.0 at 4")) == 1
    assert len(differences("MAE 64.0", "RMSE 64.0")) == 1


@pytest.mark.slow
@pytest.mark.parametrize("page", blocks["pages"](), ids=lambda page: page.stem)
def test_a_page_prints_what_it_shows(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert blocks["check"](page) == []
