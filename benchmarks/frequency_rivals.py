"""Forecasters that are fitted again at spread cutoffs, to be compared there.

AutoETS of statsforecast picks an exponential smoothing by its information criterion. On some series
it stops its simplex early. It knows no season of more than 24 rows: there it has none.
"""

import time

import numpy as np

N_CUTOFFS = 20
LONGEST_SEASON = 24


def cutoffs(n_rows, n_cutoffs=N_CUTOFFS):
    """Return the cutoffs, as numbers of streamed rows that are known, ascending.

    They are spread over all rows but the first and the last twentieth.
    """
    return np.unique(np.linspace(0.05 * n_rows, 0.95 * n_rows, n_cutoffs).astype(int))


def auto_ets(history, rows, seasons, horizon):
    """Return forecasts (cutoffs, horizon) of AutoETS, and seconds for one of them.

    Parameters
    ----------
    history, rows : Series
        Missing values are carried forward.
    seasons : tuple of int
    horizon : int
    """
    from statsforecast.models import AutoETS

    values = np.append(history.to_numpy(), rows.to_numpy())
    known = np.isfinite(values)
    known[0] = True
    values = values[np.maximum.accumulate(np.where(known, np.arange(len(values)), 0))]
    season = max((s for s in seasons if s <= LONGEST_SEASON), default=1)
    origins, begin = cutoffs(len(rows)), time.process_time()
    found = [
        AutoETS(season_length=season).forecast(values[: len(history) + n], h=horizon)["mean"]
        for n in origins
    ]
    return np.array(found), (time.process_time() - begin) / len(origins)


RIVALS = {"AutoETS": auto_ets}
