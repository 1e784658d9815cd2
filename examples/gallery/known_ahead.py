"""
A price that is known ahead
===========================

Sales fall when the price is high, and tomorrow's prices are planned. Named by ``future_cols``, they
tell the forecast where the sales will fall, as far as the history shows it.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.dates import ConciseDateFormatter

from tsrnn import RNNForecaster

rng = np.random.default_rng(0)
hours = pd.date_range("2024-01-01", periods=1048, freq="h", name="time")
price = np.repeat(rng.integers(1, 5, 262), 4)  # a new price every four hours
day = 10 * np.sin(2 * np.pi * hours.hour / 24)
sales = pd.DataFrame({"sold": 60 + day - 8 * price + rng.normal(0, 2, 1048), "price": price}, hours)
history, ahead = sales[:1000], sales[1000:]

settings = {"horizon": 48, "target": "sold", "max_iter": 60, "random_state": 0}
knowing = RNNForecaster(future_cols="price", **settings).fit(history)
guessing = RNNForecaster(**settings).fit(history)

fig, ax = plt.subplots(figsize=(8, 3.6))
ax.plot(ahead["sold"], color="0.25", linewidth=1, label="actual")
ax.plot(knowing.forecast(X_future=ahead[["price"]])["sold"], label="prices known ahead")
ax.plot(guessing.forecast()["sold"], label="prices of the past only")
ax.set_ylabel("sold an hour")
ax.legend(frameon=False, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.12))
ax.xaxis.set_major_formatter(ConciseDateFormatter(ax.xaxis.get_major_locator()))
