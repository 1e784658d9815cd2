"""Pictures of errors, calibration, weights and drift; and of panels and rolling origins."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from helpers import hourly, melted

from tsrnn import RNNForecaster
from tsrnn.baselines import LinearForecaster, NaiveForecaster, SeasonalNaiveForecaster
from tsrnn.evaluate import backtest, prequential
from tsrnn.plotting import (
    plot_calibration,
    plot_comparison,
    plot_drift,
    plot_error_by_step,
    plot_expert_weights,
    plot_forecast,
    plot_prequential,
)

pytest.importorskip("matplotlib")
figures = pytest.importorskip("matplotlib.figure")
QUICK = {"hidden_size": 4, "max_iter": 3, "window_size": 16, "random_state": 0}


@pytest.fixture
def ax():
    return figures.Figure().subplots()


def drawn(ax, label):
    """What a line shows, by its x; gaps are NaN."""
    (line,) = [line for line in ax.get_lines() if line.get_label() == label]
    return pd.Series(np.asarray(line.get_ydata(), dtype=float), line.get_xdata())


@pytest.fixture(scope="module")
def wide():
    return hourly(160, 8)


@pytest.fixture(scope="module")
def results():
    rows, models = hourly(200), {"naive": NaiveForecaster(4), "linear": LinearForecaster(4)}
    return {
        name: prequential(model.fit(rows[:150]), rows[150:], coverage=[0.5, 0.9])
        for name, model in models.items()
    }


@pytest.mark.parametrize("form", ["columns", "levels", "time in the index"])
def test_a_panel_is_drawn_series_by_series(form, wide):
    """Kind: all series as one zigzag, and plot_forecast refused panels."""
    long = melted(wide).sort_values(["time", "id"], ignore_index=True)
    params = {"id_col": "id", "time_col": "time"}
    if form == "levels":
        long, params = long.set_index(["id", "time"]), {}
    elif form == "time in the index":
        long, params = long.set_index("time"), {"id_col": "id"}
    n = 8 * 140
    model = NaiveForecaster(4, **params).fit(long[:n])
    axes = figures.Figure().subplots(2)
    found = plot_forecast(long[:n], model.forecast(), actual=long, ids=["s3", "s1"], ax=axes)
    assert [one.get_ylabel() for one in found] == ["s3", "s1"]
    for one in found:
        line = drawn(one, "actual")
        series = wide[one.get_ylabel()]
        expected = series[140 - 120 : 144]
        np.testing.assert_array_equal(line, expected)
        assert (drawn(one, "forecast") == series.iloc[139]).all()
    result = prequential(model, long[n:])
    found = plot_prequential(result, ids="s5", ax=figures.Figure().subplots())
    np.testing.assert_array_equal(drawn(found, "actual"), wide["s5"][140:])
    assert drawn(found, "forecast 4 steps ahead").index.is_monotonic_increasing
    with pytest.raises(ValueError, match="found ids=\\['x'\\], expected some of"):
        plot_prequential(result, ids=["x"], ax=axes)
    with pytest.raises(ValueError, match="found 2 axes for 6 pictures"):
        plot_forecast(long[:n], model.forecast(), ax=axes)


def test_origins_are_never_joined():
    """Kind: straight lines through cycles between the origins of a backtest."""
    rows = hourly(200)
    result = backtest(SeasonalNaiveForecaster(6), rows, initial=100, step=20, coverage=0.8)
    ax = plot_prequential(result, ax=figures.Figure().subplots())
    paths = drawn(ax, "forecasts from each origin")
    assert paths.isna().sum() == 4, "between five origins"
    cuts = [0, *np.flatnonzero(paths.isna()), len(paths)]
    pieces = [paths.iloc[low:high] for low, high in pairwise(cuts)]
    assert [piece.notna().sum() for piece in pieces] == [6] * 5
    assert drawn(ax, "actual").isna().sum() == 4
    for piece in pieces:
        times = piece.dropna().index
        assert (np.diff(times) == np.timedelta64(1, "h")).all()
    points = plot_prequential(result, step=3, ax=figures.Figure().subplots())
    line = drawn(points, "forecast 3 steps ahead")
    assert line.notna().tolist() == [True, False] * 4 + [True]


def test_many_rows_do_not_hide_the_forecast(ax):
    """Kind: thousands of rows that hide what is to be seen: the newest ones are shown."""
    rows = hourly(3000)
    model = SeasonalNaiveForecaster(24).fit(rows)
    plot_forecast(rows, model.forecast(), ax=ax)
    assert len(drawn(ax, "actual")) == 8 * 24
    result = prequential(NaiveForecaster().fit(rows[:2000]), rows[2000:], chunk=1)
    other = plot_prequential(result, ax=figures.Figure().subplots())
    assert len(drawn(other, "actual")) == 500
    assert (
        len(drawn(plot_prequential(result, last=7, ax=figures.Figure().subplots()), "actual")) == 7
    )


def test_errors_by_step_of_several(results, ax):
    plot_error_by_step(results, metric="RMSE", ax=ax)
    for name, result in results.items():
        line = drawn(ax, name)
        assert line.index.tolist() == [1, 2, 3, 4]
        np.testing.assert_array_equal(line, result.metrics.loc["s0", "RMSE"][:-1])
    with pytest.raises(ValueError, match="found metric='MSE', expected one of"):
        plot_error_by_step(results, metric="MSE", ax=ax)
    with pytest.raises(ValueError, match="found target='s9', expected one of"):
        plot_error_by_step(results, target="s9", ax=ax)


def test_calibration_is_what_the_intervals_held(results, ax):
    plot_calibration(results["linear"], ax=ax)
    line = drawn(ax, "held")
    table = results["linear"].metrics.loc[("all", "all")]
    assert line.to_dict() == {share: table[f"coverage_{share}"] for share in (0.5, 0.9)}
    rows = hourly(60)
    plain = prequential(NaiveForecaster().fit(rows[:50]), rows[50:])
    with pytest.raises(ValueError, match=r"found no intervals.*coverage=\[0\.5"):
        plot_calibration(plain, ax=ax)


def test_a_comparison_has_the_best_on_top(results, ax):
    plot_comparison(results, metric="MAE", ax=ax)
    widths = [bar.get_width() for bar in ax.patches]
    assert widths == sorted(widths)
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert widths == [results[name].metrics.loc[("all", "all"), "MAE"] for name in names]
    assert ax.yaxis_inverted()


def test_weights_and_drift_of_a_stream_and_a_panel(wide, ax):
    rows = pd.concat([wide[["s0", "s1"]][:120], wide[["s0", "s1"]][120:] + 40.0])
    stream = RNNForecaster(3, **QUICK).fit(rows[:100]).partial_fit(rows[100:])
    long = melted(rows).sort_values(["time", "id"], ignore_index=True)
    panel = RNNForecaster(3, id_col="id", time_col="time", **QUICK)
    panel.fit(long[:200]).partial_fit(long[200:])
    for model, target, id in ((stream, "s1", None), (panel, "value", "s1"), (panel, None, None)):
        one = plot_expert_weights(model, target=target, id=id, ax=figures.Figure().subplots())
        heights = sum(np.array([bar.get_height() for bar in bars]) for bars in one.containers)
        np.testing.assert_allclose(heights, 1.0)
        assert len(heights) == 3
        names = [text.get_text() for text in one.get_legend().get_texts()]
        assert names == list(model.expert_weights_.columns)[::-1]
    with pytest.raises(ValueError, match=r"found target=None, expected one of \['s0', 's1'\]"):
        plot_expert_weights(stream, ax=ax)
    log = stream.drift_log_
    axes = plot_drift(stream, target="s0", ax=figures.Figure().subplots(4))
    line = axes[1].get_lines()[1]
    np.testing.assert_array_equal(line.get_ydata(), log.loc[log["target"] == "s0", "level"])
    assert len(plot_drift(panel, ax=figures.Figure().subplots(4))[0].get_lines()) > 2
    with pytest.raises(ValueError, match="found target='s7', expected one of"):
        plot_drift(RNNForecaster(3, **QUICK).fit(rows[:100]), target="s7", ax=ax)


def test_periods_and_row_numbers(ax):
    """Kind: rows numbered by a step, or by periods: all are drawn, where they are."""
    rows = pd.Series(np.arange(60.0), range(0, 120, 2), name="y")
    forecast = pd.DataFrame({"y": [1.0, 2.0]}, [120, 122])
    plot_forecast(rows, forecast, ax=ax)
    assert drawn(ax, "actual").index.tolist() == list(range(0, 120, 2))
    months = pd.period_range("2020-01", periods=30, freq="M")
    history = pd.DataFrame({"y": np.arange(28.0)}, months[:28])
    other = figures.Figure().subplots()
    plot_forecast(history, pd.DataFrame({"y": [1.0, 2.0]}, months[28:]), ax=other)
    assert drawn(other, "forecast").index[-1] == np.datetime64("2022-06-01")
    other.figure.canvas.draw()
