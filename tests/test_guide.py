"""The guide: its code is checked (`.ci/run` runs all of it), and no public name is left out."""

import ast
import re
import runpy
import tomllib
from pathlib import Path

import pytest

import tsrnn
from tsrnn import baselines, datasets, evaluate, metrics, nn, plotting

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs"
BLOCKS = runpy.run_path(str(FOLDER / "blocks.py"))
NOTEBOOKS = runpy.run_path(str(FOLDER / "notebooks.py"))
INTEGRATIONS = [
    path
    for pattern in ("*.py", "*/__init__.py")
    for path in sorted((ROOT / "tsrnn" / "integrations").glob(pattern))
    if path.parent.name != "integrations" or path.stem != "__init__"
]
PAGE = """
```python
print("MAE", 64.04, "at", 3)
```

```text
MAE 64.0 at 3
```

```bash
echo {word}
```

```text
two words
```
"""


@pytest.mark.parametrize(
    ("printed", "n_differences"),
    [("MAE  66.1 at 3", 0), ("MAE 76.1 at 3", 1), ("MAE 64.0 at 4", 1), ("RMSE 64.0 at 3", 1)],
)
def test_outputs_are_held_against_what_is_shown(printed, n_differences):
    assert len(BLOCKS["differences"]("MAE 64.0 at 3\n", printed)) == n_differences


def test_blocks_of_python_and_bash_run_and_are_checked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "page.md"
    page.write_text(PAGE.format(word="two words"))
    assert BLOCKS["check"](page) == []
    page.write_text(PAGE.format(word="another word"))
    assert len(BLOCKS["check"](page)) == 1
    BLOCKS["write"](page)
    assert "MAE 64.04 at 3" in page.read_text()
    assert BLOCKS["check"](page) == []


def test_a_page_is_left_out_where_what_it_needs_is_missing(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("% needs: json\n% needs: a_package_of_nobody\n")
    assert BLOCKS["missing"](page) == ["a_package_of_nobody"]


def test_most_pages_hold_code():
    assert len(BLOCKS["pages"]()) >= 15


@pytest.mark.parametrize("module", [tsrnn, baselines, datasets, evaluate, metrics, nn, plotting])
def test_every_public_name_is_in_the_reference(module):
    entries = (FOLDER / "api" / "index.rst").read_text().split()
    prefix = f"{module.__name__}.".removeprefix("tsrnn.")
    callables = {name for name in module.__all__ if callable(getattr(module, name))}
    assert {name for name in callables if f"{prefix}{name}" not in entries} == set()


@pytest.mark.parametrize("path", INTEGRATIONS, ids=lambda path: path.stem)
def test_every_integration_is_in_the_reference(path):
    entries = (FOLDER / "api" / "index.rst").read_text().split()
    module = path.parent.name if path.stem == "__init__" else path.stem
    public = {
        node.name
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_")
    }
    assert public
    assert {name for name in public if f"integrations.{module}.{name}" not in entries} == set()


def test_every_page_of_the_guide_is_in_llms_txt():
    text = (FOLDER / "llms.txt").read_text()
    pages = {f"guide/{path.stem}.html" for path in (FOLDER / "guide").glob("*.md")}
    assert {page for page in pages - {"guide/index.html"} if page not in text} == set()


def test_notebooks_are_those_of_their_examples():
    assert len(NOTEBOOKS["wanted"]()) >= 2
    assert NOTEBOOKS["stale"]() == []


def test_the_version_is_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    cited = re.search(r"^version: (.*)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert project["version"] == cited[1] == newest[1] == tsrnn.__version__
