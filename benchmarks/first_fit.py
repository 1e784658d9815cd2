"""What a user waits for first: fit and forecast in an empty cache, in later processes, by NumPy.

Each run is a fresh process: it imports tsrnn, fits `RNNForecaster(24)` on 4,000 hours of
electricity, forecasts, and then learns two rows that come alone, the first of which compiles what
such rows need. In turns: NumPy's kernels; numba's with an empty cache; numba's with the cache that
this run has left. Figures are medians of the turns, in seconds of the process's processor time (a
busy machine stretches the wall's, which is kept beside).

Run: ``python benchmarks/first_fit.py`` (some minutes; ``--turns 1`` for a short look, not saved)
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from memory import print_table
from report import save

from tsrnn import RNNForecaster, datasets

STAGES = ("start and import", "fit and forecast", "first row", "second row")
HOW = ("numpy", "numba, empty cache", "numba, later process")
MOST_MORE, MOST_LATER = 3.0, 1.5


def measure(started):
    """Fit, forecast and stream in this process; return the seconds of each stage."""
    marks = [(0.0, started), _now()]
    data = datasets.load_electricity()[:4002]
    model = RNNForecaster(24, random_state=0).fit(data[:4000])
    model.forecast()
    marks.append(_now())
    for row in (4000, 4001):
        model.partial_fit(data[row : row + 1]).forecast()
        marks.append(_now())
    spent = [
        [after - before for before, after in zip(first, second, strict=True)]
        for first, second in itertools.pairwise(marks)
    ]
    return {
        clock: dict(zip(STAGES, (times[c] for times in spent), strict=True))
        for c, clock in enumerate(("processor", "wall"))
    }


def _now():
    return time.process_time(), time.monotonic()


def in_fresh_process(how, cache):
    """Return what `measure` does in a process of these kernels, whose cache is a folder."""
    environment = os.environ | {
        "TSRNN_KERNELS": how.partition(",")[0],
        "NUMBA_CACHE_DIR": cache,
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, __file__, "--measure", str(time.monotonic())]
    process = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return json.loads(process.stdout) | {"stderr": process.stderr}


def summed_up(turns):
    """Return seconds by way and stage, and claims (claim, measured, limit, whether it holds)."""
    seconds = {
        how: {
            stage: statistics.median(t[how]["processor"][stage] for t in turns) for stage in STAGES
        }
        for how in HOW
    }
    first = {
        how: seconds[how]["start and import"] + seconds[how]["fit and forecast"] for how in HOW
    }
    numpy, empty, later = (first[how] for how in HOW)
    more, share = (empty - later) / numpy, later / numpy
    lines = {turn[HOW[1]]["stderr"].count("\n") for turn in turns}
    silent = {turn[HOW[2]]["stderr"] for turn in turns}
    return seconds, [
        ("first less later run, of NumPy's", f"{more:.2f}", f"≤ {MOST_MORE}", more <= MOST_MORE),
        ("later run, of NumPy's", f"{share:.2f}", f"≤ {MOST_LATER}", share <= MOST_LATER),
        ("lines on stderr: first run", max(lines), "1", lines == {1}),
        ("lines on stderr: later runs", max(map(len, silent)), "0", silent == {""}),
    ]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--turns", type=int, default=3, help="not saved where fewer than three")
    parser.add_argument("--measure", type=float, metavar="STARTED", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure is not None:
        print(json.dumps(measure(arguments.measure)))
        return
    load, turns = os.getloadavg(), []
    for _ in range(arguments.turns):
        with tempfile.TemporaryDirectory() as cache:
            turns.append({how: in_fresh_process(how, cache) for how in HOW})
        print(json.dumps(turns[-1]), flush=True)
    seconds, claims = summed_up(turns)
    rows = [(how, *(f"{seconds[how][stage]:.2f}" for stage in STAGES)) for how in HOW]
    print_table(["processor's seconds", *STAGES], rows)
    print_table(
        ["claim", "measured", "limit", "holds"],
        [(*claim, "yes" if holds else "**no**") for *claim, holds in claims],
    )
    if arguments.turns >= 3:
        keys = "claim", "measured", "limit", "holds"
        result = {"load_average_at_start": load, "load_average_at_end": os.getloadavg()}
        result |= {"claims": [dict(zip(keys, c, strict=True)) for c in claims], "turns": turns}
        save("first_fit", result, packages=("numba",))


if __name__ == "__main__":
    main()
