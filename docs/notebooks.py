"""Make notebooks of examples of the gallery, or check that they are still those of the examples.

    python docs/notebooks.py            check
    python docs/notebooks.py --write    make them anew

A notebook holds the text and the code of its example, and no output: run it where you read it.
"""

import argparse
import ast
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "examples" / "notebooks"
EXAMPLES = ("anomaly", "panel")
INSTALL = 'Needs `pip install "tsrnn[plot]"`.'


def notebook(script):
    """Return the notebook of a script of the gallery, as the text of a file.

    Parameters
    ----------
    script : str
        Its docstring is a title, underlined, and text; a line ``# %%`` begins a cell, and the
        comment below it is text.
    """
    title, text = ast.get_docstring(ast.parse(script)).split("\n", 1)
    text = text.lstrip("=\n")
    cells = [_cell("markdown", f"# {title}\n\n{text}\n\n{INSTALL}")]
    code = script.split('"""', 2)[2]
    for part in code.split("\n# %%\n"):
        lines = part.strip().splitlines()
        n_comments = next(i for i, line in enumerate(lines) if not line.startswith("#"))
        if n_comments:
            comment = " ".join(line.removeprefix("#").strip() for line in lines[:n_comments])
            cells.append(_cell("markdown", comment))
        cells.append(_cell("code", "\n".join(lines[n_comments:]).strip()))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    content = {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _cell(kind, text):
    cell = {"cell_type": kind, "metadata": {}, "source": text.splitlines(keepends=True)}
    return cell | {"execution_count": None, "outputs": []} if kind == "code" else cell


def wanted():
    """Return the paths of the notebooks, and what each should hold."""
    gallery = ROOT / "examples" / "gallery"
    return {
        FOLDER / f"{name}.ipynb": notebook((gallery / f"{name}.py").read_text(encoding="utf-8"))
        for name in EXAMPLES
    }


def stale():
    """Return the notebooks that are not those of their examples."""
    return [
        path
        for path, text in wanted().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main():
    """Check the notebooks, or write them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="make them anew")
    if parser.parse_args().write:
        FOLDER.mkdir(exist_ok=True)
        for path, text in wanted().items():
            path.write_text(text, encoding="utf-8")
    found = stale()
    for path in found:
        print(f"{path.name} is not its example; run python docs/notebooks.py --write")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
