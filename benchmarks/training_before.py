"""What training of the layers costs beside another version of tsrnn: forward and backward.

Each cell at the shapes of `speed.py`, with numba's kernels, on one thread. Two processes, one for
each version, take turns, each of all shapes of a cell; some pairs of processes do, as one process
may be a tenth faster than another of the same code by where its memory lies. Times are the
processor's, of the calling thread. What is told is the median of the turns' ratios at each shape,
and of each cell their geometric mean.

    git worktree add --detach ../before COMMIT
    python benchmarks/training_before.py ../before     # four minutes
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import numpy as np
from rows_before import commit_of, turns_of

CELLS = ("rnn", "lstm", "gru")
SHAPES = (  # streams, steps, inputs, units
    (1, 24, 4, 32),
    (32, 24, 4, 32),
    (32, 48, 8, 64),
    (64, 96, 8, 128),
    (128, 168, 8, 64),
    (256, 48, 16, 256),
)
AT_LEAST = 0.02  # seconds of passes at a shape in a turn
LIMIT = 1.0


def serve(cell):
    """Take turns as they are asked for on standard input; print the seconds of a pass by shape."""
    from tsrnn import nn

    nn.set_kernels("numba")
    rng = np.random.default_rng(0)
    passes = []
    for n_streams, n_steps, n_inputs, n_units in SHAPES:
        kind = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[cell]
        layer = kind(n_inputs, n_units, random_state=0)
        x = rng.standard_normal((n_streams, n_steps, n_inputs), dtype=np.float32)
        d_h = rng.standard_normal((n_streams, n_steps, n_units), dtype=np.float32)
        seconds(layer, x, d_h, 1)
        passes.append((layer, x, d_h, max(1, round(AT_LEAST / seconds(layer, x, d_h, 1)))))
    for _ in sys.stdin:
        print(*[seconds(*each) for each in passes], flush=True)


def seconds(layer, x, d_h, n_passes):
    """Return the seconds of a pass, after one that is not counted."""
    layer.forward(x)
    layer.backward(d_h)
    start = time.thread_time()
    for _ in range(n_passes):
        layer.forward(x)
        layer.backward(d_h)
    return (time.thread_time() - start) / n_passes


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path, help="root of the other version's working tree")
    parser.add_argument("--pairs", type=int, default=12, help="of processes")
    parser.add_argument("--turns", type=int, default=5, help="of a pair")
    parser.add_argument("--cache", type=Path, help="folder for the compiled code of the other one")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve)
        return
    from report import save

    found = {}
    for cell in CELLS:
        turns = {"before": [], "now": []}
        for _ in range(given.pairs):
            pair = turns_of(__file__, cell, given.before, given.cache, given.turns)
            for name, values in pair.items():
                turns[name] += values
        before, now = np.array(turns["before"]), np.array(turns["now"])
        ratios = np.median(now / before, axis=0).tolist()
        mean = statistics.geometric_mean(ratios)
        for shape, ratio in zip(SHAPES, ratios, strict=True):
            print(f"{cell} {' x '.join(map(str, shape))}: {ratio:.3f}")
        print(f"{cell}: geometric mean {mean:.3f}, limit {LIMIT}", flush=True)
        found[cell] = {"geometric_mean": mean, "ratios": ratios, "seconds": turns}
    settings = {"before": commit_of(given.before), "shapes": SHAPES, "turns": given.turns}
    save("training_before", found | settings, ("numba",))


if __name__ == "__main__":
    main()
