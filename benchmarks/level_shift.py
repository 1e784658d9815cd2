"""What learning from every row is worth when a level shifts.

The sensor at 188 Quay Street counts 4,000 hours; the next 6,000 are streamed one by one. On
2024-03-20, about half way through, its level falls by more than half, for good. The same fitted
model either learns from each row (``partial_fit``) or only takes it in (``update``).

Run: ``python benchmarks/level_shift.py``
"""

import numpy as np
import pandas as pd
from report import save

from tsrnn import RNNForecaster, datasets
from tsrnn.baselines import LinearForecaster
from tsrnn.evaluate import prequential

SENSOR = "188 Quay Street Lower Albert (NS)"
START, SHIFT = "2023-06-01", "2024-03-20"
N_FIT, N_STREAM = 4000, 6000
SEEDS = (0, 1, 2)
HORIZONS = (1, 24)


def mean_squared_errors(model, stream, learn):
    """MSE over all steps before and after the shift, by the time of the actual."""
    result = prequential(model, stream, learn=learn)
    squared = (result.forecasts["actual"] - result.forecasts["forecast"]) ** 2
    after = result.forecasts["time"] >= pd.Timestamp(SHIFT)
    return {
        "before": squared[~after].mean(),
        "after": squared[after].mean(),
        "all": squared.mean(),
        "microseconds_per_row": 1e6 * result.seconds_per_row,
    }


def main():
    data = datasets.load_pedestrians([SENSOR]).loc[START:].iloc[: N_FIT + N_STREAM]
    history, stream = data[:N_FIT], data[N_FIT:]
    rows = []
    for horizon in HORIZONS:
        models = [("RNNForecaster", s, RNNForecaster(horizon, random_state=s)) for s in SEEDS]
        for name, seed, model in [*models, ("LinearForecaster", 0, LinearForecaster(horizon))]:
            model.fit(history)
            for learn in (True, False):
                errors = mean_squared_errors(model, stream, learn)
                rows.append(
                    {"horizon": horizon, "model": name, "seed": seed, "learn": learn, **errors}
                )
                print(rows[-1], flush=True)
    table = pd.DataFrame(rows).drop(columns="seed")
    table["learn"] = np.where(table["learn"], "partial_fit", "update")
    print(table.groupby(["horizon", "model", "learn"], sort=False).mean().round(0).to_string())
    save("level_shift", rows)


if __name__ == "__main__":
    main()
