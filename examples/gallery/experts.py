"""
Which expert is believed
========================

The forecast mixes a recurrent network with simple models. Their weights differ from step to step.
For the next hours the learnt models count most, further ahead the value of a day ago. At 24 hours
the newest value *is* the value of a day ago: the two share the weight.
"""

import matplotlib.pyplot as plt

from tsrnn import RNNForecaster, datasets

load = datasets.load_electricity()[:1000]
model = RNNForecaster(horizon=24, max_iter=100, random_state=0).fit(load)
weights = model.expert_weights_.loc["load"]

fig, ax = plt.subplots(figsize=(8, 4))
ax.stackplot(weights.index, weights.T, labels=weights.columns, alpha=0.85)
ax.set(xlabel="hours ahead", ylabel="weight", xlim=(1, 24), ylim=(0, 1))
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
ax.set_title("Electricity: weights of the experts", loc="left")
fig.tight_layout()
