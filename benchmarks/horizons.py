"""What a longer horizon costs: fit, a streamed row, the file, and memory.

Hourly electricity, 4,000 rows of history; horizons of 24, 168 and 720 steps, then seven targets at
720. Rows come as one-row frames to ``partial_fit``, and ``forecast`` follows each. The horizons
take turns, on one thread of BLAS, and are timed by the processor's time of the calling thread.

Run: ``python benchmarks/horizons.py`` (some minutes; ``--kernels numpy`` for NumPy's)
"""

import argparse
import resource
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from memory import in_fresh_process, print_table
from report import save
from threadpoolctl import threadpool_limits

from tsrnn import RNNForecaster, datasets
from tsrnn.nn import set_kernels

N_HISTORY, HORIZONS, ROWS, TARGETS = 4000, (24, 168, 720), 200, 7


def fitted(horizon, frame):
    """Return a model and the seconds of its fit."""
    start = time.thread_time()
    model = RNNForecaster(horizon, random_state=0).fit(frame[:N_HISTORY])
    return model, time.thread_time() - start


def by_horizon(kernels):
    """Return seconds of fit and of a row, by horizon, the horizons in turns."""
    set_kernels(kernels)
    data = datasets.load_electricity()[: N_HISTORY + ROWS + 20]
    with threadpool_limits(1):
        for horizon in HORIZONS:  # what is compiled is compiled before anything is timed
            fitted(horizon, data)[0].partial_fit(data[N_HISTORY : N_HISTORY + 1]).forecast()
        fits = {horizon: [] for horizon in HORIZONS}
        for _ in range(3):
            for horizon in HORIZONS:
                model, seconds = fitted(horizon, data)
                fits[horizon].append(seconds)
        models = {horizon: fitted(horizon, data)[0] for horizon in HORIZONS}
        rows = {horizon: [] for horizon in HORIZONS}
        for row in range(N_HISTORY, N_HISTORY + ROWS):
            for horizon, model in models.items():
                start = time.thread_time()
                model.partial_fit(data[row : row + 1])
                model.forecast()
                rows[horizon].append(time.thread_time() - start)
    return {
        horizon: {"fit": statistics.median(fits[horizon]), "row": statistics.median(rows[horizon])}
        for horizon in HORIZONS
    }


def seven_targets(kernels):
    """Return seconds of fit and row, file and peak memory in MB, of seven targets at 720."""
    set_kernels(kernels)
    one = datasets.load_electricity()[: N_HISTORY + 60]
    frame = pd.concat([one.iloc[:, 0].shift(k).rename(f"y{k}") for k in range(TARGETS)], axis=1)
    frame = frame.bfill() + np.random.default_rng(0).normal(size=frame.shape)
    with threadpool_limits(1):
        model, fit_seconds = fitted(HORIZONS[-1], frame)
        seconds = []
        for row in range(N_HISTORY, N_HISTORY + 50):
            start = time.thread_time()
            model.partial_fit(frame[row : row + 1])
            model.forecast()
            seconds.append(time.thread_time() - start)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tsrnn"
        model.save(path)
        size = path.stat().st_size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    row = statistics.median(seconds[10:])
    return {"fit": fit_seconds, "row": row, "file_mb": size / 1e6, "peak_mb": peak}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kernels", default="numba", choices=["numba", "numpy"])
    kernels = parser.parse_args().kernels
    found = in_fresh_process(by_horizon, kernels)
    many = in_fresh_process(seven_targets, kernels)
    base = found[HORIZONS[0]]
    for horizon, seconds in found.items():
        print(f"{horizon}: fit {seconds['fit']:.2f} s, row {1e6 * seconds['row']:.0f} µs")
    print(many)
    claims = [
        ("row at 168 to that at 24", found[168]["row"] / base["row"], 2.0),
        ("row at 720 to that at 24", found[720]["row"] / base["row"], 10.0),
        ("fit at 720 to that at 24", found[720]["fit"] / base["fit"], 10.0),
        (f"{TARGETS} targets x 720: row, ms", 1e3 * many["row"], 25.0),
        (f"{TARGETS} targets x 720: file, MB", many["file_mb"], 60.0),
        (f"{TARGETS} targets x 720: peak memory, MB", many["peak_mb"], 700.0),
    ]
    rows = [(what, f"{x:.3g}", f"≤ {most:g}", x <= most) for what, x, most in claims]
    print_table(["what", "measured", "limit", "holds"], rows)
    save(f"horizons_{kernels}", {"by_horizon": found, "seven_targets": many})


if __name__ == "__main__":
    main()
