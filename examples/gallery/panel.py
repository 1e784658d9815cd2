"""
Three series, one model
=======================

A panel is a long frame with a column of ids. The series share a network and a readout. Each keeps
its own scale, mixture and intervals.
"""

from tsrnn import RNNForecaster, datasets
from tsrnn.plotting import plot_forecast

sensors = ["210 Queen Street", "45 Queen Street", "19 Shortland Street"]
wide = datasets.load_pedestrians(sensors).loc["2023-06-01":][:824]
rows = wide.melt(ignore_index=False, var_name="sensor", value_name="people").reset_index()
history, actual = rows[rows["time"] < wide.index[800]], rows[rows["time"] >= wide.index[800]]

# %%
# Name the column of ids and the column of time. The forecast is a long frame again.

model = RNNForecaster(horizon=24, id_col="sensor", time_col="time", max_iter=60, random_state=0)
forecast = model.fit(history).forecast(coverage=0.9)
print(forecast.groupby("sensor").head(1))

# %%
# One picture for each series.

axes = plot_forecast(history, forecast, actual=actual, last=72)
