"""Forecast several columns of a DataFrame, and draw them.

    python examples/dataframe_forecast.py pedestrians.png

Each column is a series of its own; they share one network. Needs matplotlib:
pip install "tsrnn[plot]".
"""

import argparse
from pathlib import Path

from matplotlib.figure import Figure

from tsrnn import RNNForecaster
from tsrnn.datasets import load_pedestrians
from tsrnn.plotting import plot_forecast

SENSORS = ["210 Queen Street", "45 Queen Street", "19 Shortland Street"]

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("picture", nargs="?", type=Path, default=Path("pedestrians.png"))
parser.add_argument("--rows", type=int, default=4000, help="hours of history")
args = parser.parse_args()

# Counts of people an hour; a column a sensor, a row an hour.
counts = load_pedestrians(SENSORS).loc["2023-06-01":]
history, future = counts[: args.rows], counts[args.rows : args.rows + 48]

model = RNNForecaster(horizon=48, lower=0, random_state=0).fit(history)  # counts: never below 0
forecast = model.forecast()  # the next 48 hours: same columns, the time stamps that come next
print(forecast.iloc[[0, 1, -1]].round(0).to_string())

mae = (forecast - future).abs().mean()
week_ago = (counts.shift(168).loc[future.index] - future).abs().mean()
print("\nmean absolute error over the 48 hours, people an hour:")
for sensor in SENSORS:
    print(f"  {sensor:20} {mae[sensor]:6.1f}   (the same hours a week ago: {week_ago[sensor]:.1f})")

figure = Figure(figsize=(9, 7), dpi=150, layout="constrained")
for ax, sensor in zip(figure.subplots(len(SENSORS), sharex=True), SENSORS, strict=True):
    plot_forecast(history, forecast, actual=future, target=sensor, last=7 * 24, ax=ax)
    ax.set_title(sensor, loc="left")
    ax.set_ylabel("people an hour")
figure.savefig(args.picture)
print(f"\npicture: {args.picture}")
