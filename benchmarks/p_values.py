"""How often p-values are small where nothing is wrong: false alarms against what was asked for.

White noise, and the seven shipped streams as they are (whose own outliers and shifts are among the
rows): a model is fitted to the first part of a stream and learns the rest row by row, each row
having been given its p-value before it is learnt. After a warm-up the share of p-values below
0.05, 0.01 and 0.001 is relative to those; 1 is right. Also the time that a row takes, with
p-values and without.

Run: ``python benchmarks/p_values.py`` (two processes)
"""

import argparse
import sys
import time

import numpy as np
import pandas as pd
from accuracy import streams
from joblib import Parallel, delayed, parallel_config
from report import save

from tsrnn import RNNForecaster

NOMINAL = 0.05, 0.01, 0.001
WARM_UP = 500  # rows after the fit that are not counted
N_NOISE, NOISE_STREAMS = 20_000, 5


def noise(seed):
    """Return white noise as a history and rows to come."""
    index = pd.date_range("2020", periods=N_NOISE, freq="h")
    rows = pd.DataFrame({"noise": np.random.default_rng(seed).normal(size=N_NOISE)}, index)
    return rows[:1000], rows[1000:]


def run(name, history, rows):
    """Return how many rows of a stream were scored, and how many p-values were small."""
    model = RNNForecaster(1, random_state=0, lower=None).fit(history)
    found, seconds = [], np.zeros((len(rows), 2))
    for row in range(len(rows)):
        now = rows.iloc[row : row + 1]
        begin = time.perf_counter()
        found.append(model.p_values(now).iloc[0, 0])
        between = time.perf_counter()
        model.partial_fit(now)
        seconds[row] = between - begin, time.perf_counter() - between
    found = np.array(found)[WARM_UP:]
    found = found[np.isfinite(found)]
    print(".", end="", flush=True, file=sys.stderr)
    return {
        "stream": name,
        "rows": len(found),
        **{f"below {p}": int((found < p).sum()) for p in NOMINAL},
        "µs for a p-value": round(1e6 * float(np.median(seconds[:, 0]))),
        "µs to learn a row": round(1e6 * float(np.median(seconds[:, 1]))),
    }


def ratios(table):
    """Return how often p-values were small, relative to what was asked for."""
    return pd.Series({p: table[f"below {p}"].sum() / (p * table["rows"].sum()) for p in NOMINAL})


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=2, help="processes (2)")
    args = parser.parse_args()
    shipped = streams()
    made_up = {f"noise {seed}": noise(seed) for seed in range(NOISE_STREAMS)}
    jobs = [delayed(run)(name, *parts) for name, parts in (made_up | shipped).items()]
    with parallel_config(backend="loky", inner_max_num_threads=1):
        results = Parallel(n_jobs=args.jobs)(jobs)
    table = pd.DataFrame(results).set_index("stream")
    each = table.apply(lambda row: ratios(pd.DataFrame([row])), axis=1)
    print("\n" + each.round(2).to_string())
    pooled = pd.DataFrame(
        {
            "white noise": ratios(table.loc[list(made_up)]),
            "shipped": ratios(table.loc[list(shipped)]),
        }
    )
    print(pooled.round(2).to_string())
    print(table[["µs for a p-value", "µs to learn a row"]].mean().round(0).to_string())
    save("p_values", results)


if __name__ == "__main__":
    main()
