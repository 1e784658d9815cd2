"""
Are the intervals honest?
=========================

Ask for intervals of several coverages, and count how many actual values each held. Points on the
diagonal mean that the intervals keep their word.
"""

from tsrnn import RNNForecaster, datasets
from tsrnn.evaluate import prequential
from tsrnn.plotting import plot_calibration

load = datasets.load_electricity()
history, stream = load[:1000], load[1000:1500]

model = RNNForecaster(horizon=6, max_iter=100, random_state=0).fit(history)
plot_calibration(prequential(model, stream, coverage=[0.1, 0.3, 0.5, 0.7, 0.9]))
