"""What one streamed row costs beside another version of tsrnn: learn from it and forecast.

Electricity, 4,000 rows of history, 24 steps ahead, with numba's kernels. By frame: ``partial_fit``
and ``forecast``; by array: ``predict`` and ``partial_fit``. Two processes, one for each version,
take turns of 25 rows, of which the first is not counted; times are the processor's, of the calling
thread. A turn's ratio is that of its medians; what is told is the median of the turns' ratios.

    git worktree add --detach ../before COMMIT
    python benchmarks/rows_before.py ../before
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

N_HISTORY, HORIZON, TURN = 4000, 24, 25
HERE = Path(__file__).resolve().parents[1]
LIMIT = 0.8


def serve(kind):
    """Take turns as they are asked for on standard input, and print the seconds of each row."""
    from tsrnn import RNNForecaster, datasets

    data = datasets.load_electricity()
    data = data if kind == "frame" else data.to_numpy()
    model = RNNForecaster(HORIZON, random_state=0, max_iter=5).fit(data[:N_HISTORY])
    rows = (data[row : row + 1] for row in range(N_HISTORY, len(data)))

    def by_frame(row):
        model.partial_fit(row)
        model.forecast()

    def by_array(row):
        model.predict(row)
        model.partial_fit(row)

    call = by_frame if kind == "frame" else by_array
    for _ in sys.stdin:
        seconds = []
        for _ in range(TURN):
            row, start = next(rows), time.thread_time()
            call(row)
            seconds.append(time.thread_time() - start)
        print(*seconds[1:], flush=True)


def process(script, tree, kind, cache):
    """Start a process of a script that serves one version."""
    own = {"PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1", "TSRNN_QUIET": "1"}
    own |= {"NUMBA_CACHE_DIR": str(cache)} if cache else {}
    command = [sys.executable, script, str(tree), "--serve", kind]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=os.environ | own, cwd=tree, **pipes)


def turn(server):
    """Return the seconds of the calls of one turn."""
    server.stdin.write("\n")
    server.stdin.flush()
    return [float(text) for text in server.stdout.readline().split()]


def turns_of(script, kind, before, cache, n_turns):
    """Let both versions take turns; return what each printed at each of its turns."""
    trees, caches = {"before": before.resolve(), "now": HERE}, {"before": cache, "now": None}
    servers = {name: process(script, tree, kind, caches[name]) for name, tree in trees.items()}
    for server in servers.values():
        turn(server), turn(server)
    seconds = {name: [] for name in servers}
    for number in range(n_turns):
        for name in list(servers)[:: 1 if number % 2 else -1]:
            seconds[name].append(turn(servers[name]))
    for server in servers.values():
        server.stdin.close()
        server.wait()
    return seconds


def beside(kind, before, cache, n_turns):
    """Return microseconds of a row of each version, and the ratio with its quartiles."""
    seconds = turns_of(__file__, kind, before, cache, n_turns)
    medians = {name: [statistics.median(rows) for rows in turns] for name, turns in seconds.items()}
    ratios = [now / before for now, before in zip(medians["now"], medians["before"], strict=True)]
    micro = {name: 1e6 * statistics.median(values) for name, values in medians.items()}
    quartiles = statistics.quantiles(ratios, n=4)
    print(
        f"{kind}: {micro['before']:.0f} µs before, {micro['now']:.0f} now; ratio "
        f"{quartiles[1]:.3f} (quartiles {quartiles[0]:.3f} to {quartiles[2]:.3f})"
    )
    return {"microseconds": micro, "ratio": quartiles[1], "quartiles": quartiles}


def commit_of(tree):
    """Return the short name of the commit of a working tree."""
    command = ["git", "-C", str(tree), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path, help="root of the other version's working tree")
    parser.add_argument("--turns", type=int, default=40)
    parser.add_argument("--cache", type=Path, help="folder for the compiled code of the other one")
    parser.add_argument("--serve", choices=["frame", "array"], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve)
        return
    from report import save

    found = {
        kind: beside(kind, given.before, given.cache, given.turns) for kind in ("frame", "array")
    }
    print(f"limit of both: {LIMIT}")
    save(
        "rows_before", found | {"before": commit_of(given.before), "turns": given.turns}, ("numba",)
    )


if __name__ == "__main__":
    main()
