"""What one row costs as a frame of polars or a table of Arrow, beside the same row in pandas.

Electricity, every method that takes a row or gives a frame. The kinds of frame take turns of 25
rows, as rows come to one model, which finds its own code and numbers in the cache. Times are the
processor's, of the calling thread, and medians. Rows are there as frames before the clock starts.
"""

import statistics
import time

import numpy as np
import pandas as pd
import polars
from memory import print_table
from report import save

from tsrnn import RNNForecaster, RNNRegressor, datasets

N_HISTORY, N_ROWS, TURN, WARM_UP, HORIZON = 1000, 400, 25, 5, 24
LIMIT = 150  # µs a call, above pandas
KINDS = ("pandas", "polars", "Arrow")
QUICK = {"hidden_size": 16, "max_iter": 3, "random_state": 0}


def to_kind(frame, kind):
    """Return a frame of pandas as another kind, its named index as a column."""
    if kind == "pandas":
        return frame
    table = polars.from_pandas(frame.reset_index() if frame.index.name else frame)
    return table if kind == "polars" else table.to_arrow()


class Stream:
    """A model of one stream, of every kind of frame, and what a row is for it."""

    def __init__(self, kind, load):
        data = to_kind(load[["load"]], kind)
        self.model = RNNForecaster(HORIZON, **QUICK).fit(data[:N_HISTORY])
        self.rows = [data[N_HISTORY + n : N_HISTORY + n + 1] for n in range(N_ROWS)]

    def calls(self, n):
        """Yield the name of a method and the call."""
        row, model = self.rows[n], self.model
        yield "predict", lambda: model.predict(row)
        yield "update", lambda: model.update(row)


class Scored(Stream):
    """The same, with p-values of each row."""

    def calls(self, n):
        """Yield the name of a method and the call."""
        row, model = self.rows[n], self.model
        yield "p_values", lambda: model.p_values(row)
        yield "partial_fit", lambda: model.partial_fit(row)


class Forecast(Stream):
    """The same, forecast at each row."""

    def calls(self, n):
        """Yield the name of a method and the call."""
        row, model = self.rows[n], self.model
        yield "partial_fit, before a forecast", lambda: model.partial_fit(row)
        yield "forecast", model.forecast
        yield "forecast, coverage", lambda: model.forecast(coverage=0.9)
        yield "future_index", model.future_index


class Explained(Stream):
    """The same, explained at each row."""

    def calls(self, n):
        """Yield the name of a method and the call."""
        row, model = self.rows[n], self.model
        yield "update, before explain", lambda: model.update(row)
        yield "explain", model.explain


class Known(Stream):
    """With an input known ahead."""

    def __init__(self, kind, load):
        data, plan = to_kind(load, kind), to_kind(load[["price"]], kind)
        model = RNNForecaster(HORIZON, target="load", future_cols="price", **QUICK)
        self.model = model.fit(data[:N_HISTORY])
        places = range(N_HISTORY, N_HISTORY + N_ROWS)
        self.rows = [data[n : n + 1] for n in places]
        self.ahead = [plan[n + 1 : n + 1 + HORIZON] for n in places]

    def calls(self, n):
        """Yield the name of a method and the call."""
        row, ahead, model = self.rows[n], self.ahead[n], self.model
        yield "known ahead: partial_fit", lambda: model.partial_fit(row)
        yield "known ahead: forecast", lambda: model.forecast(X_future=ahead)


class Panel(Stream):
    """Two series, by id and time."""

    def __init__(self, kind, load):
        both = pd.concat([load[["load"]].reset_index().assign(id=name) for name in "ab"])
        both = both.sort_values(["time", "id"], ignore_index=True)[["id", "time", "load"]]
        data = to_kind(both, kind)
        model = RNNForecaster(HORIZON, id_col="id", time_col="time", **QUICK)
        self.model = model.fit(data[: 2 * N_HISTORY])
        self.rows = [data[n : n + 1] for n in range(2 * N_HISTORY, 2 * N_HISTORY + N_ROWS)]

    def calls(self, n):
        """Yield the name of a method and the call."""
        row, model = self.rows[n], self.model
        yield "panel: partial_fit", lambda: model.partial_fit(row)
        yield "panel: forecast", lambda: model.forecast(ids="a")


class Regressor(Stream):
    """y beside X."""

    def __init__(self, kind, load):
        X, y = to_kind(load[["price"]], kind), load["load"]
        if kind != "pandas":
            y = to_kind(load[["load"]], kind)["load"]
        self.model = RNNRegressor(**QUICK).fit(X[:N_HISTORY], y[:N_HISTORY])
        places = range(N_HISTORY, N_HISTORY + N_ROWS)
        self.rows = [(X[n : n + 1], y[n : n + 1]) for n in places]

    def calls(self, n):
        """Yield the name of a method and the call."""
        (X, y), model = self.rows[n], self.model
        yield "regressor: predict", lambda: model.predict(X)
        yield "regressor: predict_interval", lambda: model.predict_interval(X)
        yield "regressor: partial_fit", lambda: model.partial_fit(X, y)


def take_turn(stream, kind, first, taken):
    """Call the methods of a stream for its next rows, and note what each call took."""
    for n in range(first, first + TURN):
        for name, call in stream.calls(n):
            begin = time.thread_time()
            call()
            spent = 1e6 * (time.thread_time() - begin)
            if n >= first + WARM_UP:
                taken.setdefault(name, {k: [] for k in KINDS})[kind].append(spent)


def main():
    load = datasets.load_electricity()[: N_HISTORY + N_ROWS + HORIZON + 1]
    load["price"] = np.random.default_rng(0).normal(size=len(load))
    taken = {}
    for case in (Stream, Scored, Forecast, Explained, Known, Panel, Regressor):
        streams = {kind: case(kind, load) for kind in KINDS}
        for first in range(0, N_ROWS, TURN):
            for kind, stream in streams.items():
                take_turn(stream, kind, first, taken)
    medians = {
        name: {kind: statistics.median(values) for kind, values in of_kinds.items()}
        for name, of_kinds in taken.items()
    }
    table = [
        [name, f"{found['pandas']:.0f}"]
        + [f"{found[kind]:.0f} ({found[kind] - found['pandas']:+.0f})" for kind in KINDS[1:]]
        for name, found in medians.items()
    ]
    print_table(["µs a call", *KINDS], table)
    most = max(found["polars"] - found["pandas"] for found in medians.values())
    print(f"polars, most above pandas: {most:+.0f} µs, limit {LIMIT:+}")
    save("native_rows", {"microseconds": medians, "rows": N_ROWS}, ("polars", "pyarrow"))


if __name__ == "__main__":
    main()
