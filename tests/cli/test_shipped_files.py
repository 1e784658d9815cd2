"""The guide's commands on each shipped file, as a new user would type them."""

import gzip
import re
import shlex
from itertools import islice
from pathlib import Path

import pandas as pd
import pytest

from tsrnn import cli

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "howto" / "csv.md").read_text().replace("\\\n", " ")
COMMANDS = re.findall(r"^tsrnn (fit datasets/.*)$", PAGE, flags=re.MULTILINE)
QUICK = ["--max-iter", "2", "--hidden-size", "4", "--forgetting", "0.99"]


def test_every_file_has_a_command():
    shipped = {path.name for path in (ROOT / "datasets").glob("*.csv*")}
    assert {Path(shlex.split(command)[1]).name for command in COMMANDS} == shipped


def shorten(name, folder, n_lines):
    """Copy the first lines of a shipped file to its place in another folder."""
    opened = gzip.open if name.endswith(".gz") else open
    (folder / name).parent.mkdir()
    with opened(ROOT / name, "rb") as whole, opened(folder / name, "wb") as part:
        part.writelines(islice(whole, n_lines))


@pytest.mark.parametrize(
    "n_lines", [300, pytest.param(None, marks=pytest.mark.slow)], ids=["first", "all"]
)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.split()[1])
def test_fit_and_forecast(command, n_lines, tmp_path, monkeypatch, capsys):
    argv = shlex.split(command, comments=True)
    if n_lines:
        shorten(argv[1], tmp_path, n_lines)
    monkeypatch.chdir(tmp_path if n_lines else ROOT)
    model = str(tmp_path / "m.tsrnn")
    argv[argv.index("-o") + 1] = model
    assert cli.main([*argv, *QUICK]) == 0
    capsys.readouterr()
    assert cli.main(["forecast", model]) == 0
    path = tmp_path / "f.csv"
    path.write_text(capsys.readouterr().out)
    forecast = pd.read_csv(path, index_col=0, parse_dates=True)
    assert len(forecast) == 24
    assert forecast.notna().all(axis=None)
    step = forecast.index[1] - forecast.index[0]
    assert step == pd.Timedelta("1h")
