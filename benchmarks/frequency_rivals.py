"""Forecasters that are fitted again now and then, to be compared where they forecast.

AutoETS of statsforecast picks an exponential smoothing by its information criterion. On some series
it stops its simplex early. It knows no season of more than 24 rows: there it has none.

LightGBM learns the next value from lags and the calendar, is fitted again once a week on all rows
so far, and forecasts further steps by its own forecasts.
"""

import time

import numpy as np
import pandas as pd

N_CUTOFFS = 20
LONGEST_SEASON = 24
LEAST_ROWS = 1000  # of a stream that LightGBM is compared on
N_LAGS, N_RECENT = 14, 28  # newest values, and those whose mean and spread are features
TREES = {
    "n_estimators": 150,
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_child_samples": 10,
    "colsample_bytree": 0.8,
    "n_jobs": 1,
    "verbose": -1,
    "random_state": 0,
}


def cutoffs(n_rows, n_cutoffs=N_CUTOFFS):
    """Return the cutoffs, as numbers of streamed rows that are known, ascending.

    They are spread over all rows but the first and the last twentieth.
    """
    return np.unique(np.linspace(0.05 * n_rows, 0.95 * n_rows, n_cutoffs).astype(int))


def carried(history, rows):
    """Return the values of both, missing ones carried forward."""
    values = np.append(history.to_numpy(), rows.to_numpy())
    known = np.isfinite(values)
    known[0] = True
    return values[np.maximum.accumulate(np.where(known, np.arange(len(values)), 0))]


def auto_ets(history, rows, frequency, horizon):
    """Return cutoffs, forecasts (cutoffs, horizon) of AutoETS there, and seconds for one of them.

    Parameters
    ----------
    history, rows : Series
        Missing values are carried forward.
    frequency : Frequency
    horizon : int
    """
    from statsforecast.models import AutoETS

    values = carried(history, rows)
    season = max((s for s in frequency.seasons if s <= LONGEST_SEASON), default=1)
    origins, begin = cutoffs(len(rows)), time.process_time()
    found = [
        AutoETS(season_length=season).forecast(values[: len(history) + n], h=horizon)["mean"]
        for n in origins
    ]
    return origins, np.array(found), (time.process_time() - begin) / len(origins)


class LagTrees:
    """LightGBM on lags: newest values, a season ago, recent means and spread, the calendar.

    Trees know no trend: all but the calendar is measured from the newest value, and what is learnt
    is the change from it. Without `changes` all is as it is.
    """

    def __init__(self, index, frequency, changes):
        self.seasons = [s for s in frequency.seasons if s > N_LAGS]
        self.changes, self.model = changes, None
        step = index[1] - index[0]
        index = index.append(pd.date_range(index[-1] + step, periods=1000, freq=index.freq))
        parts = index.dayofweek, index.hour * 60 + index.minute, index.dayofyear, index.day
        self.calendar = np.stack([np.asarray(part, float) for part in parts], axis=1)
        self.reach = max([N_RECENT, N_LAGS, *(s + 2 for s in self.seasons)])

    def seen(self, values, at):
        """Return features (n, K) of the rows `at` (n,), of values (n, reach), newest last."""
        parts = [values[:, -N_LAGS:]]
        parts += [values[:, -s - 2 : len(values[0]) - s + 1] for s in self.seasons]
        recent = values[:, -N_RECENT:]
        parts += [recent.mean(axis=1)[:, None], recent[:, -7:].mean(axis=1)[:, None]]
        seen = np.concatenate(parts, axis=1)
        if self.changes:
            seen = seen - values[:, -1:]
        return np.concatenate([seen, recent.std(axis=1)[:, None], self.calendar[at]], axis=1)

    def windows(self, values, at):
        """Return the values (n, reach) before the rows `at`, (n, reach)."""
        padded = np.concatenate([np.full(self.reach, values[0]), values])
        return padded[np.asarray(at)[:, None] + np.arange(self.reach)]

    def fit(self, values):
        """Learn from values (n,)."""
        from lightgbm import LGBMRegressor

        at = np.arange(min(self.reach, len(values) // 3), len(values))
        windows = self.windows(values, at)
        target = values[at] - (windows[:, -1] if self.changes else 0.0)
        self.model = LGBMRegressor(**TREES).fit(self.seen(windows, at), target)
        return self

    def forecast(self, values, at, horizon):
        """Return forecasts (n, horizon) of the rows from each of `at` on."""
        windows, at = self.windows(values, at), np.asarray(at)
        for step in range(horizon):
            next_value = self.model.predict(self.seen(windows[:, -self.reach :], at + step))
            next_value = next_value + (windows[:, -1] if self.changes else 0.0)
            windows = np.concatenate([windows, next_value[:, None]], axis=1)
        return windows[:, self.reach :]


def lag_trees(history, rows, frequency, horizon):
    """As `auto_ets`, of LightGBM: it forecasts at every row.

    Whether it learns values or changes is decided on the last quarter of the history.

    Raises
    ------
    ValueError
        The stream is short.
    """
    if len(history) + len(rows) <= LEAST_ROWS:
        raise ValueError(f"found {len(history) + len(rows)} rows, expected more than {LEAST_ROWS}")
    begin, values, n_fit = time.process_time(), carried(history, rows), len(history)
    index, tried = history.index.append(rows.index), {}
    index.freq = pd.infer_freq(index)
    late = np.arange(3 * n_fit // 4, n_fit)
    for changes in (False, True):
        trees = LagTrees(index, frequency, changes).fit(values[: late[0]])
        tried[changes] = np.square(trees.forecast(values, late, 1)[:, 0] - values[late]).mean()
    trees, found = LagTrees(index, frequency, tried[True] < tried[False]), []
    for first in range(0, len(rows), frequency.week):
        at = n_fit + np.arange(first, min(first + frequency.week, len(rows)))
        found.append(trees.fit(values[: at[0]]).forecast(values, at, horizon))
    seconds = (time.process_time() - begin) / len(rows)
    return np.arange(len(rows)), np.concatenate(found), seconds


RIVALS = {"AutoETS": auto_ets, "LightGBM": lag_trees}
