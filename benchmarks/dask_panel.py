"""A panel on Dask: rows per second of one process and of workers, what a round costs, and memory.

Four partitions of 2,000 synthetic hourly series each, those of ``panel.py``: 400 rows of history,
horizon 24, 32 hidden units. Then stamps arrive, a few in each call. One process learns them as one
panel of 8,000 series; one worker and two learn them as four partitions, with the same numbers.
Beside it, what sharing is worth: the errors of one panel, and of one model a partition.

Run: ``python benchmarks/dask_panel.py`` (some minutes; ``--series 200`` for a short look, which is
not saved).
"""

import argparse
import os
import resource
import time

import dask.dataframe as dd
import numpy as np
import pandas as pd
from panel import HORIZON, N_FIT, frames
from report import save

from tsrnn import RNNForecaster
from tsrnn.integrations.dask import DaskForecaster, start_local_cluster
from tsrnn.nn import get_kernels

PARTITIONS, SERIES = 4, 2_000  # a partition
CALLS, STAMPS = 6, 4  # calls that are timed, and stamps in each


def peak():
    """Return the largest memory that this process has had, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def model():
    return RNNForecaster(HORIZON, id_col="id", time_col="time", random_state=0)


def parted(rows):
    """Return rows as a Dask frame, each partition with its own series."""
    ids = np.sort(rows["id"].unique())
    number = pd.Series(np.arange(len(ids)) * PARTITIONS // len(ids), index=ids)
    parts = [part for _, part in rows.groupby(number.loc[rows["id"]].to_numpy())]
    return dd.from_map(lambda part: part, parts, meta=rows.iloc[:0])


def calls(n_series, rng):
    """Yield the rows of each call, those of one stamp last."""
    stamp = N_FIT
    for n in [STAMPS] * (CALLS + 1) + [1] * CALLS:
        yield n, frames(n_series, stamp, stamp + n, rng, shuffled=False)
        stamp += n


def timed(forecaster, prepare, n_series):
    """Let a forecaster learn calls; return seconds of a stamp in calls of several, and alone."""
    seconds = {STAMPS: [], 1: []}
    for n, rows in calls(n_series, np.random.default_rng(1)):
        rows = prepare(rows)
        begin = time.perf_counter()
        forecaster.partial_fit(rows)
        seconds[n].append((time.perf_counter() - begin) / n)
    return {
        "rows_per_second": n_series / np.median(seconds[STAMPS][1:]),
        "milliseconds_by_stamp": [1e3 * s for s in seconds[STAMPS]],
        "milliseconds_by_call_of_one_stamp": [1e3 * s for s in seconds[1]],
    }


def on_dask(history, n_workers, n_series):
    """Fit and learn on so many workers."""
    with start_local_cluster(n_workers) as client:
        frame = client.persist(parted(history))
        begin, before = time.perf_counter(), peak()
        forecaster = DaskForecaster(model(), client).fit(frame)
        found = {"fit_seconds": time.perf_counter() - begin}
        del frame
        rounds = forecaster.rounds_
        found |= timed(forecaster, parted, n_series)
        found["client_peak_mb"] = [before, peak()]
        found["round_milliseconds"] = 1e3 * rounds[1] / rounds[0]
        forecast = forecaster.forecast(coverage=0.9).compute()
    return found, forecast.sort_values(["id", "time"], ignore_index=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--series", type=int, default=SERIES, help="of a partition")
    n_each = parser.parse_args().series
    n_series, load = PARTITIONS * n_each, os.getloadavg()
    history = frames(n_series, 0, N_FIT, np.random.default_rng(0), shuffled=False)
    results = {
        "series": n_series,
        "partitions": PARTITIONS,
        "kernels": get_kernels(),
        "load_average_at_start": load,
        "cores": os.cpu_count(),
    }
    expected = {}
    for name, n_workers in (("one worker", 1), ("two workers", 2)):
        results[name], expected[name] = on_dask(history, n_workers, n_series)
    begin = time.perf_counter()
    one = model().fit(history)
    results["one process"] = {"fit_seconds": time.perf_counter() - begin}
    results["one process"] |= timed(one, lambda rows: rows, n_series)
    forecast = one.forecast(coverage=0.9).sort_values(["id", "time"], ignore_index=True)
    columns = forecast.columns[2:]
    for name, other in expected.items():
        apart = (other[columns] - forecast[columns]).abs() / forecast[columns].abs()
        results[name]["largest_relative_difference"] = float(apart.max(axis=None))
    print(f"\n{n_series:,} series in {PARTITIONS} partitions, {results['kernels']} kernels")
    print("| | fit, s | rows/s | a call of one stamp, ms |\n| --- | --- | --- | --- |")
    for name in ("one process", *expected):
        found = results[name]
        alone = np.median(found["milliseconds_by_call_of_one_stamp"])
        print(
            f"| {name} | {found['fit_seconds']:.0f} | {found['rows_per_second']:,.0f} "
            f"| {alone:.0f} |"
        )
    for name in expected:
        found = results[name]
        print(
            f"{name}: a round {found['round_milliseconds']:.2f} ms, peak of the client "
            f"{found['client_peak_mb'][0]:.0f} to {found['client_peak_mb'][1]:.0f} MB, forecasts "
            f"within {found['largest_relative_difference']:.1e} of one process"
        )
    if n_each == SERIES:
        save("dask_panel", results)


if __name__ == "__main__":
    main()
