"""Learn one panel on two workers, and compare it with one machine.

Each partition of a Dask DataFrame stays on its worker, with the state of its series.

    pip install "tsrnn[dask]" && python examples/dask_panel.py
"""

import argparse
import time

import dask.dataframe as dd
import numpy as np
import pandas as pd

from tsrnn import RNNForecaster
from tsrnn.integrations.dask import DaskForecaster, start_local_cluster

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--series", type=int, default=400)
parser.add_argument("--history", type=int, default=400, help="hours of the fit")
parser.add_argument("--max-iter", type=int, default=100, help="training steps of the fit")
parser.add_argument("--threads", action="store_true", help="workers are threads: a short look")


def shops(n_series, n_hours):
    """Return sales an hour: each shop its own size, and a day's pattern."""
    rng, hours = np.random.default_rng(0), np.arange(n_hours)[:, None]
    size, phase = rng.uniform(5, 50, n_series), rng.uniform(0, 6, n_series)
    sold = size * (2 + np.sin(2 * np.pi * hours / 24 + phase))
    sold += 0.1 * size * rng.normal(size=sold.shape)
    columns = [f"shop {number}" for number in range(n_series)]
    frame = pd.DataFrame(sold, pd.date_range("2024", periods=n_hours, freq="h"), columns)
    return frame.melt(ignore_index=False, var_name="shop", value_name="sold").rename_axis("time")


def main():
    """Learn a day of rows after the history, on workers and here."""
    args = parser.parse_args()
    rows = shops(args.series, args.history + 24).reset_index()
    is_new = rows["time"] >= rows["time"].min() + pd.Timedelta(args.history, "h")
    params = {"id_col": "shop", "time_col": "time", "max_iter": args.max_iter, "random_state": 0}

    def on_workers(frame):
        return dd.from_pandas(frame.set_index("shop"), npartitions=4, sort=False)

    with start_local_cluster(2, processes=not args.threads) as client:
        model = DaskForecaster(RNNForecaster(24, **params), client)
        model.fit(on_workers(rows[~is_new]))
        begin = time.perf_counter()
        model.partial_fit(on_workers(rows[is_new]))
        seconds = time.perf_counter() - begin
        n_rounds, waited = model.rounds_
        print(f"{is_new.sum() / seconds:,.0f} rows a second on two workers, of which sums took "
              f"{1e3 * waited / n_rounds:.1f} ms a round")  # fmt: skip
        forecast = model.forecast(coverage=0.9).compute()

    alone = RNNForecaster(24, **params).fit(rows[~is_new]).partial_fit(rows[is_new])
    both = forecast.merge(alone.forecast(coverage=0.9), on=["shop", "time"])
    apart = (both["sold_x"] - both["sold_y"]).abs().max() / both["sold_y"].abs().mean()
    print(f"forecasts are within {apart:.0e} of one machine's, of their mean")


if __name__ == "__main__":  # workers are processes that import this file
    main()
