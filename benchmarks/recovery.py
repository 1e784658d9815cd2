"""How soon the forecaster is itself again after a change that lasts.

Seven real streams are fitted on their first 4,000 rows (a quarter of a shorter one) and learnt row
by row. From row 1,000 of what follows, each is changed for good: its level rises by three standard
deviations, its scale doubles, or its season comes six hours early. The root mean squared error of
each week after the change, in the new scale, is relative to that of the same rows in the stream
that was left alone, with the same model.

Run: ``python benchmarks/recovery.py [--seeds 3]`` (two processes)
"""

import argparse
import sys

import numpy as np
import pandas as pd
from accuracy import streams
from joblib import Parallel, delayed, parallel_config
from report import save

from tsrnn import RNNForecaster
from tsrnn.evaluate import prequential

CHANGE, WEEK, N_WEEKS, HOURS_EARLY = 1000, 168, 10, 6
HORIZONS, COVERAGE, LIMIT, SEASONS = (1, 24), 0.9, 1.2, 3


def shift_level(rows, history):
    """Raise the level by three standard deviations of the history."""
    changed = rows.copy()
    changed.iloc[CHANGE:] += 3.0 * history.std()
    return changed


def double_scale(rows, history):
    """Double the distance from the history's mean."""
    changed = rows.copy()
    changed.iloc[CHANGE:] = history.mean() + 2.0 * (rows.iloc[CHANGE:] - history.mean())
    return changed


def turn_season(rows, history):
    """Let everything happen six hours early."""
    values = np.delete(rows.to_numpy(), slice(CHANGE, CHANGE + HOURS_EARLY), axis=0)
    return pd.DataFrame(values, rows.index[: len(values)], rows.columns)


# By name: how rows are changed, the unit of errors, and rows from the change to the first cutoff.
CHANGES = {
    "level": (shift_level, 1.0, 0),
    "scale": (double_scale, 2.0, 0),
    "phase": (turn_season, 1.0, 0),
}


def run(stream, history, rows, horizon, seed, changes, n_weeks):
    """Return, for each change, errors week by week relative to those without it."""
    model = RNNForecaster(horizon, random_state=seed).fit(history)
    rows, results = rows[: CHANGE + (n_weeks + 1) * WEEK], []
    alone = prequential(model, rows, coverage=COVERAGE)
    for change, (apply, unit, start) in changes.items():
        result = prequential(model, apply(rows, history), coverage=COVERAGE)
        weekly = [
            _weekly(r.forecasts, rows.index[CHANGE + start :], n_weeks) for r in (result, alone)
        ]
        times = pd.DatetimeIndex(result.model.drift_log_["time"])
        first = rows.index[CHANGE]
        logged = (times >= first) & (times < first + pd.Timedelta(weeks=3))
        results.append({
            "stream": stream, "horizon": horizon, "seed": seed, "change": change,
            "relative_rmse_by_week": (weekly[0] / unit / weekly[1]).tolist(),
            "rmse_by_week": (weekly[0] / history.iloc[:, 0].std()).tolist(),
            "logged_within_3_weeks": int(logged.sum()),
        })  # fmt: skip
    print(".", end="", flush=True, file=sys.stderr)
    return results


def _weekly(table, cutoffs, n_weeks):
    """Return the root mean squared error of each week of cutoffs."""
    row = cutoffs.get_indexer(table["cutoff"])
    squared = (table["actual"] - table["forecast"])[row >= 0] ** 2
    weeks = squared.groupby(row[row >= 0] // WEEK).mean()
    return np.sqrt(weeks).reindex(range(n_weeks))


def measured(name, description, changes=CHANGES, n_weeks=N_WEEKS):
    """Run all streams as the command line says; return the results, and save those of all seeds."""
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2, help="processes (2)")
    args = parser.parse_args()
    jobs = [
        delayed(run)(stream, history, rows, horizon, seed, changes, n_weeks)
        for stream, (history, rows) in streams().items()
        for horizon in HORIZONS
        for seed in range(args.seeds)
    ]
    with parallel_config(backend="loky", inner_max_num_threads=1):
        results = [row for rows in Parallel(n_jobs=args.jobs)(jobs) for row in rows]
    if args.seeds == 3:
        save(name, results)
    return pd.DataFrame(results)


def main():
    table = measured("recovery", __doc__)
    curves = pd.DataFrame(table["relative_rmse_by_week"].tolist(), columns=range(1, N_WEEKS + 1))
    keys = [table["horizon"], table["change"], table["stream"]]
    curves = curves.groupby(keys, sort=False).mean()
    curves["logged"] = table["logged_within_3_weeks"].groupby(keys, sort=False).min()
    print(f"RMSE of week 1 to {N_WEEKS} after the change, relative to the stream left alone")
    print(curves.round(2).to_string())
    rmse = pd.DataFrame(table["rmse_by_week"].tolist(), columns=range(1, N_WEEKS + 1))
    rmse = np.exp(np.log(rmse).groupby([table["horizon"], table["change"]], sort=False).mean())
    print("\nRMSE in standard deviations of the history, geometric mean of streams and seeds")
    print(rmse.round(3).to_string())
    late = curves[range(SEASONS + 1, N_WEEKS + 1)].max(axis=1)
    print(f"\nlargest from week {SEASONS + 1} on: {late.max():.3f} ({late.idxmax()})")
    print(f"above {LIMIT}:\n{late[late > LIMIT].round(3).to_string()}")
    print(f"changes not in the drift log: {int((curves['logged'] == 0).sum())} of {len(curves)}")


if __name__ == "__main__":
    main()
