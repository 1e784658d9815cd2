"""
Three series, one model
=======================

A panel is a long frame with a column of ids. The series share a network and a readout. Each keeps
its own scale, mixture and intervals.
"""

import matplotlib.pyplot as plt

from tsrnn import RNNForecaster, datasets

sensors = ["210 Queen Street", "45 Queen Street", "19 Shortland Street"]
wide = datasets.load_pedestrians(sensors).loc["2023-06-01":][:824]
rows = wide[:800].melt(ignore_index=False, var_name="sensor", value_name="people").reset_index()

model = RNNForecaster(
    horizon=24, id_col="sensor", time_col="time", lower=0, max_iter=60, random_state=0
).fit(rows)
forecast = model.forecast(coverage=0.9).set_index("time")

fig, axes = plt.subplots(3, sharex=True, figsize=(8, 6))
for ax, sensor in zip(axes, sensors, strict=True):
    own = forecast[forecast["sensor"] == sensor]
    ax.plot(wide[sensor][-72:], color="0.25", linewidth=1, label="actual")
    ax.plot(own["people"], color="tab:blue", label="forecast")
    ax.fill_between(
        own.index, own["people_lower_0.9"], own["people_upper_0.9"], alpha=0.2, linewidth=0
    )
    ax.set_title(sensor, loc="left", fontsize="medium")
    ax.set_ylabel("people an hour")
axes[0].legend(frameon=False, ncols=2)
fig.autofmt_xdate()
fig.tight_layout()
