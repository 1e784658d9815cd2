"""
Error by step ahead
===================

``prequential`` walks through the rows that follow the history: forecast, then learn. The table of
metrics has a row for each step ahead, so one line draws how the error grows with the distance.
"""

import matplotlib.pyplot as plt

from tsrnn import RNNForecaster, datasets
from tsrnn.baselines import LinearForecaster, SeasonalNaiveForecaster
from tsrnn.evaluate import prequential

people = datasets.load_pedestrians("210 Queen Street").loc["2023-06-01":]
history, stream = people[:1000], people[1000:1336]
models = {
    "RNNForecaster": RNNForecaster(horizon=24, lower=0, max_iter=100, random_state=0),
    "LinearForecaster": LinearForecaster(horizon=24),
    "a week ago": SeasonalNaiveForecaster(horizon=24, season=168),
}

fig, ax = plt.subplots(figsize=(8, 3.6))
for name, model in models.items():
    result = prequential(model.fit(history), stream)
    errors = result.metrics["MAE"].loc["210 Queen Street"].drop("all")
    ax.plot(errors.index, errors, label=name)
ax.set(xlabel="hours ahead", ylabel="mean absolute error, people an hour", ylim=(0, None))
ax.legend(frameon=False)
ax.set_title("Two weeks of pedestrians, hour by hour", loc="left")
