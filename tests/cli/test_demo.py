"""The command: what it prints and saves, and how it ends when something is in the way."""

import subprocess
import sys

import pytest

from tsrnn import cli
from tsrnn.cli import demo

pytest.importorskip("rich")
pytest.importorskip("matplotlib")

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def quick(monkeypatch):
    """Let the demo fit on some weeks only, for a few steps."""
    monkeypatch.setattr(demo, "HISTORY", 400)
    models = demo._models

    def few_steps(seed):
        made = models(seed)
        made["RNNForecaster"].set_params(max_iter=3)
        return made

    monkeypatch.setattr(demo, "_models", few_steps)


@pytest.fixture
def no_work(monkeypatch):
    def load():
        raise AssertionError("the work began")

    monkeypatch.setattr(demo, "load_electricity", load)


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
    for name in demo._models(0):
        assert sum(line.strip().startswith(name + "  ") for line in out.splitlines()) == 1
    assert f"Picture: {path}\n" in out
    assert path.read_bytes().startswith(PNG)


def test_a_console_without_greek_can_show_the_table(quick, tmp_path, monkeypatch):
    with (tmp_path / "out.txt").open("w", encoding="ascii") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert cli.main(["demo", "--weeks", "1", "--output", str(tmp_path / "x.png")]) == 0
    assert "us a row" in (tmp_path / "out.txt").read_text()


def test_table_is_relative_to_the_seasonal_naive(quick, tmp_path, capsys):
    cli.main(["demo", "--weeks", "1", "--output", str(tmp_path / "x.svg")])
    rows = {
        line.strip().split("  ")[0]: line.split()[-4:]
        for line in capsys.readouterr().out.split("\n")
    }
    mae, rmse, relative, micros = (float(x) for x in rows["NaiveForecaster"])
    reference = rows[demo.REFERENCE]
    assert reference[2] == "1.000"
    assert relative == pytest.approx((rmse / float(reference[1])) ** 2, rel=1e-2)
    assert 0 < mae < rmse
    assert micros > 0
    assert (tmp_path / "x.svg").read_text().startswith("<?xml")


def test_a_terminal_sees_one_live_line(quick, tmp_path, capsys, monkeypatch):
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "80"}.items():
        monkeypatch.setenv(name, value)
    assert cli.main(["demo", "--weeks", "1", "--output", str(tmp_path / "x.png")]) == 0
    err = capsys.readouterr().err
    assert "rows/s" in err
    assert err.count("\n") <= 1, "the line grew into lines"
    assert err.endswith("\x1b[2K"), "the line was left behind"
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
    monkeypatch.setattr(demo, "load_electricity", interrupted)
    assert cli.main(["demo", "--output", str(old)]) == 130
    assert cli.main(["demo", "--output", str(new)]) == 130
    assert capsys.readouterr().err == "tsrnn: interrupted\n" * 2
    assert old.read_bytes() == b"kept"
    assert not new.exists()


@pytest.mark.parametrize(
    "argv", [[], ["demo", "--weeks", "0"], ["demo", "--weeks", "133"], ["demo", "--seed", "-1"]]
)
def test_bad_arguments_exit_with_2(argv, capsys):
    with pytest.raises(SystemExit) as exit_:
        cli.main(argv)
    assert exit_.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_help_has_an_example_and_runs_as_a_module():
    command = [sys.executable, "-W", "error", "-m", "tsrnn", "demo", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "example: tsrnn demo --weeks 4" in done.stdout


def test_importing_tsrnn_brings_no_package_but_its_dependencies():
    """Which may bring others: scikit-learn 1.9 imports rich where it finds it."""
    code = """
import sys, joblib, numpy, pandas, sklearn.metrics, sklearn.preprocessing
before = set(sys.modules)
import tsrnn, tsrnn.cli, tsrnn.plotting
print(*set(sys.modules) - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    new = {name.split(".")[0] for name in done.stdout.split() if name[0] != "_"}
    assert new - sys.stdlib_module_names <= {
        "tsrnn",
        "numpy",
        "pandas",
        "scipy",
        "sklearn",
        "joblib",
    }
