"""Forecast a stream of dicts beside river's own forecasters.

`RiverForecaster` holds back the first rows, fits on them, and learns from each row after that.

    pip install "tsrnn[river]" && python examples/river_stream.py
"""

import argparse

from river import metrics, time_series

from tsrnn import RNNForecaster
from tsrnn.datasets import load_pedestrians
from tsrnn.integrations.river import RiverForecaster

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--warm-up", type=int, default=2000, help="hours held back for the fit")
parser.add_argument("--rows", type=int, default=1000, help="hours to stream after them")
parser.add_argument("--max-iter", type=int, default=300, help="training steps of the fit")
args = parser.parse_args()

HORIZON = 24
counts = load_pedestrians("45 Queen Street")["45 Queen Street"].interpolate()
counts = counts[: args.warm_up + args.rows + HORIZON]

forecaster = RNNForecaster(HORIZON, lower=0, max_iter=args.max_iter, random_state=0)
models = {
    "tsrnn": RiverForecaster(forecaster, warm_up=args.warm_up, time="time"),
    "river": time_series.HoltWinters(0.05, 0.001, 0.3, seasonality=168),
}
errors = {name: metrics.MAE() for name in models}
for row, (time, count) in enumerate(counts[:-HORIZON].items()):
    for name, model in models.items():
        model.learn_one(count, {"time": time})
        if row >= args.warm_up:
            ahead = counts.iloc[row + 1 : row + 1 + HORIZON]
            for actual, forecast in zip(ahead, model.forecast(HORIZON), strict=True):
                errors[name].update(actual, forecast)

print(f"mean absolute error over the next {HORIZON} hours, people an hour:\n")
for name, error in errors.items():
    print(f"{name:8}{error.get():8.1f}")

# The tsrnn model inside has all it otherwise has, such as intervals.
fitted = models["tsrnn"].fitted_model
print("\n", fitted.forecast(3, coverage=0.9).round(1), sep="")
