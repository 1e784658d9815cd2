"""CSV of several lines a row, and forecasts written as CSV."""

import csv
import io
import json

import numpy as np
import pytest
from helpers.folder import N_FIT, Folder

from tsrnn import load
from tsrnn.cli.io.lines import Lines
from tsrnn.cli.io.rows import MOST_LINES, RowParser
from tsrnn.cli.io.times import TimeOptions


def blocks_of(data, size):
    lines = Lines()
    for start in range(0, len(data), size):
        yield from lines.take(data[start : start + size])
    yield from lines.end()


def parse(text, size=1 << 16):
    parser = RowParser(["x"], TimeOptions(["t"]))
    return [*parser.blocks(blocks_of(text.encode(), size))]


@pytest.mark.parametrize("size", [1, 7, 1 << 16])
def test_quotes_hold_ends_of_lines(size):
    """Kind: quoted newlines in CSV break lines, in whatever blocks they come."""
    rows = [
        ["2024-01-01", 'say "hi",\nand go', "1"],
        ["2024-01-02", "plain", "2"],
        ["2024-01-03", "\n\n1,2,3\n", "3"],
        ["2024-01-04", "last", "4"],
    ]
    text = io.StringIO()
    csv.writer(text).writerows([["t", "note\nof the day", "x"], *rows])
    found = parse(text.getvalue(), size)
    assert np.concatenate([some.numbers[:, 0] for some in found]).tolist() == [1, 2, 3, 4]
    lines = [line for some in found for line in some.lines.tolist()]
    assert lines == [4, 5, 9, 10]  # where each row ends
    assert not any(some.problems for some in found)


def test_quotes_that_are_not_closed_cost_their_own_row_alone():
    """Kind: quotes that are not closed: a stream must not fall silent by one wrong character."""
    (rows, _) = parse('t,x,n\n2024-01-01,1,"abc\n2024-01-02,2,\n2024-01-03,3,"ok"\n')
    assert rows.numbers[:, 0].tolist() == [2, 3]
    assert rows.problems == {3: "found quotes in line 2 that are not closed"}


def test_quotes_that_are_open_at_the_end_or_for_long_are_told():
    *_, rest = parse('t,x,n\n2024-01-01,1,"abc\n')
    assert rest.problems == {2: "found quotes that are not closed"}
    *rows, rest = parse('t,x,n\n2024-01-01,1,"abc\n' + "words\n" * (MOST_LINES + 1))
    assert rows[0].problems[MOST_LINES + 2] == "found quotes in line 2 that are not closed"
    assert not rest.problems


P_VALUES = ["s0_p_value", "s1_p_value"]


@pytest.fixture(scope="module")
def first_folder(tmp_path_factory):
    folder = Folder(tmp_path_factory.mktemp("csv"))
    folder.fit()
    return folder


def stream(folder, *argv):
    argv = ("--input", folder["new.csv"], "--output", folder["o"], "--format", "csv", *argv)
    assert folder("stream", folder["m.tsrnn"], *argv) == 0
    return folder.read("o").decode().splitlines()


def forecasts(folder, **options):
    model, rows = load(folder["m.tsrnn"]), folder.rows[N_FIT:]
    for row in range(len(rows)):
        now = rows[row : row + 1]
        p_values = model.p_values(now).iloc[0].tolist()
        model.partial_fit(now)
        yield model.cutoff_, model.forecast(**options), [*map(repr, p_values)]


def test_forecasts_are_written_as_csv(folder):
    """Kind: programs that read CSV: `--format csv` gives a line a step, with its times."""
    header, *lines = stream(folder, "--coverage", 0.9)
    ends = ["_lower_0.9", "_upper_0.9"]
    bounds = [name + end for name in ("s0", "s1") for end in ends]
    assert header.split(",") == ["cutoff", "time", "s0", "s1", *bounds, *P_VALUES]
    expected = [
        [cutoff.isoformat(), time.isoformat(), *map(repr, values), *p_values]
        for cutoff, ahead, p_values in forecasts(folder, coverage=0.9)
        for time, values in zip(ahead.index, ahead.to_numpy().tolist(), strict=True)
    ]
    assert [line.split(",") for line in lines] == expected


def test_a_restart_writes_no_header_again(folder):
    """Kind: a header in the middle of a file: a restart writes none again."""
    rows = folder.read("new.csv").splitlines(keepends=True)
    (folder.path / "part.csv").write_bytes(b"".join(rows[:20]))
    argv = ("--checkpoint", folder["c.tsrnn"], "--every", 7)
    part = stream(folder, *argv, "--input", folder["part.csv"])
    found = stream(folder, *argv)
    assert found[: len(part)] == part and len(found) > len(part)
    assert [line for line in found if line.startswith("cutoff")] == found[:1]
    (folder.path / "o").unlink()
    assert stream(folder) == found


def test_one_for_one_all_steps_are_on_a_line(folder):
    """Kind: a program that waits for its answer, in CSV: one line for each, all steps on it.

    The header is answered by a header, a line without a forecast by itself.
    """
    rows = folder.read("new.csv").decode().splitlines()
    rows[2:2] = ["no row", rows[1], rows[0], ""]
    (folder.path / "new.csv").write_text("\n".join([*rows, ""]))
    lines = stream(folder, "--one-for-one", "--on-error", "skip")
    assert len(lines) == len(rows)
    steps = [f"{name}_{step}" for name in ("s0", "s1") for step in (1, 2, 3)]
    assert lines[0].split(",") == ["cutoff", *steps, *P_VALUES]
    assert lines[2:6] == rows[2:6]
    expected = [
        [cutoff.isoformat(), *map(repr, ahead.to_numpy().T.ravel().tolist()), *p_values]
        for cutoff, ahead, p_values in forecasts(folder)
    ]
    assert [line.split(",") for line in lines[1:2] + lines[6:]] == expected


def test_a_panel_has_its_ids_in_a_column(folder):
    """Kind: programs that read CSV, of a panel: ids are a column, in quotes where they need it."""
    rows = folder.rows.rename_axis("time").melt(ignore_index=False, var_name="id").reset_index()
    rows = rows.replace({"id": {"s0": 'the "a", of b'}}).sort_values(["time", "id"])
    rows[:160].to_csv(folder["h.csv"], index=False)
    rows[160:].to_csv(folder["new.csv"], index=False)
    argv = ("--time", "time", "--id", "id", "--model", "linear", "-o", folder["m.tsrnn"])
    assert folder("fit", folder["h.csv"], *argv) == 0
    header, first, *_ = csv.reader(stream(folder))
    assert header == ["id", "cutoff", "time", "value", "value_p_value"]
    model = load(folder["m.tsrnn"])
    p_value = model.p_values(rows[160:162])["value"].tolist()[0]
    ahead = model.partial_fit(rows[160:162]).forecast(ids=[first[0]])
    assert first == [
        rows["id"].iloc[160],
        rows["time"].iloc[160].isoformat(),
        ahead["time"].iloc[0].isoformat(),
        repr(ahead["value"].tolist()[0]),
        repr(p_value),
    ]


def test_snapped_stamps_are_known_after_a_restart(folder):
    """Kind: a clock that jitters; rows seen before come again, with the same jitter."""
    rows = folder.rows.copy()
    rows.index += np.random.default_rng(0).choice([0, 4, 9], len(rows)) * np.timedelta64(1, "s")
    rows[:N_FIT].to_csv(folder["h.csv"])
    rows[N_FIT : N_FIT + 9].to_csv(folder["part.csv"])
    rows[N_FIT:].to_csv(folder["all.csv"])
    argv = ("--time", "time", "--snap", "10s", "--hidden-size", 4, "--max-iter", 3, "-o")
    assert folder("fit", folder["h.csv"], *argv, folder["j.tsrnn"], "--random-state", 0) == 0
    argv = ("--output", folder["j"], "--checkpoint", folder["c.tsrnn"])
    for name in ("part.csv", "all.csv"):
        assert folder("stream", folder["j.tsrnn"], "--input", folder[name], *argv) == 0
    cutoffs = [json.loads(line)["cutoff"] for line in folder.read("j").splitlines()]
    assert cutoffs == [stamp.isoformat() for stamp in folder.rows.index[N_FIT:]]
    assert folder("update", folder["c.tsrnn"], folder["all.csv"]) == 0


def test_a_clock_that_comes_to_jitter(folder, capsys):
    """Kind: an even history, and a stream whose clock is off: `stream --snap`, and the others."""
    rows = folder.rows.copy()
    rows.index += np.random.default_rng(0).choice([0, 4, 9], len(rows)) * np.timedelta64(1, "s")
    rows[N_FIT:].to_csv(folder["off.csv"])
    model = folder.fit()
    argv = (folder["off.csv"], "--snap", "10s")
    assert folder("stream", model, "--input", folder["off.csv"], "--output", folder["o"]) == 1
    assert "pass snap='10s'" in capsys.readouterr().err
    assert folder("stream", model, "--input", *argv, "--output", folder["j"]) == 0
    cutoffs = [json.loads(line)["cutoff"] for line in folder.read("j").splitlines()]
    assert cutoffs == [stamp.isoformat() for stamp in folder.rows.index[N_FIT:]]
    assert folder("stream", model, "--input", folder["off.csv"], "--snap", "40min") == 1
    assert "less than half a step" in capsys.readouterr().err
    assert folder("evaluate", model, *argv) == folder("update", model, *argv) == 0
