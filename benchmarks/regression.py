"""RNNRegressor with default settings against ridge regression on 25 lags, row by row.

Each stream is fitted on its first 4,000 rows (a quarter of a shorter one) and then followed for up
to 3,000 more: a row of X is estimated, an interval of 90 % put around it, and then its y learnt.
The ridge regression sees the same rows of X, the newest and 24 before, forgets as fast (0.9995 a
row), and is learnt by recursive least squares; its penalty is the better of two in hindsight.
Mean squared errors are relative to it. The rest of each stream behind the fitted rows is estimated
in one call, too, without any y, as far as 2,000 rows ahead, to see how intervals hold there.

Run: ``python benchmarks/regression.py [--etth2 ETTh2.csv]`` (two processes, some minutes).
"""

import argparse
import sys
import time

import numpy as np
import pandas as pd
from joblib import Parallel, delayed, parallel_config
from report import save

from tsrnn import RNNRegressor, datasets

N_FIT, N_STREAM, N_AHEAD, N_LAGS = 4000, 3000, 2000, 24
FORGETTING, PENALTIES, COVERAGE = 0.9995, (1.0, 100.0), 0.9
SEEDS = (0, 1)


def streams(etth2=None):
    """Return X and y of each stream: what is missing in X as it is, rows without y left out."""
    air = datasets.load_air_quality()
    traffic = datasets.load_traffic().loc["2015-07":].drop(columns="weather_main")
    load = datasets.load_electricity()["load"]
    people = pd.DataFrame(datasets.load_pedestrians()).loc["2016":].iloc[:, :6]
    tables = {
        "air quality": (air.drop(columns="pm25"), air["pm25"]),
        "traffic": (traffic.drop(columns="traffic_volume"), traffic["traffic_volume"]),
        "electricity": (calendar(load.index), load),
        "pedestrians": (people.iloc[:, 1:], people.iloc[:, 0]),
    }
    if etth2:
        frame = pd.read_csv(etth2, index_col=0, parse_dates=True)
        tables["ETTh2"] = frame.drop(columns="OT"), frame["OT"]
    return {name: (X[y.notna()], y[y.notna()]) for name, (X, y) in tables.items()}


def calendar(index):
    """Return what the clock says of each row: cycles of the day, the week and the year."""
    hour = index.hour + index.minute / 60
    cycles = {
        "day": hour / 24,
        "half_day": hour / 12,
        "week": (index.day_of_week * 24 + hour) / 168,
        "year": index.day_of_year / 365.25,
    }
    columns = {"weekend": (index.day_of_week >= 5).astype(float)}
    for name, turns in cycles.items():
        columns |= {f"{name}_sin": np.sin(2 * np.pi * turns)}
        columns |= {f"{name}_cos": np.cos(2 * np.pi * turns)}
    return pd.DataFrame(columns, index)


def cut(X, y):
    """Return the number of rows to fit, and the rows that are used."""
    n_fit = min(N_FIT, len(X) // 4)
    return n_fit, X[: n_fit + N_STREAM], y[: n_fit + N_STREAM]


def ridge_errors(X, y, n_fit, penalty):
    """Return the error at each row behind the fitted ones of recursive least squares on lags."""
    X = pd.get_dummies(X.astype(float, errors="ignore"), dtype=float).ffill().fillna(0.0)
    spread = X[:n_fit].std(ddof=0).replace(0.0, 1.0)
    rows = ((X - X[:n_fit].mean()) / spread).to_numpy()
    targets = ((y - y[:n_fit].mean()) / y[:n_fit].std(ddof=0)).to_numpy()
    rows = np.concatenate([np.repeat(rows[:1], N_LAGS, axis=0), rows])
    lagged = np.lib.stride_tricks.sliding_window_view(rows, N_LAGS + 1, axis=0)
    features = np.column_stack([lagged.reshape(len(targets), -1), np.ones(len(targets))])
    P, w = np.eye(features.shape[1]) / penalty, np.zeros(features.shape[1])
    errors = np.empty(len(targets))
    for row, phi in enumerate(features):
        v = P @ phi
        denominator = FORGETTING + phi @ v
        errors[row] = targets[row] - phi @ w
        w += v * (errors[row] / denominator)
        P -= np.outer(v, v / denominator)
        P /= FORGETTING
    return errors[n_fit:] * y[:n_fit].std(ddof=0)


def run_ridge(stream, X, y, penalty):
    """Return the figures of the ridge regression on one stream."""
    n_fit, X, y = cut(X, y)
    errors = ridge_errors(X, y, n_fit, penalty)
    print(".", end="", flush=True, file=sys.stderr)
    figures = {
        "mse": float(np.mean(errors**2)),
        "mse_last_half": float(np.mean(errors[len(errors) // 2 :] ** 2)),
    }
    return {"stream": stream, "model": "ridge", "penalty": penalty, **figures}


def run(stream, X, y, seed):
    """Return the figures of the recurrent regressor on one stream."""
    n_fit, X, y = cut(X, y)
    model = RNNRegressor(random_state=seed).fit(X[:n_fit], y[:n_fit])
    ahead = slice(n_fit, n_fit + N_AHEAD)
    far = model.predict_interval(X[ahead], COVERAGE)
    far_error = y[ahead] - model.predict(X[ahead])
    n, start = len(X) - n_fit, time.perf_counter()
    estimates, ends = np.empty(n), np.empty((n, 2))
    for row in range(n):
        new = slice(n_fit + row, n_fit + row + 1)
        estimates[row] = model.predict(X[new])[0]
        ends[row] = model.predict_interval(X[new], COVERAGE)[0]
        model.partial_fit(X[new], y[new])
    seconds = time.perf_counter() - start
    actual = y[n_fit:].to_numpy()
    print(".", end="", flush=True, file=sys.stderr)
    weights = model.expert_weights_.droplevel("target")
    return {
        "stream": stream,
        "model": "RNNRegressor",
        "seed": seed,
        "mse": float(np.mean((actual - estimates) ** 2)),
        "coverage": inside(ends, actual),
        "width": float(np.mean(ends[:, 1] - ends[:, 0])),
        "mse_ahead": float(np.mean(far_error**2)),
        "coverage_ahead": inside(far, y[ahead].to_numpy()),
        "microseconds_per_row": 1e6 * seconds / n,
        "weights_at_age_1": weights.loc[1].to_dict(),
        "weights_at_age_2048": weights.loc[2048].to_dict(),
    }


def inside(ends, actual):
    """Return the share of the actuals between the ends."""
    return float(np.mean((ends[:, 0] <= actual) & (actual <= ends[:, 1])))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--etth2", metavar="PATH", help="ETTh2.csv, to run that stream too")
    parser.add_argument("--jobs", type=int, default=2, help="processes (2)")
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="of the network (2)")
    args = parser.parse_args()
    tables = streams(args.etth2)
    jobs = [delayed(run_ridge)(s, *tables[s], p) for s in tables for p in PENALTIES]
    jobs += [delayed(run)(s, *tables[s], seed) for s in tables for seed in SEEDS[: args.seeds]]
    with parallel_config(backend="loky", inner_max_num_threads=1):
        results = Parallel(n_jobs=args.jobs)(jobs)
    table = pd.DataFrame(results)
    ours, ridge = (table[table["model"] == m].groupby("stream") for m in ("RNNRegressor", "ridge"))
    shown = ours[["coverage", "coverage_ahead", "microseconds_per_row"]].mean()
    shown.insert(0, "MSE to ridge", ours["mse"].mean() / ridge["mse"].min())
    print(shown.round(3).to_string())
    print(f"geometric mean of MSE to ridge: {np.exp(np.log(shown['MSE to ridge']).mean()):.3f}")
    if args.seeds == len(SEEDS):
        save("regression", results)


if __name__ == "__main__":
    main()
