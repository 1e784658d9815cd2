"""Many series at once: rows per second and memory of a panel of 10,000 series.

Synthetic hourly series of their own phase and level, 400 rows of history each, horizon 24, 32
hidden units; a season of a day and of a week. Then rows arrive, one of each series, as long frames
with their rows shuffled, string ids and a column of time stamps: reading them is part of the time.

Run: ``python benchmarks/panel.py`` (some minutes; ``--series 1000`` for a short look, not saved).
Linux only: memory is read from ``/proc/self``.
"""

import argparse
import os
import resource
import statistics
import time
from pathlib import Path

import numpy as np
import pandas as pd
from report import save

from tsrnn import RNNForecaster
from tsrnn.nn import get_kernels

SERIES, N_FIT, STAMPS, HORIZON = 10_000, 400, 60, 24


def resident():
    """Return the bytes of this process that are in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def frames(n_series, start, stop, rng, shuffled):
    """Return the rows of these stamps as one long frame."""
    series = np.arange(n_series)
    phase, level = series * 0.61803 % 1.0, 10.0 + series % 97
    hours = np.arange(start, stop)[:, None]
    values = level * (2 + np.sin(2 * np.pi * (hours / 24 + phase)))
    values += 0.1 * level * rng.normal(size=values.shape)
    ids = np.array([f"sensor-{i:05d}" for i in series])
    times = pd.Timestamp("2024-01-01") + pd.to_timedelta(hours[:, 0], "h")
    frame = pd.DataFrame(
        {"id": np.tile(ids, len(hours)), "time": times.repeat(n_series), "load": values.ravel()}
    )
    return frame.sample(frac=1, random_state=start) if shuffled else frame


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--series", type=int, default=SERIES)
    n_series = parser.parse_args().series
    rng = np.random.default_rng(0)
    history = frames(n_series, 0, N_FIT, rng, shuffled=False)
    load_average, start = os.getloadavg(), time.perf_counter()
    model = RNNForecaster(HORIZON, id_col="id", time_col="time", random_state=0).fit(history)
    results = {
        "series": n_series,
        "kernels": get_kernels(),
        "load_average_at_start": load_average,
        "fit_seconds": time.perf_counter() - start,
    }
    del history
    stamp = N_FIT
    for how in ("update", "partial_fit"):
        seconds = []
        for _ in range(STAMPS):
            rows = frames(n_series, stamp, stamp + 1, rng, shuffled=True)
            begin = time.perf_counter()
            getattr(model, how)(rows)
            seconds.append(time.perf_counter() - begin)
            stamp += 1
        results[how] = {
            "rows_per_second": n_series / statistics.median(seconds),
            "rows_per_second_mean": n_series / statistics.mean(seconds),
            "milliseconds_by_stamp": [1e3 * s for s in seconds],
        }
    begin = time.perf_counter()
    n_forecasts = len(model.forecast())
    results["forecast_seconds"], results["forecast_rows"] = time.perf_counter() - begin, n_forecasts
    results["resident_mb"] = resident() / 1e6
    results["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3

    print(f"\n{n_series:,} series, {results['kernels']} kernels")
    print("| what | measured | limit | holds |\n| --- | --- | --- | --- |")
    for what, measured, limit, holds in (
        ("`update`, rows/s", results["update"]["rows_per_second"], "≥ 250,000", 2.5e5),
        ("`partial_fit`, rows/s", results["partial_fit"]["rows_per_second"], "≥ 100,000", 1e5),
        ("resident memory, MB", results["resident_mb"], "< 1,500", -1.5e3),
    ):
        holds = measured >= holds if holds > 0 else measured < -holds
        print(f"| {what} | {measured:,.0f} | {limit} | {'yes' if holds else '**no**'} |")
    print(f"fit {results['fit_seconds']:.0f} s, forecast {results['forecast_seconds']:.2f} s")
    if n_series == SERIES:
        save("panel", results)


if __name__ == "__main__":
    main()
