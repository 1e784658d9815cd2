"""What absurd values cost later: a spike, two, a day of outage, and a jump to where no history was.

Seven real streams are fitted on their first 4,000 rows (a quarter of a shorter one) and learnt row
by row. 1,000 rows later one value is 1,000 standard deviations of the history too high, or two rows
are, or a sensor shows some -30 of them for 24 rows, or a series jumps up by 30 and stays. The root
mean squared error of the four weeks of cutoffs after that (the first is the spike's own row, the
first one that is back, or the second one of the jump) is relative to that of the same rows in the
stream that was left alone, with the same model.

Run: ``python benchmarks/absurd.py [--seeds 3]`` (two processes)
"""

import numpy as np
import pandas as pd
from memory import print_table
from recovery import CHANGE, measured

N_WEEKS, OUTAGE = 4, 24


def spike(rows, history, n_rows=1):
    """Raise a row by 1,000 standard deviations, and the next by a hundredth more."""
    changed, size = rows.copy(), 1000.0 * history.std().to_numpy()
    changed.iloc[CHANGE : CHANGE + n_rows] += size * (1.0 + 0.01 * np.arange(n_rows)[:, None])
    return changed


def two_spikes(rows, history):
    """Raise two rows."""
    return spike(rows, history, n_rows=2)


def outage(rows, history):
    """Let a sensor show values around -30 standard deviations."""
    changed = rows.copy()
    shown = -30.0 + 0.1 * np.random.default_rng(0).standard_normal((OUTAGE, 1))
    changed.iloc[CHANGE : CHANGE + OUTAGE] = shown * history.std().to_numpy()
    return changed


def jump(rows, history):
    """Raise the level by 30 standard deviations, for good."""
    changed = rows.copy()
    changed.iloc[CHANGE:] += 30.0 * history.std()
    return changed


CHANGES = {
    "one spike of 1,000": (spike, 1.0, 0),
    "two spikes of 1,000": (two_spikes, 1.0, 2),
    "outage of a day at -30": (outage, 1.0, OUTAGE),
    "jump of 30, for good": (jump, 1.0, 1),
}


def main():
    table = measured("absurd", __doc__, CHANGES, N_WEEKS)
    weeks = pd.DataFrame(table["relative_rmse_by_week"].tolist()).set_axis(
        [f"week {week + 1}" for week in range(N_WEEKS)], axis=1
    )
    by_stream = weeks.groupby([table["change"], table["horizon"], table["stream"]], sort=False)
    curves = by_stream.mean().groupby(level=[0, 1], sort=False)
    mean, worst = curves.agg(lambda a: np.exp(np.log(a).mean())), curves.max()
    print("RMSE relative to the stream left alone: geometric mean of the streams, and the worst\n")
    cells = mean.map("{:.2f}".format) + ", " + worst.map("{:.2f}".format)
    header = ["standard deviations", "horizon", *weeks.columns]
    print_table(header, [[*key, *row] for key, row in zip(cells.index, cells.values, strict=True)])


if __name__ == "__main__":
    main()
