"""Report and live page in a real browser: no error, the controls work, names do nothing.

They need playwright (``pip install "tsrnn[browser]"``) and Debian's chromium, or another one that
TSRNN_CHROMIUM names; without, they are skipped.
"""

import os
import shutil
import time

import numpy as np
import pandas as pd
import pytest
from helpers import hourly
from helpers.panels import divided, long_frame, panel

pytest.importorskip("bokeh")
pytest.importorskip("playwright")

from playwright import sync_api

from tsrnn import RNNForecaster
from tsrnn.baselines import NaiveForecaster, SeasonalNaiveForecaster
from tsrnn.evaluate import PrequentialResult, prequential
from tsrnn.plotting.interactive.live import LivePage
from tsrnn.plotting.interactive.server import Address

CHROMIUM = os.environ.get("TSRNN_CHROMIUM") or shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="found no chromium"),
]
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
BAD = "</script><script>window.caught = 1</script><img src=x onerror='window.caught = 2'>"
SMALL = {"hidden_size": 4, "max_iter": 3, "random_state": 0}


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as play:
        found = play.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield found
        found.close()


@pytest.fixture(params=[("light", 1280), ("dark", 390)], ids=["desktop", "phone"])
def window(browser, request):
    """Open addresses; in the end, see that no page complained, or asked others for anything."""
    scheme, width = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    page, complaints, asked = context.new_page(), [], []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda m: complaints.append(m.text) if is_complaint(m) else None)
    page.on("request", lambda request: asked.append(request.url))

    def go(address):
        page.goto(address)
        page.wait_for_selector("body[data-ready]", timeout=20_000)
        return page

    yield go
    assert complaints == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.evaluate("window.caught") is None
    allowed = ("file:", "data:", "blob:", "http://127.0.0.1:")
    assert [url for url in asked if not url.startswith(allowed)] == []
    context.close()


def is_complaint(message):
    unknown = "could not set initial ranges"  # where all is missing, there are none
    return message.type in ("error", "warning") and unknown not in message.text


def data_of(page, name):
    """Return what a figure shows: the columns of a source of data."""
    return page.evaluate(
        f"Object.fromEntries(Object.entries(named('{name}').data)"
        ".map(([key, values]) => [key, [...values].map((v) => Number.isNaN(v) ? null : v)]))"
    )


@pytest.fixture(scope="module")
def result():
    rows = hourly(400)
    model = RNNForecaster(6, **SMALL).fit(rows[:300])
    return prequential(model, rows[300:], coverage=[0.5, 0.9])


def test_the_slider_moves_the_forecast(result, window, tmp_path):
    rows = hourly(400)
    naive = prequential(NaiveForecaster(6).fit(rows[:300]), rows[300:])
    result.report(tmp_path / "r.html", against={"naive": naive})
    page = window((tmp_path / "r.html").as_uri())
    table, cutoffs = result.forecasts, result.forecasts["cutoff"].unique()
    for origin in (3, 40):
        page.locator("#origin").fill(str(origin))
        rows = table[table["cutoff"] == cutoffs[origin]]
        shown = data_of(page, "path")
        at = rows["time"].astype("datetime64[ms]").astype("int64").tolist()
        assert shown["x"][-6:] == at
        assert np.allclose(shown["y"][-6:], rows["forecast"], rtol=1e-5)
        assert np.allclose(data_of(page, "band_0.9")["upper"][-6:], rows["upper_0.9"], rtol=1e-5)
        low, high = page.evaluate(
            "[named('forecasts').x_range.start, named('forecasts').x_range.end]"
        )
        assert low <= at[0] <= high
    page.locator("#after").click()
    assert page.locator("#origin-name").inner_text().startswith("origin 42 of 100")
    page.locator("#model").select_option("1")
    assert len(set(data_of(page, "path")["y"][-6:])) == 1  # the newest value, repeated


def test_errors_follow_what_is_chosen(result, window, tmp_path):
    result.report(tmp_path / "r.html")
    page = window((tmp_path / "r.html").as_uri())
    page.locator("#metric").select_option(label="RMSE")
    expected = result.metrics.loc["all"].drop("all")["RMSE"]
    assert np.allclose(data_of(page, "by_step_0")["y"], expected, rtol=1e-5)
    page.locator(".legend [data-name='band_0.9']").click()
    hidden = (
        "named('forecasts').renderers.filter((r) => r.glyph.tags.includes('band_0.9'))[0].visible"
    )
    assert page.evaluate(hidden) is False
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("#theme").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before


def test_series_sort_and_their_names_do_nothing(window, tmp_path):
    frame = long_frame(8, 60).drop(columns="x")
    frame["id"] = frame["id"].replace("s1", BAD)
    history, new = divided(frame, 45)
    model = SeasonalNaiveForecaster(3, id_col="id", time_col="time", target="y").fit(history)
    prequential(model, new).report(tmp_path / "r.html", title=BAD)
    page = window((tmp_path / "r.html").as_uri())
    assert page.locator("h1").inner_text() == BAD
    column = page.locator("#series-table th", has_text="RMSE")
    for order in (-1, 1):
        column.click()
        values = page.evaluate(
            "[...document.querySelectorAll('#series-table tbody tr')]"
            ".map((row) => Number(row.cells[4].dataset.value))"
        )
        assert values == sorted(values)[::order]
    page.locator("#series-table tr", has_text="window.caught").click()
    assert page.evaluate("$('series').selectedOptions[0].textContent") == BAD


def test_what_was_never_observed_is_drawn_nowhere(window, tmp_path):
    rows = hourly(30)
    result = prequential(NaiveForecaster(2).fit(rows[:20]), rows[20:] * np.nan)
    result.report(tmp_path / "r.html")
    page = window((tmp_path / "r.html").as_uri())
    assert set(data_of(page, "actual")["y"]) == {None}
    assert set(data_of(page, "over_time_0")["y"]) == {None}


def test_one_row_has_a_report(window, tmp_path):
    ramp = 2.0 * np.arange(30)
    prequential(NaiveForecaster().fit(ramp[:20]), ramp[20:21]).report(tmp_path / "r.html")
    page = window((tmp_path / "r.html").as_uri())
    assert data_of(page, "path_points") == {"x": [20], "y": [38]}


def test_the_live_page_shows_a_row_within_a_second(window):
    rows = hourly(340)
    model = RNNForecaster(6, **SMALL).fit(rows[:300])
    live = LivePage(model, ["s0"], Address.of("127.0.0.1:0"), BAD)
    ended, seconds = False, []
    try:
        page = None
        for row in range(300, 340):
            model.partial_fit(rows[row : row + 1])
            now, p_values = (
                rows.to_numpy()[row : row + 1],
                np.array([[1e-3 if row == 330 else 0.4]]),
            )
            live.take(model.cutoff_, now, model.forecast(), {}, None, p_values)
            if row == 320:
                page = window(live.url)
            if page is not None:
                came, n = time.monotonic(), row - 299
                page.wait_for_selector(f"body[data-rows='{n}']", timeout=5_000)
                seconds.append(time.monotonic() - came)
                shown = data_of(page, "actual")
                assert shown["y"][-1] == pytest.approx(rows["s0"].iloc[row], rel=1e-5)
                assert data_of(page, "path")["y"][-6:] == pytest.approx(
                    model.forecast()["s0"].tolist(), rel=1e-5
                )
        assert np.median(seconds) < 1.0  # not the longest: other tests may run beside
        newest = page.locator("#rows tbody tr").first.locator("td").all_inner_texts()
        assert (len(newest), newest[-1]) == (4, "0.4")
        [unusual] = page.locator("#unusual tbody tr").all()
        told = unusual.locator("td").all_inner_texts()
        assert [told[0], told[1], told[-1]] == [str(rows.index[330]), "s0", "0.001"]
        live.close()
        ended = True
        page.wait_for_selector("#status.off", timeout=5_000)
        assert page.locator("#status").inner_text() == "The stream has ended."
        assert page.locator("h1").inner_text() == BAD
    finally:
        if not ended:
            live.close()


def test_a_live_panel_shows_its_worst_series_first(window):
    frame = long_frame(5, 100).drop(columns="x")
    frame["id"] = frame["id"].replace("s1", BAD)
    stamps = frame["time"].unique()
    model = panel().fit(frame[frame["time"] < stamps[80]])
    live = LivePage(model, ["y"], Address.of("127.0.0.1:0"), "panel")
    try:
        for stamp in stamps[80:]:
            rows = frame[frame["time"] == stamp]
            model.partial_fit(rows)
            ids = rows["id"].tolist()
            forecast = model.forecast(ids=ids)[["y"]]
            p_values = np.full((len(ids), 1), 1e-3)
            live.take(stamp, rows[["y"]].to_numpy(), forecast, {}, ids, p_values)
        page = window(live.url)
        page.wait_for_selector("body[data-rows='100']", timeout=5_000)
        rows = "[...document.querySelectorAll('#series-table tbody tr')]"
        cells = rows + ".map((row) => row.cells[{}].textContent)"
        errors = [float(text) for text in page.evaluate(cells.format(1))]
        assert errors == sorted(errors)[::-1]
        assert BAD in page.evaluate(cells.format(0))
        assert BAD in page.locator("#unusual tbody td").all_inner_texts()
        page.locator("#series-table tbody tr").nth(2).click()
        third = page.evaluate(cells.format(0))[2]
        assert page.evaluate("$('series').selectedOptions[0].textContent") == third
        values = frame[frame["id"] == third]["y"].iloc[80:]
        assert np.allclose(data_of(page, "actual")["y"], values, rtol=1e-5)
    finally:
        live.close()


def test_ten_thousand_series_open(browser, tmp_path):
    n, rng = 10_000, np.random.default_rng(0)
    cutoff, series = (axis.ravel() for axis in np.indices((3, n)))
    start, actual = pd.Timestamp("2024-01-01"), rng.normal(size=3 * n)
    table = pd.DataFrame(
        {
            "id": series, "cutoff": start + pd.to_timedelta(cutoff, "h"),
            "time": start + pd.to_timedelta(cutoff + 1, "h"), "step": 1, "target": "y",
            "actual": actual, "forecast": actual + series / n,
        }
    )  # fmt: skip
    ramp = np.arange(9.0)
    metrics = prequential(NaiveForecaster().fit(ramp[:5]), ramp[5:]).metrics
    PrequentialResult(table, metrics, 0.0, NaiveForecaster()).report(tmp_path / "r.html")
    assert (tmp_path / "r.html").stat().st_size < 3_000_000
    page = browser.new_page()
    page.goto((tmp_path / "r.html").as_uri())
    page.wait_for_selector("body[data-ready]", timeout=20_000)
    assert page.locator("#series-table tbody tr").count() == 200
    page.close()
