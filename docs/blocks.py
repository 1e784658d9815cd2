"""Run the code of the guide, page by page, and hold its output against what the page shows.

    python docs/blocks.py                    check all pages
    python docs/blocks.py --write PAGE ...   put what the code prints into the pages

A page is run as a reader would: its blocks of Python one after another in one interpreter, its
blocks of bash in the same empty folder. A block of text behind a block of code is its output. A
page that says ``% needs: PACKAGE`` is left out where the package is not installed.
"""

import argparse
import contextlib
import importlib.util
import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
README = FOLDER.parent / "README.md"  # its commands install and test: its Python alone is run
BLOCK = re.compile(
    r"^```(?P<kind>python|bash)\n(?P<code>.*?)^```\n(?P<output>\n```text\n(?P<shown>.*?)^```\n)?",
    re.DOTALL | re.MULTILINE,
)
NEEDS = re.compile(r"^% needs: (.*)$", re.MULTILINE)
NUMBER = re.compile(r"-?\d+\.\d+")
TOLERANCE = 0.1  # relative: kernels and versions round differently


def pages():
    """Return the pages of the guide that hold code to run, and the README."""
    found = sorted(path for path in FOLDER.rglob("*.md") if BLOCK.search(path.read_text()))
    return [README, *found]


def missing(page):
    """Return the packages that a page needs and that are not installed."""
    return [name for name in NEEDS.findall(page.read_text()) if not importlib.util.find_spec(name)]


def run(page):
    """Run the blocks of a page in the current folder, an empty one.

    Yields
    ------
    block : re.Match
        With the groups ``code`` and ``shown`` (None where the page shows no output).
    output : str
        What the code printed.
    """
    names = {"__name__": "guide"}
    for block in BLOCK.finditer(page.read_text()):
        if block["kind"] == "bash":
            if page == README:
                continue
            yield block, _run_bash(block["code"])
            continue
        line = page.read_text()[: block.start("code")].count("\n")
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile("\n" * line + block["code"], str(page), "exec"), names)
        yield block, printed.getvalue()


def _run_bash(code):
    """Return what commands print; `tsrnn` is this interpreter's."""
    start = f'set -e\ntsrnn() {{ "{sys.executable}" -m tsrnn "$@"; }}\n'
    path = os.pathsep.join(filter(None, [str(FOLDER.parent), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        ["bash", "-c", start + code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path, "COLUMNS": "90"},
    )
    if done.returncode:
        raise RuntimeError(f"{code}\nended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def differences(shown, output):
    """Return what differs: texts exactly, decimal numbers beyond the tolerance."""
    if NUMBER.sub("", shown).split() != NUMBER.sub("", output).split():
        return [f"shown:\n{shown}\nprinted:\n{output}"]
    pairs = zip(NUMBER.findall(shown), NUMBER.findall(output), strict=True)
    return [
        f"shown {one}, printed {other}"
        for one, other in pairs
        if abs(float(one) - float(other)) > TOLERANCE * max(abs(float(one)), 0.5)
    ]


def check(page):
    """Run a page and return what its outputs should not be, a list of texts."""
    return [
        text
        for block, output in run(page)
        if block["shown"] is not None
        for text in differences(block["shown"], output)
    ]


def write(page):
    """Put what the code of a page prints into it, where it prints anything."""
    text, parts, end = page.read_text(), [], 0
    for block, output in run(page):
        parts += [text[end : block.end("code")], "```\n"]
        if output:
            parts.append(f"\n```text\n{output.rstrip()}\n```\n")
        end = block.end()
    page.write_text("".join([*parts, text[end:]]))


def main():
    """Check pages, or write their outputs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("pages", nargs="*", type=Path)
    args = parser.parse_args()
    wrong = 0
    for page in [path.resolve() for path in args.pages] or pages():
        if missing(page):
            print(f"{page.relative_to(FOLDER.parent)}: left out, needs {', '.join(missing(page))}")
            continue
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            if args.write:
                write(page)
                continue
            for text in check(page):
                wrong += 1
                print(f"{page.relative_to(FOLDER.parent)}: {text}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
