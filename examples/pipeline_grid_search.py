"""Estimate fine dust from the weather: RNNRegressor in a Pipeline in GridSearchCV.

Dust builds up over days of still air, so the past of the weather counts, which a recurrent network
remembers and Ridge does not.

    python examples/pipeline_grid_search.py
"""

import argparse

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from tsrnn import RNNRegressor
from tsrnn.datasets import load_air_quality

WEATHER = ["dew_point", "temperature", "pressure", "wind_speed", "snow_hours", "rain_hours"]

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--rows", type=int, default=8760, help="newest hours to use (a year)")
parser.add_argument("--max-iter", type=int, default=100, help="training steps of a network")
args = parser.parse_args()

data = load_air_quality().iloc[-args.rows :]
X = data[WEATHER]
measured = data["pm25"].notna()

# The regressor refuses a missing y. To drop those rows would make hours neighbours that were not,
# and neighbours are what it learns from: so they are filled, and left out of the final score.
# Dust spans three orders of magnitude, which the logarithm evens out.
y = np.log1p(data["pm25"].interpolate().bfill())

n_train = len(data) * 4 // 5
X_train, X_test, y_train, y_test = X[:n_train], X[n_train:], y[:n_train], y[n_train:]

# As a DataFrame the scaled rows keep their time stamps. So the regressor knows that the rows of
# X_test follow those of X_train, and goes on from the state it was left in.
scaler = StandardScaler().set_output(transform="pandas")
# What wind does to dust stays the same over the year: nothing is to be forgotten.
network = RNNRegressor(hidden_size=16, forgetting=1.0, max_iter=args.max_iter, random_state=0)
search = GridSearchCV(
    Pipeline([("scale", scaler), ("rnn", network)]),
    {"rnn__cell": ["lstm", "gru"], "rnn__lags": [1, 24]},
    cv=TimeSeriesSplit(n_splits=3, test_size=n_train // 10),  # a month, after all before it
    n_jobs=2,
)
search.fit(X_train, y_train)

print("mean R² over three folds, each tested on the month that follows it:")
for params, mean in zip(
    search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
):
    print(f"  {params['rnn__cell']:4}  {params['rnn__lags']:2} lags  {mean:6.3f}")

ridge = make_pipeline(StandardScaler(), Ridge()).fit(X_train, y_train)
kept = measured[n_train:].to_numpy()
print(f"R² on the last {len(X_test):,} hours, of which {kept.sum():,} were measured:")
for name, model in (("RNNRegressor", search), ("Ridge", ridge)):
    print(f"  {name:12} {r2_score(y_test[kept], model.predict(X_test)[kept]):6.3f}")
