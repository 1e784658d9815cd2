"""What the page of a running stream shows: newest rows, errors, coverage, worst series first.

Everything is bounded: `KEPT` rows of each series, `MOST_SERIES` series, `MOST_TARGETS` targets.
"""

import time
from collections import deque
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tsrnn.frames.bands import column_of, short
from tsrnn.plotting.interactive.numbers import on_axis, rounded

KEPT = 200  # rows of a series
MOST_SERIES, MOST_TARGETS = 20_000, 4
SHOWN, SAMPLED = 8, 32  # series on the page; series whose intervals are scored
NEWEST = 10  # rows and changes in tables
RECENT = 0.05  # weight of a new error in the recent one
FEWEST = 5  # errors before a series is ranked
SPAN = 5.0  # seconds over which rows a second are counted
FAN = [0.5, 0.8, 0.95]
SCORED = "0.8"  # the interval whose coverage is shown


class Taken(NamedTuple):
    """Rows that a stream has learnt, and what it issued after them.

    Attributes
    ----------
    stamp : time stamp or int
    ids : sequence or None
        Series of each row; None of one stream.
    actual : array of shape (n_rows, n_targets)
    forecast : DataFrame or None
        Of these series in their order, the targets in its first columns.
    """

    stamp: Any
    ids: Sequence[Hashable] | None
    actual: np.ndarray
    forecast: pd.DataFrame | None


class Fan(NamedTuple):
    """A forecast of one series with its intervals: times, and arrays (M, targets) by name."""

    x: list[float]
    parts: Mapping[str, np.ndarray]


class Board:
    """What has been seen of a stream; written and read by one thread.

    Parameters
    ----------
    targets : sequence of label
    step : offset, optional
        From one time stamp to the next.
    """

    def __init__(self, targets: Sequence[Hashable], step: Any = None):
        self.targets = list(targets)[:MOST_TARGETS]
        self.left_out = len(targets) - len(self.targets)
        self._step = step
        self.names: list[Hashable] = []
        self._places: dict[Hashable, int] = {}
        self._allocate(1)
        self.recent: deque[tuple[float, float]] = deque(maxlen=KEPT)
        self.rows: deque[list[Any]] = deque(maxlen=NEWEST)
        self.fans: dict[Hashable, Fan] = {}  # the newest ones
        self._sampled: set[Hashable] = set()
        self._awaited: dict[Hashable, Fan] = {}  # whose first value has not come
        self.n_held = self.n_covered = 0
        self._recent = np.zeros(2)  # of the error, and of that of the newest value
        self._rate: deque[tuple[float, int]] = deque()
        self._rng = np.random.default_rng(0)
        self.dated = True

    def _allocate(self, capacity: int) -> None:
        n_targets = len(self.targets)
        old = getattr(self, "_x", None)
        shapes: dict[str, tuple[Any, ...]] = {
            "_x": ((capacity, KEPT), np.nan), "_y": ((capacity, n_targets, KEPT), np.nan),
            "_forecast": ((capacity, n_targets), np.nan), "_error": ((capacity, n_targets), 0.0),
            "_naive": ((capacity, n_targets), 0.0), "_total": ((capacity, n_targets), 0.0),
            "_n": ((capacity, n_targets), 0), "_head": ((capacity,), 0),
        }  # fmt: skip
        for name, (shape, filling) in shapes.items():
            new = np.full(shape, filling)
            if old is not None:
                new[: len(old)] = getattr(self, name)
            setattr(self, name, new)

    _x: np.ndarray  # times of the newest rows of each series, a ring
    _y: np.ndarray  # their values
    _forecast: np.ndarray  # of the next row of each series
    _error: np.ndarray  # recent absolute error of one step ahead
    _naive: np.ndarray  # that of repeating the newest value
    _total: np.ndarray  # all absolute errors added up
    _n: np.ndarray  # how many these were
    _head: np.ndarray  # rows seen of each series

    # --- rows in ----------------------------------------------------------------------------------

    def take(self, taken: Taken) -> None:
        """Score the forecasts of these rows, and remember the rows."""
        ids: Sequence[Hashable] = [None] if taken.ids is None else taken.ids
        places = np.array([self._place(id) for id in ids])
        known = places >= 0
        places, values = places[known], taken.actual[known][:, : len(self.targets)]
        x, oldest = self._times(taken.stamp)
        last = (self._head[places] - 1) % KEPT
        follows = (self._head[places] > 0) & (self._x[places, last] >= oldest)
        before = self._y[places, :, last]
        self._score(places, values, np.where(follows[:, None], before, np.nan), x)
        self._cover(places, values, x)
        self._rows(places, values, x)
        head = self._head[places] % KEPT
        self._x[places, head] = x
        self._y[places, :, head] = values
        self._head[places] += 1
        self._forecast[places] = self._first_steps(taken.forecast, len(ids))[known]

    def _place(self, id: Hashable) -> int:
        place = self._places.get(id)
        if place is None:
            place = len(self.names)
            if place == MOST_SERIES:
                return -1
            if place == len(self._head):
                self._allocate(2 * place)
            self._places[id] = place
            self.names.append(id)
        return place

    def _times(self, stamp: Any) -> tuple[float, float]:
        """Return the place of a stamp on the axis, and of the oldest one that it follows."""
        self.dated = isinstance(stamp, pd.Timestamp)
        x = _on_axis(stamp)
        if self._step is None:
            return x, -np.inf
        return x, x - 1.5 * (_on_axis(stamp + self._step) - x)

    def _first_steps(self, forecast: pd.DataFrame | None, n_ids: int) -> np.ndarray:
        if forecast is None:
            return np.full((n_ids, len(self.targets)), np.nan)
        values = forecast.to_numpy(dtype=float)
        first = values[:: len(values) // n_ids]
        return first[:, : len(self.targets)]

    def _score(self, places: np.ndarray, values: np.ndarray, before: np.ndarray, x: float) -> None:
        error, naive = np.abs(values - self._forecast[places]), np.abs(values - before)
        known = np.isfinite(error) & np.isfinite(naive)
        if not known.any():
            return
        at = places[:, None].repeat(values.shape[1], axis=1)[known], np.nonzero(known)[1]
        weight = np.maximum(RECENT, 1.0 / (1.0 + self._n[at]))  # a mean at first
        self._error[at] += weight * (error[known] - self._error[at])
        self._naive[at] += weight * (naive[known] - self._naive[at])
        self._total[at] += error[known]
        self._n[at] += 1
        # each target in units of its own, so that none rules
        unit = np.maximum(self._naive[at], np.finfo(float).tiny)
        now = np.array([(error[known] / unit).mean(), (naive[known] / unit).mean()])
        self._recent += max(RECENT, 1.0 / (1 + len(self.recent))) * (now - self._recent)
        if self._recent[1] > 0:
            self.recent.append((x, self._recent[0] / self._recent[1]))

    def _cover(self, places: np.ndarray, values: np.ndarray, x: float) -> None:
        """Count the values that lie in the interval issued one row before, where there is one."""
        if not self._awaited:
            return
        for place, row in zip(places.tolist(), values, strict=True):
            fan = self._awaited.get(self.names[place])
            if fan is None or x < fan.x[0]:
                continue
            del self._awaited[self.names[place]]
            if x == fan.x[0]:
                lower, upper = (fan.parts[f"{edge}_{SCORED}"][0] for edge in ("lower", "upper"))
                known = np.isfinite(row)
                self.n_held += int(((row >= lower) & (row <= upper) & known).sum())
                self.n_covered += int(known.sum())

    def _rows(self, places: np.ndarray, values: np.ndarray, x: float) -> None:
        for place, row in zip(places[:NEWEST].tolist(), values[:NEWEST], strict=True):
            issued = self._forecast[place]
            self.rows.append([x, self.label(place), rounded(row), rounded(issued)])

    # --- what is shown ----------------------------------------------------------------------------

    def label(self, place: int) -> str:
        """Return what a series is called; nothing of one stream."""
        return "" if self.names[place] is None else str(self.names[place])

    def ratios(self) -> np.ndarray:
        """Return the recent error of each series in units of repeating its newest value."""
        n = len(self.names)
        ranked = self._n[:n] >= FEWEST
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(ranked, self._error[:n] / self._naive[:n], np.nan)
        ratio[~np.isfinite(ratio)] = np.nan
        n_known = np.isfinite(ratio).sum(axis=1)
        total = np.nansum(ratio, axis=1)
        mean: np.ndarray = np.divide(total, n_known, out=np.full(n, np.nan), where=n_known > 0)
        return mean

    def worst(self) -> list[int]:
        """Return the places of the series to show, the worst first."""
        ratios = self.ratios()
        order = np.argsort(-np.where(np.isnan(ratios), -1.0, ratios), kind="stable")
        return [int(place) for place in order[:SHOWN]]

    def asked(self) -> list[Hashable]:
        """Return the series whose intervals to ask for next: those shown, and a sample."""
        n = len(self.names)
        sampled = self._rng.choice(n, min(SAMPLED, n), replace=False).tolist()
        self._sampled = {self.names[place] for place in sampled}
        return [self.names[place] for place in dict.fromkeys([*self.worst(), *sampled])]

    def take_fans(self, frame: pd.DataFrame, times: pd.Index, ids: Sequence[Hashable]) -> None:
        """Note forecasts of `ids` with the intervals `FAN`; those of the sample will be scored."""
        edges = [f"{edge}_{short(share)}" for share in FAN for edge in ("lower", "upper")]
        columns = {name: [column_of(target, name) for target in self.targets] for name in edges}
        parts = {
            name: frame[chosen].to_numpy(dtype=float).reshape(len(ids), -1, len(self.targets))
            for name, chosen in {"path": self.targets, **columns}.items()
        }
        x = on_axis(times).reshape(len(ids), -1).tolist()
        self.fans = {
            id: Fan(x[at], {name: part[at] for name, part in parts.items()})
            for at, id in enumerate(ids)
        }
        self._awaited |= {id: fan for id, fan in self.fans.items() if id in self._sampled}

    def rate(self, n_rows: int) -> float:
        """Return the rows a second of late, given how many there have been."""
        now = time.monotonic()
        self._rate.append((now, n_rows))
        while now - self._rate[0][0] > SPAN and len(self._rate) > 2:
            self._rate.popleft()
        (first, n_first), (last, n_last) = self._rate[0], self._rate[-1]
        return (n_last - n_first) / (last - first) if last > first else 0.0

    def snapshot(self) -> dict[str, Any]:
        """Return what the page shows, as plain lists."""
        worst, ratios, n = self.worst(), self.ratios(), self._n[: len(self.names)]
        n_all = n.sum(axis=0)
        total = self._total[: len(self.names)].sum(axis=0)
        mae = np.divide(total, n_all, out=np.full(len(total), np.nan), where=n_all > 0)
        ratio = self.recent[-1][1] if self.recent else np.nan
        return {
            "dated": self.dated,
            "n_series": len(self.names),
            "series": [self.label(place) for place in worst],
            "table": [
                [self.label(place), *rounded(ratios[[place]]), int(n[place].sum())]
                for place in worst
            ],
            "blocks": [self._block(place) for place in worst],
            "recent": {"x": [x for x, _ in self.recent],
                       "y": rounded(np.array([y for _, y in self.recent]))},
            "rows": list(self.rows)[::-1],
            "mae": rounded(mae),
            "ratio": rounded(np.array([ratio]))[0],
            "scored": int(n.sum()),
            "held": self.n_held / self.n_covered if self.n_covered else None,
            "n_covered": self.n_covered,
        }  # fmt: skip

    def _block(self, place: int) -> dict[str, Any]:
        head = int(self._head[place])
        order = np.arange(max(0, head - KEPT), head) % KEPT
        block: dict[str, Any] = {
            "x": self._x[place, order].tolist(),
            "y": [rounded(values) for values in self._y[place][:, order]],
        }
        fan = self.fans.get(self.names[place])
        if fan is not None:
            values = {name: [rounded(one) for one in part.T] for name, part in fan.parts.items()}
            block["fan"] = {"x": fan.x, **values}
        return block


def _on_axis(stamp: Any) -> float:
    """Return one time as `on_axis` does, quickly."""
    if isinstance(stamp, pd.Timestamp):
        return float(stamp.tz_localize(None).as_unit("ms").value // 1_000_000)
    return float(stamp)
