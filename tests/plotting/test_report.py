"""The report of an evaluation: what is in the file, its size, and odd evaluations."""

import dataclasses
import doctest
import json
import re
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from helpers import hourly
from helpers.panels import long_frame, panel

pytest.importorskip("bokeh")

from tsrnn.baselines import NaiveForecaster, SeasonalNaiveForecaster
from tsrnn.evaluate import PrequentialResult, prequential
from tsrnn.evaluation.results import metric_table
from tsrnn.plotting.interactive import numbers, report

BAD = "</script><script>window.caught = 1</script>"


@pytest.fixture(scope="module")
def rows():
    return hourly(200)


@pytest.fixture(scope="module")
def result(rows):
    return prequential(SeasonalNaiveForecaster(4).fit(rows[:100]), rows[100:], coverage=[0.5, 0.9])


@pytest.fixture(scope="module")
def panel_result():
    frame = long_frame(5, 60, missing=0.1).drop(columns="x")
    frame["id"] = frame["id"].replace("s1", BAD)
    model = panel()
    first = frame["time"] < frame["time"].iloc[0] + pd.Timedelta("40h")
    return prequential(model.fit(frame[first]), frame[~first], coverage=0.9)


def many_series(n_series, n_cutoffs=2, n_steps=24):
    rng = np.random.default_rng(0)
    shape = n_cutoffs, n_series, n_steps
    cutoff, series, step = (axis.ravel() for axis in np.indices(shape))
    start, actual = pd.Timestamp("2024-01-01"), rng.normal(size=cutoff.size)
    table = pd.DataFrame(
        {
            "id": series,
            "cutoff": start + pd.to_timedelta(cutoff, "h"),
            "time": start + pd.to_timedelta(cutoff + step + 1, "h"),
            "step": step + 1,
            "target": "y",
            "actual": actual,
            "forecast": actual + series / n_series,
        }
    )
    values = [table[name].to_numpy().reshape(-1, n_steps, 1) for name in ("actual", "forecast")]
    metrics = metric_table(*values, 1.0, pd.Index(["y"]))
    return PrequentialResult(table, metrics, 1e-4, NaiveForecaster())


def data_of(page):
    return json.loads(re.search(r'id="data">(.*?)</script>', page)[1])


def test_forecasts_and_actuals_are_those_of_the_evaluation(result, rows):
    data = data_of(report.html({"one": result}))
    (block,) = data["paths"][0]
    table, edge = result.forecasts, block["starts"]
    assert block["n"] == len(block["cutoffs"]) == 100
    times = rows.index[100:]
    assert (
        pd.DatetimeIndex(pd.to_datetime(block["x"], unit="ms")).equals(times.as_unit("ns"))
        or (pd.to_datetime(block["x"], unit="ms") == times).all()
    )
    assert np.allclose(block["y"], rows.iloc[100:, 0], rtol=1e-5)
    for name in ("forecast", "lower_0.5", "upper_0.9"):
        assert np.allclose(block[name], table[name], rtol=1e-5)
    seventh = table[table["cutoff"] == table["cutoff"].unique()[7]]
    at = block["at"][edge[7] : edge[8]]
    assert np.take(times, at).tolist() == seventh["time"].tolist()


def test_errors_are_those_of_the_metrics(result):
    data = data_of(report.html({"one": result}))
    steps = result.metrics.loc["all"].drop("all")
    assert data["by_step"][0]["steps"] == [[1, 2, 3, 4]]
    assert np.allclose(data["by_step"][0]["RMSE"][0], steps["RMSE"], rtol=1e-5)
    held = result.metrics.loc[("all", "all"), ["coverage_0.5", "coverage_0.9"]]
    assert np.allclose(data["calibration"][0]["y"], held, rtol=1e-5)
    curve = data["over_time"][0]["all steps"]
    table = result.forecasts
    by_time = (table["forecast"] - table["actual"]).abs().groupby(table["time"]).mean()
    assert np.allclose(curve["y"], by_time, rtol=1e-5)  # 100 times: a point for each


def test_series_are_sorted_by_their_errors(panel_result):
    tables = numbers.Tables.of(panel_result)
    errors = numbers.series_errors(tables, panel_result.model.naive_error_)
    assert errors["MASE"].is_monotonic_decreasing
    worst = tables.labels()[errors.index[0]]
    rows = panel_result.forecasts[panel_result.forecasts["id"] == worst]
    error = (rows["forecast"] - rows["actual"]).abs().mean()
    scale = panel_result.model.naive_error_.loc[worst, "y"]
    assert errors["MASE"].iloc[0] == pytest.approx(error / scale)
    assert errors["coverage_0.9"].iloc[0] == pytest.approx(
        rows["actual"].between(rows["lower_0.9"], rows["upper_0.9"])[rows["actual"].notna()].mean()
    )


def test_rows_with_the_least_p_values_are_listed(result, panel_result):
    for found in (result, panel_result):
        page = report.html({"one": found})
        section = page.split("<h2>Unusual rows</h2>")[1].split("</section>")[0]
        rows = found.forecasts.dropna(subset="p_value").sort_values("p_value")[:20]
        listed = [line.split("</td>")[:-1] for line in section.split("<tr>")[2:]]
        assert len(listed) == len(rows)
        values = [float(cells[-1].rsplit(">", 1)[1]) for cells in listed]
        np.testing.assert_allclose(values, rows["p_value"], rtol=1e-2)
    without = dataclasses.replace(result, forecasts=result.forecasts.drop(columns="p_value"))
    assert "Unusual rows" not in report.html({"one": without})


def test_names_are_text_wherever_they_stand(panel_result):
    page = report.html({BAD: panel_result}, title=BAD)
    assert page.count(BAD) == 0
    assert BAD in data_of(page)["series"]
    assert "&lt;/script&gt;&lt;script&gt;window.caught = 1&lt;/script&gt;" in page


def test_nothing_comes_from_outside(result):
    page = report.html({"one": result})
    assert "default-src 'none'" in page
    assert not re.search(r"""(src|href)=["'](?!data:)[^"'$]""", page.split("<script>")[0])


def test_models_stand_side_by_side(result, rows, tmp_path):
    naive = prequential(NaiveForecaster(4).fit(rows[:100]), rows[100:])
    result.report(tmp_path / "report.html", against={"naive": naive})
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Models side by side" in page
    data = data_of(page)
    assert data["models"] == ["SeasonalNaiveForecaster", "naive"]
    assert [len(model[0]["forecast"]) for model in data["paths"]] == [394, 394]
    with pytest.raises(ValueError, match="found 'SeasonalNaiveForecaster' among the names"):
        result.report(tmp_path / "x.html", against={"SeasonalNaiveForecaster": naive})
    assert not (tmp_path / "x.html").exists()


def test_the_file_is_bounded_and_says_what_it_left_out():
    result = many_series(3000)
    page = report.html({"many": result})
    assert len(page) < 3_000_000
    assert "Of 3,000 series, this file holds the worst 100 and 100 spread evenly" in page
    data = data_of(page)
    assert data["series"][:3] == ["2999", "2998", "2997"]
    assert len(data["series"]) == numbers.MOST_SERIES


def test_a_long_evaluation_is_thinned_evenly(rows, monkeypatch):
    monkeypatch.setattr(numbers, "MOST_ORIGINS", 10)
    result = prequential(NaiveForecaster(4).fit(rows[:100]), rows[100:])
    page = report.html({"one": result})
    assert "Of 100 origins, 10 evenly spread ones are in this file" in page
    (block,) = data_of(page)["paths"][0]
    assert np.diff(block["cutoffs"]).tolist() == [11 * 3_600_000] * 9


def test_what_is_missing_stays_missing(rows):
    unknown = rows[100:110] * np.nan
    result = prequential(NaiveForecaster(2).fit(rows[:100]), unknown, coverage=0.9)
    data = data_of(report.html({"one": result}))
    assert data["paths"][0][0]["y"] == [None] * 10
    assert set(data["over_time"][0]["all steps"]["y"]) == {None}


@pytest.mark.parametrize("n_rows", [1, 2])
def test_few_rows_of_an_array(n_rows):
    ramp = 2.0 * np.arange(30)
    result = prequential(NaiveForecaster().fit(ramp[:20]), ramp[20 : 20 + n_rows])
    (block,) = data_of(report.html({"one": result}))["paths"][0]
    assert block["x"] == [20.0, 21.0][:n_rows]
    assert block["forecast"] == [38.0, 40.0][:n_rows]


def test_an_empty_evaluation_is_refused(result, tmp_path):
    empty = PrequentialResult(result.forecasts[:0], result.metrics, 0.0, result.model)
    with pytest.raises(ValueError, match="found an evaluation without forecasts"):
        empty.report(tmp_path / "report.html")
    assert not list(tmp_path.iterdir())


def test_a_missing_bokeh_is_named(result, monkeypatch, tmp_path):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr("tsrnn.evaluation.results.importlib.import_module", missing)
    with pytest.raises(ImportError, match=r'pip install "tsrnn\[report\]"'):
        result.report(tmp_path / "report.html")


@pytest.mark.parametrize("name", ["figures", "numbers", "page", "report"])
def test_examples(name):
    assert not doctest.testmod(import_module(f"tsrnn.plotting.interactive.{name}")).failed
