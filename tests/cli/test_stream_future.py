"""Streams with inputs known ahead: rows to come from --future, missing ones named, kills."""

import gc
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager

import numpy as np
import pandas as pd
import pytest
from helpers import content, hourly
from helpers.folder import Folder, to_csv

from tsrnn import RNNForecaster, load
from tsrnn.cli.io import lines
from tsrnn.cli.io.frames import Complaints
from tsrnn.cli.io.future import MANY, FutureRows
from tsrnn.cli.io.source import Source
from tsrnn.cli.io.times import TimeOptions

N_FIT, N_NEW, HORIZON = 80, 40, 3
QUICK = ["--horizon", HORIZON, "--hidden-size", 4, "--max-iter", 3, "--random-state", 0]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A folder with a model that knows a price and a kind of day ahead; never written to."""
    folder = Folder(tmp_path_factory.mktemp("future"))
    rng = np.random.default_rng(0)
    rows = hourly(N_FIT + N_NEW + HORIZON).set_axis(["load"], axis=1)
    rows["price"] = rng.normal(size=len(rows)).round(3)
    rows["day"] = rng.choice(["free", "work"], len(rows))
    rows["load"] -= 2 * rows["price"]
    folder.rows = rows
    to_csv(rows[:N_FIT], folder["history.csv"])
    to_csv(rows[N_FIT:-HORIZON], folder["new.csv"])
    to_csv(rows[["price", "day"]], folder["plan.csv"])
    argv = ["--time", "time", "--target", "load", "--inputs", "none", "--future-cols", "price,day"]
    assert folder("fit", folder["history.csv"], *argv, *QUICK, "-o", folder["m.tsrnn"]) == 0
    return folder


@pytest.fixture
def folder(fitted, tmp_path):
    for name in ("history.csv", "new.csv", "plan.csv", "m.tsrnn"):
        os.link(fitted[name], tmp_path / name)
    folder = Folder.__new__(Folder)
    folder.path, folder.rows = tmp_path, fitted.rows
    return folder


def stream(folder, *argv, plan="plan.csv", source="new.csv"):
    argv = [
        "--input",
        folder[source],
        "--output",
        folder["out"],
        "--checkpoint",
        folder["c"],
        *argv,
    ]
    return folder("stream", folder["m.tsrnn"], *argv, "--future", folder[plan])


def written_by(folder, name="out"):
    return [json.loads(line) for line in folder.read(name).splitlines()]


def expected_lines(folder, known=lambda cutoff, index: True):
    """What the stream should write, None for a forecast that cannot be, and the model then."""
    model, written = load(folder["m.tsrnn"]), []
    new, plan = folder.rows[N_FIT:-HORIZON], folder.rows[["price", "day"]]
    for row in range(len(new)):
        p_value = model.p_values(new[row : row + 1]).iloc[0].to_dict()
        model.partial_fit(new[row : row + 1])
        index, found = model.future_index(), {"forecast": None}
        if known(model.cutoff_, index):
            forecast = {"load": model.forecast(X_future=plan)["load"].tolist()}
            found = {"times": [time.isoformat() for time in index], "forecast": forecast}
            found["p_value"] = p_value
        written.append({"cutoff": model.cutoff_.isoformat(), **found})
    return written, model


_SHARED = []


def usual_lines(folder):
    """As `expected_lines` where all of the plan is known; tests share it."""
    if not _SHARED:
        _SHARED.append(expected_lines(folder))
    return _SHARED[0]


def without_reasons(written):
    assert all(("reason" in line) == (line["forecast"] is None) for line in written)
    return [{key: line[key] for key in line if key != "reason"} for line in written]


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "jsonl", "parquet"])
def test_each_row_gives_the_forecast_in_the_light_of_the_plan(kind, folder):
    """Kind: a stream of a model with inputs known ahead: rows of --future are picked by stamp.

    The plan is in any order, begins early and goes on for long, with columns of its own.
    """
    plan = folder.rows[["price", "day"]].reset_index().assign(remark='say "why", and how')
    late = plan.assign(time=plan["time"] + pd.Timedelta(400, "D"))
    plan = pd.concat([plan, late]).sample(frac=1, random_state=0)[
        ["day", "remark", "time", "price"]
    ]
    name = folder["other." + kind]
    if kind == "parquet":
        pytest.importorskip("pyarrow")
        plan.to_parquet(name)
    elif kind == "jsonl":
        plan.to_json(name, orient="records", lines=True, date_format="iso")
    else:
        plan.to_csv(name, index=False)
    assert stream(folder, plan="other." + kind) == 0
    expected, model = usual_lines(folder)
    assert written_by(folder) == expected
    assert content(load(folder["c"])) == content(model)


def test_where_the_plan_has_holes_the_line_says_so_and_learning_goes_on(folder):
    """Kind: a plan with holes: a line without a forecast says why, and learning goes on."""
    gone = folder.rows.index[[N_FIT + 10, N_FIT + 11, N_FIT + 30]]
    to_csv(folder.rows[["price", "day"]].drop(gone), folder["holes.csv"])
    assert stream(folder, plan="holes.csv") == 0
    expected, model = expected_lines(folder, lambda _, index: not index.isin(gone).any())
    found = written_by(folder)
    assert without_reasons(found) == expected
    assert sum(line["forecast"] is None for line in found) == 4 + 3
    assert found[8]["reason"] == (
        "2 of the 3 rows known ahead are not there, the first that of 2024-01-04T18:00:00"
    )
    assert content(load(folder["c"])) == content(model)


def test_an_empty_field_is_a_value_that_is_not_known(folder):
    plan = folder.rows[["price", "day"]].copy()
    plan.iloc[N_FIT + 5 :] = None
    to_csv(plan, folder["half.csv"])
    assert stream(folder, plan="half.csv") == 0
    model, new = load(folder["m.tsrnn"]), folder.rows[N_FIT:-HORIZON]
    model.partial_fit(new)
    assert written_by(folder)[-1]["forecast"]["load"] == pytest.approx(
        model.forecast(X_future=plan)["load"].tolist(), rel=1e-9
    )


@pytest.mark.parametrize("stops", [[1], [5, 13, 14, 30]])
def test_a_restart_goes_on_where_it_was(stops, folder):
    gone = folder.rows.index[[N_FIT + 12]]
    to_csv(folder.rows[["price", "day"]].drop(gone), folder["holes.csv"])
    for stop in [*stops, N_NEW]:
        to_csv(folder.rows[: N_FIT + stop], folder["part.csv"])
        assert stream(folder, "--every", 4, plan="holes.csv", source="part.csv") == 0
    expected, model = expected_lines(folder, lambda _, index: not index.isin(gone).any())
    assert without_reasons(written_by(folder)) == expected
    assert content(load(folder["c"])) == content(model)


@pytest.mark.slow
def test_kills_leave_no_trace(folder):
    command = [sys.executable, "-m", "tsrnn", "stream", folder["m.tsrnn"], "--output",
               folder["out"], "--checkpoint", folder["c"], "--every", "5",
               "--future", folder["plan.csv"]]  # fmt: skip
    data = folder.read("new.csv").splitlines(keepends=True)
    for n_lines in (8, 24):  # killed with the input open, after some of these rows are out
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        process.stdin.write(b"".join(data[:n_lines]))
        process.stdin.flush()
        found, limit = b"", time.monotonic() + 60
        while found.count(b"\n") < n_lines - 3 and time.monotonic() < limit:
            time.sleep(0.05)
            found = folder.read("out") if (folder.path / "out").exists() else b""
        process.kill()
        process.communicate()
    assert stream(folder, "--every", 5) == 0
    expected, model = usual_lines(folder)
    assert written_by(folder) == expected
    assert content(load(folder["c"])) == content(model)


# --- plans that grow ------------------------------------------------------------------------------


@contextmanager
def open_stream(folder, *argv):
    """A stream whose input is open and whose plan is followed; ended after a minute."""
    command = [sys.executable, "-m", "tsrnn", "stream", folder["m.tsrnn"], "--follow", *argv]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:
        timer = threading.Timer(60, process.kill)
        timer.start()
        yield process
        process.terminate()
        process.communicate()
        timer.cancel()


def test_a_plan_is_followed_as_it_grows_and_when_it_is_replaced(folder):
    """Kind: a plan that changes while rows come: followed as it grows and when it is replaced."""
    rows = folder.read("new.csv").splitlines(keepends=True)
    plan = folder.read("plan.csv").splitlines(keepends=True)
    path = folder.path / "growing.csv"
    path.write_bytes(b"".join(plan[: N_FIT + 6])[:-4])  # with half a line at its end

    def after(row):
        process.stdin.write(rows[1 + row])
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    with open_stream(folder, "--future", path) as process:
        process.stdin.write(rows[0])
        found = [after(0), after(1)]
        with open(path, "ab") as file:
            file.write(plan[N_FIT + 5][-4:] + plan[N_FIT + 6])
        found += [after(2), after(3)]
        (folder.path / "x.csv").write_bytes(b"".join([plan[0], *plan[N_FIT + 6 : N_FIT + 10]]))
        os.replace(folder.path / "x.csv", path)
        found += [after(4), after(5), after(6)]
    expected, _ = usual_lines(folder)
    is_known = [True, False, True, False, True, True, False]
    for row, (line, known) in enumerate(zip(found, is_known, strict=True)):
        assert line["forecast"] == (expected[row]["forecast"] if known else None), row
    assert found[1]["reason"].endswith(
        "1 of the 3 rows known ahead are not there, the first that of 2024-01-04T12:00:00"
    )


def future_rows(path, follow=False, columns=("price",)):
    source = Source(list(columns), TimeOptions(["time"], strict=True))
    return FutureRows(str(path), source, Complaints("raise", "test"), follow)


def test_a_row_that_comes_again_replaces_the_one_before_it(tmp_path):
    path, index = tmp_path / "plan.csv", pd.date_range("2024", periods=2, freq="D")
    path.write_text("time,price\n2024-01-01,1\n2024-01-02,2\n")
    with closing(future_rows(path, follow=True)) as rows:
        with open(path, "a") as file:
            file.write("2024-01-02,5\n9999-12-31,7\n")
        assert rows.ahead(index)[0]["price"].tolist() == [1, 2]
        rows.read()
        X_future, reasons = rows.ahead(index)
    assert X_future["price"].tolist() == [1, 5]
    assert X_future.index.equals(index)
    assert not reasons


def test_a_plan_that_cannot_be_read_is_closed(tmp_path):
    path = tmp_path / "plan.csv"
    path.write_text("time,price\n2024-01-01,?\n")
    with pytest.raises(ValueError, match="line 2"):
        future_rows(path, follow=True)
    gc.collect()  # a file left open would warn here


def test_a_compressed_plan_is_read_anew_when_it_has_changed(tmp_path, capsys):
    path, index = tmp_path / "plan.csv.gz", pd.date_range("2024", periods=2, freq="D")
    plan = pd.DataFrame({"price": [1.0]}, index[:1].rename("time"))
    plan.to_csv(path)
    rows = future_rows(path, follow=True)
    assert "1 of the 2 rows" in rows.ahead(index)[1][None]
    path.write_bytes(b"half written")
    rows.read()
    rows.read()
    assert capsys.readouterr().err.count("goes on with its rows of before") == 1
    plan.reindex(index.rename("time"), fill_value=3.0).to_csv(path)
    rows.read()
    assert rows.ahead(index)[0]["price"].tolist() == [1, 3]


def test_what_is_past_is_not_kept(tmp_path):
    path = tmp_path / "plan.csv"
    stamps = pd.date_range("2024", periods=10 * MANY, freq="h", name="time")
    pd.DataFrame({"price": 1.0}, stamps[: 2 * MANY]).to_csv(path)
    n_held = []
    with closing(future_rows(path, follow=True)) as rows:
        for start in range(0, 9 * MANY, 100):
            with open(path, "a") as file:
                pd.DataFrame({"price": 1.0}, stamps[start + 2 * MANY :][:100]).to_csv(
                    file, header=False
                )
            rows.read()
            assert not rows.ahead(stamps[start : start + 24])[1]
            n_held.append(len(rows._rows[None]))
    assert max(n_held) < 6 * MANY


# --- panels ---------------------------------------------------------------------------------------


def test_each_series_of_a_panel_has_a_plan_of_its_own(folder):
    """Kind: a plan of many series: rows are picked by id and stamp."""
    wide, rng = hourly(N_FIT + N_NEW, 3), np.random.default_rng(1)
    wide.columns = ["b", "a", "007"]
    rows = wide.melt(ignore_index=False, var_name="shop", value_name="load").reset_index()
    rows = rows.sort_values("time", kind="stable", ignore_index=True)
    rows["price"] = rng.normal(size=len(rows)).round(3)
    n_fit, times = 3 * N_FIT, wide.index
    rows[:n_fit].to_csv(folder["h.csv"], index=False)
    rows.to_csv(folder["all.csv"], index=False)
    gone = (rows["shop"] == "a") & (rows["time"] == times[N_FIT + 20])
    gone |= (rows["shop"] == "007") & (rows["time"] > times[N_FIT + 30])
    plan = rows[~gone].sample(frac=1, random_state=0)[["price", "shop", "time"]]
    plan.to_csv(folder["plans.csv"], index=False)
    argv = ["--time", "time", "--id", "shop", "--target", "load", "--inputs", "none",
            "--future-cols", "price"]  # fmt: skip
    assert folder("fit", folder["h.csv"], *argv, *QUICK, "-o", folder["p.tsrnn"]) == 0
    for stop in (n_fit + 39, n_fit + 72, len(rows)):
        rows[:stop].to_csv(folder["part.csv"], index=False)
        argv = ["--input", folder["part.csv"], "--output", folder["out"], "--every", 7]
        argv += ["--checkpoint", folder["c"], "--future", folder["plans.csv"]]
        assert folder("stream", folder["p.tsrnn"], *argv) == 0
    model, expected, held = load(folder["p.tsrnn"]), [], set(zip(plan["shop"], plan["time"]))  # noqa: B905
    for stamp, some in rows[n_fit:].groupby("time"):
        p_values = model.p_values(some)["load"]
        model.partial_fit(some)
        for shop, p_value in zip(some["shop"], p_values, strict=True):
            found, index = {"forecast": None}, model.future_index(ids=shop)
            if set(index) <= held:
                ahead = model.forecast(ids=shop, X_future=plan)["load"]
                forecast = {"load": pytest.approx(ahead.tolist(), rel=1e-9)}
                found = {"times": [time.isoformat() for _, time in index], "forecast": forecast}
                found["p_value"] = {"load": pytest.approx(p_value, rel=1e-6)}
            expected.append({"id": shop, "cutoff": stamp.isoformat(), **found})
    found = written_by(folder)
    assert without_reasons(found) == expected
    known = [line["id"] for line in found if line["forecast"] is not None]
    assert {shop: known.count(shop) for shop in wide} == {"b": 37, "a": 34, "007": 28}


# --- what cannot be -------------------------------------------------------------------------------


def test_a_plan_that_is_not_there_or_not_needed_is_named(folder, capsys):
    assert folder("stream", folder["m.tsrnn"], "--input", folder["new.csv"]) == 1
    assert "inputs known ahead, ['price', 'day'], and no --future" in capsys.readouterr().err
    assert folder("forecast", folder["m.tsrnn"]) == 1
    assert "inputs known ahead, ['price', 'day'], and no --future" in capsys.readouterr().err
    assert stream(folder, plan="absent.csv") == 1
    assert "absent.csv: No such file" in capsys.readouterr().err
    to_csv(folder.rows[["price"]], folder["narrow.csv"])
    assert stream(folder, plan="narrow.csv") == 1
    assert "expected ['day'] among them" in capsys.readouterr().err
    to_csv(folder.rows[["load"]][:N_FIT], folder["plain.csv"])
    argv = ["--time", "time", "--model", "naive", "-o", folder["n"]]
    assert folder("fit", folder["plain.csv"], *argv) == 0
    argv = ["--input", folder["new.csv"], "--future", folder["plan.csv"]]
    assert folder("stream", folder["n"], *argv) == 1
    assert "to which no column is known ahead; leave it out" in capsys.readouterr().err
    assert not (folder.path / "c").exists()
    assert not (folder.path / "out").exists()


@pytest.mark.parametrize("value", ["x.y", "inf", "1e60"])
def test_a_row_of_the_plan_that_cannot_be_used(value, folder, capsys):
    """It stops the stream before anything is learnt, or counts as a row that is not there."""
    text = folder.read("plan.csv").decode().splitlines()
    cells = text[N_FIT + 10].split(",")
    text[N_FIT + 10] = ",".join([cells[0], value, cells[2]])
    (folder.path / "bad.csv").write_text("\n".join(text))
    assert stream(folder, plan="bad.csv") == 1
    assert f"bad.csv, line {N_FIT + 11}: found " in capsys.readouterr().err
    assert not (folder.path / "c").exists()
    assert stream(folder, "--on-error", "skip", plan="bad.csv") == 0
    bad = folder.rows.index[N_FIT + 9]
    expected, _ = expected_lines(folder, lambda _, index: bad not in index)
    assert without_reasons(written_by(folder)) == expected


def test_a_bad_row_that_comes_later_loses_no_forecast(folder, monkeypatch, capsys):
    """The stream stops before the row is learnt, so that its forecast comes after the repair."""
    monkeypatch.setattr(lines, "BLOCK", 50)
    path, plan = folder.path / "growing.csv", folder.read("plan.csv")
    path.write_bytes(plan)
    taken = FutureRows.read

    def read(self):
        read.calls += 1
        if read.calls == 10:
            with open(path, "ab") as file:
                file.write(b"2025-01-01T00:00,x.y,free\n")
        taken(self)

    read.calls = 0
    rows, growing = folder.rows[N_FIT:-HORIZON], "growing.csv"
    with monkeypatch.context() as patch:
        patch.setattr(FutureRows, "read", read)
        argv = ["--output", folder["out"], "--checkpoint", folder["c"], "--future", path]
        argv += ["--follow", "--input", folder["new.csv"]]
        assert folder("stream", folder["m.tsrnn"], *argv) == 1
    assert f"{growing}, line " in capsys.readouterr().err
    assert len(written_by(folder)) == 8
    assert load(folder["c"]).cutoff_ == rows.index[7]
    assert stream(folder) == 0
    assert written_by(folder) == usual_lines(folder)[0]


def test_what_the_model_cannot_do_is_an_error_before_a_row_is_learnt(folder, capsys):
    assert stream(folder, "--horizon", 9) == 1
    assert "at most the fitted horizon 3" in capsys.readouterr().err
    assert not (folder.path / "c").exists()


# --- the other commands ---------------------------------------------------------------------------


def test_categories_alone_may_be_known_ahead(folder, capsys):
    """Kind: a plan without a number, of categories alone, in `forecast` and `stream`."""
    argv = ["--time", "time", "--target", "load", "--inputs", "none", "--future-cols", "day"]
    assert folder("fit", folder["history.csv"], *argv, *QUICK, "-o", folder["d"]) == 0
    capsys.readouterr()
    assert folder("forecast", folder["d"], "--future", folder["plan.csv"], "--json") == 0
    found = [json.loads(line)["load"] for line in capsys.readouterr().out.splitlines()]
    expected = load(folder["d"]).forecast(X_future=folder.rows)
    np.testing.assert_allclose(found, expected["load"], rtol=1e-9)
    argv = ["--input", folder["new.csv"], "--output", folder["out"], "--future", folder["plan.csv"]]
    assert folder("stream", folder["d"], *argv) == 0
    assert all(line["forecast"] for line in written_by(folder))


def test_forecast_picks_its_rows(folder, capsys):
    """Kind: a plan that is longer and shuffled: rows are picked by stamp, and holes are named."""
    plan = folder.rows[["price", "day"]].sample(frac=1, random_state=0)
    to_csv(plan, folder["shuffled.csv"])
    expected = load(folder["m.tsrnn"]).forecast(X_future=folder.rows)["load"]
    capsys.readouterr()
    assert folder("forecast", folder["m.tsrnn"], "--future", folder["shuffled.csv"]) == 0
    found = [float(line.split(",")[1]) for line in capsys.readouterr().out.splitlines()[1:]]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    to_csv(plan.drop(folder.rows.index[N_FIT + 1]), folder["holes.csv"])
    assert folder("forecast", folder["m.tsrnn"], "--future", folder["holes.csv"]) == 1
    assert "without 1 of the 3 rows to forecast, the first that at" in capsys.readouterr().err


def test_info_and_names_that_are_one_text(folder, capsys):
    model = RNNForecaster(
        HORIZON, target="load", future_cols="price", hidden_size=4, max_iter=3, random_state=0
    )
    model.fit(folder.rows[["load", "price"]][:N_FIT]).save(folder["m.tsrnn.2"])
    os.replace(folder["m.tsrnn.2"], folder["m.tsrnn"])
    capsys.readouterr()
    assert folder("info", folder["m.tsrnn"], "--json") == 0
    assert json.loads(capsys.readouterr().out)["targets"] == ["load"]
    assert stream(folder) == 0
    assert all(line["forecast"] for line in written_by(folder))
