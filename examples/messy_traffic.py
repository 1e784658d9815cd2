"""Forecast a raw file as it is: doubled hours, gaps of months, impossible temperatures.

The Metro I-94 traffic counts are a table of 48,204 rows with 7,629 duplicate time stamps, 2,588
gaps (one of ten months) and temperatures of 0 K. Each step below meets one of these.

    python examples/messy_traffic.py
"""

import argparse

import pandas as pd

from tsrnn import RNNForecaster
from tsrnn.baselines import SeasonalNaiveForecaster
from tsrnn.datasets import load_traffic
from tsrnn.evaluate import prequential

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--history", type=int, default=20_000, help="rows to fit")
parser.add_argument("--rows", type=int, default=2000, help="rows to stream after them")
parser.add_argument("--max-iter", type=int, default=300, help="training steps on the history")
args = parser.parse_args()

raw = load_traffic(raw=True)
raw.index = pd.to_datetime(raw.pop("date_time"))

# Duplicates: an hour with two kinds of weather has two rows, which the forecaster refuses, since it
# cannot know which to believe. The counts are the same in both, so keep the first.
data = raw[~raw.index.duplicated()]
print(f"{len(raw)} rows, {len(raw) - len(data)} of them doubled")

# Impossible values: 0 K is no temperature but a missing one, and inputs may be missing.
# A holiday is named in its first hour alone; as a flag of the whole day it is known ahead.
days = data.index.normalize()
data = pd.DataFrame(
    {
        "traffic": data["traffic_volume"],
        "temperature": data["temp"].where(data["temp"] > 200),
        "weather": data["weather_main"],  # a category: "Clear", "Rain" ...
        "holiday": days.isin(days[data["holiday"] != "None"]),
    }
)

model = RNNForecaster(
    horizon=24,
    target="traffic",  # the other columns are inputs,
    future_cols="holiday",  # and this one is known for the hours to be forecast
    freq="h",  # with so many gaps it is better said than inferred
    gap="fill",  # missing hours count as missing: nothing is learnt from them
    max_gap=8000,  # the longest outage is 7,386 hours; a wild time stamp would be longer
    late="drop",  # feeding the file a second time is harmless
    lower=0,  # a count
    max_iter=args.max_iter,
    random_state=0,
)
history, stream = data[: args.history], data[args.history : args.history + args.rows]
model.fit(history)
print(f"fitted up to {model.cutoff_}; the network took {model.n_iter_} steps")

baseline = SeasonalNaiveForecaster(24, season=168, target="traffic", freq="h", max_gap=8000)
for name, forecaster in (("RNNForecaster", model), ("a week ago", baseline.fit(history))):
    result = prequential(forecaster, stream)
    print(f"{name:14s} MAE {result.metrics.loc[('all', 'all'), 'MAE']:.0f} vehicles an hour")

model.partial_fit(stream).partial_fit(stream)  # a replay changes nothing
print(f"{model.n_late_} late rows dropped")
