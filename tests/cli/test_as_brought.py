"""Files and calls as people bring them to the command line; each test names its kind."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from helpers.folder import Folder, to_csv

from tsrnn import cli, load
from tsrnn.baselines import NaiveForecaster

SMALL = ("--hidden-size", 4, "--max-iter", 3, "--random-state", 0)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_inputs_known_ahead_that_are_categories_alone(folder, capsys):
    """Kind: a file without a number, of categories alone ("cannot reshape array of size 0")."""
    rows = folder.rows[["s0"]].assign(sky=np.where(np.arange(120) % 3, "rain", "sun"))
    to_csv(rows[:80], folder.path / "sky.csv")
    to_csv(rows[["sky"]][80:90], folder.path / "ahead.csv")
    argv = ("--time", "time", "--target", "s0", "--future-cols", "sky", "--horizon", 3)
    assert folder("fit", folder["sky.csv"], *argv, *SMALL, "-o", folder["sky.tsrnn"]) == 0
    assert folder("forecast", folder["sky.tsrnn"], "--future", folder["ahead.csv"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 4


def test_row_numbers_that_pandas_wrote_are_no_target(folder, capsys):
    """Kind: row numbers that pandas wrote in a column without a name, taken for a target."""
    folder.rows.reset_index().to_csv(folder.path / "numbered.csv")
    argv = ("--time", "time", "--model", "linear", "-o", folder["n.tsrnn"])
    assert folder("fit", folder["numbered.csv"], *argv) == 0
    assert "leaves out '', the first column, which has no name" in capsys.readouterr().err
    assert list(load(folder["n.tsrnn"]).feature_names_in_) == ["s0", "s1"]


def test_an_index_of_dates_that_pandas_wrote_is_the_time(folder, capsys):
    """Kind: dates that pandas wrote in a column without a name, of a frame indexed by time."""
    folder.rows.rename_axis(None).to_csv(folder.path / "dated.csv")
    assert folder("fit", folder["dated.csv"], "--model", "linear", "-o", folder["d.tsrnn"]) == 0
    assert "takes '' for the time (--time)" in capsys.readouterr().err
    assert load(folder["d.tsrnn"]).cutoff_ == folder.rows.index[-1]


def test_ids_are_the_same_as_numbers_and_as_texts(folder, capsys):
    """Kind: ids that are texts in one file and numbers in another, which were new series."""
    rows = folder.rows[["s0"]].set_axis(["y"], axis=1).rename_axis("time")
    rows = pd.concat([rows.assign(id=1), rows.assign(id=2)]).reset_index()
    rows = rows.sort_values(["time", "id"], ignore_index=True)
    rows[:160].to_csv(folder.path / "h.csv", index=False)
    lines = [
        json.dumps({"time": time.isoformat(), "y": y, "id": name if number % 3 else str(name)})
        for number, (time, y, name) in enumerate(rows[160:170].itertuples(index=False))
    ]
    (folder.path / "new.jsonl").write_text("\n".join(lines))
    NaiveForecaster(2, id_col="id", time_col="time").fit(rows[:160]).save(folder["python.tsrnn"])
    argv = ("--time", "time", "--id", "id", "--model", "naive", "-o", folder["cli.tsrnn"])
    assert folder("fit", folder["h.csv"], *argv) == 0
    for model, ids in (("python", [1, 2]), ("cli", ["1", "2"])):
        capsys.readouterr()
        argv = ("--input", folder["new.jsonl"], "--output", folder[model])
        assert folder("stream", folder[f"{model}.tsrnn"], *argv) == 0
        found = [json.loads(line) for line in folder.read(model).splitlines()]
        assert [line["id"] for line in found] == ids * 5
        assert [line["forecast"]["y"][0] for line in found] == rows["y"][160:170].tolist()


@pytest.mark.parametrize("form", ["csv", "json lines"])
def test_a_forgotten_time_is_told(form, folder, capsys):
    """Kind: dates that are dropped in silence, since no --time names them."""
    rows = folder.rows.rename_axis("when").reset_index()
    if form == "csv":
        rows.to_csv(folder.path / "when.csv", index=False)
    else:
        rows.to_json(folder.path / "when.csv", orient="records", lines=True, date_format="iso")
    assert folder("fit", folder["when.csv"], "--model", "linear", "-o", folder["w.tsrnn"]) == 0
    assert "found dates in 'when' and no --time: rows are counted" in capsys.readouterr().err


def test_choices_are_told_and_held(folder, capsys):
    """Kind: an option that does not tell its choices, as `--gap VALUE` did not."""
    with pytest.raises(SystemExit):
        folder("fit", "--help")
    text = " ".join(capsys.readouterr().out.split())
    assert "--gap {fill,reset,raise}" in text
    with pytest.raises(SystemExit):
        folder("fit", folder["history.csv"], "-o", folder["m.tsrnn"], "--gap", "fil")
    assert "invalid choice: 'fil'" in capsys.readouterr().err


def test_progress_of_training_is_shown(folder, capfd):
    """Kind: a command that is silent for minutes: --verbose shows the training."""
    argv = ("--time", "time", *SMALL, "-o", folder["v.tsrnn"])
    assert folder("fit", folder["history.csv"], *argv) == 0
    quiet = len("".join(capfd.readouterr()))
    assert folder("fit", folder["history.csv"], *argv, "--verbose") == 0
    assert len("".join(capfd.readouterr())) > quiet


def test_info_names_the_dtype_and_counts_rows(folder, capsys):
    """Kind: Python's words where people read (`<class 'numpy.float32'>`), and rows not counted."""
    model = folder.fit(*SMALL, model="rnn")
    assert folder("update", model, folder["new.csv"]) == 0
    assert folder("info", model) == 0
    out = capsys.readouterr().out
    assert "dtype: float32" in out and "class" not in out
    assert "rows: 120" in out


def test_rows_of_a_stream_are_counted(folder, capsys):
    """Kind: rows not counted, of a stream: its checkpoint tells how many it has seen."""
    model = folder.fit()
    argv = ("--input", folder["all.csv"], "--output", folder["out"], "--every", 7)
    assert folder("stream", model, *argv, "--checkpoint", folder["s.tsrnn"]) == 0
    assert folder("info", folder["s.tsrnn"]) == 0
    assert "rows: 120" in capsys.readouterr().out


def test_an_evaluation_has_bounds_and_a_baseline_beside(folder, capsys):
    """Kind: an error that tells nothing alone: bounds (--coverage) and a baseline stand beside."""
    model = folder.fit()
    assert folder("evaluate", model, folder["new.csv"], "--coverage", 0.8, "--json") == 0
    out, err = capsys.readouterr()
    assert "coverage_0.8" in json.loads(out.splitlines()[0])
    (line,) = [line for line in err.splitlines() if "repeating the newest value" in line]
    new = folder.rows[80:]
    errors = [abs(new.shift(-h) - new).to_numpy().ravel() for h in (1, 2, 3)]
    expected = np.nanmean(np.concatenate(errors))
    assert f"an MAE of {expected:.6g}, where" in line


def test_without_a_command_the_commands_are_listed(capsys):
    """Kind: a command that does not say what it can do, nor its version."""
    for argv, code in (([], 2), (["--version"], 0)):
        with pytest.raises(SystemExit) as exit_:
            cli.main(argv)
        assert exit_.value.code == code
        out = capsys.readouterr().out
        assert "stream" in out if code else out.startswith("tsrnn 0")


def test_a_line_comes_out_for_each_line_that_goes_in(folder):
    """Kind: a program that sends a line and waits for its answer (--one-for-one)."""
    model = folder.fit()
    lines = folder.read("new.csv").decode().splitlines()[:8]
    lines[3:3] = ["", "no, row", lines[2]]  # an empty one, a bad one, one that was seen
    answers = [json.loads(answer) for answer in answers_of(model, lines, "--on-error", "log")]
    cutoffs = [None if answer is None else answer["cutoff"] for answer in answers]
    stamps = [stamp.isoformat() for stamp in folder.rows.index[80:87]]
    assert cutoffs == [None, *stamps[:2], None, None, None, *stamps[2:]]


def answers_of(model, lines, *argv):
    """Send lines one by one, each when the one before is answered; return the answers."""
    command = [sys.executable, "-m", "tsrnn", "stream", model, "--one-for-one", *argv]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    answers = []
    with subprocess.Popen(command, **pipes, text=True) as process:
        for line in lines:
            process.stdin.write(line + "\n")
            process.stdin.flush()
            answers.append(process.stdout.readline().removesuffix("\n"))
        process.stdin.close()
        assert process.stdout.read() == ""
    assert process.returncode == 0
    return answers


@pytest.fixture
def panel(folder):
    """A model of a panel, and its rows to come."""
    long = folder.rows.rename_axis("time").melt(ignore_index=False, var_name="id").reset_index()
    long = long.sort_values(["time", "id"], ignore_index=True)
    long[:160].to_csv(folder["long.csv"], index=False)
    argv = ("--time", "time", "--id", "id", "--model", "linear", "--horizon", 2)
    assert folder("fit", folder["long.csv"], *argv, "-o", folder["p.tsrnn"]) == 0
    return folder["p.tsrnn"], long[160:]


def test_the_line_that_ends_a_time_stamp_answers_for_its_series(panel):
    """Kind: a program that waits for its answer, of a panel: a time stamp is learnt as one."""
    path, rows = panel
    texts = rows.to_csv(index=False).splitlines()[:9]
    del texts[4]  # of one series: its stamp is ended by the next one
    found = [json.loads(answer) for answer in answers_of(path, texts)]
    model, expected = load(path), []
    for _, some in rows.drop(index=rows.index[3]).groupby("time"):
        model.partial_fit(some)
        ahead = model.forecast(ids=some["id"].tolist())
        expected.append([ahead["value"][ahead["id"] == one].tolist() for one in some["id"]])
    values = [answer and [one["forecast"]["value"] for one in answer] for answer in found]
    assert values == [None, None, expected[0], None, expected[1], expected[2], None, expected[3]]
    assert [one["id"] for one in found[2]] == ["s0", "s1"]


def test_one_for_one_of_a_panel_needs_lines_that_hold_several(panel, capsys):
    """Kind: a program that waits for one line, of several series: only JSON holds them."""
    assert "found --one-for-one" not in capsys.readouterr().err
    assert cli.main(["stream", panel[0], "--one-for-one", "--format", "csv"]) == 1
    assert "expected --format jsonl" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "stamp", "found"),
    [
        ([], "2012-02-30T01:00", "found '2012-02-30T01:00' as time stamp, expected a date that"),
        (["--time-format", "%d/%m/%Y"], "2/30/12", "expected the form '%d/%m/%Y' (--time-format)"),
        (["--time-format", "s"], "noon", "found 'noon' as time stamp, expected a number of s"),
        ([], "2024-01-04T08:30", "found 1 rows off the frequency h"),
    ],
)
def test_errors_are_in_words_of_its_own(argv, stamp, found, folder, capsys):
    """Kind: messages of pandas inside one-line errors."""
    (folder.path / "row.csv").write_text(f"time,s0,s1\n{stamp},1,2\n")
    assert folder("update", folder.fit(), folder["row.csv"], *argv) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert found in line
    assert "might want" not in line and "match format" not in line


def test_the_hour_that_comes_twice_is_not_to_be_skipped(folder, capsys):
    """Kind: local time as clocks go back, of which advice dropped a true row."""
    local = pd.date_range("2024-10-26", periods=60, freq="h", tz="Europe/London")
    rows = folder.rows[:60].rename_axis("time")
    rows.set_axis(local.tz_localize(None)).rename_axis("time").to_csv(folder["local.csv"])
    argv = ("--time", "time", "--model", "naive", "-o", folder["l.tsrnn"])
    for zone in ((), ("--tz", "Europe/London")):
        assert folder("fit", folder["local.csv"], *argv, *zone) == 1
        assert "write the offset from UTC, as in 2024-10-27T01:00+01:00" in capsys.readouterr().err
    rows.set_axis(local).rename_axis("time").to_csv(folder["local.csv"])  # the remedy followed
    assert folder("fit", folder["local.csv"], *argv, *zone) == 0
    assert load(folder["l.tsrnn"]).cutoff_ == local[-1]


def test_arguments_that_mean_nothing_are_told(folder, capsys):
    """Kind: messages of libraries inside errors, of a frequency, a time zone, a lost folder."""
    argv = ("--time", "time", *SMALL, "-o", folder["x.tsrnn"])
    assert folder("fit", folder["history.csv"], *argv, "--freq", "xyz") == 1
    err = capsys.readouterr().err
    assert "found freq='xyz', expected a frequency as pandas writes it" in err
    assert "KeyError" not in err
    with pytest.raises(SystemExit):
        folder("fit", folder["history.csv"], *argv, "--tz", "Mars/Base")
    assert "found 'Mars/Base', expected a time zone" in capsys.readouterr().err
    assert folder("forecast", folder.fit(), "-o", folder["no/where.csv"]) == 1
    assert "where.csv: No such file or directory" in capsys.readouterr().err


def test_parquet_that_is_none_or_has_no_numbers_is_told(folder, capsys):
    """Kind: messages of pyarrow inside errors, of files cut off or without numbers."""
    pytest.importorskip("pyarrow")
    (folder.path / "cut.parquet").write_bytes(b"PAR1 and no more")
    folder.rows.astype({"s1": str}).to_parquet(folder["texts.parquet"])
    model = folder.fit()
    for name, found in (("cut", "found no Parquet in"), ("texts", "no numbers in column 's1'")):
        assert folder("update", model, folder[f"{name}.parquet"]) == 1
        assert found in capsys.readouterr().err
