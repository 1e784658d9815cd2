"""``tsrnn stream --live``: the page of a stream changes nothing of what the stream writes."""

import json
import re
import urllib.request

import pytest
from helpers.folder import N_NEW
from helpers.panels import divided, long_frame

pytest.importorskip("bokeh")

from tsrnn import cli
from tsrnn.plotting.interactive import live


@pytest.fixture
def taken(monkeypatch):
    """What the page is given, and the page as it was served before the end."""
    calls, pages = [], []

    class Page(live.LivePage):
        def take(self, *args):
            super().take(*args)
            calls.append(args)

        def close(self):
            with urllib.request.urlopen(self.url, timeout=10) as answer:
                pages.append(answer.read())
            super().close()

    monkeypatch.setattr(live, "LivePage", Page)
    return calls, pages


def stream(folder, *argv):
    return folder("stream", folder["m.tsrnn"], "--input", folder["new.csv"], *argv)


def test_forecasts_are_those_without_it(folder, taken, capsys):
    assert stream(folder, "--output", folder["without"]) == 0
    assert stream(folder, "--output", folder["with"], "--live", "127.0.0.1:0") == 0
    assert folder.read(folder["with"]) == folder.read(folder["without"])
    calls, (page,) = taken
    assert len(calls) == N_NEW
    assert b"m.tsrnn" in page
    new = folder.rows[-N_NEW:]
    lines = [json.loads(line) for line in folder.read(folder["with"]).splitlines()]
    for (stamp, actual, forecast, _, _, p_values), (time, row), line in zip(
        calls, new.iterrows(), lines, strict=True
    ):
        assert stamp == time
        assert p_values.tolist() == [[line["p_value"]["s0"]]]
        assert actual.tolist() == [[row["s0"]]]
        assert forecast.columns.tolist() == ["s0"]
    err = capsys.readouterr().err
    assert re.search(r"live at http://127\.0\.0\.1:\d+/\?token=[\w-]{16,}\n", err)


def test_rows_of_a_panel_go_to_it_stamp_by_stamp(tmp_path, taken):
    frame = long_frame(4, 50).drop(columns="x")
    history, new = divided(frame, 40)
    history.to_csv(tmp_path / "h.csv", index=False)
    new.to_csv(tmp_path / "n.csv", index=False)
    model = str(tmp_path / "m.tsrnn")
    quick = ["--hidden-size", "4", "--max-iter", "2", "--horizon", "3"]
    fit = ["fit", str(tmp_path / "h.csv"), "--time", "time", "--id", "id", "--target", "y", *quick]
    assert cli.main([*fit, "-o", model]) == 0
    out = ["--input", str(tmp_path / "n.csv"), "--output", str(tmp_path / "out")]
    assert cli.main(["stream", model, *out, "--live", "127.0.0.1:0"]) == 0
    calls, _ = taken
    assert len(calls) == new["time"].nunique()
    stamp, actual, forecast, _, ids, p_values = calls[0]
    first = new[new["time"] == stamp].set_index("id").loc[ids]
    assert actual[:, 0].tolist() == first["y"].tolist()
    assert forecast.shape == (len(ids) * 3, 1)
    assert ((p_values > 0.0) & (p_values <= 1.0)).all() and p_values.shape == (len(ids), 1)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--live", "8765"], "expected HOST:PORT"),
        (["--live", "0.0.0.0:8765"], "which others can reach, and no token"),
        (["--live", "0.0.0.0:8765", "--live-token", "x"], "a short token"),
    ],
)
def test_addresses_that_are_refused(argv, message, folder, capsys, monkeypatch):
    monkeypatch.delenv("TSRNN_LIVE_TOKEN", raising=False)
    assert stream(folder, *argv, "--output", folder["out"], "--checkpoint", folder["c"]) == 1
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert not {"out", "c"} & {path.name for path in folder.path.iterdir()}


def test_a_port_in_use_is_refused(folder, capsys):
    server = live.Server(live.Address.of("127.0.0.1:0"), b"")
    try:
        port = server.url.split(":")[2].split("/")[0]
        assert stream(folder, "--live", f"127.0.0.1:{port}") == 1
    finally:
        server.close()
    assert "which is in use; expected a free port" in capsys.readouterr().err


def test_a_missing_bokeh_is_named(folder, monkeypatch, capsys):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr("tsrnn.cli.stream.importlib.import_module", missing)
    assert stream(folder, "--live", "127.0.0.1:0") == 1
    assert 'pip install "tsrnn[report]"' in capsys.readouterr().err
