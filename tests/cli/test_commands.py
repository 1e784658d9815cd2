"""fit, forecast, update, evaluate, info: what they print and save, and how they refuse."""

import inspect
import json
import re
import subprocess
import sys
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from helpers import content, hourly
from helpers.folder import N_FIT, Folder

import tsrnn
from tsrnn import RNNForecaster, RNNRegressor, cli, load
from tsrnn.baselines import LinearForecaster, NaiveForecaster
from tsrnn.cli.io.json_lines import write_rows
from tsrnn.evaluate import prequential


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def one_line(capsys):
    err = capsys.readouterr().err
    assert err.count("\n") == 1, err
    assert "Traceback" not in err
    return err


def test_fit_and_forecast_are_those_of_python(folder, capsys):
    path = folder.fit("--target", "s0", "--lags", "4", "--forgetting", "0.99")
    data = folder.rows[:N_FIT].asfreq("h")
    expected = LinearForecaster(3, target="s0", lags=4, forgetting=0.99).fit(data)
    assert load(path).get_params() == expected.get_params()
    pd.testing.assert_frame_equal(load(path).forecast(), expected.forecast(), check_freq=False)
    capsys.readouterr()
    assert folder("forecast", path) == 0
    printed = pd.read_csv(StringIO(capsys.readouterr().out), index_col="time", parse_dates=True)
    np.testing.assert_allclose(printed, expected.forecast(), rtol=1e-12)
    assert (printed.index == expected.forecast().index).all()


def test_every_column_of_numbers_is_a_target_by_default(folder):
    assert [*load(folder.fit()).forecast().columns] == ["s0", "s1"]


def test_inputs_may_be_chosen(folder):
    assert [*load(folder.fit("--target", "s0")).feature_names_in_] == ["s0", "s1"]
    assert [*load(folder.fit("--target", "s0", "--inputs", "none")).feature_names_in_] == ["s0"]
    assert [*load(folder.fit("--target", "s1,s0")).forecast().columns] == ["s1", "s0"]


def test_forecast_as_json_lines_and_into_a_file(folder, capsys):
    path = folder.fit()
    capsys.readouterr()
    assert folder("forecast", path, "--horizon", 2, "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [*lines[0]] == ["time", "s0", "s1"]
    assert len(lines) == 2
    assert folder("forecast", path, "-o", folder["f.csv"]) == 0
    assert len(pd.read_csv(folder["f.csv"])) == 3


def test_json_lines_have_null_for_what_json_has_no_number_for():
    """Kind: MASE of a constant history is infinite."""
    file = StringIO()
    write_rows(pd.DataFrame({"a": [np.inf, -np.inf, np.nan, 1.0]}), file)
    assert file.getvalue().splitlines() == 3 * ['{"a": null}'] + ['{"a": 1.0}']


def test_json_lines_hold_every_digit(folder, capsys):
    """Kind: numbers of a small unit, which ten decimals cut off; times as a stream writes them."""
    rows = (1e-12 * folder.rows[["s0"]]).tz_localize("Europe/Rome")
    model = LinearForecaster(2).fit(rows)
    model.save(folder["small.tsrnn"])
    capsys.readouterr()
    assert folder("forecast", folder["small.tsrnn"], "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    ahead = model.forecast()
    assert [line["s0"] for line in lines] == ahead["s0"].tolist()
    assert [line["time"] for line in lines] == [time.isoformat() for time in ahead.index]
    rows[-40:].to_csv(folder["small.csv"])
    LinearForecaster(2).fit(rows[:-40]).save(folder["small.tsrnn"])
    assert folder("evaluate", folder["small.tsrnn"], folder["small.csv"], "--json") == 0
    line = json.loads(capsys.readouterr().out.splitlines()[0])
    result = prequential(LinearForecaster(2).fit(rows[:-40]), rows[-40:])
    assert line["MAE"] == pytest.approx(result.metrics.loc[("all", "all"), "MAE"], rel=1e-9)


def test_fields_with_another_mark_between_are_told_of(folder, capsys):
    """Kind: a CSV with semicolons, of which the header is one name."""
    folder.rows[:60].to_csv(folder["semi.csv"], sep=";")
    argv = ("--time", "time", "--target", "s0", "-o", folder["m.tsrnn"])
    assert folder("fit", folder["semi.csv"], *argv) == 1
    assert "pass --sep ';'" in one_line(capsys)


@pytest.mark.parametrize("frozen", [False, True])
def test_update_takes_in_what_is_new(frozen, folder, capsys):
    path = folder.fit(model="linear")
    expected = load(path)
    (expected.update if frozen else expected.partial_fit)(folder.rows[N_FIT:])
    capsys.readouterr()
    assert folder("update", path, folder["all.csv"], *["--frozen"] * frozen) == 0
    assert "40 rows" in (err := capsys.readouterr().err)
    assert "80 seen before" in err
    assert content(load(path)._state) == content(expected._state)
    before = folder.read(path)
    assert folder("update", path, folder["all.csv"], "-o", folder["other.tsrnn"]) == 0
    assert folder.read(path) == before == folder.read("other.tsrnn")


def test_evaluate(folder, capsys):
    path = folder.fit()
    before = folder.read(path)
    capsys.readouterr()
    assert folder("evaluate", path, folder["all.csv"]) == 0
    out, err = capsys.readouterr()
    assert "RMSE" in out
    assert "40 rows, 80 seen before" in err
    assert folder("evaluate", path, folder["new.csv"], "--by-step", "--json", "--frozen") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["step"] for line in lines} == {1, 2, 3, "all"}
    assert folder.read(path) == before
    assert folder("evaluate", path, folder["history.csv"]) == 1
    assert "found no row newer than" in one_line(capsys)


def test_info(folder, capsys):
    path = folder.fit("--target", "s0")
    capsys.readouterr()
    assert folder("info", path) == 0
    out = capsys.readouterr().out
    for text in ("LinearForecaster", "2024-01-04 07:00", "targets: s0", "numpy: ", "horizon: 3"):
        assert text in out
    assert folder("info", path, "--json") == 0
    assert json.loads(capsys.readouterr().out)["frequency"] == "h"


def test_info_of_other_estimators(folder, capsys):
    for model in (RNNForecaster(), NaiveForecaster().fit(np.arange(9.0))):
        model.save(folder["x"])
        assert folder("info", folder["x"]) == 0
    rows = hourly(50, 2)
    RNNRegressor(max_iter=1).fit(rows[["s0"]], rows["s1"]).save(folder["x"])
    assert folder("info", folder["x"]) == 0
    assert "RNNRegressor" in capsys.readouterr().out


def test_json_lines_and_zones(folder, capsys):
    frame = hourly(90, tz="Europe/Rome").reset_index()
    frame.to_json(folder["h.jsonl"], orient="records", lines=True, date_format="iso")
    argv = ("--time", "time", "--tz", "Europe/Rome", "--model", "naive", "-o", folder["m"])
    assert folder("fit", folder["h.jsonl"], *argv) == 0
    assert load(folder["m"]).cutoff_ == frame["time"].iloc[-1]
    assert str(load(folder["m"]).forecast().index.tz) == "Europe/Rome"


def test_rows_without_a_time_are_counted(folder):
    pd.DataFrame({"x": np.arange(60.0)}).to_csv(folder["x.csv"], index=False)
    assert folder("fit", folder["x.csv"], "--model", "linear", "-o", folder["m"]) == 0
    assert load(folder["m"]).cutoff_ == 59
    assert folder("update", folder["m"], folder["x.csv"]) == 0
    assert load(folder["m"]).cutoff_ == 119


def test_bad_rows_are_told_skipped_or_logged(folder, capsys):
    lines = folder.read("history.csv").decode().splitlines()
    for line in (7, 9, 11, 13):
        lines[line - 1] = lines[line - 1][:-3] + "x.y"
    lines.insert(20, lines[19])
    (folder.path / "history.csv").write_text("\n".join(lines))
    argv = ("fit", folder["history.csv"], "--time", "time", "--model", "naive", "-o", folder["m"])
    assert folder(*argv) == 1
    assert "line 7: found" in (told := one_line(capsys))
    assert "--on-error skip" in told
    assert folder(*argv, "--on-error", "log") == 0
    err = capsys.readouterr().err
    assert all(f"skipped line {line}: " in err for line in (7, 9, 11, 13, 21))
    assert "5 skipped" in err
    assert folder(*argv, "--on-error", "skip") == 0
    assert capsys.readouterr().err.count("skipped line") == 3


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["fit", "absent.csv", "-o", "m"], "absent.csv: No such file"),
        (["fit", "history.csv", "-o", "absent/m", "--model", "naive"], "absent/m: No such file"),
        (["fit", "history.csv", "-o", "m", "--target", "load"], "expected ['load'] among them"),
        (["fit", "history.csv", "-o", "m", "--time", "when"], "expected ['when'] among them"),
        (["fit", "history.csv", "-o", "m", "--time-format", "%Y"], "line 2: found '2024-01-01T00"),
        (["fit", "history.csv", "-o", "m", "--model", "naive", "--lags", "3"], "found --lags"),
        (["fit", "history.csv", "-o", "m", "--lags", "few"], "lags"),
        (["fit", "empty.csv", "-o", "m"], "is empty"),
        (["fit", "-", "-o", "m"], "expected a file"),
        (["forecast", "history.csv"], "history.csv: it is no checkpoint"),
        (["forecast", "m.tsrnn", "--horizon", "9"], "at most the fitted horizon 3"),
        (["forecast", "unfitted"], "not fitted"),
        (["update", "array", "new.csv"], "found a model of an array"),
        (["update", "m.tsrnn", "new.csv", "--time", "s0"], "as time stamp"),
        (["stream", "m.tsrnn", "--follow"], "without --input"),
        (["stream", "m.tsrnn", "--input", "x.parquet"], "cannot be read row by row"),
    ],
)
def test_errors_are_one_line_and_change_nothing(argv, message, folder, capsys, monkeypatch):
    folder.fit()
    RNNForecaster().save(folder["unfitted"])
    NaiveForecaster().fit(np.arange(9.0)).save(folder["array"])
    (folder.path / "empty.csv").touch()
    monkeypatch.chdir(folder.path)
    files = {file.name: file.read_bytes() for file in folder.path.iterdir()}
    capsys.readouterr()
    assert folder(*argv) == 1
    err = capsys.readouterr().err
    assert message in err
    last = err.splitlines()[-1]
    assert last.startswith(f"tsrnn {argv[0]}: ")
    assert message in last
    assert {file.name: file.read_bytes() for file in folder.path.iterdir()} == files


def test_debug_shows_where(folder):
    with pytest.raises(FileNotFoundError):
        folder("forecast", folder["absent"], "--debug")


def test_a_bug_is_one_line_too(folder, capsys, monkeypatch):
    path = folder.fit()
    monkeypatch.setattr(LinearForecaster, "forecast", lambda self, horizon=None: 1 / 0)
    capsys.readouterr()
    assert folder("forecast", path) == 1
    assert "ZeroDivisionError: division by zero (--debug" in one_line(capsys)


@pytest.mark.parametrize("command", cli.COMMANDS, ids=lambda command: command.__name__)
def test_help_has_examples(command, capsys):
    with pytest.raises(SystemExit) as exit_:
        cli.main([command.__name__.rpartition(".")[2], "--help"])
    assert exit_.value.code == 0
    assert "example" in capsys.readouterr().out


def test_the_bare_command_lists_the_others(capsys):
    """Kind: a command that does not say what it can do: a bare `tsrnn` lists all."""
    with pytest.raises(SystemExit) as exit_:
        cli.main([])
    assert exit_.value.code == 2
    out = capsys.readouterr().out
    for command in cli.COMMANDS:
        assert f"\n    {command.__name__.rpartition('.')[2]} " in out


def test_the_version_is_that_of_the_package(capsys):
    """Kind: a command that does not say its version."""
    with pytest.raises(SystemExit) as exit_:
        cli.main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out == f"tsrnn {tsrnn.__version__}\n"


def test_a_model_with_a_coverage_takes_new_rows(folder, capsys):
    argv = ("--coverage", "0.9", "--hidden-size", 4, "--max-iter", 3)
    path = folder.fit("--target", "s0", *argv, model="rnn")
    assert folder("update", path, folder["all.csv"]) == 0
    capsys.readouterr()
    assert folder("info", path, "--json") == 0
    assert json.loads(capsys.readouterr().out)["targets"] == ["s0"]


def test_every_parameter_is_an_option_with_a_help(capsys):
    with pytest.raises(SystemExit):
        cli.main(["fit", "--help"])
    out = capsys.readouterr().out
    for name in inspect.signature(RNNForecaster).parameters:
        if name not in cli.options.OWN:
            option = rf"\n  --{name.replace('_', '-')} (VALUE|\{{[^}}]*\}})\s+(\S.*?)(\n  --|\n\n)"
            assert re.search(option, out, re.DOTALL), name


def test_a_pipe_that_nobody_reads_ends_quietly(folder):
    path = folder.fit("--horizon", 50, "--lags", 2)
    command = f"{sys.executable} -m tsrnn forecast {path} | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert int(done.stdout) in (0, 141)


def test_parquet(folder, capsys):
    frame = folder.rows.reset_index()
    try:
        frame[:N_FIT].to_parquet(folder["h.parquet"])
    except ImportError:
        (folder.path / "h.parquet").write_bytes(b"PAR1")
        assert folder("fit", folder["h.parquet"], "-o", folder["m"]) == 1
        assert "Parquet needs pyarrow: pip install pyarrow" in one_line(capsys)
        return
    frame.to_parquet(folder["all.parquet"])
    argv = ("--time", "time", "--model", "naive", "-o", folder["m"])
    assert folder("fit", folder["h.parquet"], *argv) == 0
    assert folder("update", folder["m"], folder["all.parquet"]) == 0
    expected = NaiveForecaster().fit(folder.rows).forecast()
    pd.testing.assert_frame_equal(load(folder["m"]).forecast(), expected, check_freq=False)
