"""A model that learns and a frozen copy, before and after a shift of the level."""

import copy

import matplotlib.pyplot as plt

from tsrnn import RNNForecaster, datasets
from tsrnn.evaluate import prequential

people = datasets.load_pedestrians("188 Quay Street Lower Albert (NS)").loc["2023-12-01":]
history, stream = people[:2400], people[2400:3100]  # the level falls on 20 March
model = RNNForecaster(horizon=24, lower=0, max_iter=60, random_state=0).fit(history)
learnt = prequential(model, stream, chunk=24, coverage=0.9).forecasts
frozen = prequential(copy.deepcopy(model), stream, chunk=24, learn=False).forecasts

fig, ax = plt.subplots()
learnt, frozen = learnt.set_index("time"), frozen.set_index("time")
part = slice("2024-03-15", "2024-04-04")
ax.plot(learnt.loc[part, "actual"], color="0.25", lw=1, label="actual")
ax.plot(frozen.loc[part, "forecast"], color="#d55e00", lw=1, label="frozen, a day ahead")
ax.plot(learnt.loc[part, "forecast"], color="#0072b2", lw=1.4, label="learning, a day ahead")
band = learnt.loc[part]
ax.fill_between(
    band.index,
    band["lower_0.9"],
    band["upper_0.9"],
    color="#0072b2",
    alpha=0.18,
    lw=0,
    label="90 % interval",
)
ax.set_ylabel("people an hour")
ax.legend(ncols=4, frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.15))
for label in ax.get_xticklabels():
    label.set_rotation(20)
