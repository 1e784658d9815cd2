"""
Models side by side
===================

Evaluate each model on the same rows, and draw the overall errors. ``compare`` has the same as
a table.
"""

from tsrnn import RNNForecaster, datasets
from tsrnn.baselines import LinearForecaster, NaiveForecaster, SeasonalNaiveForecaster
from tsrnn.evaluate import compare, prequential
from tsrnn.plotting import plot_comparison

traffic = datasets.load_traffic()[["traffic_volume"]]
history, stream = traffic[:1000], traffic[1000:1336]

models = {
    "RNNForecaster": RNNForecaster(horizon=24, max_iter=60, random_state=0),
    "LinearForecaster": LinearForecaster(horizon=24),
    "a week ago": SeasonalNaiveForecaster(horizon=24, season=168),
    "the hour before": NaiveForecaster(horizon=24),
}
results = {name: prequential(model.fit(history), stream) for name, model in models.items()}
print(compare(results).round(2))
plot_comparison(results, metric="MAE")
