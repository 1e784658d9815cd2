"""A panel on Dask: the numbers of one machine, what is refused, and a worker that dies."""

import doctest
import os
import signal
import time
from contextlib import contextmanager

import joblib
import numpy as np
import pandas as pd
import pytest
from helpers import hourly
from helpers.internals import learner_of
from helpers.panels import N_FIT, START, by_stamps, divided, long_frame, panel

pytest.importorskip("distributed")
pytest.importorskip("dask")

import dask.dataframe as dd
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

import tsrnn.integrations.dask as module
from tsrnn import RNNForecaster, RNNRegressor, evaluate
from tsrnn.baselines import NaiveForecaster
from tsrnn.integrations.dask import DaskForecaster, start_local_cluster
from tsrnn.persistence import CheckpointError

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # of the cluster's sockets
LATE = "s8"  # a series that comes while others go on


@pytest.fixture(scope="module")
def client():
    with start_local_cluster(2, processes=False) as client:
        yield client


def rows(n_series=9, n_rows=N_FIT + 50):
    history, new = divided(long_frame(n_series, n_rows, missing=0.03, gone=0.02, seed=3))
    late = (new["id"] == LATE) & (new["time"] < START + (N_FIT + 10) * pd.Timedelta("1h"))
    return history[history["id"] != LATE], new[~late]


def on_dask(frame, n_partitions=3):
    """A frame by its ids, with divisions."""
    return dd.from_pandas(frame.set_index("id").sort_index(kind="stable"), npartitions=n_partitions)


def in_order(frame):
    frame = frame.astype({"id": object})
    return frame.sort_values(["id", "time"], ignore_index=True)


def require_same(forecaster, model, rtol=1e-9, **asked):
    asked = {"coverage": 0.9, **asked}
    found, expected = forecaster.forecast(**asked).compute(), model.forecast(**asked)
    found, expected = in_order(found), in_order(expected)
    pd.testing.assert_frame_equal(found, expected, rtol=rtol, check_dtype=False)


@pytest.fixture(scope="module")
def fitted(client):
    """A forecaster and the model of one machine, after the same history; not to be changed."""
    history, _ = rows()
    forecaster = DaskForecaster(panel(dtype=np.float64), client).fit(on_dask(history))
    return forecaster, panel(dtype=np.float64).fit(history)


def copied(fitted):
    forecaster, model = fitted
    return DaskForecaster.from_local(model, 3, forecaster.client), model.split(model.cutoff_.index)


def test_it_learns_as_one_machine_does(fitted):
    _, new = rows()
    require_same(*fitted)
    forecaster, model = copied(fitted)
    require_same(forecaster, model)
    for how, some in zip(
        ("partial_fit", "update", "partial_fit"), by_stamps(new, [20, 25]), strict=True
    ):
        # later frames may be divided in any way that keeps series whole
        getattr(forecaster, how)(on_dask(some, 2))
        getattr(model, how)(some)
        require_same(forecaster, model)
    assert forecaster.n_partitions_ == 3
    n_rounds, seconds = forecaster.rounds_
    assert n_rounds > 25 and seconds > 0.0
    local = forecaster.to_local()
    np.testing.assert_allclose(
        learner_of(local).readout.weights, learner_of(model).readout.weights, rtol=1e-6
    )
    assert local.n_features_in_ == model.n_features_in_
    assert local.drift_log_.shape == model.drift_log_.shape


def test_what_is_forecast_is_what_is_asked_for(fitted):
    require_same(*fitted, horizon=2, coverage=[0.5, 0.9], quantiles=[0.3])
    require_same(*fitted, ids=["s1", "s7"])
    require_same(*fitted, ids="s1")
    _, new = rows()
    forecaster, model = copied(fitted)
    some = new[new["id"].isin(["s2", "s6"])]
    forecaster.partial_fit(on_dask(some, 1))
    model.partial_fit(some)
    newest = model.cutoff_.max()
    for active in (True, 2):
        require_same(forecaster, model, active=active)
    assert set(forecaster.forecast(active=True).compute()["time"]) > {newest + pd.Timedelta("1h")}
    assert not len(forecaster.forecast(ids="s1", active=True).compute())


def test_inputs_known_ahead_are_found_by_id_and_time(client):
    history, _ = rows(4, 90)
    params = {"dtype": np.float64, "future_cols": "x"}
    model = panel(**params).fit(history)
    forecaster = DaskForecaster(panel(**params), client).fit(on_dask(history, 2))
    ahead = model.future_index().to_frame(index=False).assign(x=np.arange(12.0))
    expected = in_order(model.forecast(X_future=ahead))
    for X_future in (ahead, on_dask(ahead, 1), on_dask(ahead, 4)):
        found = in_order(forecaster.forecast(X_future=X_future).compute())
        pd.testing.assert_frame_equal(found, expected, rtol=1e-9, check_dtype=False)
    with pytest.raises(ValueError, match="X_future"):
        forecaster.forecast()
    with pytest.raises(ValueError, match="s1"):
        forecaster.forecast(X_future=ahead[ahead["id"] != "s1"])


def test_frames_may_come_in_any_division(client):
    history, _ = rows(4, 90)
    model = panel().fit(history.sort_values("id", kind="stable"))
    by_id = [part for _, part in history.groupby("id")]
    empty = history.iloc[:0]
    frames = {
        "unknown divisions": dd.from_map(lambda part: part, [*by_id[:2], empty, *by_id[2:]]),
        "shuffled by id": dd.from_pandas(history, npartitions=5).shuffle("id"),
        "one partition": dd.from_pandas(history.reset_index(drop=True), npartitions=1),
    }
    for name, frame in frames.items():
        if name == "shuffled by id":
            frame = frame.map_partitions(lambda part: part.sort_values("time"))
        forecaster = DaskForecaster(panel(), client).fit(frame)
        require_same(forecaster, model, rtol=1e-4)  # a float32 network


def test_a_saved_panel_goes_on_as_it_would_have(fitted, tmp_path):
    _, new = rows()
    first, rest = by_stamps(new, [15])
    forecaster, _ = copied(fitted)
    forecaster.partial_fit(on_dask(first)).save(tmp_path / "panel")
    loaded = DaskForecaster.load(tmp_path / "panel", forecaster.client)
    local = loaded.to_local()
    for one in (forecaster, loaded):
        one.partial_fit(on_dask(rest))
    before = forecaster.forecast(coverage=0.9).compute()
    pd.testing.assert_frame_equal(loaded.forecast(coverage=0.9).compute(), before)
    local.partial_fit(rest)
    require_same(loaded, local)


def test_what_is_no_saved_panel_is_refused(fitted, tmp_path):
    forecaster, model = fitted
    model.save(tmp_path / "local")
    with pytest.raises(CheckpointError, match="from_local"):
        DaskForecaster.load(tmp_path / "local")
    forecaster.save(tmp_path / "panel")
    content = (tmp_path / "panel").read_bytes()
    for damaged in (b"", content[:1000], content[: len(content) // 2] + b"0" + content[-900:]):
        (tmp_path / "panel").write_bytes(damaged)
        with pytest.raises(CheckpointError, match=r"panel|damaged"):
            DaskForecaster.load(tmp_path / "panel", forecaster.client)


@contextmanager
def unchanged(forecaster):
    before = forecaster.forecast(coverage=0.9).compute()
    yield
    pd.testing.assert_frame_equal(forecaster.forecast(coverage=0.9).compute(), before)


def test_what_cannot_be_learnt_is_refused_and_changes_nothing(fitted):
    history, new = rows()
    forecaster, model = copied(fitted)
    first, _ = by_stamps(new, [5])
    by_time = dd.from_pandas(first.sort_values("time").set_index("time"), npartitions=3)
    unsorted = dd.from_pandas(first.set_index("id").sort_index(kind="stable")[::-1], npartitions=1,
                              sort=False)  # fmt: skip
    numbers = first.assign(id=first["id"].str[1:].astype(int) + 10)
    cases = [
        (first, TypeError, "found DataFrame, expected a Dask DataFrame"),
        (by_time.reset_index(), ValueError, "two partitions.*shuffle"),
        (unsorted, ValueError, "out of time order"),
        (on_dask(history), ValueError, "not newer than the cutoff"),
        (on_dask(first.drop(columns="x")), ValueError, "x"),
        (on_dask(first).rename_axis("shop"), ValueError, "expected 'id' among them"),
        (on_dask(first.assign(y=np.inf)), ValueError, "y"),
        (on_dask(numbers), ValueError, "found ids that are numbers"),
    ]
    with unchanged(forecaster):
        for frame, error, message in cases:
            for method in (forecaster.partial_fit, forecaster.update, forecaster.fit):
                if method == forecaster.fit and message[:9] in ("not newer", "x", "found ids"):
                    continue
                with pytest.raises(error, match=message):
                    method(frame)
        assert forecaster.partial_fit(on_dask(first.iloc[:0], 1)) is forecaster
        with pytest.raises(ValueError, match="never seen"):
            forecaster.forecast(ids=["s1", "nobody"])
        with pytest.raises(ValueError, match="horizon"):
            forecaster.forecast(horizon=99)
    forecaster.partial_fit(on_dask(first))  # and it goes on
    require_same(forecaster, model.partial_fit(first))


def test_models_that_cannot_be_divided_are_refused(fitted, client):
    with pytest.raises(ValueError, match="id_col=None"):
        DaskForecaster(RNNForecaster())
    with pytest.raises(TypeError, match="map_partitions"):
        DaskForecaster(NaiveForecaster(id_col="id", time_col="time"))
    with pytest.raises(ValueError, match="max_series=5"):
        DaskForecaster(panel(max_series=5))
    with pytest.raises(ValueError, match="expected 1 to 8"):
        DaskForecaster.from_local(fitted[1], 9, client)
    with pytest.raises(ValueError, match="call fit"):
        DaskForecaster(panel(), client).forecast()


def test_backtest_and_search_on_workers_are_those_of_one_machine(client):
    frame = hourly(150)
    model = RNNForecaster(2, hidden_size=4, max_iter=3, random_state=0)
    search = GridSearchCV(
        RNNRegressor(hidden_size=4, max_iter=3, random_state=0),
        {"cell": ["gru", "rnn"]},
        cv=TimeSeriesSplit(2),
        n_jobs=2,
    )
    X, y = frame.shift(1).fillna(0.0).to_numpy().reshape(150, -1), frame.to_numpy().ravel()

    def found():
        result = evaluate.backtest(model, frame, initial=120, step=10, n_jobs=2)
        return result.forecasts, search.fit(X, y).cv_results_["mean_test_score"]

    expected, scores = found()
    with joblib.parallel_config("dask"):
        forecasts, scores_on_workers = found()
    pd.testing.assert_frame_equal(forecasts, expected, rtol=0, atol=0)
    np.testing.assert_array_equal(scores_on_workers, scores)


def test_the_docstring_runs(client):
    results = doctest.testmod(module)
    assert results.attempted > 5 and not results.failed


@pytest.mark.slow
def test_a_worker_that_dies_is_told_and_what_was_saved_goes_on(tmp_path):
    history, new = rows()
    with start_local_cluster(2) as client:
        forecaster = DaskForecaster(panel(), client).fit(on_dask(history))
        forecaster.save(tmp_path / "panel")
        expected = forecaster.to_local().partial_fit(new)
        os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
        begin = time.perf_counter()
        with pytest.raises(RuntimeError, match=r"worker that has gone.*DaskForecaster\.load"):
            forecaster.partial_fit(on_dask(new))
        assert time.perf_counter() - begin < 30.0
        with pytest.raises(RuntimeError, match="worker that has gone"):
            forecaster.forecast()
        client.wait_for_workers(2, timeout=60)
        forecaster = DaskForecaster.load(tmp_path / "panel", client)
        require_same(forecaster.partial_fit(on_dask(new)), expected, rtol=1e-4)


@pytest.mark.slow
def test_four_hundred_series_on_two_workers():
    frame = long_frame(400, N_FIT + 40, missing=0.0, gone=0.02, seed=5)
    history, new = divided(frame)
    late = (new["id"] == "s399") & (new["time"] < START + (N_FIT + 10) * pd.Timedelta("1h"))
    history, new = history[history["id"] != "s399"], new[~late]
    model = panel(24, dtype=np.float64).fit(history)
    with start_local_cluster(2) as client:
        forecaster = DaskForecaster(panel(24, dtype=np.float64), client)
        forecaster.fit(on_dask(history, 4))
        assert forecaster.n_partitions_ == 4
        require_same(forecaster, model, rtol=1e-8)
        for some in by_stamps(new, [1, 2, 20]):
            forecaster.partial_fit(on_dask(some, 4))
            model.partial_fit(some)
        require_same(forecaster, model, rtol=1e-8)
