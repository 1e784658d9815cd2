"""Through a shift of the level: a model that learns, one that is frozen, one fitted anew weekly."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.dates import ConciseDateFormatter

from tsrnn import RNNForecaster, datasets
from tsrnn.evaluate import prequential

people = datasets.load_pedestrians("188 Quay Street Lower Albert (NS)").loc["2023-12-01":]
history, stream = people[:2000], people[2000:3600]  # the level falls on 20 March
model = RNNForecaster(horizon=24, lower=0, max_iter=60, random_state=0).fit(history)
tables = {
    "learning": prequential(model, stream, chunk=24, coverage=0.9).forecasts,
    "frozen": prequential(model, stream, chunk=24, learn=False).forecasts,
}
parts = []
for start in range(0, len(stream), 168):  # fitted anew each week on the newest 2,000 hours
    newest = people[start : 2000 + start]
    model = RNNForecaster(horizon=24, lower=0, max_iter=60, random_state=0).fit(newest)
    week = stream[start : start + 168]
    parts.append(prequential(model, week, chunk=24, learn=False).forecasts)
tables["fitted anew each week"] = pd.concat(parts)
tables = {name: table.set_index("time") for name, table in tables.items()}

fig, (above, below) = plt.subplots(
    2, figsize=(8, 5.4), height_ratios=(1.6, 1), layout="constrained"
)
part = tables["learning"].loc["2024-03-13":"2024-03-31"]
above.fill_between(
    part.index,
    part["lower_0.9"],
    part["upper_0.9"],
    color="#0072b2",
    alpha=0.2,
    linewidth=0,
    label="90 % interval",
)
above.plot(part["actual"], color="0.25", linewidth=1, label="actual")
above.plot(part["forecast"], color="#0072b2", linewidth=1.3, label="forecast, learning")
above.set_ylabel("people an hour")
above.legend(ncols=3, frameon=False, loc="lower right", bbox_to_anchor=(1, 1))
for (name, table), color in zip(tables.items(), ("#0072b2", "#d55e00", "#009e73"), strict=True):
    error = (table["actual"] - table["forecast"]).abs().resample("W-TUE").mean()[1:-1]
    below.plot(error, "o-", color=color, label=name)
below.set(ylabel="mean absolute error", ylim=(0, None))
below.set_title("by week", loc="left", fontsize="medium")
below.legend(ncols=3, frameon=False, loc="lower right", bbox_to_anchor=(1, 1))
for ax in (above, below):
    ax.axvline(part.loc["2024-03-20"].index[0], color="0.5", linestyle=":")
    ax.xaxis.set_major_formatter(ConciseDateFormatter(ax.xaxis.get_major_locator()))
