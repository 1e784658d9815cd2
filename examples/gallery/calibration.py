"""
Are the intervals honest?
=========================

Ask for intervals of several coverages, and count how many actual values each held. Points on the
diagonal mean that the intervals keep their word.
"""

import matplotlib.pyplot as plt

from tsrnn import RNNForecaster, datasets
from tsrnn.evaluate import prequential

load = datasets.load_electricity()
history, stream = load[:1000], load[1000:1500]
asked = [0.1, 0.3, 0.5, 0.7, 0.9]

model = RNNForecaster(horizon=6, max_iter=100, random_state=0).fit(history)
metrics = prequential(model, stream, coverage=asked).metrics.loc[("all", "all")]

fig, ax = plt.subplots(figsize=(4.5, 4.5))
ax.plot([0, 1], [0, 1], color="0.7", linestyle="--")
ax.plot(asked, [metrics[f"coverage_{share}"] for share in asked], "o-")
ax.set(xlabel="share asked for", ylabel="share covered", xlim=(0, 1), ylim=(0, 1))
ax.set_title("Electricity, three weeks", loc="left")
fig.tight_layout()
