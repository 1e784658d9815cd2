"""
A day ahead, with its interval
==============================

Fit on six weeks of pedestrians in Queen Street, Auckland, forecast the next day, and draw two
intervals. The narrow one is to hold half of the actual values, the wide one nine in ten.
"""

from tsrnn import RNNForecaster, datasets
from tsrnn.plotting import plot_forecast

people = datasets.load_pedestrians("45 Queen Street").loc["2023-06-01":]
history, actual = people[:1000], people[1000:1024]

model = RNNForecaster(horizon=24, lower=0, max_iter=100, random_state=0).fit(history)
forecast = model.forecast(coverage=[0.5, 0.9])

ax = plot_forecast(history, forecast, actual=actual, last=72)
ax.set_ylabel("people an hour")
