"""Export the step of a stream to ONNX, and run it beside the estimator.

The file holds update and forecast: scaling, network, experts, mixture. What moves is a state that
goes in and comes out, so that one session serves many streams.

    pip install "tsrnn[onnx]" && python examples/onnx_step.py
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime

from tsrnn import RNNForecaster
from tsrnn.datasets import load_electricity
from tsrnn.integrations.onnx import export

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--history", type=int, default=2000, help="hours of the fit")
parser.add_argument("--rows", type=int, default=200, help="hours to step through after them")
parser.add_argument("--max-iter", type=int, default=300, help="training steps of the fit")
args = parser.parse_args()

load = load_electricity()[: args.history + args.rows]
model = RNNForecaster(24, max_iter=args.max_iter, random_state=0).fit(load[: args.history])

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "load.onnx"
    step = export(model, path)
    session = onnxruntime.InferenceSession(path)
    print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB, {len(step.experts)} experts")

state = step.initial_state()
print(f"state: {len(state)} arrays, {sum(a.nbytes for a in state.values()) / 1024:.0f} KiB")
print("left out:", *step.left_out, sep="\n  ")

worst = 0.0
for i in range(args.history, args.history + args.rows):
    row = load[i : i + 1]
    forecast, state = step.step(session, state, row)
    expected = model.update(row).forecast()
    worst = max(worst, float(np.abs(forecast - expected).max().max()))
print(f"\nlargest difference from update() and forecast(): {worst / load['load'].std():.1e} of")
print("a standard deviation; the newest forecast:\n")
print(forecast.head(3).round(1))
