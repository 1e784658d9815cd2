"""Kill ``tsrnn stream`` at random moments, resume it, and compare with a run left alone.

    python benchmarks/kill_stream.py [--count 200]

Each run streams 3,000 rows of electricity with a checkpoint every 50 rows, is killed by SIGKILL
once or more at random moments after its first output, every second run in the middle of a
checkpoint (its temporary file is then left behind), and resumed with all rows from the start. In
the end the output file must equal that of an uninterrupted run byte by byte, and so must the model.
POSIX only: each run is a fork, so that it need not import everything anew.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import report

from tsrnn import RNNForecaster, datasets, persistence
from tsrnn.cli import main as tsrnn

EVERY = 50
MOST_KILLS = 3  # of one run
ATTEMPTS = 4  # to kill one before it has ended


def start(folder):
    """Start a stream in a process of its own; return its id."""
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        os.dup2(os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
        code = tsrnn(
            ["stream", str(folder.parent / "m.tsrnn"), "--input", str(folder.parent / "rows.csv"),
             "--output", str(folder / "out.jsonl"), "--checkpoint", str(folder / "c.tsrnn"),
             "--every", str(EVERY)]
        )  # fmt: skip
    finally:
        os._exit(code)


def ended(child):
    """Return the exit status of a process, None while it runs."""
    found, status = os.waitpid(child, os.WNOHANG)
    return status if found else None


def wait_for_output(child, path, size):
    """Wait until the output has grown beyond `size`; return whether the process still runs."""
    while not path.exists() or path.stat().st_size <= size:
        if ended(child) is not None:
            return False
        time.sleep(0.001)
    return True


def kill_once(folder, rng, seconds, in_checkpoint):
    """Start or resume a stream and kill it; return whether it was killed, and what was left."""
    output = folder / "out.jsonl"
    child = start(folder)
    size = output.stat().st_size if output.exists() else 0
    if not wait_for_output(child, output, size):
        return False, False
    end = time.monotonic() + rng.uniform(0, seconds)
    while time.monotonic() < end:
        if ended(child) is not None:
            return False, False
        time.sleep(0.001)
    if in_checkpoint:
        while not persistence.leftovers(folder / "c.tsrnn"):
            if ended(child) is not None:
                return False, False
        end = time.monotonic() + rng.uniform(0, 0.002)
        while time.monotonic() < end:
            pass
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status)
    return killed, killed and bool(persistence.leftovers(folder / "c.tsrnn"))


def finish(folder):
    child = start(folder)
    _, status = os.waitpid(child, 0)
    if status:
        raise RuntimeError((folder / "log").read_text())


def model_of(path, scratch):
    """Return the content of a saved model, without the notes beside it."""
    persistence.load(path).save(scratch)
    return scratch.read_bytes()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--history", type=int, default=4000, help="rows of the fit")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    begin, n_kills, n_in_checkpoint, failures = time.monotonic(), 0, 0, []
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        data = datasets.load_electricity()
        model = RNNForecaster(24, hidden_size=8, max_iter=20, random_state=0)
        model.fit(data[: args.history]).save(root / "m.tsrnn")
        data[args.history - 100 : args.history + args.rows].to_csv(root / "rows.csv")
        whole = root / "whole"
        whole.mkdir()
        started = time.monotonic()
        finish(whole)
        seconds = time.monotonic() - started
        expected = (whole / "out.jsonl").read_bytes(), model_of(whole / "c.tsrnn", root / "x")
        assert expected[0].count(b"\n") == args.rows
        for run in range(args.count):
            wanted = int(rng.integers(1, MOST_KILLS + 1))
            for attempt in range(ATTEMPTS):  # a machine may be twice as fast as it was at first
                folder = root / f"run{run}, {attempt}"
                folder.mkdir()
                kills = in_checkpoint = 0
                while kills < wanted:
                    moment = seconds / wanted / 2 ** (attempt + 1)
                    killed, left = kill_once(folder, rng, moment, run % 2 == 0)
                    if not killed:
                        break
                    kills, in_checkpoint = kills + 1, in_checkpoint + left
                if kills:
                    break
            if kills == 0:
                failures.append(f"run {run} was not killed")
            finish(folder)
            found = (folder / "out.jsonl").read_bytes(), model_of(folder / "c.tsrnn", root / "x")
            if found != expected:
                failures.append(f"run {run}, killed {kills} times, differs from the whole one")
            if persistence.leftovers(folder / "c.tsrnn"):
                failures.append(f"run {run} left a temporary file behind")
            shutil.rmtree(folder)
            n_kills, n_in_checkpoint = n_kills + kills, n_in_checkpoint + bool(in_checkpoint)
    print(
        f"{args.count} runs of {args.rows} rows, {n_kills} kills, {n_in_checkpoint} runs killed in "
        f"the middle of a checkpoint, {len(failures)} failures, "
        f"{time.monotonic() - begin:.0f} s"
    )
    print(*failures[:20], sep="\n")
    if args.count >= 200:
        report.save(
            "kill_stream",
            {"runs": args.count, "rows": args.rows, "kills": n_kills,
             "runs_killed_in_a_checkpoint": n_in_checkpoint, "failures": failures},
        )  # fmt: skip
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
