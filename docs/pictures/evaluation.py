from tsrnn import RNNForecaster, datasets
from tsrnn.evaluate import prequential
from tsrnn.plotting import plot_prequential

people = datasets.load_pedestrians("210 Queen Street").loc["2023-06-01":]
people.columns = ["people"]
model = RNNForecaster(horizon=24, lower=0, max_iter=60, random_state=0).fit(people[:1000])
plot_prequential(prequential(model, people[1000:1240], coverage=0.9), step=24)
