"""Hostile frames to every public method: only documented errors, and nothing changed by them.

    python benchmarks/fuzz_frames.py [--count 5000]

Hypothesis draws a fitted model, a method, and rows that are wrong, odd or merely unusual: mixed
dtypes, object columns, columns twice, huge integers, NaT, no row, one row, thousands of columns,
frames of polars and Arrow, periods, texts for times and for numbers, masked arrays.
A call may raise ValueError, TypeError or NotFittedError, and must then have changed nothing that
`save` writes; predict, score and forecast never may. Forecasts that come out are finite. A
RuntimeWarning of NumPy counts as a failure.
"""

import argparse
import copy
import sys
import traceback
import warnings
from collections import Counter

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import report
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tsrnn import RNNForecaster, RNNRegressor
from tsrnn.baselines import LinearForecaster, NaiveForecaster, SeasonalNaiveForecaster
from tsrnn.persistence.encode import Encoder

N_FIT = 80
DOCUMENTED = (ValueError, TypeError)  # NotFittedError is a ValueError


def history(n_rows=N_FIT, tz=None):
    rng = np.random.default_rng(0)
    index = pd.date_range("2024-01-01", periods=n_rows, freq="h", tz=tz, name="time")
    return pd.DataFrame(10 + rng.normal(size=(n_rows, 2)), index, ["a", "b"])


def fitted():
    rows, small = history(), {"max_iter": 2, "hidden_size": 3, "random_state": 0, "lags": 3}
    yield RNNForecaster(2, season=None, **small).fit(rows)
    yield RNNForecaster(2, target="a", season=None, late="drop", gap="reset", **small).fit(rows)
    yield RNNForecaster(2, season=None, **small).fit(history(tz="Europe/Rome"))
    yield RNNForecaster(2, season=None, **small).fit(rows[["b"]], rows["a"])
    yield RNNForecaster(2, season=None, **small).fit(rows.to_numpy())
    yield LinearForecaster(2, lags=3).fit(rows["a"])
    yield SeasonalNaiveForecaster(2).fit(rows)
    yield NaiveForecaster(2).fit(rows.reset_index(drop=True))
    yield RNNRegressor(**small | {"lags": 1}).fit(rows[["a", "b"]], rows["a"])
    yield LinearForecaster(2, lags=3).fit(rows.set_axis(rows.index.to_period()))
    yield LinearForecaster(2, lags=3).fit(rows.set_axis(rows.index.astype(str)))
    yield LinearForecaster(2, lags=3, time_col="time").fit(pl.from_pandas(rows.reset_index()))
    yield NaiveForecaster(2, time_col="time").fit(pa.Table.from_pandas(rows.reset_index()))
    yield LinearForecaster(2, lags=3).fit(np.ma.masked_greater(rows.to_numpy(), 11.0))
    yield RNNForecaster(2, **small)
    yield NaiveForecaster()


MODELS = list(fitted())

# --- strategies, named by what they are -----------------------------------------------------------

floats = st.one_of(
    st.floats(-50, 50),
    st.sampled_from([np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324, 1e99, 1e49, 0.0]),
)
huge_ints = st.integers(-(2**70), 2**70)
objects = st.one_of(
    floats, huge_ints, st.text(max_size=3), st.none(), st.booleans(), st.just(pd.NA),
    st.just(pd.NaT), st.just(1j), st.just([1.0]), st.just({}), st.just(b"x"),
)  # fmt: skip
n_rows = st.one_of(st.integers(0, 3), st.integers(4, 40))


@st.composite
def columns_of_values(draw, n):
    """Draw one column, of any dtype."""
    kind = draw(
        st.sampled_from(
            [
                "float",
                "plain",
                "plain",
                "int",
                "object",
                "bool",
                "text",
                "time",
                "delta",
                "category",
                "Int64",
                "Float64",
                "boolean",
                "complex",
                "float16",
                "uint64",
                "period",
                "numbers as text",
                "arrow",
                "arrow time",
            ]
        )
    )
    if kind == "plain":
        return np.random.default_rng(draw(st.integers(0, 9))).normal(10, 1, n)
    if kind == "float":
        return np.array(draw(st.lists(floats, min_size=n, max_size=n)))
    if kind == "object":
        return pd.Series(draw(st.lists(objects, min_size=n, max_size=n)), dtype=object).array
    numbers = np.arange(n)
    missing = pd.array([*numbers[:-1], None] if n else [], dtype="Int64")
    return {
        "int": np.full(n, draw(st.integers(-(2**63), 2**63 - 1))),
        "bool": numbers % 2 == 0,
        "text": pd.array([str(v) for v in numbers]),
        "time": pd.date_range("2024", periods=n).array,
        "delta": pd.timedelta_range("1h", periods=n).array,
        "category": pd.Categorical([str(v % 3) for v in numbers]),
        "Int64": missing,
        "Float64": missing.astype("Float64"),
        "boolean": (missing > 2),
        "complex": numbers + 1j,
        "float16": np.full(n, 3e4, np.float16),
        "uint64": np.full(n, 2**64 - 1, dtype=np.uint64),
        "period": pd.period_range("2024", periods=n, freq="D").array,
        "numbers as text": np.array([f"{v}.5" for v in numbers], dtype=object),
        "arrow": missing.astype("double[pyarrow]"),
        "arrow time": pd.Series(pd.date_range("2024", periods=n)).astype("timestamp[us][pyarrow]"),
    }[kind]


@st.composite
def indexes(draw, n):
    start = draw(
        st.sampled_from(
            [
                "2024-01-04 08:00",
                "2024-01-04 08:00",
                "2024-01-04 07:30",
                "2024-01-01",
                "1700-01-01",
                "2200-01-01",
            ]
        )
    )
    freq = draw(st.sampled_from(["h", "h", "h", "2h", "min", "D"]))
    zone = draw(st.sampled_from([None, None, "Europe/Rome", "UTC"]))
    hours = pd.date_range(start, periods=n, freq=freq).tz_localize(
        zone, ambiguous="NaT", nonexistent="shift_forward"
    )
    kind = draw(
        st.sampled_from(
            [
                "hours",
                "hours",
                "hours",
                "seconds",
                "range",
                "unsorted",
                "doubled",
                "nat",
                "text",
                "float",
                "multi",
                "period",
                "periods",
                "mixed",
                "mixed texts",
                "dates",
                "arrow",
                "late ints",
            ]
        )
    )
    return {
        "hours": lambda: hours,
        "seconds": lambda: hours.as_unit("s"),
        "range": lambda: pd.RangeIndex(n),
        "unsorted": lambda: hours[::-1],
        "doubled": lambda: hours.repeat(2)[:n],
        "nat": lambda: hours.where(np.arange(n) % 3 != 1),
        "text": lambda: pd.Index([str(v) for v in hours], dtype=object),
        "float": lambda: pd.Index(np.linspace(0, 1, n)),
        "multi": lambda: pd.MultiIndex.from_arrays([["x"] * n, hours]),
        "period": lambda: pd.period_range("2024", periods=n, freq="h"),
        "periods": lambda: hours.tz_localize(None).to_period("h"),
        "mixed texts": lambda: pd.Index([f"2024-01-0{v % 9 + 1}T08+0{v % 2}" for v in range(n)]),
        "dates": lambda: pd.Index(hours.date, dtype=object),
        "arrow": lambda: hours.astype(
            "timestamp[ns, UTC][pyarrow]" if zone else "timestamp[ns][pyarrow]"
        ),
        "mixed": lambda: pd.Index([1, "a", None, 2.5, pd.Timestamp("2024")] * n, dtype=object)[:n],
        "late ints": lambda: pd.Index(np.arange(n) + 2**62),
    }[kind]()


names = st.one_of(
    st.just(["a", "b"]), st.just(["a", "b"]), st.just(["a"]), st.just(["b"]), st.just(["b", "a"]),
    st.just(["a", "a"]), st.just([]), st.just([0, 1]), st.just(["a", 0]), st.just([("a", 1), "b"]),
    st.just(["a", "b", "c"]), st.just([np.nan, None]), st.just(list(range(2000))),
    st.just([pd.Timestamp("2024"), "b"]),
)  # fmt: skip


@st.composite
def frames(draw):
    n, labels = draw(n_rows), draw(names)
    if len(labels) > 9:
        values = np.random.default_rng(0).normal(size=(n, len(labels)))
        return pd.DataFrame(values, draw(indexes(n)), labels)
    parts = [pd.Series(draw(columns_of_values(n))) for _ in labels]
    frame = pd.concat(parts, axis=1) if parts else pd.DataFrame(index=range(n))
    return frame.set_axis(draw(indexes(n)), axis=0).set_axis(labels, axis=1)


@st.composite
def good_rows(draw):
    """Draw rows that nothing is wrong with, but perhaps a value or two."""
    rows = history(N_FIT + 30)[N_FIT : N_FIT + draw(st.integers(1, 30))]
    for _ in range(draw(st.integers(0, 2))):
        rows.iloc[draw(st.integers(0, len(rows) - 1)), draw(st.integers(0, 1))] = draw(floats)
    return rows


@st.composite
def rows_of_any_kind(draw):
    frame = draw(st.one_of(frames(), good_rows()))
    kind = draw(
        st.sampled_from(
            [
                "frame",
                "frame",
                "frame",
                "series",
                "array",
                "list",
                "dict",
                "3-d",
                "masked",
                "fortran",
                "sparse frame",
                "0-d",
                "polars",
                "polars",
                "lazy",
                "arrow",
                "arrow dtypes",
            ]
        )
    )
    if kind == "series":
        return frame.iloc[:, 0] if frame.shape[1] else pd.Series(dtype=float)
    if kind == "sparse frame":
        plain = all(dtype == np.float64 for dtype in frame.dtypes) and frame.columns.is_unique
        return frame.astype(pd.SparseDtype(float)) if plain else frame
    if kind == "frame":
        return frame
    array = frame.to_numpy()
    return {
        "array": lambda: array,
        "list": lambda: array.tolist(),
        "dict": lambda: {"a": [1.0]},
        "3-d": lambda: array[None],
        "masked": lambda: _masked(array),
        "polars": lambda: _of_polars(frame),
        "lazy": lambda: _of_polars(frame).lazy(),
        "arrow": lambda: _of_polars(frame).to_arrow(),
        "arrow dtypes": lambda: _with_arrow_dtypes(frame),
        "fortran": lambda: np.asfortranarray(array),
        "0-d": lambda: np.array(1.0),
    }[kind]()


def _masked(array):
    values = np.full(array.shape, 10.0) if array.dtype == object else array
    return np.ma.array(values, mask=np.arange(values.size).reshape(values.shape) % 3 == 1)


def _of_polars(frame):
    """Return a frame of polars with a column "time", of what polars can read."""
    frame = frame.rename_axis("time").reset_index() if frame.index.nlevels == 1 else frame
    frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
    frame = frame.loc[:, ~frame.columns.duplicated()]
    read = {}
    for name in frame.columns:
        try:
            read[name] = pl.from_pandas(frame[name])
        except (ValueError, TypeError, pa.ArrowException, pl.exceptions.PolarsError):
            read[name] = pl.Series([str(value) for value in frame[name]], dtype=pl.String)
    return pl.DataFrame(read)


def _with_arrow_dtypes(frame):
    try:
        return frame.convert_dtypes(dtype_backend="pyarrow")
    except (ValueError, TypeError, OverflowError, pa.ArrowException):
        return frame


odd_arguments = st.one_of(
    st.none(), st.integers(-2, 4), st.just(2.0), st.just("two"), st.just(np.int64(2)),
    st.just(True), st.just([1]), huge_ints,
)  # fmt: skip


@st.composite
def calls(draw):
    """Draw a model, the name of a method, and its arguments."""
    model = copy.deepcopy(MODELS[draw(st.integers(0, len(MODELS) - 1))])
    methods = ["partial_fit", "update", "predict", "score", "fit", "forecast", "reset_state"]
    method = draw(st.sampled_from([m for m in methods if hasattr(model, m)]))
    if method == "forecast":
        return model, method, (draw(odd_arguments),)
    if method == "reset_state":
        return model, method, ()
    X = draw(rows_of_any_kind())
    y = draw(st.one_of(st.none(), st.none(), rows_of_any_kind(), st.just(X)))
    if method == "predict" and isinstance(model, RNNRegressor):
        return model, method, (X,)
    return model, method, (X,) if y is None else (X, y)


# --- the check ------------------------------------------------------------------------------------


def content(model):
    encoder = Encoder()
    node = encoder.node(model)
    return repr(node), [(a.dtype.str, a.shape, a.tobytes()) for a in encoder.arrays]


def check(call):
    """Make a call; return what came of it, and what is wrong with that."""
    model, method, args = call
    before = content(model)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.filterwarnings("error", ".* encountered", RuntimeWarning)
            answer = getattr(model, method)(*args)
    except DOCUMENTED as error:
        wrong = content(model) != before and "raised and changed the estimator"
        return f"{method}: {type(error).__name__}", wrong
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{place.filename.rpartition('/')[2]}:{place.lineno}"
        return f"{method}: {type(error).__name__}", f"{type(error).__name__}: {error} at {where}"
    if method in ("predict", "score", "forecast") and content(model) != before:
        return f"{method}: done", "a question changed the estimator"
    if method in ("predict", "forecast") and not np.isfinite(_numbers(answer)).all():
        return f"{method}: done", "a forecast that is not finite"
    return f"{method}: done", None


def _numbers(answer):
    """Return the forecasts of an answer: of a frame of polars or Arrow, all columns but time."""
    if isinstance(answer, pa.Table):
        answer = pl.from_arrow(answer)
    if isinstance(answer, pl.DataFrame):
        answer = answer.drop("time", strict=False)
    return np.asarray(answer, float)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    outcomes, failures = Counter(), Counter()

    @seed(args.seed)
    @settings(
        max_examples=args.count, deadline=None, database=None, suppress_health_check=HealthCheck
    )
    @given(calls())
    def run(call):
        outcome, wrong = check(call)
        outcomes[outcome] += 1
        if wrong:
            failures[f"{type(call[0]).__name__}.{call[1]}: {' '.join(wrong.split())[:160]}"] += 1

    run()
    for outcome, count in sorted(outcomes.items()):
        print(f"{count:6d}  {outcome}")
    n_cases, n_failures = sum(outcomes.values()), sum(failures.values())
    print(f"{n_cases} cases, {n_failures} failures")
    for failure, count in failures.most_common(40):
        print(f"{count:6d}  {failure}")
    if args.count >= 5000:
        results = {"cases": n_cases, "outcomes": dict(outcomes), "failures": dict(failures)}
        report.save("fuzz_frames", results)
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
