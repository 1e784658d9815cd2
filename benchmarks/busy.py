"""What default BLAS threads cost beside a busy process, against one thread under the same load.

All cores but one are kept busy by processes that do nothing else. `RNNForecaster(168)` learns 4,000
rows of electricity in a fresh process, then more rows one by one, with a forecast after each: once
with as many BLAS threads as the environment gives by default, once with one, in turns. Times are
the wall's, since a thread that waits is what is asked about; figures are medians of the turns.

Run: ``python benchmarks/busy.py`` (some five minutes; ``--turns 1`` for a short look, not saved)
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager

from memory import print_table
from report import save

from tsrnn import RNNForecaster, datasets

N_HISTORY, N_ROWS, HORIZON = 4000, 200, 168
KERNELS = ("numpy", "numba")
DEFAULT, ONE = "default", "1"
LIMIT = 1.5
SPIN = "while True: pass"


def measure():
    """Fit and stream in this process; return the seconds of both, and a forecast."""
    data = datasets.load_electricity()[: N_HISTORY + N_ROWS + 1]
    frames = [data[row : row + 1] for row in range(N_HISTORY, len(data))]
    RNNForecaster(HORIZON, max_iter=2, random_state=0).fit(data[:600]).partial_fit(data[600:700])
    others, start = _other_threads(), time.perf_counter()
    model = RNNForecaster(HORIZON, random_state=0).fit(data[:N_HISTORY])
    fit = time.perf_counter() - start
    model.partial_fit(frames[0]).forecast()
    start = time.perf_counter()
    for frame in frames[1:]:
        forecast = model.partial_fit(frame).forecast()
    row = (time.perf_counter() - start) / N_ROWS
    return {
        "fit, s": fit,
        "row, ms": 1e3 * row,
        "other threads, s": _other_threads() - others,
        "forecast": forecast.iloc[-1, 0].hex(),
    }


def _other_threads():
    """Return the processor's seconds that threads of this process but the calling one have had."""
    return time.process_time() - time.thread_time()


def in_fresh_process(kernels, threads):
    """Return what `measure` does in a process with these kernels and BLAS threads."""
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    environment["TSRNN_KERNELS"] = kernels
    if threads != DEFAULT:
        environment["OMP_NUM_THREADS"] = threads
    command = [sys.executable, __file__, "--measure"]
    process = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return json.loads(process.stdout)


@contextmanager
def all_cores_busy_but_one():
    """Keep them busy."""
    busy = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(os.cpu_count() - 1)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def summed_up(turns):
    """Return claims (claim, measured, limit, whether it holds)."""
    claims = []
    for kernels in KERNELS:
        of = {
            threads: [r for r in turns if (r["kernels"], r["threads"]) == (kernels, threads)]
            for threads in (DEFAULT, ONE)
        }

        def median(figure, threads, of=of):
            return statistics.median(turn[figure] for turn in of[threads])

        for figure in ("fit, s", "row, ms"):
            default, one = median(figure, DEFAULT), median(figure, ONE)
            measured = f"{default:.2f} : {one:.2f} = {default / one:.2f}"
            claims.append((f"{kernels}: {figure}", measured, f"≤ {LIMIT}", default <= LIMIT * one))
        others = median("other threads, s", DEFAULT)
        claims.append((f"{kernels}: other threads, s", f"{others:.2f}", "≤ 0.05", others <= 0.05))
        forecasts = {turn["forecast"] for t in of.values() for turn in t}
        claims.append((f"{kernels}: different forecasts", len(forecasts), "1", len(forecasts) == 1))
    return claims


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--turns", type=int, default=3, help="not saved where fewer than three")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure()))
        return
    load, turns = os.getloadavg(), []
    with all_cores_busy_but_one():
        for _ in range(arguments.turns):
            for kernels in KERNELS:
                for threads in (DEFAULT, ONE):
                    found = in_fresh_process(kernels, threads)
                    turns.append({"kernels": kernels, "threads": threads, **found})
                    print(turns[-1], flush=True)
    claims = summed_up(turns)
    print_table(
        ["claim", "default threads : one thread", "limit", "holds"],
        [(*claim, "yes" if holds else "**no**") for *claim, holds in claims],
    )
    print("load average at start, at end:", load, os.getloadavg())
    if arguments.turns >= 3:
        keys = "claim", "measured", "limit", "holds"
        result = {"load_average_at_start": load, "load_average_at_end": os.getloadavg()}
        result |= {"claims": [dict(zip(keys, c, strict=True)) for c in claims], "turns": turns}
        save("busy", result, packages=("numba", "threadpoolctl"))


if __name__ == "__main__":
    main()
