"""Forecasts over the end of summer time: by the clock on the wall, and by a number of rows."""

import numpy as np
import pandas as pd

from tsrnn.baselines import SeasonalNaiveForecaster
from tsrnn.plotting.style import new_axes

hours = pd.date_range("2024-09-20", "2024-10-29", freq="h", tz="Europe/London", name="time")
at_work = (hours.hour >= 9) & (hours.hour < 17) & (hours.day_of_week < 5)
load = pd.DataFrame({"load": 200 + 300 * at_work + 40 * np.sin(hours.hour / 4)}, hours)
history, actual = load[:"2024-10-26 20:00"], load["2024-10-26 21:00":]

model = SeasonalNaiveForecaster(horizon=len(actual), season=168)
ahead = {
    "by the clock": model.fit(history).forecast()["load"],
    "168 rows before": model.fit(history.tz_convert("UTC")).forecast()["load"],
}
ax, steps = new_axes(), range(len(actual))
ax.plot(steps, actual["load"], color="0.75", linewidth=5, label="actual")
for (name, values), color in zip(ahead.items(), ("#0072b2", "#d55e00"), strict=True):
    ax.plot(steps, values, color=color, linewidth=1.5, label=name)
places = [at for at, stamp in enumerate(actual.index) if stamp.hour in (0, 9, 17)]
ax.set_xticks(places, [f"{actual.index[at]:%a %H:%M}" for at in places], rotation=40)
ax.set_ylabel("load")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False, ncols=3, loc="lower right", bbox_to_anchor=(1, 1))
