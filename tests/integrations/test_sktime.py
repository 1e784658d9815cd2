"""sktime's forecaster: sktime's own checks, and the numbers of the estimator itself."""

import doctest

import numpy as np
import pandas as pd
import pytest
from helpers import hourly

pytest.importorskip("sktime")

from sktime.forecasting.model_evaluation import evaluate
from sktime.forecasting.model_selection import ForecastingGridSearchCV
from sktime.split import ExpandingWindowSplitter, SlidingWindowSplitter
from sktime.utils import check_estimator

import tsrnn
import tsrnn.integrations.sktime as module
from tsrnn.integrations.sktime import RNNForecaster

SMALL = {"hidden_size": 4, "max_iter": 3, "random_state": 0}
N = 120  # rows of the history


def own(horizon=4, **parts):
    return tsrnn.RNNForecaster(horizon, **SMALL, **parts)


@pytest.fixture(scope="module")
def series():
    return hourly(140).iloc[:, 0].rename("load")


@pytest.fixture(scope="module")
def fitted(series):
    return RNNForecaster(**SMALL).fit(series[:N], fh=[1, 4])


def panel(n_series=3, n_rows=60):
    """Return the rows of a panel, (series, time)."""
    rows = hourly(n_rows, n_series).melt(ignore_index=False, var_name="series", value_name="load")
    return rows.set_index("series", append=True).swaplevel()


def numbered(rows, names=("s0", "s1", "s2", "s3")):
    """Return the rows of a panel with numbers for ids, as the adapter hands them on.

    What a fit draws goes by the ids, so that series of other names learn other weights.
    """
    levels = [names.index(name) for name, _ in rows.index], rows.index.get_level_values("time")
    return rows.set_axis(pd.MultiIndex.from_arrays(levels, names=["series", "time"]))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # pandas 3 about calls of sktime itself
def test_checks_of_sktime():
    results = check_estimator(RNNForecaster, verbose=False)
    assert len(results) >= 380
    assert {name: found for name, found in results.items() if found != "PASSED"} == {}


def test_docstrings_are_true():
    assert doctest.testmod(module).failed == 0


def test_steps_of_one_stream_with_gaps_between(series, fitted):
    expected = own().fit(series[:N]).forecast()["load"]
    pd.testing.assert_series_equal(fitted.predict(), expected.iloc[[0, 3]], check_freq=False)


@pytest.mark.parametrize("learn", [True, False])
def test_update_is_partial_fit_or_update(series, learn):
    model = RNNForecaster(**SMALL).fit(series[:N], fh=[1, 4])
    expected = own().fit(series[:N])
    for rows in (series[N : N + 5], series[N : N + 9]):  # those seen before are dropped
        model.update(rows, update_params=learn)
    (expected.partial_fit if learn else expected.update)(series[N : N + 9])
    ahead = expected.forecast()["load"].iloc[[0, 3]]
    pd.testing.assert_series_equal(model.predict(), ahead, check_freq=False)


def test_intervals_and_quantiles(series, fitted):
    expected = own().fit(series[:N]).forecast(quantiles=[0.1, 0.5, 0.9]).iloc[[0, 3]]
    found = fitted.predict_quantiles(alpha=[0.1, 0.5, 0.9])
    assert found.columns.tolist() == [("load", 0.1), ("load", 0.5), ("load", 0.9)]
    np.testing.assert_array_equal(found, expected.iloc[:, 1:])
    found = fitted.predict_interval(coverage=0.8)
    np.testing.assert_allclose(found, expected.iloc[:, [1, 3]], rtol=1e-9)


def test_several_targets_and_a_coverage_of_the_forecaster():
    rows = hourly(N, 2)
    model = RNNForecaster(coverage=0.9, **SMALL).fit(rows, fh=[2])
    expected = own(2).fit(rows).forecast(quantiles=[0.1, 0.9]).iloc[[1]]
    np.testing.assert_array_equal(model.predict(), expected[["s0", "s1"]])
    found = model.predict_quantiles(alpha=[0.1, 0.9])
    assert found.columns.tolist() == [("s0", 0.1), ("s0", 0.9), ("s1", 0.1), ("s1", 0.9)]
    np.testing.assert_array_equal(found, expected.iloc[:, 2:])


def test_inputs_are_known_ahead(series):
    X = pd.DataFrame({"price": np.random.default_rng(0).normal(size=len(series))}, series.index)
    model = RNNForecaster(**SMALL).fit(series[:N], X[:N], fh=[2, 4])
    expected = own(future_cols="price").fit(X[:N], series[:N])
    ahead = expected.forecast(X_future=X)["load"].iloc[[1, 3]]
    pd.testing.assert_series_equal(model.predict(X=X), ahead, check_freq=False)
    skipped = X.copy()
    skipped.iloc[[N, N + 2]] = np.nan  # rows that fh skips
    carried = expected.forecast(X_future=skipped)["load"].iloc[[1, 3]]
    found = model.predict(X=X.iloc[[N + 1, N + 3]])
    pd.testing.assert_series_equal(found, carried, check_freq=False)
    with pytest.raises(ValueError, match="X_future"):
        model.predict()


@pytest.mark.parametrize("kind", ["stamps", "periods", "numbers"])
def test_in_sample_is_one_step_from_the_row_before(series, kind):
    if kind == "periods":
        series = series.to_period("h")
    elif kind == "numbers":
        series = series.reset_index(drop=True)
    model = RNNForecaster(**SMALL).fit(series[:N], fh=[1 - N, 2 - N, 0, 2])
    rolled = own(2).fit(series[:N]).predict(series[:N], start="fit")
    found = model.predict()
    assert found.index.tolist() == series.index[[0, 1, N - 1, N + 1]].tolist()
    assert np.isnan(found.iloc[0])
    np.testing.assert_array_equal(found.iloc[1:3], rolled[[0, N - 2], 0])


def test_in_sample_after_a_missing_row_is_two_steps(series):
    rows = series[:N].drop(series.index[50]).to_period("h")
    model = RNNForecaster(horizon=3, **SMALL).fit(rows)
    rolled = own(3).fit(rows).predict(rows, start="fit")
    found = model.predict([50 - N + 1, 51 - N + 1])  # the missing row, and the one after it
    np.testing.assert_array_equal(found, rolled[49, :2])


def test_in_sample_of_updates_needs_them_remembered(series):
    model = RNNForecaster(horizon=2, **SMALL).fit(series[:N]).update(series[N:])
    with pytest.raises(ValueError, match="set_config"):
        model.predict([0])
    model = RNNForecaster(horizon=2, **SMALL).set_config(remember_data=True)
    found = model.fit(series[:N]).update(series[N:]).predict([0]).iloc[0]
    expected = own(2).fit(series[:N]).partial_fit(series[N:])
    assert found == expected.predict(series, start="fit")[-2, 0]


def test_in_sample_of_a_panel_that_is_remembered():
    """With a series that is new at update, and comes before others by name."""
    rows = panel()
    new = rows.index.get_level_values("time") >= rows.index[50][1]
    rows = rows[new | (rows.index.get_level_values(0) != "s0")]
    new = rows.index.get_level_values("time") >= rows.index[0][1]
    model = RNNForecaster(horizon=2, **SMALL).set_config(remember_data=True)
    found = model.fit(rows[~new]).update(rows[new]).predict([-5, 0])
    flat = numbered(rows, ["s1", "s2", "s0"])  # in the order in which they come
    expected = own(2).fit(flat[~new]).partial_fit(flat[new]).predict(flat, start="fit")
    expected = pd.DataFrame(expected[:, :1], rows.index)
    for name in ("s0", "s1", "s2"):
        one = expected.loc[name].iloc[[-7, -2], 0]
        np.testing.assert_array_equal(found.loc[name]["load"], one)


def test_series_of_a_panel_share_one_forecaster():
    rows = panel()
    new = rows.index.get_level_values("time") >= rows.index[50][1]
    model = RNNForecaster(**SMALL).fit(rows[~new], fh=[-1, 1, 3]).update(rows[new])
    flat = numbered(rows)
    expected = own(3).fit(flat[~new]).partial_fit(flat[new])
    ahead = expected.forecast().groupby(level=0, sort=False).nth([0, 2])
    with pytest.raises(ValueError, match="set_config"):
        model.predict()
    model = RNNForecaster(**SMALL).fit(rows[~new], fh=[1, 3]).update(rows[new])
    pd.testing.assert_frame_equal(numbered(model.predict()), ahead)
    found = model.predict_quantiles(alpha=[0.2])
    ahead = expected.forecast(quantiles=[0.2]).groupby(level=0, sort=False).nth([0, 2])
    np.testing.assert_array_equal(found, ahead.iloc[:, 1:])


def test_inputs_and_in_sample_rows_of_a_hierarchy():
    rows = panel(4)
    levels = [[name in ("s0", "s1") for name, _ in rows.index], *zip(*rows.index, strict=True)]
    deep = rows.set_axis(pd.MultiIndex.from_arrays(levels, names=["region", "series", "time"]))
    deep = deep.sort_index(level=[0, 1, 2])
    X = pd.DataFrame({"price": np.random.default_rng(0).normal(size=len(deep))}, deep.index)
    times = deep.index.get_level_values("time")
    past = times < times.unique()[56]
    model = RNNForecaster(**SMALL).fit(deep[past], X[past], fh=[-3, 1, 4])
    found = model.predict(X=X[~past])
    names = ["s2", "s3", "s0", "s1"]  # in the order of the rows: the first region holds s2 and s3
    flat, flat_X = (numbered(frame.droplevel(0), names) for frame in (deep, X))
    expected = own(future_cols="price").fit(flat_X[past], flat[past])
    ahead = expected.forecast(X_future=flat_X[~past])
    assert found.index.names == deep.index.names
    rolled = expected.predict(flat_X[past], flat[past], start="fit")
    rolled = pd.DataFrame(rolled[:, :1], flat[past].index)
    for region, name in deep.index.droplevel(-1).unique():
        one = found.loc[(region, name)]["load"]
        number = names.index(name)
        np.testing.assert_array_equal(one.iloc[1:], ahead.loc[number]["load"].iloc[[0, 3]])
        assert one.iloc[0] == rolled.loc[number].iloc[-5, 0]


def test_a_series_that_ended_has_missing_values_up_to_the_cutoff():
    rows = panel(2)
    shorter = rows.drop(rows.index[50:60])
    model = RNNForecaster(**SMALL).fit(shorter, fh=[1, 2])
    padded = rows.drop(rows.index[50:59])
    padded.iloc[50] = np.nan
    expected = own(2).fit(numbered(padded)).forecast()
    np.testing.assert_allclose(model.predict(), expected, rtol=1e-9)
    model.update(panel(2, 61).iloc[[60]])  # a row of the first series alone
    assert model.predict().loc["s1"].index.tolist() == model.predict().loc["s0"].index.tolist()
    assert (model.forecaster_.cutoff_ == model.cutoff[0]).all()


def test_a_series_that_is_new_at_update():
    rows = panel(3)
    old = rows.index.get_level_values(0) != "s2"
    time = rows.index.get_level_values(1)
    first = time < time.unique()[50]
    model = RNNForecaster(**SMALL).fit(rows[old & first], fh=[1]).update(rows[~first])
    expected = own(1).fit(numbered(rows[old & first])).partial_fit(numbered(rows[~first]))
    pd.testing.assert_frame_equal(numbered(model.predict()), expected.forecast())
    later = panel(4, 61).iloc[[60, 121, 182, 243]]
    with pytest.raises(ValueError, match="inf"):  # of a call with a series never seen
        model.update(later * np.inf)
    found = numbered(model.update(later[:3]).predict())
    pd.testing.assert_frame_equal(found, expected.partial_fit(numbered(later[:3])).forecast())


def test_update_predict_is_a_loop_of_our_own(series):
    model = RNNForecaster(**SMALL).fit(series[:N], fh=[1])
    splits = SlidingWindowSplitter(fh=[1], window_length=1, start_with_window=True)
    found = model.update_predict(series[N:], splits)
    expected, ahead = own(1).fit(series[:N]), []
    for row in range(N, len(series) - 1):
        expected.partial_fit(series[row : row + 1])
        ahead.append(expected.forecast()["load"])
    np.testing.assert_array_equal(found, pd.concat(ahead))
    assert model.cutoff[0] == series.index[N - 1]


def test_evaluation_by_updates_is_a_loop_of_our_own(series):
    splits = ExpandingWindowSplitter(fh=[1, 2], initial_window=N, step_length=6)
    model = RNNForecaster(**SMALL)
    results = evaluate(model, splits, series, strategy="update", return_data=True)
    expected = own(2).fit(series[:N])
    for row, found in enumerate(results["y_pred"]):
        if row:
            expected.partial_fit(series[N + 6 * row - 6 : N + 6 * row])
        np.testing.assert_array_equal(found, expected.forecast()["load"])


@pytest.mark.filterwarnings("ignore:The default of config:FutureWarning")  # sktime's own
def test_grid_search(series):
    splits = ExpandingWindowSplitter(fh=[1], initial_window=100, step_length=10)
    grid = {"cell": ["rnn", "gru"]}
    search = ForecastingGridSearchCV(RNNForecaster(**SMALL), splits, grid, backend=None)
    assert search.fit(series[:N], fh=[1]).best_params_["cell"] in ("rnn", "gru")


def test_what_cannot_be_used_is_told(series, fitted):
    with pytest.raises(ValueError, match="hidden_size"):
        RNNForecaster(hidden_size=0).fit(series[:N], fh=[1])
    with pytest.raises(ValueError, match="fh"):
        RNNForecaster(**SMALL).fit(series[:N])
    model = RNNForecaster(horizon=2, **SMALL).fit(series[:N])
    with pytest.raises(ValueError, match="found horizon=3, expected at most"):
        model.predict(fh=[3])
    with pytest.raises(ValueError, match="the last update held earlier rows alone"):
        model.update(series[N - 9 : N - 5]).predict(fh=[1])
    with pytest.raises(ValueError, match="not newer than the cutoff"):
        RNNForecaster(late="raise", **SMALL).fit(series[:N], fh=[1]).update(series[N - 1 :])
    with pytest.raises(TypeError, match="supported"):
        fitted.update(series[N:].set_axis([*range(19), "x"]))


def test_parameters_are_those_of_the_forecaster():
    params, adapted = tsrnn.RNNForecaster().get_params(), RNNForecaster().get_params()
    roles = {"target", "future_cols", "id_col", "time_col"}  # which y, X and the index tell
    assert params.keys() - roles == adapted.keys()
    others = {name for name in adapted if adapted[name] != params[name]}
    assert others == {"horizon", "late", "dtype"}
    assert np.dtype(adapted["dtype"]) == params["dtype"]
