"""Whether a stream that never ends stays cheap: memory, time per row, and the covariance.

One synthetic series, hourly from 1900, a day and a week in autocorrelated noise, made chunk by
chunk so that the data itself is never in memory. Three parts, each in a process of its own:

- ``RNNForecaster`` fitted on 4,000 rows, then a million rows by ``partial_fit`` in frames of
  1,000: resident memory and time per row of each tenth of the stream;
- ``RNNForecaster.fit`` on a million rows at once, three times: seconds, and peak memory above
  that before the fit, with the data in memory;
- ``LinearForecaster``, half a million rows: the same as the first, and the covariance of its
  recursive least squares.

Linux only: memory is read from ``/proc/self``. Other programs on the machine disturb times;
medians are taken over the calls of a tenth, and over the fits.

Run: ``python benchmarks/memory.py`` (four to six minutes; ``--rows 100000`` for a short look)
"""

import argparse
import os
import pickle
import resource
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import accumulate, islice
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
from report import save

from tsrnn import RNNForecaster
from tsrnn.baselines import LinearForecaster

ROWS, CHUNK, N_FIT = 1_000_000, 1000, 4000
HORIZON = 24
N_TENTHS, N_FITS = 10, 3
MB = 1e6
MODELS = {
    "RNNForecaster": lambda: RNNForecaster(HORIZON, random_state=0),
    "LinearForecaster": lambda: LinearForecaster(HORIZON),
}


def frames(n_rows):
    """Yield the first rows of the series in frames of ``CHUNK`` rows."""
    rng, start, newest = np.random.default_rng(0), pd.Timestamp("1900-01-01"), 0.0
    for first in range(0, n_rows, CHUNK):
        hours = np.arange(first, min(first + CHUNK, n_rows))
        shocks = rng.normal(0.0, 2.0, len(hours))
        noise = list(accumulate(shocks, lambda last, shock: 0.9 * last + shock, initial=newest))[1:]
        newest = noise[-1]
        cycles = 30 * np.sin(2 * np.pi * hours / 24) + 10 * np.sin(2 * np.pi * hours / 168)
        index = pd.date_range(start + pd.Timedelta(first, "h"), periods=len(hours), freq="h")
        yield pd.DataFrame({"load": 100 + cycles + noise}, index=index)


def resident():
    """Return the bytes of this process that are in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def peak():
    """Return the most that were in memory since `forget_peak`.

    ``resource.getrusage`` would start from the peak of the process that started this one.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024


def forget_peak():
    Path("/proc/self/clear_refs").write_text("5")


def covariance_health(model):
    """Describe P of the readout: symmetry, definiteness, and whether all numbers are finite."""
    readout = model._state.learner.stream.readout
    P = readout.covariance
    finite = np.isfinite(P).all() and np.isfinite(readout.weights).all()
    finite = finite and np.isfinite(model.forecast().to_numpy()).all()
    eigenvalues = np.linalg.eigvalsh(P) if finite else np.array([np.nan])
    return {
        "asymmetry": float(np.abs(P - P.swapaxes(1, 2)).max()),
        "smallest_eigenvalue": float(eigenvalues.min()),
        "largest_eigenvalue": float(eigenvalues.max()),
        "finite": bool(finite),
    }


def stream(name, n_rows):
    """Fit on the first rows, stream the next ``n_rows``, and describe each tenth of them."""
    model, chunks = MODELS[name](), frames(N_FIT + n_rows)
    model.fit(pd.concat(islice(chunks, N_FIT // CHUNK)))
    tenths = []
    for tenth in range(1, N_TENTHS + 1):
        seconds, memory = [], []
        for rows in islice(chunks, n_rows // CHUNK // N_TENTHS):
            start = time.perf_counter()
            model.partial_fit(rows)
            seconds.append(time.perf_counter() - start)
            memory.append(resident() / MB)
        tenths.append(
            {
                "tenth": tenth,
                "resident_mb": statistics.median(memory),
                "resident_mb_highest": max(memory),
                "microseconds_per_row": 1e6 * statistics.median(seconds) / CHUNK,
                "microseconds_per_row_mean": 1e6 * statistics.mean(seconds) / CHUNK,
                "pickled_kb": len(pickle.dumps(model)) / 1e3,
                **covariance_health(model),
            }
        )
        print(name, tenths[-1], flush=True)
    return tenths


def fit(n_rows):
    """Fit on ``n_rows`` rows that are already in memory."""
    values = np.empty(n_rows)
    for place, rows in enumerate(frames(n_rows)):
        values[place * CHUNK : (place + 1) * CHUNK] = rows["load"]
    index = pd.date_range("1900-01-01", periods=n_rows, freq="h")
    data, model = pd.DataFrame({"load": values}, index=index), MODELS["RNNForecaster"]()
    forget_peak()
    before, start = resident(), time.perf_counter()
    model.fit(data)
    result = {"seconds": time.perf_counter() - start, "before_mb": before / MB}
    result["peak_above_mb"] = (peak() - before) / MB
    print("fit", result, flush=True)
    return result


def in_fresh_process(function, *args):
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args).result()


def claims(recurrent, fits, linear):
    """Hold what was measured against its limits: (claim, measured, limit, whether it holds)."""
    rows = []
    for name, tenths in (("RNNForecaster", recurrent), ("LinearForecaster", linear)):
        for key, what, limit in (
            ("resident_mb", "memory", 0.05),
            ("microseconds_per_row", "time per row", 0.20),
        ):
            change = tenths[-1][key] / tenths[1][key] - 1
            claim = f"`{name}`: {what}, last tenth against second"
            rows.append((claim, f"{change:+.1%}", f"± {limit:.0%}", abs(change) <= limit))
        asymmetry = max(t["asymmetry"] for t in tenths)
        smallest = min(t["smallest_eigenvalue"] for t in tenths)
        finite = all(t["finite"] for t in tenths)
        rows += [
            (f"`{name}`: asymmetry of P", f"{asymmetry:g}", "0", asymmetry == 0),
            (f"`{name}`: smallest eigenvalue of P", f"{smallest:.2g}", "> 0", smallest > 0),
            (f"`{name}`: P, weights, forecast finite", str(finite), "True", finite),
        ]
    seconds = statistics.median(f["seconds"] for f in fits)
    above = statistics.median(f["peak_above_mb"] for f in fits)
    rows.append(("`fit`: seconds", f"{seconds:.1f}", "< 90", seconds < 90))
    rows.append(("`fit`: peak memory above that before, MB", f"{above:.0f}", "< 1000", above < 1e3))
    return rows


def print_table(header, rows):
    for cells in (header, ["---"] * len(header), *rows):
        print("| " + " | ".join(map(str, cells)) + " |")
    print()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=ROWS, help="of the stream and of the fit")
    n_rows, unit = parser.parse_args().rows, 2 * N_TENTHS * CHUNK
    if n_rows < unit or n_rows % unit:
        parser.error(f"found --rows {n_rows}, expected a multiple of {unit}")
    load_average, start = os.getloadavg(), time.perf_counter()
    recurrent = in_fresh_process(stream, "RNNForecaster", n_rows)
    fits = [in_fresh_process(fit, n_rows) for _ in range(N_FITS)]
    linear = in_fresh_process(stream, "LinearForecaster", n_rows // 2)
    checked = claims(recurrent, fits, linear)

    print(f"\n{n_rows:,} rows, {time.perf_counter() - start:.0f} s in all\n")
    header = ["tenth", "RNN, MB", "RNN, µs a row", "linear, MB", "linear, µs a row"]
    keys = ("resident_mb", "microseconds_per_row")
    pairs = zip(recurrent, linear, strict=True)
    print_table(
        header, [[r["tenth"], *(f"{t[k]:.1f}" for t in (r, s) for k in keys)] for r, s in pairs]
    )
    print_table(
        ["claim", "measured", "limit", "holds"],
        [(*row, "yes" if holds else "**no**") for *row, holds in checked],
    )
    if n_rows != ROWS:
        print("shortened: results not saved")
        return
    save(
        "memory",
        {
            "rows": n_rows,
            "load_average_at_start": load_average,
            "load_average_at_end": os.getloadavg(),
            "stream_rnn": recurrent,
            "fit": fits,
            "stream_linear": linear,
            "claims": [
                {"claim": claim, "measured": measured, "limit": limit, "holds": bool(holds)}
                for claim, measured, limit, holds in checked
            ],
        },
    )


if __name__ == "__main__":
    main()
