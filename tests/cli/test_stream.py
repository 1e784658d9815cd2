"""The stream: forecasts as in Python, exact restarts, bad rows, signals, slow readers."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import content, hourly
from helpers.folder import N_FIT, N_NEW, Folder, to_csv

from tsrnn import load, persistence
from tsrnn.cli import stream
from tsrnn.cli.io import lines
from tsrnn.cli.io.issued import Issued, WriterOptions
from tsrnn.cli.io.json_lines import JsonWriter

KILLS = Path(__file__).parents[2] / "benchmarks" / "kill_stream.py"


def expected_lines(folder, frozen=False, model=None, rows=None):
    """What the stream should write, and the model in the end."""
    model = load(folder["m.tsrnn"]) if model is None else model
    rows, written = folder.rows[N_FIT:] if rows is None else rows, []
    for row in range(len(rows)):
        p_value = model.p_values(rows[row : row + 1]).iloc[0].to_dict()
        (model.update if frozen else model.partial_fit)(rows[row : row + 1])
        ahead = model.forecast()
        times = [time.isoformat() for time in ahead.index]
        values = {name: column.tolist() for name, column in ahead.items()}
        line = {"cutoff": model.cutoff_.isoformat(), "times": times, "forecast": values}
        written.append(line | {"p_value": p_value})
    return written, model


def read_lines(data):
    return [json.loads(line) for line in data.splitlines()]


def run(folder, *argv, source="new.csv"):
    return folder("stream", folder["m.tsrnn"], "--input", folder[source], *argv)


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("block", [1, 100, 1 << 16])
def test_each_row_gives_the_forecast_after_it(frozen, block, folder, monkeypatch):
    """Kind: lines that do not tell their times: each has its cutoff and the stamps of its steps."""
    monkeypatch.setattr(lines, "BLOCK", block)
    argv = ["--output", folder["out"], "--checkpoint", folder["c"], *["--frozen"] * frozen]
    assert run(folder, *argv) == 0
    written, model = expected_lines(folder, frozen)
    assert read_lines(folder.read("out")) == written
    assert content(load(folder["c"])) == content(model)


def test_standard_output_and_input(folder):
    command = [sys.executable, "-m", "tsrnn", "stream", folder["m.tsrnn"], "--horizon", "2"]
    done = subprocess.run(command, input=folder.read("all.csv"), capture_output=True, check=True)
    found = read_lines(done.stdout)
    assert [line["cutoff"] for line in found] == [
        stamp.isoformat() for stamp in folder.rows.index[N_FIT:]
    ]
    assert all(len(line["forecast"]["s0"]) == 2 for line in found)
    assert b"40 rows, 80 not newer than those before, 0 skipped" in done.stderr


def test_json_lines_and_another_order_of_columns(folder):
    """Kind: programs that speak JSON: lines of it are rows, asked for by --format or not."""
    frame = folder.rows[N_FIT:].reset_index()[["s1", "time", "s0"]]
    frame.to_json(folder["new.jsonl"], orient="records", lines=True, date_format="iso",
                  double_precision=15)  # fmt: skip
    frame.to_csv(folder["other.csv"], index=False)
    for source in ("new.jsonl", "other.csv"):
        assert run(folder, "--output", folder[source + ".out"], source=source) == 0
    named = ("--output", folder["named.out"], "--format", "jsonl")
    assert run(folder, *named, source="new.jsonl") == 0
    assert folder.read("named.out") == folder.read("new.jsonl.out")
    found = read_lines(folder.read("other.csv.out"))
    assert found == expected_lines(folder)[0]
    assert [line["cutoff"] for line in read_lines(folder.read("new.jsonl.out"))] == [
        line["cutoff"] for line in found
    ]


def test_rows_without_a_header(folder):
    text = folder.read("new.csv").decode().partition("\n")[2]
    (folder.path / "bare.csv").write_text(text)
    assert run(folder, "--output", folder["out"], "--no-header", source="bare.csv") == 0
    assert read_lines(folder.read("out")) == expected_lines(folder)[0]


def test_a_zone_is_kept(folder, monkeypatch):
    rows = hourly(N_FIT + 10, tz="Europe/Rome")
    rows[:N_FIT].to_csv(folder["zoned.csv"])
    rows.to_csv(folder["more.csv"])
    argv = ["--time", "time", "--tz", "Europe/Rome", "--model", "naive", "-o", folder["z"]]
    assert folder("fit", folder["zoned.csv"], *argv) == 0
    assert (
        folder("stream", folder["z"], "--input", folder["more.csv"], "--output", folder["o"]) == 0
    )
    written, _ = expected_lines(folder, model=load(folder["z"]), rows=rows[N_FIT:])
    assert read_lines(folder.read("o")) == written


@pytest.mark.parametrize("stops", [[1], [13, 14, 30], [5, 10, 15, 20, 25, 30, 35]])
def test_a_restart_goes_on_where_it_was(stops, folder):
    """Each part of the input is streamed by a run of its own, all rows from the start."""
    argv = ["--output", folder["out"], "--checkpoint", folder["c"], "--every", 7]
    for stop in [*stops, N_NEW]:
        to_csv(folder.rows[: N_FIT + stop], folder["part.csv"])
        assert run(folder, *argv, source="part.csv") == 0
    written, model = expected_lines(folder)
    assert read_lines(folder.read("out")) == written
    assert content(load(folder["c"])) == content(model)
    assert content(load(folder["m.tsrnn"])) != content(model)


def test_output_beyond_the_checkpoint_is_cut_back(folder):
    argv = ["--output", folder["out"], "--checkpoint", folder["c"]]
    assert run(folder, *argv) == 0
    whole = folder.read("out")
    with open(folder["out"], "ab") as file:
        file.write(b'{"cutoff": half a line')
    assert run(folder, *argv) == 0
    assert folder.read("out") == whole


def test_what_an_output_held_before_stays(folder):
    (folder.path / "out").write_text("before\n")
    argv = ["--output", folder["out"], "--checkpoint", folder["c"]]
    assert run(folder, *argv) == 0
    assert run(folder, *argv) == 0
    first, *others = folder.read("out").splitlines()
    assert first == b"before"
    assert len(others) == N_NEW


@pytest.mark.parametrize("text", ["", "something else\n" * 9999])
def test_another_output_is_not_touched(text, folder, capsys):
    argv = ["--output", folder["out"], "--checkpoint", folder["c"]]
    assert run(folder, *argv) == 0
    (folder.path / "out").write_text(text)
    capsys.readouterr()
    assert run(folder, *argv) == 1
    assert "without the forecasts up to the checkpoint" in capsys.readouterr().err
    assert folder.read("out").decode() == text


def spoil(folder, changes):
    rows = folder.read("new.csv").decode().splitlines()
    for line, text in changes.items():
        rows[line - 1] = text(rows[line - 1]) if callable(text) else text
    (folder.path / "new.csv").write_text("\n".join(rows))


BAD = {
    5: "nonsense",
    9: lambda line: line[:-3] + "x.y",
    12: "2024-01-04T18:30,1,2",  # off the frequency
    20: lambda line: line.split(",")[0] + ",inf,1",
    30: "1999-01-01T00:00,1,2",  # older: no error, it may be a replay
}


def test_a_bad_row_stops_the_stream_and_the_rows_before_it_are_kept(folder, capsys):
    spoil(folder, BAD)
    argv = ["--output", folder["out"], "--checkpoint", folder["c"]]
    assert run(folder, *argv) == 1
    err = capsys.readouterr().err.splitlines()[-1]
    assert err.startswith("tsrnn stream: line 5: found 1 fields, expected 3; mend it, or pass")
    assert len(folder.read("out").splitlines()) == 3
    assert load(folder["c"]).cutoff_ == folder.rows.index[N_FIT + 2]


@pytest.mark.parametrize("policy", ["skip", "log"])
def test_bad_rows_are_passed_over(policy, folder, capsys):
    spoil(folder, BAD)
    capsys.readouterr()
    assert run(folder, "--output", folder["out"], "--on-error", policy) == 0
    kept = np.delete(np.arange(N_NEW), [line - 2 for line in BAD])
    found = [line["cutoff"] for line in read_lines(folder.read("out"))]
    assert found == [folder.rows.index[N_FIT + row].isoformat() for row in kept]
    err = capsys.readouterr().err
    assert "35 rows, 1 not newer than those before, 4 skipped" in err
    shown = [line for line in (5, 9, 12, 20) if f"skipped line {line}: " in err]
    assert shown == [5, 9, 12, 20][: 4 if policy == "log" else 3]


def test_a_checkpoint_that_cannot_be_written(folder, capsys, monkeypatch):
    argv = ["--output", folder["out"], "--checkpoint", folder["c"], "--every", 10]
    to_csv(folder.rows[: N_FIT + 15], folder["part.csv"])
    assert run(folder, *argv, source="part.csv") == 0
    before = folder.read("c")
    with monkeypatch.context() as patch:

        def full(descriptor):
            raise OSError(28, "No space left on device")

        patch.setattr(os, "fsync", full)
        assert run(folder, *argv) == 1
    assert "No space left on device" in capsys.readouterr().err.splitlines()[-1]
    assert folder.read("c") == before
    assert run(folder, *argv) == 0
    assert read_lines(folder.read("out")) == expected_lines(folder)[0]


def start(folder, *argv, **options):
    command = [sys.executable, "-m", "tsrnn", "stream", folder["m.tsrnn"], *map(str, argv)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, **pipes | options)


def test_a_signal_ends_a_waiting_stream_in_good_order(folder):
    """By SIGINT; SIGTERM comes in the tests below."""
    process = start(folder, "--checkpoint", folder["c"])
    head = b"\n".join(folder.read("new.csv").split(b"\n")[:11]) + b"\n"
    process.stdin.write(head + b"2024-01-04T18:00,half a ro")
    process.stdin.flush()
    found = [process.stdout.readline() for _ in range(10)]  # at once, with the input still open
    time.sleep(1)  # until it waits for more
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert read_lines(b"".join(found)) == expected_lines(folder)[0][:10]
    assert b"10 rows" in process.stderr.read()
    assert load(folder["c"]).cutoff_ == folder.rows.index[N_FIT + 9]
    process.communicate()


def test_a_signal_ends_a_stream_whose_reader_sleeps(folder):
    """Nobody reads: the pipe fills, the input waits, and what was not handed on comes again.

    With all their digits, 500 rows are more than what waits in the pipe and is read ahead.
    """
    rows = hourly(N_FIT + 500, 2)
    rows[N_FIT:].to_csv(folder["many.csv"], date_format="%Y-%m-%dT%H:%M", float_format="%.600f")
    with open(folder["many.csv"], "rb") as file:
        process = start(folder, "--checkpoint", folder["c"], "--every", 50, stdin=file)
        limit = time.monotonic() + 60
        place, still = 0, 0
        while still < 20 and time.monotonic() < limit:  # until it reads no more
            time.sleep(0.1)
            now = os.lseek(file.fileno(), 0, os.SEEK_CUR)
            still = still + 1 if now == place > 0 else 0
            place = now
        process.terminate()
        assert process.wait(30) == 0
    assert place < os.path.getsize(folder["many.csv"]), "it went on reading with no reader"
    out, _ = process.communicate()
    argv = ["--checkpoint", folder["c"], "--output", folder["later"]]
    assert run(folder, *argv, source="many.csv") == 0
    first = read_lines(out[: out.rindex(b"\n")])
    found = {line["cutoff"]: line for line in first}
    for line in read_lines(folder.read("later")):
        assert found.setdefault(line["cutoff"], line) == line  # repeats are identical
    assert [*found.values()] == expected_lines(folder, rows=rows[N_FIT:])[0]


def test_a_growing_file_is_followed_until_a_signal(folder):
    new = folder.read("new.csv").split(b"\n")
    (folder.path / "log.csv").write_bytes(b"\n".join(new[:4]) + b"\n")
    process = start(folder, "--input", folder["log.csv"], "--follow", "--checkpoint", folder["c"])
    found = [process.stdout.readline() for _ in range(3)]
    with open(folder["log.csv"], "ab") as file:
        file.write(b"\n".join(new[4:9]) + b"\n")
    found += [process.stdout.readline() for _ in range(5)]
    process.terminate()
    assert process.wait(30) == 0
    assert read_lines(b"".join(found)) == expected_lines(folder)[0][:8]
    process.communicate()


def test_seconds_between_checkpoints_pass_while_nothing_comes(folder):
    process = start(folder, "--checkpoint", folder["c"], "--every", "0.2s")
    process.stdin.write(b"\n".join(folder.read("new.csv").split(b"\n")[:4]) + b"\n")
    process.stdin.flush()
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        if Path(folder["c"]).exists() and load(folder["c"]).cutoff_ == folder.rows.index[N_FIT + 2]:
            break
        time.sleep(0.05)
    else:
        raise AssertionError("no checkpoint came")
    process.kill()
    process.communicate()


def test_leftovers_of_a_kill_are_cleared(folder):
    assert run(folder, "--checkpoint", folder["c"], "--output", folder["out"]) == 0
    left = folder.path / ".c.0123456789ab.tmp"
    left.touch()
    assert run(folder, "--checkpoint", folder["c"], "--output", folder["out"]) == 0
    assert not left.exists()


@pytest.mark.parametrize(
    "size",
    [["--history", "200", "--count", "2", "--rows", "100"],
     pytest.param(["--count", "8", "--rows", "600"], marks=pytest.mark.slow)],
    ids=["few", "more"],
)  # fmt: skip
def test_kills_at_random_moments_leave_no_trace(size, tmp_path):
    command = [sys.executable, KILLS, *size]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 failures" in done.stdout


@pytest.mark.parametrize(("text", "value"), [("50", (50, None)), ("2.5s", (None, 2.5))])
def test_every_is_rows_or_seconds(text, value):
    assert stream._every(text) == value


@pytest.mark.parametrize("text", ["0", "-1", "s", "0s", "infs", "ten", "1.5"])
def test_bad_every(text, capsys):
    with pytest.raises(SystemExit):
        Folder.__call__(None, "stream", "m", "--every", text)
    assert "expected rows, such as 500, or seconds: 30s" in capsys.readouterr().err


def test_names_that_are_no_text_and_values_that_are_none():
    issued = Issued(3, pd.DataFrame({("a", 1): [1.0, np.nan]}, index=[4, 5]))
    (line,) = JsonWriter(WriterOptions([])).forecasts([issued])
    assert json.loads(line) == {
        "cutoff": 3,
        "times": [4, 5],
        "forecast": {"('a', 1)": [1.0, None]},
    }


def test_a_checkpoint_is_a_model_like_any_other(folder, capsys):
    assert run(folder, "--checkpoint", folder["c"], "--output", folder["out"]) == 0
    capsys.readouterr()
    assert folder("forecast", folder["c"]) == 0
    assert "s0" in capsys.readouterr().out
    assert persistence.read(folder["c"]).notes["source"]["time"] == ["time"]
