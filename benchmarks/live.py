"""What the live page costs a stream: 200 rows a second, with the page and without, in turns.

    python benchmarks/live.py [--seconds 60]

A stream learns from 200 rows a second, forecasts 24 steps after each and makes the line, as
``tsrnn stream`` does. In every second span of 2 seconds it hands its rows to a live page too, of
which two other processes read all events; between these spans the page has nothing to do. What
counts is the processor's time of the page's threads, in percent of that of the stream's: as if all
that the page does held the stream up, though a second core may do it. The time of a row by the
wall's clock stands beside it, which counts what the page does hold up, and means little on a busy
machine. Where the machine is too busy for 200 rows a second, the page's clock is slowed down as the
stream is, so that it has as many rows to each look.
"""

import argparse
import json
import subprocess
import sys
import time

import numpy as np
import report

from tsrnn import RNNForecaster
from tsrnn.datasets import load_electricity
from tsrnn.nn import get_kernels
from tsrnn.plotting.interactive import live
from tsrnn.plotting.interactive.server import Address

N_FIT, HORIZON, RATE, SPAN, LIMIT = 2000, 24, 200, 2.0, 5.0
READER = """
import sys, urllib.request
size = 0
try:
    with urllib.request.urlopen(sys.argv[1].replace("/?", "/events?")) as answer:
        for line in answer:
            size += len(line)
finally:
    print(size)
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    args = parser.parse_args()
    rows = load_electricity()
    model = RNNForecaster(HORIZON, random_state=0, max_iter=20).fit(rows[:N_FIT])
    page = live.LivePage(model, list(rows.columns), Address.of("127.0.0.1:0"), "benchmark")
    readers = [
        subprocess.Popen([sys.executable, "-c", READER, page.url], stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    time.sleep(2.0)
    spans, row, every, drift_every = {False: [], True: []}, N_FIT, live.EVERY, live.DRIFT_EVERY
    for number in range(int(args.seconds / SPAN)):
        shown, begun = number % 2 == 1, time.perf_counter()
        spans[shown].append(walk(model, rows, row, page if shown else None))
        row += int(SPAN * RATE)
        if not shown:
            slowed = (time.perf_counter() - begun) / SPAN
            live.EVERY, live.DRIFT_EVERY = slowed * every, slowed * drift_every
    page.close()
    sizes = [int(reader.communicate()[0]) for reader in readers]
    n = min(map(len, spans.values()))
    without, shown = (np.array(spans[on][:n]) for on in (False, True))
    own, page_own, wall = np.median(shown, axis=0)
    slower = {
        "processor": 100 * page_own / own,
        "wall": 100 * (np.median(shown[:, 2] / without[:, 2]) - 1),
    }
    print(f"{get_kernels()}, {n} pairs of spans; microseconds a row:")
    print(f"  the stream {own:,.0f}, the page's threads {page_own:,.0f} (processor)")
    print(f"  {np.median(without[:, 2]):,.0f} without the page, {wall:,.0f} with it (wall)")
    print(f"slower by {slower['processor']:.1f} % (limit {LIMIT} %), wall {slower['wall']:+.1f} %")
    print(f"events read: {[f'{size / 1e6:.1f} MB' for size in sizes]}")
    if args.seconds >= 60:
        report.save(
            f"live_{get_kernels()}",
            {"rows_per_second": RATE, "percent_slower": slower, "bytes_read": sizes,
             "without": without.tolist(), "with": shown.tolist()},
            ["bokeh"],
        )  # fmt: skip
    return int(slower["processor"] > LIMIT)


def walk(model, rows, first, page):
    """Stream a span of rows; return the microseconds of a row.

    By the processor of this thread, and of all others; and by the wall's clock.
    """
    begun, times = time.perf_counter(), []
    used, own = time.process_time(), time.thread_time()
    for number in range(int(SPAN * RATE)):
        wait = begun + number / RATE - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        start = time.perf_counter()
        row = rows[first + number : first + number + 1]
        model.partial_fit(row)
        forecast = model.forecast()
        json.dumps({"cutoff": model.cutoff_.isoformat(), "forecast": forecast["load"].tolist()})
        if page is not None:
            page.take(model.cutoff_, row.to_numpy(), forecast, {})
        times.append(time.perf_counter() - start)
    own, used = time.thread_time() - own, time.process_time() - used
    return [1e6 * own / len(times), 1e6 * (used - own) / len(times), 1e6 * np.median(times)]


if __name__ == "__main__":
    sys.exit(main())
