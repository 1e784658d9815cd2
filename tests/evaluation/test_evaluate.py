import copy
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

import tsrnn.evaluate
from tsrnn import RNNForecaster, StreamingPipeline, metrics
from tsrnn.baselines import NaiveForecaster
from tsrnn.evaluate import PrequentialResult, backtest, prequential


class LateRow(ValueError):
    pass


def is_stamped(X):
    return isinstance(X, (pd.DataFrame, pd.Series)) and not isinstance(X.index, pd.RangeIndex)


class Ramp(BaseEstimator):
    """Forecast last value + slope * (step - late), and log every call in order.

    ``slope=0`` is the naive forecaster; ``late=1`` answers for one step before the one asked.
    """

    def __init__(self, horizon=1, slope=0.0, late=0, target=None, drop_late=False):
        self.horizon = horizon
        self.slope = slope
        self.late = late
        self.target = target
        self.drop_late = drop_late

    def fit(self, X, y=None):
        self.log_, self.cutoff_ = [], None
        stamped = is_stamped(X)
        self.freq_ = X.index[1] - X.index[0] if stamped else 1
        self.first_ = X.index[0] if isinstance(X, (pd.DataFrame, pd.Series)) else 0
        return self._take_in("fit", X)

    def partial_fit(self, X, y=None):
        return self._take_in("partial_fit", X)

    def update(self, X, y=None):
        return self._take_in("update", X)

    def _take_in(self, call, X):
        frame = X.to_frame(X.name or "y") if isinstance(X, pd.Series) else pd.DataFrame(X)
        if np.ndim(X) == 2 and not isinstance(X, pd.DataFrame):
            frame.columns = [f"x{i}" for i in range(frame.shape[1])]
        if not is_stamped(X):
            start = self.first_ if self.cutoff_ is None else self.cutoff_ + 1
            frame.index = range(start, start + len(frame))
        for stamp, row in zip(frame.index, frame.to_numpy(dtype=float), strict=True):
            if self.cutoff_ is not None and stamp <= self.cutoff_:
                if self.drop_late:
                    continue
                raise LateRow(f"{stamp} is not newer than {self.cutoff_}")
            self.cutoff_ = stamp
            self.log_.append((call, stamp, tuple(row)))
            last = pd.Series(row, frame.columns)[self.target or list(frame.columns)]
            self.last_ = last if call == "fit" else last.fillna(self.last_)
        return self

    def forecast(self, horizon=None):
        check_is_fitted(self)
        self.log_.append(("forecast", self.cutoff_))
        steps = np.arange(1, (horizon or self.horizon) + 1)
        values = self.last_.to_numpy() + self.slope * (steps[:, None] - self.late)
        index = pd.Index([self.cutoff_ + int(h) * self.freq_ for h in steps])
        return pd.DataFrame(values, index=index, columns=self.last_.index)


def ramp(n, *, slope=2.0, start="2024-03-30 12:00", **columns):
    """A table of hourly ramps across a change of the clocks."""
    index = pd.date_range(start, periods=n, freq="h", tz="Europe/Rome", name="when")
    load = 5.0 + slope * np.arange(n)
    return pd.DataFrame({"load": load, **columns}, index=index)


def walk(n, seed=0):
    rng = np.random.default_rng(seed)
    table = ramp(n)
    table["load"] = rng.normal(size=n).cumsum()
    table["price"] = 30 + rng.normal(size=n).cumsum()
    return table


# --- alignment ---------------------------------------------------------------------------------


@pytest.mark.parametrize("learn", [True, False])
@pytest.mark.parametrize("chunk", [1, 2, 5])
def test_a_perfect_ramp_forecaster_scores_exactly_0(chunk, learn):
    data = ramp(40)
    data["rise"] = 2.0 * np.arange(40)
    result = prequential(Ramp(3, slope=2.0).fit(data[:30]), data[30:], chunk=chunk, learn=learn)
    assert (result.metrics == 0).all(axis=None)
    assert len(result.metrics) == (2 + 1) * (3 + 1)


def test_a_forecaster_one_step_late_scores_exactly_the_slope():
    data = ramp(40)
    result = prequential(Ramp(3, slope=2.0, late=1).fit(data[:30]), data[30:])
    assert (result.metrics[["MAE", "RMSE"]] == 2).all(axis=None)
    assert (result.metrics["MASE"] == 1).all()


def test_the_naive_forecaster_falls_behind_by_the_slope_each_step():
    data = ramp(40)
    result = prequential(Ramp(3).fit(data[:30]), data[30:])
    assert result.metrics.loc["load", "MAE"].tolist() == [2, 4, 6, 104 / 27]
    assert result.metrics.loc["load", "MASE"].tolist() == [1, 2, 3, 52 / 27]


def test_forecasts_hold_each_step_whose_stamp_lies_in_the_data():
    data = walk(12)
    result = prequential(Ramp(2).fit(data[:9]), data[9:])
    table = result.forecasts
    assert list(table) == ["cutoff", "time", "step", "target", "actual", "forecast"]
    stamp = data.index
    expected = [
        (stamp[c], stamp[c + h], h, target, data[target].iloc[c + h], data[target].iloc[c])
        for c, h in [(8, 1), (8, 2), (9, 1), (9, 2), (10, 1)]
        for target in ("load", "price")
    ]
    assert list(table.itertuples(index=False, name=None)) == expected
    assert table["time"].dtype == table["cutoff"].dtype == data.index.dtype
    assert isinstance(table.index, pd.RangeIndex)


def test_chunk_sets_the_cutoffs():
    data = walk(20)
    result = prequential(Ramp(2).fit(data[:10]), data[10:], chunk=4)
    assert result.forecasts["cutoff"].unique().tolist() == data.index[[9, 13, 17]].tolist()
    assert result.model.cutoff_ == data.index[-1]


def test_actuals_are_found_by_stamp_across_a_gap():
    data = walk(20)
    holed = data.drop(data.index[[12, 13]])
    table = prequential(Ramp(3).fit(holed[:10]), holed[10:]).forecasts
    assert not table["time"].isin(data.index[[12, 13]]).any()
    across = table[table["cutoff"] == data.index[11]]
    assert across["step"].tolist() == [3, 3]
    assert across["actual"].tolist() == data.iloc[14].tolist()
    steps = (table["time"] - table["cutoff"]) / pd.Timedelta("1h")
    assert (steps == table["step"]).all()


FORMS = {
    "array": lambda table: table.to_numpy(),
    "one-dimensional array": lambda table: table["load"].to_numpy(),
    "list": lambda table: table["load"].tolist(),
    "range index": lambda table: table.reset_index(drop=True),
    "range series": lambda table: table["load"].reset_index(drop=True),
    "series": lambda table: table["load"],
    "series without name": lambda table: table["load"].rename(None),
    "nullable": lambda table: table.astype("Float64"),
    "nullable series": lambda table: table["load"].astype("Float64"),
    "coarser stamps": lambda table: table.set_axis(table.index.as_unit("s")),
    "other time zone": lambda table: table.tz_convert("UTC"),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_data_of_any_form_score_alike(form):
    data = walk(20)
    data.iloc[15] = np.nan
    table = prequential(Ramp(3).fit(form(data[:10])), form(data[10:])).forecasts
    expected = prequential(Ramp(3).fit(data[:10]), data[10:]).forecasts
    if len(table) < len(expected):  # a form of one target
        expected = expected[expected["target"] == "load"]
    same = ["step", "actual", "forecast"]
    np.testing.assert_array_equal(table[same].to_numpy(), expected[same].to_numpy())
    assert (table["time"] > table["cutoff"]).all()


@pytest.mark.parametrize("keep_index", [True, False])
def test_rows_without_stamps_count_on_from_the_cutoff(keep_index):
    data = pd.DataFrame({"load": [1.0, 2.0, 4.0, 8.0, 16.0]})
    rest = data[3:] if keep_index else data[3:].reset_index(drop=True)
    table = prequential(Ramp(2).fit(data[:3]), rest).forecasts
    assert table["cutoff"].tolist() == [2, 2, 3]
    assert table["time"].tolist() == [3, 4, 4]
    assert table["actual"].tolist() == [8, 16, 16]


# --- order of events ---------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [1, 3])
@pytest.mark.parametrize(("learn", "call"), [(True, "partial_fit"), (False, "update")])
def test_rows_arrive_once_in_order_after_the_forecast_before_them(chunk, learn, call):
    data = walk(18)
    result = prequential(Ramp(2).fit(data[:10]), data[10:], chunk=chunk, learn=learn)
    expected = []
    for row in range(10, 18):
        if (row - 10) % chunk == 0:
            expected.append(("forecast", data.index[row - 1]))
        expected.append((call, data.index[row], tuple(data.iloc[row])))
    assert result.model.log_[10:] == expected


def test_nothing_leaks_from_later_rows():
    data, row = walk(40), 25
    other = data.copy()
    other.iloc[row:] = walk(40, seed=1).iloc[row:] * 100
    tables = [prequential(Ramp(4).fit(d[:10]), d[10:]).forecasts for d in (data, other)]
    before = [t.loc[t["cutoff"] < data.index[row], "forecast"].to_numpy() for t in tables]
    assert before[0].tobytes() == before[1].tobytes()
    after = [t.loc[t["cutoff"] >= data.index[row], "forecast"].to_numpy() for t in tables]
    assert (after[0] != after[1]).all()


def test_the_model_given_stays_as_it_was():
    data = walk(20)
    model = Ramp(2).fit(data[:10])
    before = copy.deepcopy(vars(model))
    result = prequential(model, data[10:])
    assert model.log_ == before["log_"] and model.cutoff_ == before["cutoff_"]
    pd.testing.assert_series_equal(model.last_, before["last_"])
    assert result.model is not model
    pd.testing.assert_series_equal(result.model.last_, data.iloc[-1], check_names=False)


# --- what is scored ----------------------------------------------------------------------------


def test_missing_actuals_stay_nan_and_out_of_the_metrics():
    data = ramp(20)
    data.loc[data.index[14], "load"] = np.nan
    result = prequential(Ramp(1, slope=2.0).fit(data[:10]), data[10:])
    missing = result.forecasts["actual"].isna()
    assert result.forecasts.loc[missing, "time"].tolist() == [data.index[14]]
    # all exact but the row after the missing one, whose last known value is one step older
    assert result.metrics.loc[("load", 1), "MAE"] == 2 / 9


def test_other_columns_are_shown_to_the_model_but_not_scored():
    data = walk(20)
    result = prequential(Ramp(2, target=["price"]).fit(data[:10]), data[10:])
    assert set(result.forecasts["target"]) == {"price"}
    assert result.metrics.index.unique("target").tolist() == ["price", "all"]
    assert result.model.log_[-1][2] == tuple(data.iloc[-1])
    actual = result.forecasts.loc[result.forecasts["step"] == 1, "actual"]
    assert actual.tolist() == data["price"].iloc[10:].tolist()


def test_metrics_are_those_of_the_forecasts_by_target_and_step():
    data = walk(60)
    data.iloc[33, 0] = np.nan
    result = prequential(Ramp(3).fit(data[:20]), data[20:])
    scale = {name: metrics.mase_scale(data[name].iloc[20:]) for name in data}
    table = result.forecasts.assign(scale=result.forecasts["target"].map(scale))
    targets, steps = result.metrics.index.levels
    assert (targets.tolist(), steps.tolist()) == (["load", "price", "all"], [1, 2, 3, "all"])
    assert len(result.metrics) == 12
    for (target, step), row in result.metrics.iterrows():
        part = table if target == "all" else table[table["target"] == target]
        part = part if step == "all" else part[part["step"] == step]
        pair = part["actual"], part["forecast"]
        assert row["MAE"] == pytest.approx(metrics.mae(*pair))
        assert row["RMSE"] == pytest.approx(metrics.rmse(*pair))
        assert row["MASE"] == pytest.approx(metrics.mase(*pair, part["scale"]))
        assert row["sMAPE"] == pytest.approx(metrics.smape(*pair))


def test_a_failed_forecast_is_not_hidden_and_a_step_never_reached_is_nan():
    data = walk(13)
    model = Ramp(4).fit(data[:10])
    model.last_["load"] = np.nan
    scores = prequential(model, data[10:]).metrics["MAE"]
    assert np.isnan(scores.loc[("load", 1)]) and np.isnan(scores.loc[("all", "all")])
    assert scores.loc[("price", 1)] > 0
    assert np.isnan(scores.loc[("price", 4)])  # three rows: no forecast has a fourth step to score


def test_rows_the_model_drops_as_late_get_no_second_forecast():
    data = walk(20)
    model = Ramp(2, drop_late=True).fit(data[:10])
    replayed = pd.concat([data[8:14], data[12:14] + 100, data[14:]])  # of a stamp the first counts
    once, twice = prequential(model, data[10:]), prequential(model, replayed)
    pd.testing.assert_frame_equal(
        twice.forecasts[twice.forecasts["time"] >= data.index[10]].reset_index(drop=True),
        once.forecasts,
    )
    assert twice.forecasts["cutoff"].nunique() == 10


def test_seconds_per_row_are_those_spent_in_the_model(monkeypatch):
    clock = [0.0]

    class Slow(Ramp):
        def forecast(self, horizon=None):
            clock[0] += 2
            return super().forecast(horizon)

        def partial_fit(self, X, y=None):
            clock[0] += 3 * len(X)
            return super().partial_fit(X)

    def progress(done, total):
        clock[0] += 1000

    monkeypatch.setattr(tsrnn.evaluation.prequential.time, "perf_counter", lambda: clock[0])
    data = walk(18)
    model = Slow(2).fit(data[:10])
    assert prequential(model, data[10:], progress=progress).seconds_per_row == 5
    assert prequential(model, data[10:], chunk=4, progress=progress).seconds_per_row == 3.5


def test_printing_a_result_is_short():
    """Kind: `print(result)` that fills a screen with the metrics of each step."""
    data = pd.concat([walk(60).add_suffix(f"_{i}") for i in range(8)], axis=1)
    result = prequential(Ramp(24).fit(data[:10]), data[10:])
    text = str(result)
    assert len(text.splitlines()) <= 14
    assert "PrequentialResult of load_0, price_0, load_1, 13 more: 50 origins" in text
    assert "24 steps ahead" in text and "7 more targets" in text


def test_a_summary_is_the_metrics_over_all_steps():
    data = walk(40)
    result = prequential(Ramp(3).fit(data[:10]), data[10:])
    summary = result.summary()
    assert summary.index.tolist() == ["load", "price", "all"]
    pd.testing.assert_series_equal(
        summary.loc["price"], result.metrics.loc[("price", "all")], check_names=False
    )
    one = prequential(Ramp(3).fit(data[["load"]][:10]), data[["load"]][10:])
    assert one.summary().index.tolist() == ["load"]


def test_results_are_compared_in_one_table():
    data = walk(40)
    models = {"naive": Ramp(3), "rising": Ramp(3, slope=2.0), "short": Ramp(1)}
    results = {name: prequential(m.fit(data[:10]), data[10:]) for name, m in models.items()}
    table = tsrnn.evaluate.compare(results)
    assert table.index.tolist() == ["naive", "rising", "short"]
    assert table["n_scored"].tolist() == [174, 174, 60], "rows that differ can be seen"
    for name, result in results.items():
        overall = result.metrics.loc[("all", "all")]
        assert table.loc[name, "RMSE"] == overall["RMSE"]
        assert table.loc[name, "seconds_per_row"] == result.seconds_per_row
    with pytest.raises(ValueError, match="found no results"):
        tsrnn.evaluate.compare({})


def test_a_result_is_frozen_and_prints_its_metrics():
    data = walk(20)
    result = prequential(Ramp().fit(data[:10]), data[10:])
    assert isinstance(result, PrequentialResult)
    with pytest.raises(AttributeError):
        result.metrics = None
    assert "MASE" in repr(result) and "cutoff" not in repr(result)


# --- progress ----------------------------------------------------------------------------------


def test_progress_calls_back_after_each_chunk():
    data, calls = walk(20), []
    prequential(
        Ramp().fit(data[:10]), data[10:], chunk=4, progress=lambda *done: calls.append(done)
    )
    assert calls == [(4, 10), (8, 10), (10, 10)]


@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_progress_of_a_backtest_calls_back_after_each_origin(refit, n_jobs):
    """Kind: a long call that is silent: `backtest` tells each origin that is done."""
    calls = []
    options = {"initial": 8, "step": 5, "refit": refit, "n_jobs": n_jobs}
    backtest(Ramp(), walk(20), **options, progress=lambda *done: calls.append(done))
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_progress_draws_a_line_by_rich(capsys):
    pytest.importorskip("rich")
    data = walk(20)
    prequential(Ramp().fit(data[:10]), data[10:], progress=True)
    out, err = capsys.readouterr()
    assert out == "" and "100%" in err
    prequential(Ramp().fit(data[:10]), data[10:])
    assert capsys.readouterr() == ("", "")


def test_progress_without_rich_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    data = walk(20)
    with pytest.raises(ImportError, match=r'pip install "tsrnn\[cli\]"'):
        prequential(Ramp().fit(data[:10]), data[10:], progress=True)


# --- errors ------------------------------------------------------------------------------------


def test_an_unfitted_model_says_so_itself():
    models = [Ramp(), NaiveForecaster(), RNNForecaster(future_cols="plan", target="y")]
    for model in [*models, StreamingPipeline([("model", models[1])])]:
        with pytest.raises(NotFittedError, match=r"This \w+ instance is not fitted yet"):
            prequential(model, walk(20))


@pytest.mark.parametrize("rows", [[10, 12, 11], [10, 11, 11], [9, 10, 11]])
def test_an_error_of_the_model_comes_out_unchanged(rows):
    data = walk(20)
    with pytest.raises(LateRow, match=r"is not newer than 2024") as caught:
        prequential(Ramp().fit(data[:10]), data.iloc[rows])
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (walk(20)[20:], {}, "data is empty; expected at least one row"),
        (walk(20)[10:], {"chunk": 0}, "chunk == 0, must be >= 1"),
        (walk(20)[["load"]][10:], {}, r"columns \['load'\]; expected the targets.*\['price'\]"),
        (walk(40)[20::2], {}, r"no forecast could be scored: .* run from .*same frequency"),
    ],
)
def test_wrong_input_is_named(data, options, message):
    with pytest.raises(ValueError, match=message):
        prequential(Ramp().fit(walk(20)[:10]), data, **options)


def test_an_error_about_targets_does_not_wait_for_the_last_row():
    data, calls = walk(20), []
    with pytest.raises(ValueError, match=r"\['price'\] are missing"):
        prequential(
            Ramp().fit(data[:10]), data[["load"]][10:], progress=lambda *done: calls.append(done)
        )
    assert calls == []


def test_columns_without_names_go_by_scikit_learns():
    array = walk(20).to_numpy()
    table = prequential(Ramp(target=["x1"]).fit(array[:10]), array[10:], chunk=20).forecasts
    assert table["actual"].tolist() == [array[10, 1]]
    with pytest.raises(ValueError, match=r"\['x0'\]; expected the targets \['x0', 'x1'\]"):
        prequential(Ramp().fit(array[:10]), array[10:, 0])


def test_a_target_must_not_be_named_as_the_overall_row():
    data = walk(20).rename(columns={"load": "all"})
    with pytest.raises(ValueError, match=r"a target is named 'all'.*Rename"):
        prequential(Ramp().fit(data[:10]), data[10:])


# --- backtest ----------------------------------------------------------------------------------


def test_backtest_fits_each_origin_to_all_rows_before_it():
    data = walk(20)
    model = Ramp(2)
    result = backtest(model, data, initial=8, step=5)
    stamp = data.index
    table = result.forecasts
    assert table["cutoff"].unique().tolist() == [stamp[7], stamp[12], stamp[17]]
    actual = [data.loc[row.time, row.target] for row in table.itertuples()]
    assert table["actual"].tolist() == actual
    fits = [("fit", stamp[row], tuple(data.iloc[row])) for row in range(18)]
    assert result.model.log_ == [*fits, ("forecast", stamp[17])]
    assert not hasattr(model, "log_")


def test_backtest_without_refit_fits_once_and_updates():
    data = walk(20)
    model = Ramp(2)
    result = backtest(model, data, initial=8, step=5, refit=False)
    assert not hasattr(model, "log_")
    stamp = data.index
    calls = [(*entry[:2],) for entry in result.model.log_]
    expected = [("fit", stamp[row]) for row in range(8)] + [("forecast", stamp[7])]
    expected += [("update", stamp[row]) for row in range(8, 13)] + [("forecast", stamp[12])]
    expected += [("update", stamp[row]) for row in range(13, 18)] + [("forecast", stamp[17])]
    assert calls == expected
    walked = prequential(Ramp(2).fit(data[:8]), data[8:], chunk=5, learn=False)
    pd.testing.assert_frame_equal(result.forecasts, walked.forecasts)


@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_backtest_of_a_ramp_is_exact_in_every_form(form, refit):
    result = backtest(Ramp(3, slope=2.0), form(ramp(20)), initial=8, step=3, refit=refit)
    assert (result.metrics == 0).all(axis=None)
    late = backtest(Ramp(3, slope=2.0, late=1), form(ramp(20)), initial=8, step=3, refit=refit)
    assert (late.metrics[["MAE", "RMSE"]] == 2).all(axis=None)
    assert late.forecasts["step"].tolist() == [1, 2, 3] * 4


def test_the_last_origins_are_scored_as_far_as_the_data_go():
    table = backtest(Ramp(3), ramp(10), initial=8, step=1).forecasts
    assert table["step"].tolist() == [1, 2, 1]


@pytest.mark.parametrize("refit", [True, False])
def test_folds_keep_the_most_recent_origins(refit):
    data = walk(20)
    every = backtest(Ramp(2), data, initial=8, step=3, refit=refit).forecasts
    last = backtest(Ramp(2), data, initial=8, step=3, folds=2, refit=refit)
    kept = every[every["cutoff"] >= data.index[13]].reset_index(drop=True)
    pd.testing.assert_frame_equal(last.forecasts, kept)
    assert last.forecasts["cutoff"].nunique() == 2
    fitted = [entry for entry in last.model.log_ if entry[0] == "fit"]
    assert len(fitted) == (17 if refit else 8)
    many = backtest(Ramp(2), data, initial=8, step=3, folds=99, refit=refit)
    pd.testing.assert_frame_equal(many.forecasts, every)


@pytest.mark.parametrize("refit", [True, False])
def test_backtest_scales_mase_by_the_history_alone(refit):
    data = ramp(20)  # changes by 2 in each row of the history
    data.iloc[10:] *= 1000
    result = backtest(Ramp(), data, initial=10, step=1, refit=refit)
    overall = result.metrics.loc[("all", "all")]
    assert overall["MASE"] == pytest.approx(overall["MAE"] / 2)


def test_folds_in_parallel_are_the_same():
    data = walk(60)
    one, two = (backtest(Ramp(3), data, initial=30, step=7, n_jobs=n) for n in (None, 2))
    pd.testing.assert_frame_equal(one.forecasts, two.forecasts)
    pd.testing.assert_frame_equal(one.metrics, two.metrics)
    assert one.model.log_ == two.model.log_


@pytest.mark.parametrize("refit", [True, False])
def test_backtest_seconds_are_divided_by_the_rows_given(monkeypatch, refit):
    clock = [0.0]

    class Slow(Ramp):
        def _take_in(self, call, X):
            clock[0] += len(X)
            return super()._take_in(call, X)

    monkeypatch.setattr(tsrnn.evaluation.prequential.time, "perf_counter", lambda: clock[0])
    assert backtest(Slow(), walk(20), initial=8, step=4, refit=refit).seconds_per_row == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"initial": 0, "step": 1}, "initial == 0, must be >= 1"),
        ({"initial": 5, "step": 0}, "step == 0, must be >= 1"),
        ({"initial": 5, "step": 1, "folds": 0}, "folds == 0, must be >= 1"),
        ({"initial": 20, "step": 1}, "20 rows and initial is 20; expected.*smaller initial"),
    ],
)
def test_backtest_names_what_is_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        backtest(Ramp(), walk(20), **options)
