"""
What a forecast is made of
==========================

Readouts and experts are sums, so a forecast can be taken apart exactly. Here are the next 24 hours
of an electricity load: what raises each hour above the level, and what lowers it below.
"""

from tsrnn import RNNForecaster, datasets
from tsrnn.plotting import plot_explanation

load = datasets.load_electricity()[:1000]
model = RNNForecaster(horizon=24, max_iter=60, random_state=0).fit(load)
ax = plot_explanation(model.explain())
ax.set_ylabel("load")
