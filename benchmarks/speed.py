"""How fast the layers are beside PyTorch's and ONNX Runtime's, and how far from their products.

All contestants of a row take turns in one process; figures are medians, ratios are medians of the
same turns. PyTorch and ONNX Runtime run with one and two threads and the better one counts, as it
does for us; neither keeps gradients where none are needed. "Products" are the matrix products of
the same pass and nothing else, each by one call; "products in blocks" are the same in blocks of
rows as `tsrnn.nn.products` cuts them: no recurrent net built on these can be faster.

Run: ``pip install -e ".[fast,bench]"``, then ``python benchmarks/speed.py`` (about five minutes;
``--quick`` for a short look, which is not saved; ``--estimators`` for rows streamed through the
estimators alone)
"""

import argparse
import os
import statistics
from functools import partial
from itertools import product

import numpy as np
import torch
from contestants import KERNELS, Case, floor, onnx, onnx_session, ours, pytorch
from memory import forget_peak, in_fresh_process, peak, print_table, resident
from report import save
from rows import estimator_claims, estimator_rows, print_estimators
from timing import Contestant, interleaved, medians
from training_before import SHAPES

from tsrnn import nn

FLOORS = ("products", "products in blocks")
# Seconds that RTNeural publishes for 480,000 steps of an LSTM with as many inputs as units, by
# units: the best of its backends Eigen and xsimd, and of its two interfaces. An Intel Core
# i7-8700B, 3.2 GHz; github.com/jatinchowdhury18/RTNeural-compare, folder results, commit 4439e7d.
RTNEURAL = {4: 0.0372671, 8: 0.068127, 16: 0.153818, 32: 0.42444, 64: 1.54794}
RTNEURAL_STEPS = 480_000
WINDOW = 4800  # steps of one of our calls
PEERS = ("torch", "onnxruntime", "onnx", "numba", "scipy", "threadpoolctl")


def best(times, prefix):
    """Return the fastest of the contestants whose names start so: the best thread count."""
    return min(value for name, value in times.items() if name.startswith(prefix))


def passes(cell, rivals, thread_counts, *, training, **options):
    """Time one pass at all shapes; return a row for each, times in seconds."""
    rows = []
    for shape in SHAPES:
        case = Case(cell, shape)
        contestants = dict(ours(case, thread_counts, training=training))
        for rival in rivals:
            contestants |= dict(rival(case, thread_counts))
        contestants |= dict(floor(case, thread_counts, training=training))
        turns = interleaved(contestants, **options)
        rows.append({"cell": cell, "shape": shape, "medians": medians(turns), "turns": turns})
        print(cell, shape, {k: f"{1e3 * v:.3f} ms" for k, v in rows[-1]["medians"].items()})
    return rows


def against(rows, rival, kernels):
    """Return how many times as fast we are as a rival, shape by shape, and the geometric mean."""
    ratios = [
        best(row["medians"], rival) / best(row["medians"], f"tsrnn {kernels}") for row in rows
    ]
    return ratios, statistics.geometric_mean(ratios)


def above_floor(row, kernels, n_threads, bottom):
    times = row["medians"]
    return times[f"tsrnn {kernels}, {n_threads}"] / best(times, f"{bottom}, {n_threads}")


def print_passes(rows, rivals, thread_counts):
    header = [
        "cell",
        "N x T x D x H",
        *(f"{k}, ms" for k in KERNELS),
        *(f"{r}, ms" for r in rivals),
    ]
    header += [f"{k} : {r}" for r in rivals for k in KERNELS]
    floors = list(product(FLOORS, thread_counts))
    header += [f"{k} : {bottom}, {n} thread" for bottom, n in floors for k in KERNELS]
    table = []
    for row in rows:
        times = row["medians"]
        mine = {k: best(times, f"tsrnn {k}") for k in KERNELS}
        theirs = [best(times, rival) for rival in rivals]
        line = [row["cell"].upper(), " x ".join(map(str, row["shape"]))]
        line += [f"{1e3 * seconds:.2f}" for seconds in (*mine.values(), *theirs)]
        line += [f"{seconds / mine[k]:.2f}" for seconds in theirs for k in KERNELS]
        line += [f"{above_floor(row, k, n, bottom):.2f}" for bottom, n in floors for k in KERNELS]
        table.append(line)
    print_table(header, table)


def one_step(**options):
    """Time one streamed step, N = 1, T = 1, H = 32: the state goes in, and comes out."""
    case = Case("lstm", (1, 1, 4, 32))
    contestants = {}
    for kernels in KERNELS:
        choose = partial(nn.set_kernels, kernels)
        layer = case.layer(stateful=True)
        call = partial(layer.forward, case.x, tape=False)
        contestants[f"tsrnn {kernels}"] = Contestant(call, prepare=choose)
        network = nn.Network(4, 32)
        network.load_state_dict(case.weights)
        x, (_, state) = case.x.transpose(1, 2, 0), network.forward(case.x.transpose(1, 2, 0))
        call = partial(network.forward, x, state, tape=False)
        contestants[f"Network, {kernels}"] = Contestant(call, prepare=choose)
    session, zero = onnx_session(case, 1), np.zeros((1, 1, 32), np.float32)
    feed = {"X": case.x, "h": zero, "c": zero}
    contestants["onnxruntime"] = Contestant(partial(session.run, ["Y", "Y_h", "Y_c"], feed))
    x, start = torch.from_numpy(case.x), (torch.zeros(1, 1, 32), torch.zeros(1, 1, 32))

    def infer():
        with torch.inference_mode():
            case.module(x, start)

    contestants["torch"] = Contestant(infer)
    turns = interleaved(contestants, **options)
    return {"medians": medians(turns), "turns": turns}


def small_steps(**options):
    """Time steps of small LSTMs, one stream: many in a call, and a call each, the state kept."""
    rows = []
    for units in RTNEURAL:
        long, short = Case("lstm", (1, WINDOW, units, units)), Case("lstm", (1, 1, units, units))
        contestants = {}
        for kernels in KERNELS:
            choose = partial(nn.set_kernels, kernels)
            call = partial(long.layer().forward, long.x, tape=False)
            contestants[f"{kernels}, a window"] = Contestant(call, prepare=choose)
            call = partial(short.layer(stateful=True).forward, short.x, tape=False)
            contestants[f"{kernels}, a call"] = Contestant(call, prepare=choose)
        seconds = medians(interleaved(contestants, **options))
        for kernels in KERNELS:
            seconds[f"{kernels}, a window"] /= WINDOW
        published = RTNEURAL[units] / RTNEURAL_STEPS
        rows.append({"units": units, "seconds": seconds, "RTNeural, published": published})
        print(rows[-1])
    return rows


def print_small_steps(rows):
    names = list(rows[0]["seconds"])
    table = []
    for row in rows:
        seconds = [*row["seconds"].values(), row["RTNeural, published"]]
        table.append([row["units"], *(f"{1e6 * value:.2f}" for value in seconds)])
    print_table(["units", *(f"{name}, µs" for name in names), "RTNeural, published, µs"], table)


def scaling(sizes, **options):
    """Time forward + backward as one size grows, the others fixed; one thread, NumPy kernels."""
    rows = []
    for name, shape in (
        ("T", (16, None, 8, 64)),
        ("N", (None, 16, 8, 64)),
        ("H", (16, 16, 8, None)),
    ):
        for size in sizes:
            case = Case("lstm", tuple(size if s is None else s for s in shape))
            contestants = {"tsrnn": dict(ours(case, (1,), training=True))["tsrnn numpy, 1"]}
            contestants["products"] = dict(floor(case, (1,), training=True))["products, 1"]
            times = medians(interleaved(contestants, **options))
            rows.append({"grows": name, "size": size, **times})
            print(rows[-1])
    return rows


def memory_of(contestant, shape):
    """Return the megabytes that forward + backward take at their peak, beyond data and weights."""
    case = Case("lstm", shape)
    if contestant == "torch":
        call = dict(pytorch(case, (1,), training=True))["torch, 1"].call
    else:
        nn.set_kernels("numpy")
        layer = case.layer()

        def call():
            layer.forward(case.x)
            layer.backward(case.d_h)

    forget_peak()
    before = resident()
    call()
    call()
    return (peak() - before) / 1e6


def run_estimators():
    """Time rows streamed through the estimators and their rivals; print, save."""
    load_average = os.getloadavg()
    measured = estimator_rows()
    checked = []
    for claim, value, limit, at_least in estimator_claims(measured):
        hold(checked, claim, value, limit, at_least=at_least)
    print("\nOne streamed row\n")
    print_estimators(measured)
    print_claims(checked)
    print("load average at start, at end:", load_average, os.getloadavg())
    result = {"load_average_at_start": load_average, "load_average_at_end": os.getloadavg()}
    result |= measured | {"claims": as_documents(checked)}
    save("speed_estimators", result, packages=("river", "statsmodels", "skaters", "numba"))


def hold(rows, claim, value, limit, *, at_least):
    """Hold a value against its limit: append (claim, measured, limit, whether it holds)."""
    holds = value >= limit if at_least else value <= limit
    sign = "≥" if at_least else "≤"
    rows.append((claim, f"{value:.2f}", f"{sign} {limit:g}", bool(holds)))


def print_claims(checked):
    print_table(
        ["claim", "measured", "limit", "holds"],
        [(*row, "yes" if holds else "**no**") for *row, holds in checked],
    )


def as_documents(checked):
    """Return claims for the raw results."""
    return [dict(zip(("claim", "measured", "limit", "holds"), c, strict=True)) for c in checked]


def claims(training, inference, step, thread_counts):
    """Hold what was measured against its limits: (claim, measured, limit, whether it holds)."""
    rows = []
    limits = {"lstm": (1.4, 1.9), "gru": (1.2, 1.2), "rnn": (1.2, 1.2)}
    for cell, pair in limits.items():
        of_cell = [row for row in training if row["cell"] == cell]
        for kernels, limit in zip(KERNELS, pair, strict=True):
            ratios, mean = against(of_cell, "torch", kernels)
            claim = f"{cell.upper()} training : torch, {kernels}"
            hold(rows, f"{claim}, geometric mean", mean, limit, at_least=True)
            if cell == "lstm":
                hold(rows, f"{claim}, smallest", min(ratios), 1.0, at_least=True)
    for kernels, limit in zip(KERNELS, (0.8, 1.25), strict=True):
        ratios, mean = against(inference, "onnxruntime", kernels)
        claim = f"LSTM inference : onnxruntime, {kernels}"
        hold(rows, f"{claim}, geometric mean", mean, limit, at_least=True)
        if kernels == "numba":
            hold(rows, f"{claim}, smallest", min(ratios), 0.8, at_least=True)
    large = [row for row in training if row["cell"] == "lstm" and min(row["shape"][::3]) >= 64]
    limits = {1: (1.35, 1.2), 2: (1.5, 1.35)}
    for bottom, n_threads in product(FLOORS, thread_counts):
        for kernels, limit in zip(KERNELS, limits[n_threads], strict=True):
            worst = max(above_floor(row, kernels, n_threads, bottom) for row in large)
            claim = f"LSTM training : {bottom}, {kernels}, {n_threads} thread(s), worst large shape"
            hold(rows, claim, worst, limit, at_least=False)
    for kernels, most, least in (("numpy", 15, 0.8), ("numba", 4, 3)):
        seconds = step["medians"][f"tsrnn {kernels}"]
        hold(rows, f"one step, {kernels}, µs", 1e6 * seconds, most, at_least=False)
        ratio = step["medians"]["onnxruntime"] / seconds
        hold(rows, f"one step : onnxruntime, {kernels}", ratio, least, at_least=True)
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="fewer rounds; not saved")
    parser.add_argument("--estimators", action="store_true", help="only rows of the estimators")
    parser.add_argument(
        "--threads",
        type=int,
        nargs="+",
        default=[1, 2],
        choices=(1, 2),
        help="thread counts to try; two mean little unless two cores are free",
    )
    arguments = parser.parse_args()
    if arguments.estimators:
        run_estimators()
        return
    quick, counts = arguments.quick, arguments.threads
    options = {"seconds": 1.0, "rounds": (3, 7)} if quick else {"seconds": 3.0}
    load_average = os.getloadavg()
    train = partial(passes, training=True, **options)
    infer = partial(passes, training=False, **options)
    training = [
        row
        for cell in ("lstm", "gru", "rnn")
        for row in train(cell, [partial(pytorch, training=True)], counts)
    ]
    inference = infer("lstm", [onnx, partial(pytorch, training=False)], counts)
    step = one_step(seconds=3.0)
    small = small_steps(seconds=1.0)
    scales = scaling((16, 32, 64, 128, 256, 512, 1024), seconds=0.5, rounds=(3, 9))
    memory = {name: in_fresh_process(memory_of, name, SHAPES[4]) for name in ("tsrnn", "torch")}
    checked = claims(training, inference, step, counts)

    print("\nForward + backward; ratios are rival : tsrnn, best thread count of each\n")
    print_passes(training, ["torch"], counts)
    print("Forward for inference\n")
    print_passes(inference, ["onnxruntime", "torch"], counts)
    print("One step (N = 1, T = 1, D = 4, H = 32)\n")
    print_table(["contestant", "µs"], [(k, f"{1e6 * v:.1f}") for k, v in step["medians"].items()])
    print("A step of a small LSTM (N = 1, as many inputs as units)\n")
    print_small_steps(small)
    print("One size grows (N, T = 16, D = 8, H = 64 otherwise): ms, and times the products\n")
    print_table(
        ["size", *(f"{name}, ms" for name in "TNH"), *(f"{name} : products" for name in "TNH")],
        [
            [size]
            + [f"{1e3 * r['tsrnn']:.2f}" for r in scales if r["size"] == size]
            + [f"{r['tsrnn'] / r['products']:.2f}" for r in scales if r["size"] == size]
            for size in sorted({r["size"] for r in scales})
        ],
    )
    shape = " x ".join(map(str, SHAPES[4]))
    print(f"Peak memory of forward + backward at {shape}, beyond data and weights\n")
    print_table(["contestant", "MB"], [(k, f"{v:.0f}") for k, v in memory.items()])
    print_claims(checked)
    print("load average at start, at end:", load_average, os.getloadavg())
    if quick:
        print("shortened: results not saved")
        return
    save(
        "speed",
        {
            "load_average_at_start": load_average,
            "load_average_at_end": os.getloadavg(),
            "thread_counts": counts,
            "training": training,
            "inference": inference,
            "one_step": step,
            "small_steps": small,
            "scaling": scales,
            "memory_mb": memory,
            "claims": as_documents(checked),
        },
        packages=PEERS,
    )


if __name__ == "__main__":
    main()
