"""What the plots show: the right values at the right times, bands, and nothing global."""

import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from helpers import hourly

from tsrnn.baselines import NaiveForecaster, SeasonalNaiveForecaster
from tsrnn.evaluate import prequential
from tsrnn.plotting import plot_forecast, plot_prequential

matplotlib = pytest.importorskip("matplotlib")
dates = pytest.importorskip("matplotlib.dates")
figures = pytest.importorskip("matplotlib.figure")
HORIZON = 6


@pytest.fixture
def ax():
    return figures.Figure().subplots()


@pytest.fixture(autouse=True)
def nothing_global():
    def settings():  # all but the backend, which is picked at the first figure
        return {key: matplotlib.rcParams[key] for key in matplotlib.rcParams if key != "backend"}

    before = settings()
    yield
    assert settings() == before


def fitted(data):
    return SeasonalNaiveForecaster(HORIZON, season=24).fit(data)


def lines(ax):
    """Label -> Series of what is drawn, its index the x axis in UTC or in rows."""
    drawn = {}
    for line in ax.get_lines():
        x = line.get_xdata()
        if not line.get_label().startswith("_"):
            drawn[line.get_label()] = pd.Series(line.get_ydata(), x)
    return drawn


def banded(forecast, coverages):
    target = forecast.columns[0]
    for coverage in coverages:
        forecast[f"{target}_lower_{coverage}"] = forecast[target] - coverage
        forecast[f"{target}_upper_{coverage}"] = forecast[target] + coverage
    return forecast


def test_a_forecast_goes_on_from_its_history(ax):
    data = hourly(120)
    forecast = fitted(data[:100]).forecast()
    assert plot_forecast(data[:100], forecast, last=10, ax=ax) is ax
    drawn = lines(ax)
    pd.testing.assert_series_equal(drawn["actual"], data["s0"][90:100], **LOOSE)
    path = pd.concat([data["s0"][99:100], forecast["s0"]])
    pd.testing.assert_series_equal(drawn["forecast"], path, **LOOSE)
    assert ax.get_ylabel() == "s0"
    ax.figure.canvas.draw()


LOOSE = {"check_names": False, "check_freq": False, "check_index_type": False}


def test_all_of_the_data_may_be_given_twice(ax):
    """Rows behind the cutoff are no history, and actuals are shown where they were forecast."""
    data = hourly(120)
    plot_forecast(data, fitted(data[:100]).forecast(), actual=data, last=10, ax=ax)
    pd.testing.assert_series_equal(lines(ax)["actual"], data["s0"][90 : 100 + HORIZON], **LOOSE)


def test_a_series_will_do(ax):
    data = hourly(100)["s0"]
    plot_forecast(data, fitted(data).forecast(), ax=ax)
    assert len(lines(ax)["actual"]) == 100


@pytest.mark.parametrize("names", [["time", "load"], ["load", "time"]])
def test_frames_of_polars_are_drawn_as_those_of_pandas(names, ax):
    """Frames of another library, which ``forecast()`` returns: times are a column of theirs."""
    polars, _ = pytest.importorskip("polars"), pytest.importorskip("narwhals")
    data = hourly(120).set_axis(["load"], axis=1).rename_axis("time")
    rows = polars.DataFrame({"time": data.index.to_numpy(), "load": data["load"].to_numpy()})
    rows = rows.select(names)
    plot_forecast(rows, fitted(rows[:100]).forecast(), actual=rows, ax=ax)
    other = figures.Figure().subplots()
    plot_forecast(data, fitted(data[:100]).forecast(), actual=data, ax=other)
    for name, line in lines(other).items():
        pd.testing.assert_series_equal(lines(ax)[name], line)


def test_times_may_be_texts_as_they_were_at_fit(ax):
    data = pd.DataFrame({"load": np.arange(90.0)}, pd.date_range("2024-01-01", periods=90))
    texts = data.set_axis(data.index.strftime("%Y-%m-%d"))
    plot_forecast(texts, NaiveForecaster(3).fit(texts[:80]).forecast(), actual=texts, ax=ax)
    other = figures.Figure().subplots()
    plot_forecast(data, NaiveForecaster(3).fit(data[:80]).forecast(), actual=data, ax=other)
    for name, line in lines(other).items():
        pd.testing.assert_series_equal(lines(ax)[name], line)


def test_the_panel_of_a_frame_of_polars_is_drawn_by_series():
    polars, _ = pytest.importorskip("polars"), pytest.importorskip("narwhals")
    times = hourly(60).index.to_numpy()
    rows = polars.DataFrame(
        {"shop": ["a"] * 60 + ["b"] * 60, "time": np.tile(times, 2), "sold": np.arange(120.0)}
    )
    model = NaiveForecaster(HORIZON, id_col="shop", time_col="time").fit(rows)
    axes = plot_forecast(rows, model.forecast())
    drawn = [lines(one)["forecast"].to_numpy()[-1] for one in axes]
    assert drawn == [59.0, 119.0]


def test_rows_without_stamps_are_counted(ax):
    data = pd.Series(np.arange(50.0))
    plot_forecast(data, fitted(data).forecast(), last=5, ax=ax)
    assert lines(ax)["forecast"].index.tolist() == list(range(49, 50 + HORIZON))
    assert ax.get_xlabel() == "row"


def test_stamps_read_in_their_own_time_zone(ax):
    data = hourly(48, tz="Pacific/Auckland")
    plot_forecast(data, fitted(data).forecast(), ax=ax)
    start = data.index[0]
    assert pd.Timestamp(lines(ax)["actual"].index[0]) == start.tz_convert(None)
    ax.figure.canvas.draw()
    assert str(ax.xaxis.get_major_formatter()._tz) == "Pacific/Auckland"
    at_midnight = [pd.Timestamp(dates.num2date(x)) for x in ax.xaxis.get_majorticklocs()]
    assert any(x.tz_convert(start.tz).hour == 0 for x in at_midnight)


def test_each_coverage_has_a_band(ax):
    data = hourly(100)
    plot_forecast(data, banded(fitted(data).forecast(), [0.5, 0.9]), ax=ax)
    labels = [band.get_label() for band in ax.collections]
    assert labels == ["90 % interval", "50 % interval"], "the wide band lies on the narrow one"
    corners = ax.collections[0].get_paths()[0].vertices
    final = dates.date2num(fitted(data).forecast().index[-1])
    width = np.ptp(corners[np.isclose(corners[:, 0], final, rtol=0, atol=1e-6), 1])
    assert width == pytest.approx(1.8)


def test_one_target_of_several(ax):
    data = hourly(100, n_columns=2)
    forecast = banded(fitted(data).forecast(), [0.9])
    plot_forecast(data, forecast, target="s1", ax=ax)
    pd.testing.assert_series_equal(lines(ax)["actual"], data["s1"], **LOOSE)
    assert not ax.collections, "the band is that of s0"
    for target in (None, "s2", "s0_lower_0.9"):
        with pytest.raises(ValueError, match=r"expected one of \['s0', 's1'\]"):
            plot_forecast(data, forecast, target=target, ax=ax)


def test_bad_arguments_are_named(ax):
    data = hourly(100)
    forecast = fitted(data).forecast()
    with pytest.raises(TypeError, match="forecast of type ndarray"):
        plot_forecast(data, forecast.to_numpy(), ax=ax)
    with pytest.raises(TypeError, match="history of type ndarray"):
        plot_forecast(data.to_numpy(), forecast, ax=ax)
    with pytest.raises(ValueError, match="history with the columns"):
        plot_forecast(data.rename(columns={"s0": "other"}), forecast, ax=ax)
    with pytest.raises(ValueError, match="no row of history before 2024-01-05 04:00"):
        plot_forecast(data[:0], forecast, ax=ax)
    with pytest.raises(ValueError, match=r"history indexed by int64, expected .*datetime64"):
        plot_forecast(data.reset_index(drop=True), forecast, ax=ax)
    with pytest.raises(ValueError, match="last=0"):
        plot_forecast(data, forecast, last=0, ax=ax)
    assert not ax.get_lines()


@pytest.fixture
def result():
    data = hourly(160)
    data.iloc[120] = np.nan
    return prequential(fitted(data[:100]), data[100:])


def test_prequential_shows_one_step_against_the_actuals(result, ax):
    table = result.forecasts
    plot_prequential(result, step=2, last=50, ax=ax)
    drawn = lines(ax)
    actual = hourly(160)["s0"][110:]
    actual.iloc[10] = np.nan  # a gap in the line
    pd.testing.assert_series_equal(drawn["actual"], actual, **LOOSE)
    expected = table[table["step"] == 2].set_index("time")["forecast"].loc[actual.index[0] :]
    pd.testing.assert_series_equal(drawn["forecast 2 steps ahead"], expected, **LOOSE)
    ax.figure.canvas.draw()


def test_prequential_shows_the_last_step_unless_told(result, ax):
    plot_prequential(result, ax=ax)
    assert set(lines(ax)) == {"actual", f"forecast {HORIZON} steps ahead"}
    assert len(lines(ax)["actual"]) == 60
    with pytest.raises(ValueError, match=r"step=7, expected one of \[1, 2, 3, 4, 5, 6\]"):
        plot_prequential(result, step=7, ax=ax)


def test_prequential_draws_its_intervals(result, ax):
    table = result.forecasts.assign(
        **{"lower_0.9": lambda f: f["forecast"] - 1, "upper_0.9": lambda f: f["forecast"] + 1}
    )
    plot_prequential(SimpleNamespace(forecasts=table), ax=ax)
    assert [band.get_label() for band in ax.collections] == ["90 % interval"]


def test_two_plots_on_one_axes_share_a_legend(result, ax):
    plot_prequential(result, ax=ax)
    data = hourly(160)
    plot_forecast(data, result.model.forecast(), last=1, ax=ax)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["actual", f"forecast {HORIZON} steps ahead", "forecast"]


def test_without_axes_a_figure_is_made_and_not_otherwise(result, ax):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    before = pyplot.get_fignums()
    plot_prequential(result, ax=ax)
    assert pyplot.get_fignums() == before
    made = plot_prequential(result)
    assert len(pyplot.get_fignums()) == len(before) + 1
    pyplot.close(made.figure)


def test_without_matplotlib_the_extra_is_named(result, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'pip install "tsrnn\[plot\]"'):
        plot_prequential(result)


def test_quantiles_are_neither_targets_nor_drawn(ax):
    history = hourly(100)
    forecast = NaiveForecaster(3).fit(history).forecast(coverage=0.9, quantiles=[0.1])
    ax = plot_forecast(history, forecast, ax=ax)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "actual",
        "forecast",
        "90 % interval",
    ]
