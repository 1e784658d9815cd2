"""
Which rows are unusual
======================

Each row is held against the forecast that was issued one hour before it. A p-value of 0.001 means
that errors of the usual kind come this far out in one row of a thousand.
"""

import matplotlib.pyplot as plt
from matplotlib.dates import ConciseDateFormatter

from tsrnn import RNNForecaster, datasets
from tsrnn.evaluate import prequential

people = datasets.load_pedestrians("210 Queen Street").loc["2023-11-01":]
history, stream = people[:1200], people[1200:1560]  # the stream begins on 21 December

# %%
# Forecast each hour of the weeks about Christmas, then learn it. The table has the p-value
# of each row at step 1.

model = RNNForecaster(horizon=1, max_iter=60, random_state=0).fit(history)
table = prequential(model, stream).forecasts.set_index("time")
unusual = table[table["p_value"] < 0.001]

# %%
# Draw them, and mark what is rarer than one in a thousand.

fig, (above, below) = plt.subplots(2, sharex=True, figsize=(8, 5), layout="constrained")
above.plot(table["actual"], color="0.4", linewidth=1.2, label="actual")
above.plot(table["forecast"], color="#0072b2", linewidth=1.2, label="forecast, an hour before")
above.plot(unusual["actual"], "o", color="#d55e00", label="p < 0.001")
above.set_ylabel("people an hour")
above.legend(frameon=False, ncols=3, loc="lower right", bbox_to_anchor=(1, 1))
below.semilogy(table["p_value"], ".", color="#0072b2")
below.axhline(0.001, color="#d55e00", linestyle=":")
below.set_ylabel("p-value")
below.xaxis.set_major_formatter(ConciseDateFormatter(below.xaxis.get_major_locator()))
