"""
One absurd value
================

A sensor sends 50,000 once. The value counts as missing, and the forecasts after it are as if it had
never come.
"""

import matplotlib.pyplot as plt
from matplotlib.dates import ConciseDateFormatter

from tsrnn import RNNForecaster, datasets
from tsrnn.evaluate import prequential

people = datasets.load_pedestrians("45 Queen Street").loc["2023-06-01":]
history, stream = people[:1000], people[1000:1120]
spoilt = stream.copy()
spoilt.iloc[40] = 50_000

model = RNNForecaster(horizon=6, lower=0, max_iter=100, random_state=0).fit(history)
fig, ax = plt.subplots(figsize=(8, 3.6))
ax.plot(stream, color="0.25", linewidth=1, label="actual")
for name, rows, style in (("as it was", stream, "-"), ("with 50,000 at the line", spoilt, "--")):
    table = prequential(model, rows).forecasts.query("step == 6").set_index("time")
    ax.plot(table["forecast"], linestyle=style, label=f"6 hours ahead, {name}")
ax.axvline(stream.index[40], color="0.5", linestyle=":")
ax.set_ylabel("people an hour")
ax.legend(frameon=False, fontsize="small", ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1))
ax.xaxis.set_major_formatter(ConciseDateFormatter(ax.xaxis.get_major_locator()))
