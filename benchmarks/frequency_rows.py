"""What a streamed row of years, quarters, months, weeks, business days and days costs.

Relative to an hourly row: one-row frames, `partial_fit` and `forecast`, 24 steps, one seasonal
series with noise for all. The frequencies take turns in one process, 20 rows each, of which the
first is not counted; times are the processor's, of the calling thread, medians.

Run: ``python benchmarks/frequency_rows.py``; the kernels are those of ``TSRNN_KERNELS``.
"""

import time
import warnings

import numpy as np
import pandas as pd
from report import save

from tsrnn import RNNForecaster
from tsrnn.nn import get_kernels
from tsrnn.threads import one_blas_thread

HORIZON, N_HISTORY, N_ROWS, TURN = 24, 200, 200, 20
LIMIT = 1.5
SEASONS = {"h": 24, "MS": 12, "ME": 12, "W-SUN": 52, "B": 5, "D": 7, "QS": 4, "YS": 1}


def stream(freq):
    """Return a seasonal series of the frequency as a frame."""
    n, season = N_HISTORY + N_ROWS, SEASONS[freq]
    index = pd.date_range("1700-01-01", periods=n, freq=freq)
    wave = np.sin(2 * np.pi * np.arange(n) / season)
    return pd.DataFrame({"y": 10 + wave + 0.3 * np.random.default_rng(0).normal(size=n)}, index)


@one_blas_thread
def measure():
    """Return microseconds of rows by frequency, and of `partial_fit` alone."""
    data = {freq: stream(freq) for freq in SEASONS}
    models = {f: RNNForecaster(HORIZON, random_state=0).fit(x[:N_HISTORY]) for f, x in data.items()}
    rows = {f: [x[n : n + 1] for n in range(len(x))] for f, x in data.items()}
    whole, learning = ({freq: [] for freq in data} for _ in range(2))
    for first in range(N_HISTORY, N_HISTORY + N_ROWS, TURN):
        for freq, model in models.items():
            for n in range(first, first + TURN):
                start = time.thread_time()
                model.partial_fit(rows[freq][n])
                middle = time.thread_time()
                model.forecast()
                if n > first:
                    whole[freq].append(1e6 * (time.thread_time() - start))
                    learning[freq].append(1e6 * (middle - start))
    return whole, learning


def main():
    warnings.simplefilter("ignore")
    whole, learning = measure()
    hourly, found = np.median(whole["h"]), {}
    print("| frequency | row, µs | partial_fit, µs | to an hourly row |\n|---|---|---|---|")
    for freq, times in whole.items():
        median = found[freq] = float(np.median(times))
        print(
            f"| {freq} | {median:.0f} | {np.median(learning[freq]):.0f} | {median / hourly:.2f} |"
        )
    worst = max(median / hourly for median in found.values())
    print(
        f"\nworst {worst:.2f}, limit {LIMIT}: {'holds' if worst <= LIMIT else '**does not hold**'}"
    )
    save(f"frequency_rows_{get_kernels()}", found)


if __name__ == "__main__":
    main()
