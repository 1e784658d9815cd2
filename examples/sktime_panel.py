"""Forecast a panel by sktime's API: one forecaster for all series, updated and not fitted again.

pip install "tsrnn[sktime]" && python examples/sktime_panel.py
"""

import argparse

from sktime.forecasting.model_evaluation import evaluate
from sktime.performance_metrics.forecasting import MeanAbsoluteError
from sktime.split import ExpandingWindowSplitter

from tsrnn.datasets import load_pedestrians
from tsrnn.integrations.sktime import RNNForecaster

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--history", type=int, default=2000, help="hours to fit")
parser.add_argument("--rows", type=int, default=240, help="hours to evaluate")
parser.add_argument("--max-iter", type=int, default=300, help="training steps on the history")
args = parser.parse_args()

counts = load_pedestrians(["45 Queen Street", "210 Queen Street"]).interpolate()
counts = counts[: args.history + args.rows]
panel = counts.rename_axis(index="time", columns="sensor").unstack().to_frame("people")

model = RNNForecaster(lower=0, max_iter=args.max_iter, random_state=0)
folds = ExpandingWindowSplitter(fh=range(1, 25), initial_window=args.history, step_length=24)
results = evaluate(model, folds, panel, strategy="update", scoring=MeanAbsoluteError())
print("mean absolute error over the next 24 hours, people an hour, day by day:\n")
print(results[["cutoff", "test_MeanAbsoluteError"]].round(1).to_string(index=False))

model.fit(panel, fh=[1, 24])
print("\n", model.predict_interval(coverage=0.9).round(1), sep="")
