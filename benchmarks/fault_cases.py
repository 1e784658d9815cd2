"""The models and calls that ``faults.py`` interrupts: every kind of stream and panel, tiny."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tsrnn import RNNForecaster, RNNRegressor
from tsrnn.baselines import LinearForecaster, NaiveForecaster, SeasonalNaiveForecaster

N_SHORT, N_FIT, N_NEW = 30, 44, 10  # windows of 8 rows end in the new ones, which are more than 8
SMALL = {"hidden_size": 4, "window_size": 8, "lags": 2, "max_iter": 2, "random_state": 0}
BANDS = {"coverage": [0.5, 0.9], "quantiles": [0.1]}
START = pd.Timestamp("2024-03-30", tz="Europe/Berlin")  # the clocks change within the history


class Case(NamedTuple):
    """A model, its rows as arguments of its methods by name, and what else they are asked."""

    model: Any
    short: dict  # another history
    history: dict
    new: dict
    prepare: Any = None  # what befalls the fitted model
    asked: dict | None = {}  # noqa: RUF012, of `forecast`; None: there is none
    ids: tuple = ()  # series of a panel that `reset_state` and `forget` name
    whole: bool = True  # also `fit` and `score`, which take other ways from case to case seldom

    def prepared(self):
        """Return the model fitted to the history."""
        model = self.model.fit(**self.history)
        if self.prepare:
            self.prepare(model)
        return model

    def calls(self):
        """Return the calls to interrupt by name, functions of a model."""
        calls = {
            "partial_fit": lambda m: m.partial_fit(**self.new),
            "update": lambda m: m.update(**self.new),
            "predict": lambda m: m.predict(**without_y(self.new)),
            "predict in-sample": lambda m: m.predict(**without_y(self.history)),
            "reset_state": lambda m: m.reset_state(*self.ids[:1]),
        }
        if self.whole:
            calls["fit"] = lambda m: m.fit(**self.short)
            calls["score"] = lambda m: m.score(**self.new)
        if self.asked is not None:
            calls["forecast"] = lambda m: m.forecast(**self.asked)
        if self.ids:
            calls["forget"] = lambda m: m.forget(list(self.ids))
            calls["forecast of some"] = lambda m: m.forecast(ids=list(self.ids))
        return calls


def without_y(rows):
    return {name: rows[name] for name in rows if name != "y"}


# --- streams --------------------------------------------------------------------------------------


def stream(n_columns, *, zone="Europe/Berlin", seed=0):
    """Hourly rows of numbers."""
    rng, n_rows = np.random.default_rng(seed), N_FIT + N_NEW
    index = pd.date_range(START, periods=n_rows, freq="h", name="time").tz_convert(zone)
    values = 10 + rng.normal(size=(n_rows, n_columns)).cumsum(axis=0)
    return pd.DataFrame(values, index, [f"s{i}" for i in range(n_columns)])


def messy(n_columns=3):
    """Rows with missing values, a spike, a category and a bool."""
    rows = stream(n_columns)
    rows.iloc[3::8, 0] = np.nan
    rows.iloc[2::5, 1] = np.nan
    rows.iloc[[9, N_FIT + 4], 0] = 1e6
    number = np.arange(len(rows))
    return rows.assign(sky=np.where(number % 3, "sun", "rain"), open=number % 2 == 0)


def with_gaps(rows):
    """Take two rows out of the history and three out of the new ones, which begin with a gap."""
    return rows.drop(rows.index[[12, 13, N_FIT, N_FIT + 3, N_FIT + 4]])


def cut(X, y=None):
    """Divide rows into a short history, the history, and what is new."""
    rows = {"X": X} if y is None else {"X": X, "y": y}
    places = slice(N_SHORT), slice(N_FIT), slice(N_FIT, None)
    return tuple({name: part[place] for name, part in rows.items()} for place in places)


def dated(rows):
    """As `cut`, by the hours from the start."""
    hours = (rows.index - START) // pd.Timedelta("1h")
    return tuple({"X": rows[at]} for at in (hours < N_SHORT, hours < N_FIT, hours >= N_FIT))


def streams():
    """Return the cases of one stream."""
    numbers, rows = stream(2).to_numpy(), messy()
    known = rows.assign(price=rows["s2"].round())
    ahead = known[["sky", "price"]][N_FIT : N_FIT + 2]
    late = {"late": "drop", "season": (3, 5)}
    replayed = {"X": pd.concat([rows[N_FIT - 3 : N_FIT], with_gaps(rows)[N_FIT - 2 :]])}

    def case(model, *parts, part=False, **more):
        return Case(model, *parts, whole=not part, **more)

    for cell in ("rnn", "lstm", "gru"):
        model = RNNForecaster(2, cell, **SMALL)
        yield f"array, {cell}", case(model, *cut(numbers), asked=BANDS, part=cell != "lstm")
    model = RNNForecaster(3, "gru", target="s0", season="auto", coverage=0.9, lower=0, **SMALL)
    yield "frame with gaps", case(model, *dated(with_gaps(rows)))
    columns = {"target": ["s0", "s1"], "future_cols": ["sky", "price"], "season": None}
    model = RNNForecaster(2, "rnn", **columns, **SMALL)
    yield "known ahead", case(model, *cut(known), asked={"X_future": ahead})
    X, y = rows.drop(columns="s2"), rows["s2"].round(3)
    yield "regressor", case(RNNRegressor("lstm", **SMALL), *cut(X, y), asked=None)
    model = RNNForecaster(
        2, "gru", target="s0", n_layers=2, dtype=float, gap="reset", **late, **SMALL
    )
    yield "late rows, runs, two layers", case(model, *dated(with_gaps(rows))[:2], replayed)
    model, back = RNNForecaster(2, target="s0", **SMALL), lambda m: m.reset_state()
    yield "after reset_state", case(model, *cut(rows), prepare=back, asked=None, part=True)
    X, y = rows.drop(columns="s0"), rows["s0"]
    yield "y apart", case(RNNForecaster(2, "gru", **SMALL), *cut(X, y), part=True)
    drawn = SMALL | {"random_state": np.random.RandomState(0)}
    yield "months, RandomState", case(RNNForecaster(2, "rnn", **drawn), *cut(monthly(numbers)))
    yield "linear", case(LinearForecaster(2, lags=2), *cut(stream(2)), asked=BANDS)
    yield "seasonal naive", case(SeasonalNaiveForecaster(2, season=5), *cut(stream(2)), asked=BANDS)
    yield "naive", case(NaiveForecaster(2), *cut(stream(1)["s0"]))


def monthly(numbers):
    index = pd.date_range("2020-01-01", periods=len(numbers), freq="MS")
    return pd.DataFrame(numbers, index, ["s0", "s1"])


# --- panels ---------------------------------------------------------------------------------------


def long(ids="abc", *, n_new=N_NEW, seed=0):
    """Return the rows of series a, b, ... as a long frame; d and e arrive among the new ones."""
    rng, hours = np.random.default_rng(seed), np.arange(N_FIT + n_new)
    parts = []
    for number, name in enumerate(ids):
        own = hours if name in "abc" else hours[N_FIT + number - 2 :]
        values = 10.0**number * (3 + rng.normal(size=len(own)).cumsum() / 5)
        time = START.tz_localize(None) + pd.to_timedelta(own, unit="h")
        part = {"id": name, "time": time, "y": values, "x": rng.normal(size=len(own))}
        parts.append(pd.DataFrame(part | {"size": float(number)}))
    return pd.concat(parts).sort_values("time", kind="stable", ignore_index=True)


def holed(frame):
    """Take out rows of series b and values of all of them."""
    frame = frame.copy()
    frame.loc[frame.index % 11 == 5, "y"] = np.nan
    frame.loc[frame.index % 13 == 5, "x"] = np.nan
    hours = (frame["time"] - frame["time"].min()) // pd.Timedelta("1h")
    return frame[~((frame["id"] == "b") & hours.isin([15, 16, N_FIT, N_FIT + 1, N_FIT + 5]))]


def apart(frame, shape=lambda rows: {"X": rows}):
    """As `cut`, and each part brought into shape."""
    hours = (frame["time"] - frame["time"].min()) // pd.Timedelta("1h")
    parts = frame[hours < N_SHORT], frame[hours < N_FIT], frame[hours >= N_FIT]
    return tuple(shape(part) for part in parts)


def panels():
    """Return the cases of panels."""
    columns = {"id_col": "id", "time_col": "time", "target": "y"}
    some = {"ids": ("a", "c")}

    def levels(rows):
        return {"X": rows.set_index(["id", "time"])}

    def beside(rows):
        return {"X": rows[["y"]].set_axis(rows["time"]), "ids": rows["id"].to_numpy()}

    def counted(rows):
        return {"X": rows[["y", "x"]].to_numpy(), "ids": rows["id"].to_numpy()}

    def replayed(rows):
        """Also two rows seen before; and one series has ended, so that four are left."""
        new = rows["time"].min() == end
        again = frame[frame["time"] < end].tail(2)
        return {"X": pd.concat([again, rows[rows["id"] != "a"]]) if new else rows}

    short = some | {"whole": False}
    model = RNNForecaster(2, "lstm", season=3, **columns, **SMALL)
    yield "long", Case(model, *apart(long()), asked=BANDS, **some)
    model = RNNForecaster(2, "gru", **columns, **SMALL)
    yield "three stamps", Case(model, *apart(long(n_new=3)), **short)
    model = RNNForecaster(2, "gru", target="y", season=5, **SMALL)
    yield "levels, new series, gaps", Case(model, *apart(holed(long("abcde")), levels), **some)
    model = RNNForecaster(2, "rnn", target="y", gap="reset", **SMALL)
    yield "ids beside, runs", Case(model, *apart(holed(long("abcd")), beside), **short)
    model = RNNForecaster(2, "rnn", **SMALL)
    yield "counted", Case(model, *apart(long("abcd"), counted), **short)
    frame, end = holed(long("abcde")), START.tz_localize(None) + pd.Timedelta(N_FIT, "h")
    static = {"static_cols": "size", "max_series": 4, "late": "drop"}
    model = RNNForecaster(2, "lstm", n_layers=2, **static, **columns, **SMALL)
    yield "static, evicted, late", Case(model, *apart(frame, replayed), **some)
    model, back = RNNForecaster(2, **columns, **SMALL), lambda m: m.reset_state(["b"])
    yield "after reset_state of some", Case(model, *apart(long()), back, **short)
    model = RNNForecaster(2, "gru", future_cols="x", **columns, **SMALL)
    after = pd.to_timedelta([N_FIT, N_FIT + 1], unit="h") + START.tz_localize(None)
    ahead = pd.DataFrame({"id": list("aabbcc"), "time": [*after] * 3, "x": 0.5})
    yield "known ahead", Case(model, *apart(long()), asked={"X_future": ahead})
    frame = long("abcd").drop(columns=["x", "size"])
    ways = {"id_col": "id", "time_col": "time"}
    yield "linear panel", Case(LinearForecaster(2, lags=2, **ways), *apart(frame), **some)
    yield "naive panel", Case(NaiveForecaster(2, **ways), *apart(frame), **short)


CASES = {**dict(streams()), **{f"panel: {name}": case for name, case in panels()}}
