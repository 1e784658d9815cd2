"""
Error by step ahead
===================

``prequential`` walks through the rows that follow the history: forecast, then learn. The table of
metrics has a row for each step ahead, so a picture shows how the error grows with the distance.
"""

from tsrnn import RNNForecaster, datasets
from tsrnn.baselines import LinearForecaster, SeasonalNaiveForecaster
from tsrnn.evaluate import prequential
from tsrnn.plotting import plot_error_by_step

people = datasets.load_pedestrians("210 Queen Street").loc["2023-06-01":]
history, stream = people[:1000], people[1000:1336]
models = {
    "RNNForecaster": RNNForecaster(horizon=24, lower=0, max_iter=100, random_state=0),
    "LinearForecaster": LinearForecaster(horizon=24),
    "a week ago": SeasonalNaiveForecaster(horizon=24, season=168),
}
results = {name: prequential(model.fit(history), stream) for name, model in models.items()}
plot_error_by_step(results)
