"""
What the drift log noted
========================

In March 2024 the sensor at 188 Quay Street began to count half the people. The log notes when the
errors grew, and how level and scale of the newest season have left the history.
"""

from tsrnn import RNNForecaster, datasets
from tsrnn.plotting import plot_drift

people = datasets.load_pedestrians("188 Quay Street Lower Albert (NS)").loc["2023-12-01":]
model = RNNForecaster(horizon=24, lower=0, max_iter=60, random_state=0).fit(people[:2000])
model.partial_fit(people[2000:3500])
plot_drift(model)
