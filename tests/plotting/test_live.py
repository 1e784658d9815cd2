"""The live page: what its board counts, who may see it, and that no stream waits for a browser."""

import doctest
import json
import socket
import time
import urllib.error
import urllib.request
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from helpers import hourly
from helpers.panels import long_frame, panel

pytest.importorskip("bokeh")

from tsrnn import RNNForecaster
from tsrnn.baselines import NaiveForecaster
from tsrnn.plotting.interactive import board as boards
from tsrnn.plotting.interactive import live, server
from tsrnn.plotting.interactive.board import Board, Taken
from tsrnn.plotting.interactive.live import LivePage
from tsrnn.plotting.interactive.server import Address, Server

HOUR = pd.Timedelta("1h")
HERE = Address.of("127.0.0.1:0", "secret")


def walk(board, model, rows):
    """Let a model learn row by row, and the board see it; return the forecasts one step ahead."""
    forecasts = []
    for row in range(len(rows)):
        model.partial_fit(rows[row : row + 1])
        forecast = model.forecast()
        board.take([Taken(model.cutoff_, None, rows.to_numpy()[row : row + 1], forecast)])
        forecasts.append(forecast.iloc[0].to_numpy())
    return np.array(forecasts)


def get(url, path="/"):
    with urllib.request.urlopen(url.replace("/?", f"{path}?"), timeout=10) as answer:
        return answer.read()


def first_event(url, wanted=lambda data: True):
    deadline = time.monotonic() + 20
    with urllib.request.urlopen(url.replace("/?", "/events?"), timeout=10) as answer:
        for line in answer:
            if line.startswith(b"data: ") and wanted(data := json.loads(line[6:])):
                return data
            assert time.monotonic() < deadline
    raise AssertionError("the events ended")


@pytest.fixture
def served():
    made = []

    def serve(*args):
        made.append(Server(*args))
        return made[-1]

    yield serve
    for one in made:
        one.close()


# --- what is counted ------------------------------------------------------------------------------


def test_errors_are_those_of_the_forecasts_issued_one_row_before():
    rows = hourly(140, 2)
    board = Board(["s0", "s1"], HOUR)
    forecasts = walk(board, NaiveForecaster(3).fit(rows[:100]), rows[100:])
    errors = np.abs(rows.to_numpy()[101:] - forecasts[:-1])
    shown = board.snapshot()
    assert np.allclose(shown["mae"], errors.mean(axis=0), rtol=1e-5)
    assert shown["scored"] == 78
    assert shown["ratio"] == pytest.approx(1.0)  # it repeats the newest value
    assert shown["blocks"][0]["y"][1] == rows["s1"][100:].tolist()
    assert pd.to_datetime(shown["blocks"][0]["x"][-1], unit="ms") == rows.index[-1]
    assert shown["rows"][0][2] == rows.iloc[-1].tolist()
    assert shown["rows"][0][3] == forecasts[-2].tolist()


def test_nothing_is_scored_across_a_gap_or_where_a_value_is_missing():
    index = pd.date_range("2024-01-01", periods=6, freq="h").delete(3)
    rows = pd.DataFrame({"y": [1.0, 2.0, np.nan, 5.0, 7.0]}, index)
    board = Board(["y"], HOUR)
    for stamp, value in rows["y"].items():
        board.take([Taken(stamp, None, np.array([[value]]), pd.DataFrame({"y": [0.0]}))])
    assert board.snapshot()["scored"] == 2  # of the second row, and of the last
    assert board.snapshot()["mae"] == [4.5]


def test_rows_that_are_counted_need_no_step():
    board = Board(["y"], None)
    for row in range(4):
        board.take([Taken(2 * row, None, np.array([[1.0 + row]]), pd.DataFrame({"y": [1.0]}))])
    assert board.snapshot()["mae"] == [2.0]
    assert not board.snapshot()["dated"]


def test_coverage_counts_values_against_the_intervals_issued_before():
    rows = hourly(400)
    model = RNNForecaster(2, max_iter=3, hidden_size=4, random_state=0).fit(rows[:200])
    board, held = Board(["s0"], HOUR), []
    board.take([Taken(model.cutoff_, None, rows.to_numpy()[199:200], None)])
    for row in range(200, 400):
        if row % 3 == 0:  # the page asks now and then
            board.asked()
            frame = model.forecast(coverage=boards.FAN)
            board.take_fans(frame, frame.index, [None])
            inside = frame["s0_lower_0.8"].iloc[0] <= rows["s0"].iloc[row]
            held.append(inside and rows["s0"].iloc[row] <= frame["s0_upper_0.8"].iloc[0])
        model.partial_fit(rows[row : row + 1])
        board.take([Taken(model.cutoff_, None, rows.to_numpy()[row : row + 1], None)])
    shown = board.snapshot()
    assert shown["n_covered"] == len(held)
    assert shown["held"] == pytest.approx(np.mean(held))
    fan = shown["blocks"][0]["fan"]
    assert np.all(np.array(fan["lower_0.95"]) <= fan["lower_0.5"])


def test_the_worst_series_of_a_panel_come_first():
    board, rng = Board(["y"], HOUR), np.random.default_rng(0)
    off = {"good": 0.1, "bad": 3.0, "middling": 1.0}
    start, value = pd.Timestamp("2024-01-01"), np.zeros(3)
    for row in range(30):
        value = value + rng.choice([-1.0, 1.0], 3)
        forecast = pd.DataFrame({"y": value})  # a step of 1 is what the newest value is off
        frame = pd.DataFrame({"y": (forecast["y"] + [1 - o for o in off.values()]).to_numpy()})
        board.take([Taken(start + row * HOUR, list(off), value[:, None], frame)])
    ratios = board.ratios()
    assert np.all(np.isfinite(ratios))
    assert board.snapshot()["series"][0] == "bad"
    assert [row[0] for row in board.snapshot()["table"]] == board.snapshot()["series"]


def test_unusual_rows_are_listed_the_newest_first():
    """Those with a p-value below 0.01, of a stamp the least first; ten at the most."""
    board, stamp = Board(["y", "z"]), pd.Timestamp("2024")
    for row in range(20):
        p_values = np.array([[0.5, np.nan], [0.5, 0.005], [1e-4 * row, 0.5]])
        forecast = pd.DataFrame(np.zeros((3, 2)))
        values = np.full((3, 2), float(row))
        board.take([Taken(stamp + row * HOUR, list("abc"), values, forecast, p_values)])
    shown = board.snapshot()
    assert len(shown["unusual"]) == 10
    assert [row[1:3] + row[5:] for row in shown["unusual"][:2]] == [
        ["c", "y", pytest.approx(0.0019)],
        ["b", "z", 0.005],
    ]
    assert shown["unusual"][0][3:5] == [19.0, 0.0]
    assert shown["rows"][0][4] == [pytest.approx(0.0019), 0.5]
    assert shown["rows"][2][4] == [0.5, None]


def test_series_beyond_the_bound_are_left_out(monkeypatch):
    monkeypatch.setattr(boards, "MOST_SERIES", 3)
    board = Board(["y"], HOUR)
    for row in range(10):
        stamp, values = pd.Timestamp("2024-01-01") + row * HOUR, np.arange(5.0)[:, None]
        board.take([Taken(stamp, list("abcde"), values, pd.DataFrame({"y": values[:, 0]}))])
    shown = board.snapshot()
    assert shown["n_series"] == 3
    assert sorted(shown["series"]) == ["a", "b", "c"]


# --- the page of a model --------------------------------------------------------------------------


def test_rows_are_shown_and_nothing_is_served_after_the_end():
    rows = hourly(120)
    model = RNNForecaster(3, max_iter=3, hidden_size=4, random_state=0).fit(rows[:100])
    page = LivePage(model, ["s0"], HERE, "a <b> stream")
    try:
        assert b"a &lt;b&gt; stream" in get(page.url)
        for row in range(100, 120):
            model.partial_fit(rows[row : row + 1])
            page.take(model.cutoff_, rows.to_numpy()[row : row + 1], model.forecast(), {})
        data = first_event(page.url, lambda data: data["n_rows"] == 20)
        assert data["scored"] == 19
        assert data["blocks"][0]["fan"]["x"][0] > data["blocks"][0]["x"][-1]
        assert np.allclose(data["blocks"][0]["fan"]["path"][0], model.forecast()["s0"], rtol=1e-5)
    finally:
        page.close()
    with pytest.raises(urllib.error.URLError):
        get(page.url)


def test_a_panel_and_its_intervals():
    frame = long_frame(6, 90).drop(columns="x")
    stamps = frame["time"].unique()
    model = panel().fit(frame[frame["time"] < stamps[80]])
    page = LivePage(model, ["y"], HERE, "panel")
    try:
        for stamp in stamps[80:]:
            rows = frame[frame["time"] == stamp]
            model.partial_fit(rows)
            forecast = model.forecast(ids=rows["id"].tolist())
            page.take(stamp, rows[["y"]].to_numpy(), forecast[["y"]], {}, rows["id"].tolist())
        data = first_event(page.url, lambda data: data["n_rows"] == 60)
    finally:
        page.close()
    assert data["n_series"] == 6
    assert data["scored"] == 54
    for name, block in zip(data["series"], data["blocks"], strict=True):
        expected = model.forecast(ids=[name])["y"]
        assert np.allclose(block["fan"]["path"][0], expected, rtol=1e-5)


def test_a_panel_of_a_baseline_has_a_page():
    frame = long_frame(3, 60).drop(columns="x")
    model = NaiveForecaster(2, id_col="id", time_col="time", target="y").fit(frame)
    page = LivePage(model, ["y"], HERE, "panel")
    try:
        stamp, ids = frame["time"].iloc[-1] + HOUR, ["s0", "s1", "s2"]
        rows = pd.DataFrame({"id": ids, "time": [stamp] * 3, "y": [1.0, 2.0, 3.0]})
        model.partial_fit(rows)
        page.take(stamp, rows[["y"]].to_numpy(), model.forecast()[["y"]], {}, ids)
        data = first_event(page.url, lambda data: data["n_rows"] == 3)
        assert "fan" in data["blocks"][0]
    finally:
        page.close()


def test_what_waits_is_bounded_and_the_newest_stay(monkeypatch):
    monkeypatch.setattr(LivePage, "_look", lambda self: None)  # its thread hangs
    rows = hourly(40)
    model = NaiveForecaster().fit(rows)
    page = LivePage(model, ["s0"], HERE, "stream")
    try:
        for row in range(live.WAITING + 10):
            page.take(row, np.ones((1, 1)), None, {})
        assert len(page._queue) == live.WAITING
        assert page._queue[-1].stamp == live.WAITING + 9
    finally:
        page.close()


# --- who may see it -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/events", "/none"])
@pytest.mark.parametrize("token", ["", "?token=", "?token=secre", "?token=secret2", "?token=%E9"])
def test_nothing_is_shown_without_the_token(path, token, served):
    url = served(HERE, b"page").url
    with pytest.raises(urllib.error.HTTPError, match="403"):
        get(url.replace("?token=secret", token), path if token else path + "?")


def test_the_page_is_not_kept_by_others(served):
    with urllib.request.urlopen(served(HERE, b"page").url, timeout=10) as answer:
        assert answer.read() == b"page"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "[::]", "example.org", "127.0.0.1.org"])
@pytest.mark.parametrize("token", [None, "short"])
def test_an_address_that_others_can_reach_needs_a_token(host, token):
    with pytest.raises(ValueError, match=r"which others can reach, and (no|a short) token"):
        Address.of(f"{host}:8765", token)
    assert Address.of(f"{host}:8765", "a token long enough").port == 8765


@pytest.mark.parametrize("text", ["", "8765", ":8765", "127.0.0.1", "localhost:x", "::1:99999"])
def test_bad_addresses(text):
    with pytest.raises(ValueError, match="expected HOST:PORT"):
        Address.of(text)


def test_tokens_that_are_made_up_differ():
    tokens = {Address.of("[::1]:0").token for _ in range(3)}
    assert len(tokens) == 3
    assert min(map(len, tokens)) >= server.SHORTEST_TOKEN


def test_a_port_in_use_is_told(served):
    port = int(served(HERE, b"").url.split(":")[2].split("/")[0])
    with pytest.raises(OSError, match=f"127.0.0.1:{port}, which is in use; expected a free port"):
        served(HERE._replace(port=port), b"")


def test_a_browser_that_hangs_keeps_nobody_waiting(served):
    one = served(HERE, b"page")
    host, port = one.url.split("/")[2].split(":")
    hanging = [socket.create_connection((host, int(port))) for _ in range(3)]
    hanging[0].sendall(b"GET /events?token=secret HTTP/1.1\r\n\r\n")
    hanging[1].sendall(b"GET /")
    begun = time.monotonic()
    for _ in range(200):
        one.send(json.dumps("x" * 100_000))  # more than a socket holds
    assert time.monotonic() - begun < 1.0
    assert get(one.url) == b"page"
    for connection in hanging:
        connection.close()


def test_connections_are_bounded(served, monkeypatch):
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 2)
    one = served(HERE, b"page")
    host, port = one.url.split("/")[2].split(":")
    waiting = [socket.create_connection((host, int(port))) for _ in range(2)]
    time.sleep(0.2)
    with pytest.raises(OSError):
        get(one.url)
    for connection in waiting:
        connection.close()


@pytest.mark.parametrize("name", ["board", "live", "server"])
def test_examples(name):
    assert not doctest.testmod(import_module(f"tsrnn.plotting.interactive.{name}")).failed
