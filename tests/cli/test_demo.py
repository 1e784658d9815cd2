"""The command: what it prints and saves, and how it ends when something is in the way."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from tsrnn import cli
from tsrnn.baselines import NaiveForecaster
from tsrnn.cli import demo

pytest.importorskip("rich")
pytest.importorskip("matplotlib")

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def quick(monkeypatch):
    """Let the demo fit on some weeks only, for a few steps."""
    monkeypatch.setattr(demo, "HISTORY", 200)
    runs = demo._runs

    def few_steps(seed, stream):
        made = runs(seed, stream)
        made[0].model.set_params(max_iter=3, hidden_size=4)
        return made

    monkeypatch.setattr(demo, "_runs", few_steps)


@pytest.fixture
def no_work(monkeypatch):
    def load(name):
        raise AssertionError("the work began")

    monkeypatch.setattr(demo, "load_pedestrians", load)


def one_line(text):
    assert text.count("\n") == 1, text
    return text


def test_demo_prints_a_table_and_saves_a_picture(quick, tmp_path, capsys):
    path = tmp_path / "a rather long name of a folder, to see that paths are not wrapped.png"
    assert cli.main(["demo", "--weeks", "1", "--output", str(path)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "\x1b" not in out
    assert "168 (1 week)" in out
    for name in (demo.LEARNING, demo.FROZEN, "LinearForecaster", "the hour a week ago"):
        assert sum(line.strip().startswith(name + "  ") for line in out.splitlines()) == 1
    assert "noted" in out
    assert f"Picture: {path}\n" in out
    assert "tsrnn fit data.csv" in out.splitlines()[-4]
    assert path.read_bytes().startswith(PNG)


@pytest.mark.slow
def test_a_console_without_greek_can_show_the_table(quick, tmp_path, monkeypatch):
    with (tmp_path / "out.txt").open("w", encoding="ascii") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert cli.main(["demo", "--weeks", "1", "--output", str(tmp_path / "x.png")]) == 0
    assert "us a row" in (tmp_path / "out.txt").read_text()


def test_errors_are_told_before_the_shift_and_after_it(quick, tmp_path, capsys, monkeypatch):
    """The frozen copy's too, which is the model that was fitted."""
    seen, draw = [], demo._draw
    monkeypatch.setattr(demo, "_draw", lambda *drawn: (seen.append(drawn[1]), draw(*drawn))[1])
    rows = demo.load_pedestrians(demo.SENSOR).loc[demo.START :]
    monkeypatch.setattr(demo, "SHIFT", rows.index[demo.HISTORY + 5 * 24])
    cli.main(["demo", "--weeks", "1", "--output", str(tmp_path / "x.svg")])
    lines = {
        line.strip().split("  ")[0]: line.replace("%", "").split()[-4:]
        for line in capsys.readouterr().out.split("\n")
    }
    before, after, held, micros = (float(x) for x in lines["the hour a week ago"])
    actual = rows.iloc[:, 0]
    error = (actual - actual.shift(demo.WEEK)).abs().iloc[demo.HISTORY :][: demo.WEEK]
    n_scored = np.minimum(np.arange(demo.WEEK) + 1, demo.HORIZON)  # each row is forecast so often
    for found, part in ((before, slice(0, 120)), (after, slice(120, None))):
        expected = np.average(error[part], weights=n_scored[part])
        assert found == pytest.approx(expected, abs=0.06)
    assert 50 < held <= 100
    assert micros > 0
    assert (tmp_path / "x.svg").read_text().startswith("<?xml")
    learning, frozen = (seen[0][name] for name in (demo.LEARNING, demo.FROZEN))
    first = [r.forecasts["forecast"].iloc[: demo.HORIZON].tolist() for r in (learning, frozen)]
    assert first[0] == first[1]
    assert learning.forecasts["forecast"].iloc[-1] != frozen.forecasts["forecast"].iloc[-1]
    assert learning.model is not frozen.model


def test_the_view_shows_errors_a_day_ahead():
    index = pd.date_range("2024-01-01", periods=30, freq="h")
    stream = pd.DataFrame({"people": np.arange(30.0)}, index)
    model = NaiveForecaster(demo.HORIZON).fit(stream.set_axis(index - pd.Timedelta("30h")))
    run = demo.Run("naive", model, stream)
    for place in range(30):
        run.walk(place, stream[place : place + 1])
    assert list(run.errors) == [6.0, *[24.0] * 6]  # 29 was forecast, then the value a day before
    assert run.n_held == 7


def test_a_terminal_sees_a_live_view(quick, tmp_path, capsys, monkeypatch):
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "80"}.items():
        monkeypatch.setenv(name, value)
    assert cli.main(["demo", "--weeks", "1", "--output", str(tmp_path / "x.png")]) == 0
    err = capsys.readouterr().err
    assert "rows/s" in err
    for shown in ("two days", "a day ahead", demo.FROZEN, "noted: no change yet"):
        assert shown in err
    assert err.endswith("\x1b[2K"), "the view was left behind"
    assert err.rindex("\x1b[?25h") > err.rindex("\x1b[?25l"), "the cursor was left hidden"


@pytest.mark.parametrize("missing", ["rich", "matplotlib"])
def test_a_missing_extra_is_named(missing, no_work, monkeypatch, capsys):
    for name in [name for name in sys.modules if name.split(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    assert cli.main(["demo"]) == 2
    assert 'pip install "tsrnn[cli,plot]"' in one_line(capsys.readouterr().err)


@pytest.mark.parametrize(
    ("path", "reason"),
    [("absent/x.png", "No such file"), (".", "directory"), ("x.doc", ".png")],
)
def test_a_bad_output_is_told_before_the_work(path, reason, no_work, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["demo", "--output", path]) == 2
    assert reason in one_line(capsys.readouterr().err)
    assert not list(tmp_path.iterdir())


def test_ctrl_c_ends_cleanly(tmp_path, capsys, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    old, new = tmp_path / "old.png", tmp_path / "new.png"
    old.write_bytes(b"kept")
    monkeypatch.setattr(demo, "load_pedestrians", interrupted)
    assert cli.main(["demo", "--output", str(old)]) == 130
    assert cli.main(["demo", "--output", str(new)]) == 130
    assert capsys.readouterr().err == "tsrnn: interrupted\n" * 2
    assert old.read_bytes() == b"kept"
    assert not new.exists()


@pytest.mark.parametrize(
    "argv", [[], ["demo", "--weeks", "0"], ["demo", "--weeks", "19"], ["demo", "--seed", "-1"]]
)
def test_bad_arguments_exit_with_2(argv, capsys):
    with pytest.raises(SystemExit) as exit_:
        cli.main(argv)
    assert exit_.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_help_has_an_example_and_runs_as_a_module():
    command = [sys.executable, "-W", "error", "-m", "tsrnn", "demo", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "example: tsrnn demo --weeks 5" in done.stdout
