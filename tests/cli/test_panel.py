"""Panels and texts on the command line: as in Python, stamp by stamp, and through kills."""

import json
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from helpers import content, hourly
from helpers.folder import Folder

from tsrnn import RNNForecaster, evaluate, load
from tsrnn.cli.io import lines

IDS, N_FIT, N_NEW = ["b", "a", "007"], 60, 30


def long_frame(n_rows):
    wide = hourly(n_rows, len(IDS))
    wide.columns = IDS
    long = wide.rename_axis("time").melt(ignore_index=False, var_name="who", value_name="load")
    long = long.reset_index().sort_values("time", kind="stable", ignore_index=True)
    long["region"] = long["who"].map({"b": "north", "a": "south", "007": "north"})
    long["sky"] = np.random.default_rng(0).choice(["clear", "rain"], len(long))
    return long[["time", "who", "region", "sky", "load"]]


@pytest.fixture(scope="module")
def first_folder(tmp_path_factory):
    folder = Folder(tmp_path_factory.mktemp("panel"))
    folder.rows = long_frame(N_FIT + N_NEW)
    n_fit = N_FIT * len(IDS)
    for name, rows in {
        "h": folder.rows[:n_fit],
        "n": folder.rows[n_fit:],
        "all": folder.rows,
    }.items():
        rows.to_csv(folder.path / f"{name}.csv", index=False, date_format="%Y-%m-%dT%H:%M")
    argv = ["--time", "time", "--id", "who", "--target", "load", "--inputs", "sky",
            "--static-cols", "region", "--horizon", 3, "--hidden-size", 4, "--max-iter", 5,
            "--random-state", 0]  # fmt: skip
    assert folder("fit", folder["h.csv"], *argv, "-o", folder["m.tsrnn"]) == 0
    return folder


def same(folder, name, model):
    """Whether the model in a file is this one, in all that a file holds of it."""
    model.save(folder["same"])
    return content(load(folder[name])) == content(load(folder["same"]))


def new_rows(folder):
    return folder.rows[N_FIT * len(IDS) :]


def by_stamp(model, rows):
    """What the stream should write when these rows, stamp by stamp, are learnt."""
    written = []
    for stamp, some in rows.groupby("time"):
        p_values = dict(zip(some["who"], model.p_values(some)["load"], strict=True))
        model.partial_fit(some)
        ahead = model.forecast(ids=some["who"].tolist())
        for one in some["who"]:
            own = ahead[ahead["who"] == one]
            times = [time.isoformat() for time in own["time"]]
            line = {"id": one, "cutoff": stamp.isoformat(), "times": times}
            p_value = p_values[one] if np.isfinite(p_values[one]) else None
            forecast = {"forecast": {"load": own["load"].tolist()}}
            written.append({**line, **forecast, "p_value": {"load": p_value}})
    return written


_SHARED = []


def all_by_stamp(folder):
    """What the stream should write of all new rows, and the model then; tests share it."""
    if not _SHARED:
        model = load(folder["m.tsrnn"])
        _SHARED.append((by_stamp(model, new_rows(folder)), model))
    return _SHARED[0]


def written_by(folder, name="out"):
    return [json.loads(line) for line in folder.read(name).splitlines()]


def stream(folder, source, *argv):
    return folder("stream", folder["m.tsrnn"], "--input", folder[source], *argv)


def test_fit_is_that_of_python(folder):
    model = RNNForecaster(3, id_col="who", time_col="time", target="load", static_cols=["region"],
                          hidden_size=4, max_iter=5, random_state=0)  # fmt: skip
    model.fit(folder.rows[: N_FIT * len(IDS)])
    found = load(folder["m.tsrnn"])
    assert found.cutoff_.index.tolist() == model.cutoff_.index.tolist() == IDS
    pd.testing.assert_frame_equal(found.forecast(), model.forecast(), check_index_type=False)


def test_forecast_and_info(folder, capsys):
    capsys.readouterr()
    assert folder("forecast", folder["m.tsrnn"], "--series", "007", "--series", "b") == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0] == "who,time,load"
    assert [line.split(",")[0] for line in table[1:]] == ["007"] * 3 + ["b"] * 3
    assert folder("forecast", folder["m.tsrnn"], "--json") == 0
    first = json.loads(capsys.readouterr().out.splitlines()[0])
    assert list(first) == ["who", "time", "load"]
    assert folder("info", folder["m.tsrnn"], "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["series"], facts["ids in"], facts["targets"]) == (3, "who", ["load"])
    assert facts["last row"] == str(folder.rows["time"][N_FIT * len(IDS) - 1])
    assert folder("forecast", folder["m.tsrnn"], "--series", "nobody") == 1
    assert "never seen" in capsys.readouterr().err


def test_update_takes_what_is_new_to_each_series(folder, capsys):
    model = load(folder["m.tsrnn"]).partial_fit(new_rows(folder))
    assert folder("update", folder["m.tsrnn"], folder["all.csv"], "-o", folder["u"]) == 0
    assert "90 rows learnt, 180 seen before" in capsys.readouterr().err
    assert same(folder, "u", model)


def test_a_series_that_lags_behind_gets_its_rows(folder, capsys):
    rows = new_rows(folder)
    late = (rows["who"] == "a") & (rows["time"] > rows["time"].iloc[5])
    rows[~late].to_csv(folder["early.csv"], index=False)
    assert folder("update", folder["m.tsrnn"], folder["early.csv"]) == 0
    capsys.readouterr()
    assert folder("update", folder["m.tsrnn"], folder["n.csv"]) == 0
    assert f"{late.sum()} rows learnt, {(~late).sum()} seen before" in capsys.readouterr().err
    assert (load(folder["m.tsrnn"]).cutoff_ == rows["time"].max()).all()


def test_evaluate_is_prequential(folder, capsys):
    capsys.readouterr()
    assert folder("evaluate", folder["m.tsrnn"], folder["all.csv"], "--json") == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    table = evaluate.prequential(load(folder["m.tsrnn"]), new_rows(folder)).metrics
    assert found["MAE"] == pytest.approx(table.loc[("all", "all"), "MAE"])


@pytest.mark.parametrize("block", [1, 100, 1 << 16])
def test_stream_learns_the_rows_of_a_stamp_together(block, folder, monkeypatch):
    monkeypatch.setattr(lines, "BLOCK", block)
    argv = ["--output", folder["out"], "--checkpoint", folder["c"]]
    assert stream(folder, "all.csv", *argv) == 0
    written, model = all_by_stamp(folder)
    assert written_by(folder) == written
    assert same(folder, "c", model)


@pytest.mark.parametrize("stops", [[1], [7, 8, 20]])
def test_restarts_drop_what_each_series_has_seen(stops, folder):
    argv = ["--output", folder["out"], "--checkpoint", folder["c"], "--every", 4]
    for stop in [*stops, N_NEW]:
        part = folder.rows[: (N_FIT + stop) * len(IDS)]
        part.to_csv(folder["part.csv"], index=False)
        assert stream(folder, "part.csv", *argv) == 0
    written, model = all_by_stamp(folder)
    assert written_by(folder) == written
    assert same(folder, "c", model)


@pytest.mark.slow
def test_kills_leave_no_trace(folder):
    rows = new_rows(folder).drop(index=[184, 185, 200, 230])  # some stamps are not whole
    newcomer = rows.loc[[240, 243, 246]].assign(who="new", region="west")
    newcomer.index += 1000
    rows = pd.concat([rows, newcomer]).sort_values("time", kind="stable")
    order = rows.index.tolist()
    place = order.index(215)  # which comes late: after a row of the next stamp
    order[place], order[place + 1] = order[place + 1], order[place]
    rows = rows.loc[order]
    pd.concat([folder.rows[100 : N_FIT * len(IDS)], rows]).to_csv(folder["r.csv"], index=False)
    assert stream(folder, "r.csv", "--output", folder["o"], "--checkpoint", folder["w"]) == 0
    whole = folder.read("o")
    assert len(whole.splitlines()) == len(rows)
    argv = [sys.executable, "-m", "tsrnn", "stream", folder["m.tsrnn"], "--output", folder["out"],
            "--checkpoint", folder["c"], "--every", "5"]  # fmt: skip
    data = folder.read("r.csv").splitlines(keepends=True)
    for n_lines in (100, 120, 145):  # killed with the input open, amid a stamp or not
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        process.stdin.write(b"".join(data[:n_lines]))
        process.stdin.flush()
        size, limit = -1, time.monotonic() + 60
        while size < 200 and time.monotonic() < limit:
            time.sleep(0.05)
            size = len(folder.read("out")) if (folder.path / "out").exists() else -1
        process.kill()
        process.communicate()
    assert stream(folder, "r.csv", "--output", folder["out"], "--checkpoint", folder["c"]) == 0
    assert folder.read("out") == whole
    assert same(folder, "c", load(folder["w"]))


@contextmanager
def open_stream(folder, data):
    """A stream that has got these bytes, with its input still open; ended after a minute."""
    argv = [sys.executable, "-m", "tsrnn", "stream", folder["m.tsrnn"]]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(argv, **pipes) as process:
        timer = threading.Timer(60, process.kill)
        timer.start()
        process.stdin.write(data)
        process.stdin.flush()
        yield process
        process.communicate()
        timer.cancel()


def test_a_whole_stamp_waits_for_no_other(folder):
    """Its forecasts come while the input is still open; those of a stamp that is not, do not."""
    rows = folder.read("n.csv").splitlines(keepends=True)
    with open_stream(folder, b"".join(rows[: 1 + 3])) as process:
        found = [json.loads(process.stdout.readline()) for _ in range(3)]
        assert [line["id"] for line in found] == IDS
        process.stdin.write(b"".join(rows[4:6]))
        process.stdin.close()  # the input ends, and with it the stamp
        process.stdin = None
        found = [json.loads(line) for line in process.stdout]
        assert [line["id"] for line in found] == IDS[:2]


def test_a_series_that_falls_silent_is_waited_for_only_so_long(folder):
    rows = new_rows(folder)
    rows[rows["who"] != "a"][:40].to_csv(folder["quiet.csv"], index=False)
    with open_stream(folder, folder.read("quiet.csv")) as process:
        assert len([json.loads(process.stdout.readline()) for _ in range(40)]) == 40


def test_inputs_known_ahead_of_a_panel(folder, capsys):
    rows = folder.rows.assign(price=np.arange(len(folder.rows)) % 5)
    n_fit = N_FIT * len(IDS)
    rows[:n_fit].to_csv(folder["p.csv"], index=False)
    rows[n_fit : n_fit + 2 * len(IDS)].to_csv(folder["f.csv"], index=False)
    argv = ["--time", "time", "--id", "who", "--target", "load", "--inputs", "none",
            "--future-cols", "price", "--horizon", 2, "--hidden-size", 4, "--max-iter", 5,
            "--random-state", 0, "-o", folder["p"]]  # fmt: skip
    assert folder("fit", folder["p.csv"], *argv) == 0
    capsys.readouterr()
    assert folder("forecast", folder["p"], "--future", folder["f.csv"]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    ahead = rows[["time", "who", "price"]][n_fit : n_fit + 2 * len(IDS)]
    expected = load(folder["p"]).forecast(X_future=ahead)
    assert [float(line.split(",")[2]) for line in lines] == expected["load"].tolist()


def test_bad_rows_of_a_stamp_are_passed_over_alone(folder, capsys):
    text = folder.read("n.csv").decode().splitlines()
    text[4] = text[4].rsplit(",", 1)[0] + ",inf"  # line 5: refused by the model
    text[8] = text[7]  # line 9: doubled
    text[11] = text[11].replace(",a,", ",,")  # line 12: no id
    (folder.path / "bad.csv").write_text("\n".join(text))
    capsys.readouterr()
    assert stream(folder, "bad.csv", "--output", folder["out"]) == 1
    err = capsys.readouterr().err.splitlines()[-1]
    assert err.startswith("tsrnn stream: line 5: found")
    argv = ["--output", folder["o2"], "--on-error", "log"]
    assert stream(folder, "bad.csv", *argv) == 0
    err = capsys.readouterr().err
    assert "87 rows, 0 not newer than those before, 3 skipped" in err
    assert [n for n in (5, 9, 12) if f"skipped line {n}: " in err] == [5, 9, 12]
    rows = new_rows(folder).reset_index(drop=True).drop(index=[3, 7, 10])
    assert written_by(folder, "o2") == by_stamp(load(folder["m.tsrnn"]), rows)


def test_ids_that_are_numbers_in_python_stay_so(folder):
    long = folder.rows[["time", "who", "load"]].assign(who=folder.rows["who"].map(len))
    long = long.drop_duplicates(["time", "who"])
    model = RNNForecaster(
        2, id_col="who", time_col="time", hidden_size=4, max_iter=3, random_state=0
    )
    model.fit(long[:100]).save(folder["i"])
    long.to_csv(folder["i.csv"], index=False)
    assert folder("update", folder["i"], folder["i.csv"], "-o", folder["i2"]) == 0
    assert load(folder["i2"]).cutoff_.index.tolist() == [1, 3]
    assert same(folder, "i2", model.partial_fit(long[100:]))


@pytest.mark.parametrize(
    ("argv", "found"),
    [
        (["--model", "naive", "--id", "who", "--inputs", "none", "--target", "nothing"], "nothing"),
        (["--id", "nobody"], "expected ['nobody'] among them"),
    ],
)
def test_what_cannot_be_is_told(argv, found, folder, capsys):
    argv = ["--time", "time", "--target", "load", *argv, "-o", folder["x"]]
    assert folder("fit", folder["h.csv"], *argv) == 1
    assert found in capsys.readouterr().err


def test_categories_of_one_series(folder):
    rows = folder.rows[folder.rows["who"] == "a"].set_index("time")[["sky", "load"]]
    rows[:N_FIT].to_csv(folder["one.csv"])
    rows.to_csv(folder["more.csv"])
    argv = ["--time", "time", "--target", "load", "--inputs", "sky", "--hidden-size", 4,
            "--max-iter", 5, "--random-state", 0, "-o", folder["one"]]  # fmt: skip
    assert folder("fit", folder["one.csv"], *argv) == 0
    argv = ["--input", folder["more.csv"], "--output", folder["out"], "--checkpoint", folder["c"]]
    assert folder("stream", folder["one"], *argv) == 0
    model = load(folder["one"])
    for row in range(N_FIT, len(rows)):
        model.partial_fit(rows[row : row + 1])
    assert same(folder, "c", model)
