"""Learn from every row as it arrives, and see what it is worth when the world changes.

In March 2024 the sensor at 188 Quay Street began to count about half the people. One copy of a
fitted forecaster learns from each row (`partial_fit`), the other only takes it in (`update`): its
state and lags are as fresh, its weights are those of the history.

    python examples/streaming_update.py
"""

import argparse
import copy

import numpy as np
import pandas as pd

from tsrnn import RNNForecaster
from tsrnn.datasets import load_pedestrians

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--history", type=int, default=4000, help="hours to fit")
parser.add_argument("--rows", type=int, default=6000, help="hours to stream")
parser.add_argument("--max-iter", type=int, default=300, help="training steps on the history")
args = parser.parse_args()

counts = load_pedestrians("188 Quay Street Lower Albert (NS)").loc["2023-06-01":]
history, stream = counts[: args.history], counts[args.history : args.history + args.rows]

learning = RNNForecaster(horizon=24, max_iter=args.max_iter, random_state=0).fit(history)
frozen = copy.deepcopy(learning)

# The loop of a live system. At each row: forecast first, then learn, so no forecast has seen what
# it is scored on. `tsrnn.evaluate.prequential` does the same and keeps the books.
forecasts = {"learning": [], "frozen": []}
for i in range(len(stream)):
    forecasts["learning"].append(learning.forecast().to_numpy()[:, 0])
    forecasts["frozen"].append(frozen.forecast().to_numpy()[:, 0])
    row = stream.iloc[i : i + 1]
    learning.partial_fit(row)
    frozen.update(row)

# Forecast i is for the rows i, i + 1 ... i + 23: those whose actual is known are scored.
steps = np.arange(len(stream))[:, None] + np.arange(24)
known = np.append(stream.to_numpy()[:, 0], np.full(24, np.nan))
errors = {name: np.array(values) - known[steps] for name, values in forecasts.items()}

by_month = (
    pd.DataFrame(
        {name: np.nanmean(np.abs(error), axis=1) for name, error in errors.items()},
        index=stream.index,
    )
    .resample("MS")
    .mean()
)
by_month.index = by_month.index.strftime("%Y-%m")
print("mean absolute error over the next 24 hours, people an hour:\n")
print(by_month.rename_axis("month").round(1).to_string())

print("\n" + "overall".ljust(12) + "MAE".rjust(8) + "MSE".rjust(10))
for name, error in errors.items():
    print(f"{name:12}{np.nanmean(np.abs(error)):8.1f}{np.nanmean(error**2):10.0f}")
