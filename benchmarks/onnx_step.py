"""The exported step beside update() and forecast(): how far apart, and how long a row takes.

    python benchmarks/onnx_step.py

Electricity: fitted to 1,000 hours, then 200 rows one by one, 24 steps ahead, for each cell. Times
are of the processor, on one thread, the shortest of eight rounds of 25 rows: of the session alone,
of `OnnxStep.step` (a frame in, a frame out), and of `update` and `forecast`.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime
import report

from tsrnn import RNNForecaster
from tsrnn.datasets import load_electricity
from tsrnn.integrations.onnx import export
from tsrnn.nn import get_kernels

HISTORY, ROWS, ROUND = 1000, 200, 25
FEW = ["recurrent", "linear", "per_step", "naive", "seasonal_naive_24", "seasonal_naive_168"]


def session_of(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def microseconds(call, rows):
    """Return the shortest time of a call, over rounds of rows."""
    times = []
    for start in range(0, len(rows), ROUND):
        begin = time.thread_time()
        for row in rows[start : start + ROUND]:
            call(row)
        times.append((time.thread_time() - begin) / ROUND)
    return 1e6 * min(times)


def run(cell, folder):
    load = load_electricity()[: HISTORY + ROWS]
    rows = [load[i : i + 1] for i in range(HISTORY, HISTORY + ROWS)]
    model = RNNForecaster(24, cell=cell, random_state=0).fit(load[:HISTORY])
    path, few = folder / "m.onnx", folder / "few.onnx"
    step, small = export(model, path), export(model, few, experts=FEW)
    session, state, worst = session_of(path), step.initial_state(), 0.0
    result = {
        "file, KiB": path.stat().st_size / 1024,
        "state, KiB": sum(array.nbytes for array in state.values()) / 1024,
    }
    result["session, µs"] = of_session(step, session, rows)
    result["session of six experts, µs"] = of_session(small, session_of(few), rows)
    carried = [state]

    def take(row):
        _, carried[0] = step.step(session, carried[0], row)

    result["step, µs"] = microseconds(take, rows)
    for row in rows:
        forecast, state = step.step(session, state, row)
        difference = np.abs(forecast - model.update(row).forecast()).to_numpy().max()
        worst = max(worst, difference / float(load["load"][:HISTORY].std()))
    result["largest difference, standard deviations"] = worst
    model.reset_state().update(load[:HISTORY])
    result[f"update and forecast, µs ({get_kernels()})"] = microseconds(
        lambda row: model.update(row).forecast(), rows
    )
    return result


def of_session(step, session, rows):
    """Return the microseconds of a run of the session alone."""
    row = {"targets": np.array([1500.0]), "calendar": np.zeros(7)}
    feed = {name: row[name] for name in step.inputs} | step.initial_state()
    return microseconds(lambda _: session.run(None, feed), rows)


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for cell in ("rnn", "lstm", "gru"):
            results[cell] = run(cell, Path(folder))
            print(cell, {name: float(f"{value:.3g}") for name, value in results[cell].items()})
    report.save("onnx_step", results, ["onnxruntime"])


if __name__ == "__main__":
    main()
