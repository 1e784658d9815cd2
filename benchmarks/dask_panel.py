"""A panel on Dask: rows per second of one process and of workers, and what a round costs.

Four partitions of 2,000 synthetic hourly series each, those of ``panel.py``: 400 rows of history,
horizon 24, 32 hidden units. One process fits them as one panel, which is then divided. Stamps
arrive, four in each call, then one: one process, one worker and two learn them, with the same
numbers.

Beside it, what sharing is worth: errors on the shipped pedestrians' counts of one panel, and of one
model for each of four partitions, which share the fit or nothing.

Run: ``python benchmarks/dask_panel.py`` (some minutes; ``--series 200`` for a short look, which is
not saved).
"""

import argparse
import copy
import os
import time

import dask.dataframe as dd
import numpy as np
import pandas as pd
from panel import HORIZON, N_FIT, frames, resident
from report import save

from tsrnn import RNNForecaster, datasets
from tsrnn.integrations.dask import DaskForecaster, start_local_cluster
from tsrnn.nn import get_kernels

PARTITIONS, SERIES = 4, 2_000  # a partition
CALLS, STAMPS = 5, 4  # calls that are timed, and stamps in each
PEDESTRIANS, LEARNT = 500, 200  # rows of the fit, and rows after it that are scored


def divided(rows):
    """Return rows as a Dask frame, each partition with its own series."""
    ids = np.sort(rows["id"].unique())
    number = pd.Series(np.arange(len(ids)) * PARTITIONS // len(ids), index=ids)
    parts = [part for _, part in rows.groupby(number.loc[rows["id"]].to_numpy())]
    return dd.from_map(lambda part: part, parts, meta=rows.iloc[:0])


def learn(forecaster, prepare, n_series):
    """Let a forecaster learn; return seconds of a stamp in calls of several, and in calls of one.

    The first call of each kind does not count.
    """
    stamp, rng, seconds, rounds = N_FIT, np.random.default_rng(1), {STAMPS: [], 1: []}, []
    for n in [*[STAMPS] * (CALLS + 1), *[1] * (CALLS + 1)]:
        rows = prepare(frames(n_series, stamp, stamp + n, rng, shuffled=False))
        begin = time.perf_counter()
        forecaster.partial_fit(rows)
        seconds[n].append((time.perf_counter() - begin) / n)
        rounds.append(getattr(forecaster, "rounds_", (1, 0.0)))
        stamp += n
    together, alone = (np.median(seconds[n][1:]) for n in (STAMPS, 1))
    return {
        "rows_per_second": n_series / together,
        "rows_per_second_one_stamp_a_call": n_series / alone,
        "milliseconds_by_stamp": [1e3 * s for s in seconds[STAMPS]],
        "milliseconds_by_call_of_one_stamp": [1e3 * s for s in seconds[1]],
        "rounds_a_call": sorted({n for n, _ in rounds}),
        "milliseconds_a_round": 1e3 * np.median([s / n for n, s in rounds]),
    }


def on_dask(model, n_workers, n_series):
    """Learn on so many workers."""
    with start_local_cluster(n_workers) as client:
        forecaster = DaskForecaster.from_local(model, PARTITIONS, client)
        before = resident()
        found = learn(forecaster, divided, n_series)
        found["resident_mb_of_the_client"] = [before / 1e6, resident() / 1e6]
        forecast = forecaster.forecast(coverage=0.9).compute()
    return found, forecast.sort_values(["id", "time"], ignore_index=True)


def sharing():
    """Return mean absolute errors, by the level of their sensor, of parts that share or do not."""
    counts = datasets.load_pedestrians()
    counts = counts[counts.columns[counts.notna().mean() > 0.9]].loc["2023-03-01":]
    names = counts.columns.tolist()
    long = counts[: PEDESTRIANS + LEARNT].rename_axis("time").melt(
        ignore_index=False, var_name="id", value_name="people"
    ).reset_index()  # fmt: skip
    level = long.groupby("id")["people"].mean()
    is_new = long["time"] >= counts.index[PEDESTRIANS]
    params = {"id_col": "id", "time_col": "time", "lower": 0, "random_state": 0}
    parts = [names[n::PARTITIONS] for n in range(PARTITIONS)]
    whole = RNNForecaster(HORIZON, **params).fit(long[~is_new])

    def fitted(part):
        return RNNForecaster(HORIZON, **params).fit(long[~is_new & long["id"].isin(part)])

    kinds = {
        "one panel": [whole],
        "one fit, then divided": [whole.split(part) for part in parts],
        "nothing is shared": [fitted(part) for part in parts],
    }
    errors = {name: [] for name in kinds}
    times = counts.index[PEDESTRIANS : PEDESTRIANS + LEARNT]
    actual = long.set_index(["id", "time"])["people"]
    for time_stamp in times[:-HORIZON]:
        rows = long[long["time"] == time_stamp]
        for name, models in kinds.items():
            for model in models:
                model.partial_fit(rows[rows["id"].isin(model.cutoff_.index)])
                forecast = model.forecast().set_index(["id", "time"])["people"]
                error = (forecast - actual.loc[forecast.index]).abs()
                errors[name].append(error.groupby("id").mean() / level.loc[error.index.levels[0]])
    return {"sensors": len(names)} | {
        name: float(pd.concat(found).mean()) for name, found in errors.items()
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--series", type=int, default=SERIES, help="of a partition")
    parser.add_argument("--sharing", action="store_true", help="what sharing is worth, alone")
    args = parser.parse_args()
    if args.sharing:
        found = sharing()
        print(found)
        save("dask_sharing", found)
        return
    n_series, load = PARTITIONS * args.series, os.getloadavg()
    history = frames(n_series, 0, N_FIT, np.random.default_rng(0), shuffled=False)
    model = RNNForecaster(HORIZON, id_col="id", time_col="time", random_state=0).fit(history)
    results = {"series": n_series, "partitions": PARTITIONS, "kernels": get_kernels()}
    results |= {"load_average_at_start": load}
    alone = copy.deepcopy(model)  # before there are workers, which would take of its time
    results["one process"] = learn(alone, lambda rows: rows, n_series)
    forecasts = {}
    for name, n_workers in (("one worker", 1), ("two workers", 2)):
        results[name], forecasts[name] = on_dask(model, n_workers, n_series)
    expected = alone.forecast(coverage=0.9).sort_values(["id", "time"], ignore_index=True)
    columns = expected.columns[2:]
    for name, found in forecasts.items():
        apart = (found[columns] - expected[columns]).abs() / expected[columns].abs()
        results[name]["largest_relative_difference"] = float(apart.max(axis=None))
    print(f"\n{n_series:,} series in {PARTITIONS} partitions, {results['kernels']} kernels")
    print("| | rows/s, four stamps a call | one stamp a call |\n| --- | --- | --- |")
    for name in ("one process", *forecasts):
        found = results[name]
        print(
            f"| {name} | {found['rows_per_second']:,.0f} "
            f"| {found['rows_per_second_one_stamp_a_call']:,.0f} |"
        )
    for name in forecasts:
        found = results[name]
        before, after = found["resident_mb_of_the_client"]
        print(
            f"{name}: {found['milliseconds_a_round']:.1f} ms a round; client {before:.0f} MB before"
            f", {after:.0f} after; forecasts within {found['largest_relative_difference']:.0e}"
        )
    if args.series == SERIES:
        save("dask_panel", results)


if __name__ == "__main__":
    main()
