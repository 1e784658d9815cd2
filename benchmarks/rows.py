"""What one streamed row costs: learn from it and forecast, beside statsmodels, river and skaters.

Electricity, 4,000 rows of history, 24 steps ahead, every model as it comes. The contestants take
turns, 25 rows each, of which the first is not counted (the caches are the contestant's own then);
times are the processor's, of the calling thread. Rows are there as one-row frames, series or arrays
before the clock starts.
"""

import statistics
import time

import numpy as np
from memory import print_table
from river import linear_model, optim, preprocessing, time_series
from skaters import laplace
from statsmodels.tsa.statespace.sarimax import SARIMAX
from timing import threads

from tsrnn import RNNForecaster, datasets

N_HISTORY, HORIZON, TURN = 4000, 24, 25
# Skaters is a thousand times as slow: it sees the newest rows of the history alone (a row takes the
# same from 500 on), and of those that follow only some turns.
SKATED, SKATER_TURNS = 600, 2
ORDER = (2, 0, 1)  # no season: the cheapest SARIMAX that one would use, and so the hardest to beat
FRAME, ARRAY = "tsrnn, frame: partial_fit + forecast", "tsrnn, array: predict + partial_fit"
STATSMODELS, RIVER, SKATERS = (
    "statsmodels SARIMAX: extend + forecast",
    "river SNARIMAX: learn_one + forecast",
    "skaters laplace: a call and the means",
)


def estimator_rows(n_rows=1000):
    """Stream rows through all contestants; return seconds a row by contestant, and of `fit`."""
    data = datasets.load_electricity()[: N_HISTORY + n_rows]
    history, values = data[:N_HISTORY], data.to_numpy()
    frames = [data.iloc[row : row + 1] for row in range(len(data))]
    series = [frame.iloc[:, 0] for frame in frames]
    seconds = {FRAME: [], ARRAY: [], STATSMODELS: [], RIVER: [], SKATERS: []}
    with threads(1):
        start = time.thread_time()
        by_frame = RNNForecaster(HORIZON, random_state=0).fit(history)
        fit_seconds = time.thread_time() - start
        by_array = RNNForecaster(HORIZON, random_state=0).fit(values[:N_HISTORY])
        sarimax = SARIMAX(history.iloc[:, 0], order=ORDER, trend="c").fit(disp=False)
        mean, scale = values[:N_HISTORY].mean(), values[:N_HISTORY].std()
        snarimax = _snarimax((values[:N_HISTORY, 0] - mean) / scale)
        skater, skated = laplace(k=HORIZON), None
        for value in values[N_HISTORY - SKATED : N_HISTORY, 0].tolist():
            _, skated = skater(value, skated)

        def with_frame(row):
            by_frame.partial_fit(frames[row])
            by_frame.forecast()

        def with_array(row):
            by_array.predict(values[row : row + 1])
            by_array.partial_fit(values[row : row + 1])

        def with_statsmodels(row):
            nonlocal sarimax
            sarimax = sarimax.extend(series[row])
            sarimax.forecast(HORIZON)

        def with_river(row):
            snarimax.learn_one((values[row, 0] - mean) / scale)
            snarimax.forecast(HORIZON)

        def with_skaters(row):
            nonlocal skated
            ahead, skated = skater(float(values[row, 0]), skated)
            [step.mean for step in ahead]

        calls = (with_frame, with_array, with_statsmodels, with_river, with_skaters)
        for first in range(N_HISTORY, len(data), TURN):
            for name, call in zip(seconds, calls, strict=True):
                if name == SKATERS and first >= N_HISTORY + SKATER_TURNS * TURN:
                    continue
                call(first)
                for row in range(first + 1, min(first + TURN, len(data))):
                    start = time.thread_time()
                    call(row)
                    seconds[name].append(time.thread_time() - start)
    return {"fit": fit_seconds, "rows": seconds}


def _snarimax(values):
    """Return river's model of the newest 24 values, after the history."""
    regression = linear_model.LinearRegression(optimizer=optim.SGD(0.001), intercept_lr=0.001)
    model = time_series.SNARIMAX(
        p=24, d=0, q=0, regressor=preprocessing.StandardScaler() | regression
    )
    for value in values:
        model.learn_one(value)
    return model


def print_estimators(measured):
    """Print microseconds a row by contestant, and the seconds of `fit`."""
    table = []
    for name, seconds in measured["rows"].items():
        tail = np.percentile(seconds, 99)
        figures = statistics.median(seconds), tail, statistics.mean(seconds)
        table.append([name, *(f"{1e6 * figure:,.0f}" for figure in figures)])
    print_table(["one row", "median, µs", "99th percentile, µs", "mean, µs"], table)
    print(f"`RNNForecaster(24).fit` on {N_HISTORY:,} rows: {measured['fit']:.1f} s\n")


def estimator_claims(measured):
    """Return tuples (claim, value, limit, whether at least) of what was asked for."""
    rows = measured["rows"]
    median = {name: statistics.median(seconds) for name, seconds in rows.items()}
    return [
        ("row by frame, median, µs", 1e6 * median[FRAME], 1000, False),
        ("row by frame, 99th percentile, µs", 1e6 * np.percentile(rows[FRAME], 99), 8000, False),
        ("row by array, median, µs", 1e6 * median[ARRAY], 250, False),
        ("SARIMAX : row by frame", median[STATSMODELS] / median[FRAME], 20, True),
        ("SARIMAX : row by array", median[STATSMODELS] / median[ARRAY], 20, True),
        ("SNARIMAX : row by frame", median[RIVER] / median[FRAME], 1, True),
        ("SNARIMAX : row by array", median[RIVER] / median[ARRAY], 1, True),
        ("laplace : row by frame", median[SKATERS] / median[FRAME], 1, True),
        ("fit on 4,000 rows, s", measured["fit"], 5, False),
    ]
