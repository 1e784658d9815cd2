from tsrnn import RNNForecaster, datasets
from tsrnn.plotting import plot_forecast

people = datasets.load_pedestrians("45 Queen Street").loc["2023-06-01":][:1100]
model = RNNForecaster(horizon=24, lower=0, max_iter=100, random_state=0).fit(people[:1000])
ax = plot_forecast(people[:1000], model.forecast(coverage=0.9), actual=people[1000:], last=96)
ax.set_ylabel("people an hour")
