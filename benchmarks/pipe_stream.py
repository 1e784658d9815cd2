"""A million rows through ``tsrnn stream`` by pipes: rows a second, and memory over the stream.

    python benchmarks/pipe_stream.py [--rows 1000000] [--model rnn]

One process writes rows of CSV as fast as they are taken, ``tsrnn stream`` learns from each and
forecasts 24 steps after it, with a checkpoint every minute, and this one reads what comes out. The
resident memory of the stream is looked at ten times a second. Linux only.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import report

from tsrnn.cli.options import MODELS

HORIZON, N_FIT, CHUNK = 24, 4000, 5000
LIMIT = 5.0  # percent between the second tenth and the last


def rows_of(start, stop):
    """Return hourly rows of a day and a week in noise, from 1900 on."""
    rng = np.random.default_rng(start)
    hours = np.arange(start, stop)
    values = 100 + 20 * np.sin(2 * np.pi * hours / 24) + 5 * np.sin(2 * np.pi * hours / 168)
    values += rng.normal(size=len(hours))
    return pd.DataFrame(
        {"load": values}, pd.Timestamp("1900") + pd.to_timedelta(hours, "h").rename("time")
    )


def generate(n_rows):
    for start in range(N_FIT, N_FIT + n_rows, CHUNK):
        rows = rows_of(start, min(start + CHUNK, N_FIT + n_rows))
        rows.to_csv(sys.stdout, header=start == N_FIT)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--model", choices=MODELS, default="rnn")
    parser.add_argument("--generate", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.generate:
        return generate(args.rows)
    kind = MODELS[args.model]
    model = kind(HORIZON, random_state=0) if args.model == "rnn" else kind(HORIZON)
    with tempfile.TemporaryDirectory() as folder:
        model.fit(rows_of(0, N_FIT)).save(Path(folder) / "m.tsrnn")
        seconds, memory, n_rows = stream(folder, args.rows)
    tenths = [np.median(part) for part in np.array_split(memory, 10)]
    times = np.interp(np.linspace(0, args.rows, 11), n_rows, seconds)
    rates = args.rows / 10 / np.diff(times)
    growth = 100 * (tenths[-1] / tenths[1] - 1)
    print(f"{kind.__name__}, {args.rows:,} rows: {args.rows / times[-1]:,.0f} rows/s")
    print("rows/s by tenth:", *(f"{rate:,.0f}" for rate in rates))
    print("MB by tenth of the time:", *(f"{size:.1f}" for size in tenths))
    print(f"last tenth against second: {growth:+.2f} % (limit {LIMIT} %)")
    if args.rows >= 1_000_000:
        report.save(
            "pipe_stream",
            {"model": kind.__name__, "rows": args.rows, "rows_per_second": args.rows / times[-1],
             "rows_per_second_by_tenth": rates.tolist(), "megabytes_by_tenth": tenths,
             "growth_percent": growth},
        )  # fmt: skip
    return int(abs(growth) > LIMIT)  # a bool of NumPy would be an error to sys.exit


def stream(folder, n_rows):
    """Run the pipe; return times, megabytes, and rows that had come out by then."""
    source = subprocess.Popen(
        [sys.executable, __file__, "--generate", "--rows", str(n_rows)], stdout=subprocess.PIPE
    )
    command = [sys.executable, "-m", "tsrnn", "stream", f"{folder}/m.tsrnn"]
    process = subprocess.Popen(
        [*command, "--checkpoint", f"{folder}/c.tsrnn"],
        stdin=source.stdout,
        stdout=subprocess.PIPE,
    )
    source.stdout.close()
    statm, page = Path(f"/proc/{process.pid}/statm"), resource.getpagesize() / 1e6
    seconds, memory, counts, count, begin = [], [], [], 0, None
    while data := os.read(process.stdout.fileno(), 1 << 16):
        begin = begin or time.perf_counter()
        count += data.count(b"\n")
        now = time.perf_counter() - begin
        if not seconds or now - seconds[-1] > 0.1:
            memory.append(int(statm.read_text().split()[1]) * page)
            seconds.append(now)
            counts.append(count)
    seconds.append(time.perf_counter() - begin)
    counts.append(count)
    memory.append(memory[-1])
    if process.wait() or source.wait() or count != n_rows:
        raise RuntimeError(f"{count} rows came out, expected {n_rows}")
    return seconds, memory, counts


if __name__ == "__main__":
    sys.exit(main())
