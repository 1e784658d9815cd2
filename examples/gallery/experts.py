"""
Which expert is believed
========================

The forecast mixes a recurrent network with simple models. Their weights differ from step to step.
For the next hours the learnt models count most, further ahead the value of a day ago. At 24 hours
the newest value *is* the value of a day ago: the two share the weight.
"""

from tsrnn import RNNForecaster, datasets
from tsrnn.plotting import plot_expert_weights

load = datasets.load_electricity()[:1000]
model = RNNForecaster(horizon=24, max_iter=100, random_state=0).fit(load)
plot_expert_weights(model)
