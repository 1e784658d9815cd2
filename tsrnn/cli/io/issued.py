"""What a stream has to say after a row, and what a format does to write it."""

import math
from functools import lru_cache
from typing import Any, NamedTuple

import pandas as pd


class Issued(NamedTuple):
    """A forecast, or why there is none.

    Attributes
    ----------
    cutoff : Timestamp or int
        Of the row after which it was made.
    forecast : DataFrame of shape (horizon, n_columns) or None
        Indexed by the times of the steps.
    reason : str or None
        Why there is no forecast.
    id : object
        Of the series, in a panel.
    origin : str or None
        As in `Fields`.
    p_values : dict of str to float, or None
        Of the row at the cutoff by target, see `p_values_of`.

    Examples
    --------
    >>> Issued(7, p_values={"load": 0.2, "wind": float("nan")}).known_p_values(["load", "wind"])
    [0.2, None]
    """

    cutoff: Any
    forecast: pd.DataFrame | None = None
    reason: str | None = None
    id: Any = None
    origin: str | None = None
    p_values: dict | None = None

    def known_p_values(self, targets):
        """Return the p-value of each target, None where there is none."""
        found = [(self.p_values or {}).get(name, math.nan) for name in targets]
        return [p if math.isfinite(p) else None for p in found]


class WriterOptions(NamedTuple):
    """What a writer must know of the stream.

    Attributes
    ----------
    targets : list of str
    panel : bool
    dated : bool
        Whether times are time stamps.
    known_ahead : bool
        Whether forecasts may be missing, for want of inputs known ahead.
    one_for_one : bool
        Whether each line of the input has one line for its answer.
    header : bool
        Whether a header is to be written, where the format has one.
    precision : str
        Unit of time stamps that are numbers.
    """

    targets: list
    panel: bool = False
    dated: bool = True
    known_ahead: bool = False
    one_for_one: bool = False
    header: bool = True
    precision: str = "ns"


class LineWriter:
    """Writes forecasts as lines.

    Parameters
    ----------
    options : WriterOptions

    Raises
    ------
    ValueError
        Lines of a panel are to be answered one for one, and no line can hold several series.
    """

    holds_several = False  # whether a line can hold the forecasts of several series

    def __init__(self, options):
        self.options = options
        if options.panel and options.one_for_one and not self.holds_several:
            raise ValueError(
                "found --one-for-one and a model of a panel, whose series of one time stamp are "
                "forecast together, expected --format jsonl: one of its lines holds them all"
            )

    def begin(self, expected, is_first):
        """Hear of what the forecasts to come look like, before the first row.

        Parameters
        ----------
        expected : DataFrame or None
            A forecast such as those to come, where there can be one yet.
        is_first : bool
            Whether nothing was written before.
        """

    def forecasts(self, issued):
        """Return the lines of several `Issued`, a list."""
        raise NotImplementedError

    def answer(self, issued, line):
        """Return the one line that answers a line of the input, which gave these `Issued`."""
        raise NotImplementedError


def times_of(forecast):
    """Return the times of the steps of a forecast as texts, or as the numbers they are.

    Examples
    --------
    >>> times_of(pd.DataFrame(index=pd.date_range("2024-01-01", periods=2, tz="Europe/Rome")))
    ['2024-01-01T00:00:00+01:00', '2024-01-02T00:00:00+01:00']
    """
    index = forecast.index
    if not isinstance(index, pd.DatetimeIndex):
        return [shown(time) for time in index.tolist()]
    unit, zone = index.unit, index.tz
    return [_iso(stamp, unit, zone) for stamp in index.asi8.tolist()]


@lru_cache(maxsize=4096)  # a step is forecast many times
def _iso(stamp, unit, zone):
    time = pd.Timestamp(stamp, unit=unit)
    return (time if zone is None else time.tz_localize("UTC").tz_convert(zone)).isoformat()


def shown(time):
    """Return a time as a text; the number of a row as it is."""
    return time.isoformat() if isinstance(time, pd.Timestamp) else time
