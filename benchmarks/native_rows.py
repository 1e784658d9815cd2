"""What one row costs as a frame of polars or a table of Arrow, beside the same row in pandas.

Electricity, 4,000 rows of history, 24 steps ahead: learn from a row, and forecast. The kinds of
frame take turns, a row each; times are the processor's, of the calling thread, and medians. Rows
are there as one-row frames before the clock starts.
"""

import statistics
import time

import polars
from report import save

from tsrnn import RNNForecaster, datasets

N_HISTORY, N_ROWS, HORIZON = 4000, 600, 24
LIMIT = 150  # µs a row, above pandas


def main():
    load = datasets.load_electricity()[: N_HISTORY + N_ROWS]
    table = polars.from_pandas(load.reset_index())
    kinds = {"pandas": load, "polars": table, "Arrow": table.to_arrow()}
    models = {
        name: RNNForecaster(HORIZON, random_state=0).fit(frame[:N_HISTORY])
        for name, frame in kinds.items()
    }
    rows = {
        name: [frame[row : row + 1] for row in range(N_HISTORY, N_HISTORY + N_ROWS)]
        for name, frame in kinds.items()
    }
    taken = {name: [] for name in kinds}
    for row in range(N_ROWS):
        for name, model in models.items():
            begin = time.thread_time()
            model.partial_fit(rows[name][row])
            model.forecast()
            taken[name].append(1e6 * (time.thread_time() - begin))
    medians = {name: statistics.median(values[20:]) for name, values in taken.items()}
    for name, median in medians.items():
        print(f"{name:8s} {median:7.0f} µs a row, {median - medians['pandas']:+5.0f}")
    print(f"limit: {LIMIT:+} µs")
    save("native_rows", {"microseconds": medians, "rows": N_ROWS}, ("polars",))


if __name__ == "__main__":
    main()
