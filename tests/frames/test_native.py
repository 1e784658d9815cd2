"""Frames of polars and Arrow, masked arrays: read by name, and forecasts come back as they came."""

import sys

import numpy as np
import pandas as pd
import pytest
from helpers import content, hourly, melted

from tsrnn import RNNForecaster, RNNRegressor, load
from tsrnn.baselines import LinearForecaster, NaiveForecaster
from tsrnn.evaluate import backtest, prequential
from tsrnn.frames import native
from tsrnn.frames.native import incoming

QUICK = {"hidden_size": 4, "max_iter": 3, "window_size": 16, "random_state": 0}
N_FIT = 120


@pytest.fixture(params=["polars", "pyarrow"])
def frame_of(request):
    """Return what makes a frame of another library out of one of pandas, its index a column."""
    pytest.importorskip("narwhals")
    library = pytest.importorskip(request.param)
    if request.param == "pyarrow":
        return lambda frame: library.Table.from_pandas(frame.reset_index(), preserve_index=False)

    def to_polars(frame):
        columns = {}
        for name, column in frame.reset_index().items():
            if column.dtype.kind != "M":
                column = column.astype(object).where(column.notna(), None).tolist()
            elif column.dt.tz is not None:
                utc = library.Series(column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
                utc = utc.dt.replace_time_zone("UTC")
                column = utc.dt.convert_time_zone(str(column.dt.tz))
            else:
                column = column.to_numpy()
            columns[name] = column
        return library.DataFrame(columns)

    return to_polars


def to_pandas(frame):
    return incoming(frame)


def same(found, expected):
    """Whether a frame of another library holds what one of pandas does, its index as columns."""
    assert type(found).__module__.startswith(("polars", "pyarrow"))
    pd.testing.assert_frame_equal(to_pandas(found), expected.reset_index(), check_dtype=False)


@pytest.mark.parametrize("tz", [None, "Europe/Berlin"])
def test_a_stream_is_read_by_name_and_comes_back(frame_of, tz, tmp_path):
    """Frames of polars and Arrow: columns are read by name, and forecasts come back as they came.

    Every method of a forecaster of one stream, with inputs known ahead.
    """
    rows = hourly(N_FIT + 20, 2, tz=tz).rename(columns={"s1": "price"})
    model = RNNForecaster(3, target="s0", future_cols="price", **QUICK)
    expected = RNNForecaster(3, target="s0", future_cols="price", **QUICK)
    expected.fit(rows[:N_FIT]).partial_fit(rows[N_FIT : N_FIT + 5]).update(rows[N_FIT + 5 : -5])
    model.fit(frame_of(rows[:N_FIT])).partial_fit(frame_of(rows[N_FIT : N_FIT + 5]))
    model.update(frame_of(rows[N_FIT + 5 : -5]))
    assert (model.cutoff_, list(model.feature_names_in_)) == (rows.index[-6], ["s0", "price"])
    plan = rows[["price"]]
    ahead = expected.forecast(X_future=plan, coverage=0.9)
    same(model.forecast(X_future=frame_of(plan[::-1]), coverage=0.9), ahead)
    same(model.forecast(X_future=plan, coverage=0.9), ahead)
    keys = to_pandas(model.future_index())
    np.testing.assert_array_equal(keys["time"], ahead.index)
    new = frame_of(rows[-5:])
    np.testing.assert_array_equal(model.predict(new), expected.predict(rows[-5:]))
    assert model.score(new) == expected.score(rows[-5:])
    model.save(tmp_path / "m.tsrnn")
    same(load(tmp_path / "m.tsrnn").forecast(X_future=plan, coverage=0.9), ahead)
    model.partial_fit(rows[-5:]).update(frame_of(rows[:0]))  # rows of pandas may follow, or none
    expected.partial_fit(rows[-5:])
    same(model.forecast(X_future=_after(rows)), expected.forecast(X_future=_after(rows)))


def _after(rows):
    index = pd.date_range(rows.index[-1], periods=4, freq="h")[1:]
    return pd.DataFrame({"price": [1.0, 2.0, 3.0]}, index.rename("time"))


def test_a_panel_is_read_by_name_and_comes_back(frame_of):
    """Frames of polars and Arrow that hold a panel: ids and times are columns, in every method."""
    long = melted(hourly(N_FIT + 10, 3)).sort_values(["time", "id"], ignore_index=True)
    new = long["time"] > long["time"][3 * N_FIT - 1]
    params = {"id_col": "id", "time_col": "time", **QUICK}
    expected = RNNForecaster(3, **params).fit(long[~new]).partial_fit(long[new])
    native = [frame_of(part.set_index("time")) for part in (long[~new], long[new])]
    for time_col in ("time", None):
        model = RNNForecaster(3, **{**params, "time_col": time_col})
        model.fit(native[0]).partial_fit(native[1])
        found = model.forecast(ids=["s2", "s0"], coverage=0.8)
        frame = expected.forecast(ids=["s2", "s0"], coverage=0.8)
        same(found, frame.set_index("id"))
        same(model.future_index(2), expected.future_index(2).to_frame(index=False).set_index("id"))
        np.testing.assert_array_equal(model.predict(native[1]), expected.predict(long[new]))


def test_rows_of_pandas_go_on_from_frames_of_another_library(frame_of):
    """A stream fitted on another library's frame: pandas rows with times as index or column."""
    rows = hourly(80).assign(plan=lambda frame: np.arange(len(frame)) % 7)
    params = {"target": rows.columns[0], "future_cols": "plan", **QUICK}
    expected = RNNForecaster(3, **params).fit(rows[:60]).update(rows[60:65])
    for time_col in (None, rows.index.name):
        model = RNNForecaster(3, time_col=time_col, **params).fit(frame_of(rows[:60]))
        model.update(rows[60:63]).update(rows[63:65].reset_index())
        ahead = rows[65:].reset_index()
        same(model.forecast(X_future=ahead), expected.forecast(X_future=rows[65:]))
        np.testing.assert_array_equal(model.predict(ahead), expected.predict(rows[65:]))


def test_dates_texts_and_missing_values(frame_of):
    """Dates come back as dates; nulls are missing, of numbers and of categories."""
    days = pd.date_range("2024-01-01", periods=60, name="day")
    rows = pd.DataFrame({"y": np.arange(60.0), "sky": ["clear", None, "rain"] * 20}, days)
    rows.iloc[7, 0] = np.nan
    expected = RNNForecaster(2, target="y", **QUICK).fit(rows).forecast()
    other = frame_of(rows)
    if "polars" in type(other).__module__:
        import polars

        other = other.with_columns(polars.col("day").cast(polars.Date))
        model = RNNForecaster(2, target="y", **QUICK).fit(other)
        assert model.forecast().schema["day"] == polars.Date
    model = RNNForecaster(2, target="y", **QUICK).fit(other)
    same(model.forecast(), expected)


def test_rows_without_times_follow_each_other(frame_of):
    """A frame without a column of time: rows are counted, whatever chunk they come in."""
    rows = pd.DataFrame({"y": np.arange(50.0)})
    native = [frame_of(rows[a:b].set_index("y")) for a, b in ((0, 40), (40, 45), (45, 50))]
    model = LinearForecaster(2, lags=2).fit(native[0]).update(native[1]).partial_fit(native[2])
    found = model.forecast()
    assert list(to_pandas(found).columns) == ["y"]
    np.testing.assert_allclose(to_pandas(found)["y"], [50, 51], atol=0.2)
    assert model.cutoff_ == 49


def test_several_columns_of_time_are_refused(frame_of):
    """Two columns of time stamps and no ``time_col``: the remedy names it."""
    rows = hourly(60).assign(seen=lambda frame: frame.index)
    with pytest.raises(ValueError, match=r"several columns of time stamps.*time_col="):
        NaiveForecaster().fit(frame_of(rows))


def test_evaluations_take_them(frame_of):
    """Prequential and backtest: the numbers of frames of pandas."""
    rows = hourly(80)
    model = LinearForecaster(2, lags=3)
    native, fitted = model.fit(frame_of(rows[:60])), LinearForecaster(2, lags=3).fit(rows[:60])
    found = prequential(native, frame_of(rows[60:]))
    pd.testing.assert_frame_equal(found.forecasts, prequential(fitted, rows[60:]).forecasts)
    assert type(found.model.forecast()) is type(frame_of(rows))
    found = backtest(model, frame_of(rows), initial=60, step=7)
    pd.testing.assert_frame_equal(
        found.forecasts, backtest(model, rows, initial=60, step=7).forecasts
    )


def test_a_regressor_takes_them(frame_of):
    """X as a frame and y as a column of it, also held back row by row before the fit."""
    rows = hourly(80, 2)
    X, y = rows[["s0"]], rows["s1"]
    expected = RNNRegressor(**QUICK).fit(X[:60], y[:60]).partial_fit(X[60:70], y[60:70])
    native = frame_of(rows)
    column = (native["s1"] if "polars" in type(native).__module__ else native.column("s1"))[:60]
    model = RNNRegressor(**QUICK).fit(frame_of(X[:60]), column)
    model.partial_fit(frame_of(X[60:70]), y[60:70].to_numpy())
    np.testing.assert_array_equal(model.predict(frame_of(X[70:])), expected.predict(X[70:]))
    held = RNNRegressor(lags=4, **QUICK)
    for row in range(30):
        held.partial_fit(frame_of(X[row : row + 1]), y[row : row + 1].to_numpy())
    by_frames = RNNRegressor(lags=4, **QUICK)
    for row in range(30):
        by_frames.partial_fit(X[row : row + 1], y[row : row + 1])
    np.testing.assert_array_equal(held.predict(X[30:]), by_frames.predict(X[30:]))


def test_a_lazy_frame_is_refused():
    """A LazyFrame has no rows yet: the remedy is ``.collect()``."""
    polars = pytest.importorskip("polars")
    lazy = polars.DataFrame({"y": [1.0, 2.0]}).lazy()
    with pytest.raises(
        ValueError, match=r"lazy frame of polars, expected rows; pass X.collect\(\)"
    ):
        NaiveForecaster().fit(lazy)
    model = NaiveForecaster().fit(hourly(60).rename(columns={"s0": "y"}))
    for call in (model.update, model.partial_fit, model.predict):
        with pytest.raises(ValueError, match="collect"):
            call(lazy)


def test_without_narwhals_the_extra_is_named(monkeypatch):
    """The import error names ``tsrnn[polars]``."""
    polars = pytest.importorskip("polars")
    monkeypatch.setitem(sys.modules, "narwhals", None)
    with pytest.raises(ImportError, match=r'pip install "tsrnn\[polars\]"'):
        NaiveForecaster().fit(polars.DataFrame({"y": [1.0]}))


def test_pandas_frames_of_arrow_types_are_read():
    """Types of pyarrow in a frame of pandas are read: numbers, texts and time stamps."""
    pytest.importorskip("pyarrow")
    rows = hourly(100).assign(sky=["clear", "rain"] * 50)
    arrow = rows.reset_index().convert_dtypes(dtype_backend="pyarrow").set_index("time")
    models = [RNNForecaster(2, target="s0", **QUICK).fit(part[:90]) for part in (rows, arrow)]
    ahead = [models[0].partial_fit(rows[90:]), models[1].partial_fit(arrow[90:])]
    ahead = [model.forecast() for model in ahead]
    np.testing.assert_array_equal(*ahead)
    np.testing.assert_array_equal(ahead[0].index, ahead[1].index)


def test_a_batch_of_records_is_read_as_a_table():
    """A record batch of Arrow is read as a table: readers of files and streams give such."""
    pyarrow = pytest.importorskip("pyarrow")
    rows = hourly(60)
    model = NaiveForecaster(2).fit(
        pyarrow.RecordBatch.from_pandas(rows[:50].reset_index(), preserve_index=False)
    )
    model.update(pyarrow.RecordBatch.from_pandas(rows[50:].reset_index(), preserve_index=False))
    same(model.forecast(), NaiveForecaster(2).fit(rows).forecast())


def test_what_is_masked_is_missing():
    """A mask says what is missing: values under it are not seen, in X, y and X_future."""
    values = np.arange(60.0)
    masked = np.ma.masked_array(np.where(values == 40, 1e9, values), values == 40)
    gone = np.where(values == 40, np.nan, values)
    models = [NaiveForecaster(2).fit(rows[:30]).partial_fit(rows[30:]) for rows in (masked, gone)]
    assert content(vars(models[0])) == content(vars(models[1]))
    model = RNNRegressor(**QUICK).fit(values[:30, None], values[:30])
    found = [model.predict(rows[30:, None]) for rows in (masked, gone)]
    np.testing.assert_array_equal(*found)
    with pytest.raises(ValueError, match="found NaN in column 'y'"):
        model.partial_fit(values[30:, None], masked[30:])


def _plain(unit, zone):
    index = pd.date_range("2024-03-31", periods=5, freq="h", tz=zone, name="time").as_unit(unit)
    texts = pd.Index(["a", "b", "a", "c", "d"], dtype=object)
    numbers = {"a": np.arange(10.0)[::2], 7: np.array([1.5, np.nan, 3, 4, 5]), "n": np.arange(5)}
    return {"time": index, "id": texts, **numbers}


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Rome"])
@pytest.mark.parametrize("unit", ["s", "us", "ns"])
def test_plain_columns_are_made_and_read_as_by_narwhals(library, unit, zone, monkeypatch):
    """Times, texts and numbers go the short way: the same types, names and values come of it."""
    pytest.importorskip("narwhals")
    pytest.importorskip(library)
    columns = _plain(unit, zone)
    for dates in (False, zone is None):
        found = native.outgoing(columns, library, dates)
        read = incoming(found)
        with monkeypatch.context() as by_narwhals:
            by_narwhals.setattr(native, "made_column", lambda *_: None)
            by_narwhals.setattr(native, "plain_columns", lambda _: None)
            expected = native.outgoing(columns, library, dates)
            assert found.schema == expected.schema
            pd.testing.assert_frame_equal(read, incoming(expected))
        assert list(read.columns) == ["time", "id", "a", "7", "n"]


def test_plain_columns_with_missing_values_and_other_kinds(frame_of, monkeypatch):
    """Nulls of numbers, times and texts; what is not plain makes the whole frame narwhals'."""
    times = pd.DatetimeIndex(["2024-01-01", "2024-01-02", None], name="time")
    rows = pd.DataFrame({"x": [1.0, np.nan, 3.0], "sky": ["clear", None, "rain"]}, times)
    frame = frame_of(rows)
    read = native.plain_columns(frame)
    assert read["x"].dtype == float
    assert list(read) == ["time", "x", "sky"]
    found = incoming(frame)
    odd = frame_of(rows.assign(flag=[True, False, True]))
    assert native.plain_columns(odd) is None
    monkeypatch.setattr(native, "plain_columns", lambda _: None)
    pd.testing.assert_frame_equal(found, incoming(frame))
