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
from tsrnn.plotting.interactive.numbers import on_axis

KEPT = 200  # rows of a series
MOST_SERIES, MOST_TARGETS = 20_000, 4
SHOWN, SAMPLED = 8, 32  # series on the page; series whose intervals are scored
NEWEST = 10  # rows and changes in tables
RECENT = 0.05  # weight of a new error in the recent one
FEWEST = 5  # errors before a series is ranked
SPAN = 5.0  # seconds over which rows a second are counted
FAN = [0.5, 0.8, 0.95]
SCORED = "0.8"  # the interval whose coverage is shown
ODD = 0.01  # p-value below which a row is listed as unusual


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
    p_values : array of shape (n_rows, n_targets), optional
        NaN where there is none.
    """

    stamp: Any
    ids: Sequence[Hashable] | None
    actual: np.ndarray
    forecast: pd.DataFrame | None
    p_values: np.ndarray | None = None


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
        self._step, self._step_ms = step, _milliseconds(step)
        self.names: list[Hashable] = []
        self._places: dict[Hashable, int] = {}
        self._allocate(1)
        # Of each stamp: time, and sums over series of errors and of those of the newest value.
        self._stamps: deque[tuple[float, float, float]] = deque(maxlen=KEPT)
        self.rows: deque[list[Any]] = deque(maxlen=NEWEST)
        self.unusual: deque[list[Any]] = deque(maxlen=NEWEST)  # with p-values below `ODD`
        self.fans: dict[Hashable, Fan] = {}  # the newest ones
        self._sampled: set[Hashable] = set()
        self._awaited: dict[Hashable, Fan] = {}  # whose first value has not come
        self.n_held = self.n_covered = 0
        self._rate: deque[tuple[float, int]] = deque()
        self._rng = np.random.default_rng(0)
        self.dated = True

    _x: np.ndarray  # times of the newest rows of each series, a ring
    _y: np.ndarray  # their values
    _head: np.ndarray  # rows seen of each series
    _forecast: np.ndarray  # of the next row of each series
    _error: np.ndarray  # its absolute errors, added up, of which older ones count less
    _naive: np.ndarray  # the same of repeating the newest value
    _total: np.ndarray  # all absolute errors added up
    _unit: np.ndarray  # all those of repeating the newest value added up
    _n: np.ndarray  # how many these were

    def _allocate(self, capacity: int) -> None:
        one = capacity, len(self.targets)
        shapes: dict[str, tuple[tuple[int, ...], Any]] = {
            "_x": ((capacity, KEPT), np.nan), "_y": ((*one, KEPT), np.nan),
            "_head": ((capacity,), 0), "_forecast": (one, np.nan), "_n": (one, 0),
            "_error": (one, 0.0), "_naive": (one, 0.0), "_total": (one, 0.0), "_unit": (one, 0.0),
        }  # fmt: skip
        for name, (shape, filling) in shapes.items():
            new, old = np.full(shape, filling), getattr(self, name, None)
            if old is not None:
                new[: len(old)] = old
            setattr(self, name, new)

    # --- rows in ----------------------------------------------------------------------------------

    def take(self, taken: Sequence[Taken]) -> None:
        """Score the forecasts of rows, in the order in which they came, and remember the rows."""
        if not taken:
            return
        n_targets = len(self.targets)
        ids = [[None] if one.ids is None else one.ids for one in taken]
        counts = [len(some) for some in ids]
        place = np.array([self._place(id) for some in ids for id in some])
        times = np.array([self._times(one.stamp) for one in taken])
        x, oldest = times.repeat(counts, axis=0).T
        values = np.concatenate([one.actual[:, :n_targets] for one in taken])
        issued = np.concatenate(
            [self._first_steps(one.forecast, n) for one, n in zip(taken, counts, strict=True)]
        )
        p_values = self._p_values(taken)
        stamp = np.arange(len(taken)).repeat(counts)
        # series by series, each in the order of its rows
        order = np.argsort(place, kind="stable")
        order = order[place[order] >= 0]
        place, x, oldest, stamp = place[order], x[order], oldest[order], stamp[order]
        values, issued, p_values = values[order], issued[order], p_values[order]
        first = np.diff(place, prepend=-1) > 0
        starts = np.flatnonzero(first)
        sizes = np.diff(starts, append=len(place))
        rank = np.arange(len(place)) - starts.repeat(sizes)
        seen = self._head[place]
        last = (seen - 1) % KEPT
        before = np.where(first[:, None], self._y[place, :, last], np.roll(values, 1, axis=0))
        forecast = np.where(first[:, None], self._forecast[place], np.roll(issued, 1, axis=0))
        x_before = np.where(first, self._x[place, last], np.roll(x, 1))
        follows = (x_before >= oldest) & ((seen > 0) | ~first)
        error = np.where(follows[:, None], np.abs(values - forecast), np.nan)
        naive = np.abs(values - before)
        self._score(place, error, naive, sizes.repeat(sizes) - rank - 1, times[:, 0], stamp)
        self._cover(place, x, values)
        for row in np.argsort(stamp, kind="stable")[-NEWEST:].tolist():
            shown = [plain(values[row]), plain(forecast[row]), plain(p_values[row])]
            self.rows.append([x[row], self.label(place[row]), *shown])
        for row, target in self._odd_ones(p_values, stamp):
            odd = plain(np.array([a[row, target] for a in (values, forecast, p_values)]))
            self.unusual.append([x[row], self.label(place[row]), str(self.targets[target]), *odd])
        kept = rank >= sizes.repeat(sizes) - KEPT
        head = (seen + rank)[kept] % KEPT
        self._x[place[kept], head] = x[kept]
        self._y[place[kept], :, head] = values[kept]
        ends = starts + sizes - 1
        self._head[place[ends]] += sizes
        self._forecast[place[ends]] = issued[ends]

    def _p_values(self, taken: Sequence[Taken]) -> np.ndarray:
        """Return the p-values (n_rows, targets) of all rows."""
        n_targets = len(self.targets)
        return np.concatenate(
            [
                np.full((len(one.actual), n_targets), np.nan)
                if one.p_values is None
                else one.p_values[:, :n_targets]
                for one in taken
            ]
        )

    def _odd_ones(self, p_values: np.ndarray, stamp: np.ndarray) -> list[list[int]]:
        """Return row and target of p-values below `ODD`: the newest last, and the least of them."""
        rows, targets = np.nonzero(p_values < ODD)
        order = np.lexsort((-p_values[rows, targets], stamp[rows]))[-NEWEST:]
        found: list[list[int]] = np.stack([rows[order], targets[order]], axis=1).tolist()
        return found

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
        step = self._step_ms or _on_axis(stamp + self._step) - x
        return x, x - 1.5 * step

    def _first_steps(self, forecast: pd.DataFrame | None, n_ids: int) -> np.ndarray:
        if forecast is None:
            return np.full((n_ids, len(self.targets)), np.nan)
        values = forecast.to_numpy()
        return values[:: len(values) // n_ids, : len(self.targets)]

    def _score(
        self, place: np.ndarray, error: np.ndarray, naive: np.ndarray, later: np.ndarray,
        x: np.ndarray, stamp: np.ndarray,
    ) -> None:  # fmt: skip
        """Add the errors of rows, after each of which so many of its series come `later`."""
        known = np.isfinite(error) & np.isfinite(naive)
        error, naive = np.where(known, error, 0.0), np.where(known, naive, 0.0)
        weight = (1.0 - RECENT) ** later[:, None]
        newest = later == 0
        fading = (1.0 - RECENT) ** np.diff(np.flatnonzero(newest), prepend=-1)[:, None]
        self._error[place[newest]] *= fading
        self._naive[place[newest]] *= fading
        for total, added in (
            (self._error, weight * error), (self._naive, weight * naive), (self._total, error),
            (self._unit, naive), (self._n, known),
        ):  # fmt: skip
            np.add.at(total, place, added)
        # in units of each series and target, so that none rules
        unit = self._unit[place] / np.maximum(self._n[place], 1)
        scale = np.divide(1.0, unit, out=np.zeros_like(unit), where=unit > 0)
        sums = [
            np.bincount(stamp, (part * scale).sum(axis=1), minlength=len(x))
            for part in (error, naive)
        ]
        self._stamps.extend(zip(x.tolist(), *(part.tolist() for part in sums), strict=True))

    def _cover(self, place: np.ndarray, x: np.ndarray, values: np.ndarray) -> None:
        """Count the values that lie in the interval issued one row before, where there is one."""
        for id, fan in list(self._awaited.items()):
            at = self._places.get(id, -1)
            rows = slice(*np.searchsorted(place, [at, at + 1]))
            if rows.start == rows.stop or x[rows][-1] < fan.x[0]:
                continue
            del self._awaited[id]
            row = values[rows][x[rows] == fan.x[0]]
            lower, upper = (fan.parts[f"{edge}_{SCORED}"][0] for edge in ("lower", "upper"))
            known = np.isfinite(row)
            self.n_held += int(((row >= lower) & (row <= upper) & known).sum())
            self.n_covered += int(known.sum())

    # --- what is shown ----------------------------------------------------------------------------

    def label(self, place: int) -> str:
        """Return what a series is called; nothing of one stream."""
        return "" if self.names[place] is None else str(self.names[place])

    def ratios(self) -> np.ndarray:
        """Return the recent error of each series in units of repeating its newest value."""
        n = len(self.names)
        ranked = (self._n[:n] >= FEWEST) & (self._naive[:n] > 0)
        ratio = np.divide(
            self._error[:n], self._naive[:n], out=np.zeros(ranked.shape), where=ranked
        )
        return _mean(ratio.sum(axis=1), ranked.sum(axis=1))

    def recent(self) -> dict[str, list[Any]]:
        """Return the error of all series in units of repeating the newest value, over time."""
        error = naive = 0.0
        x, y = [], []
        for time_, more, naive_more in self._stamps:
            error, naive = (1 - RECENT) * error + more, (1 - RECENT) * naive + naive_more
            if naive > 0:
                x.append(time_)
                y.append(error / naive)
        return {"x": x, "y": y}

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
        wanted = [column_of(target, name) for name in edges for target in self.targets]
        places: Any = [frame.columns.get_loc(name) for name in (*self.targets, *wanted)]
        values = frame.to_numpy(dtype=float)[:, places]
        values = values.reshape(len(ids), -1, 1 + len(edges), len(self.targets))
        parts = {name: values[:, :, at] for at, name in enumerate(["path", *edges])}
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
        recent = self.recent()
        return {
            "dated": self.dated,
            "n_series": len(self.names),
            "series": [self.label(place) for place in worst],
            "table": [
                [self.label(place), *plain(ratios[[place]]), int(n[place].sum())] for place in worst
            ],
            "blocks": [self._block(place) for place in worst],
            "recent": recent,
            "rows": list(self.rows)[::-1],
            "unusual": list(self.unusual)[::-1],
            "mae": plain(_mean(self._total[: len(n)].sum(axis=0), n.sum(axis=0))),
            "ratio": recent["y"][-1] if recent["y"] else None,
            "scored": int(n.sum()),
            "held": self.n_held / self.n_covered if self.n_covered else None,
            "n_covered": self.n_covered,
        }

    def _block(self, place: int) -> dict[str, Any]:
        head = int(self._head[place])
        order = np.arange(max(0, head - KEPT), head) % KEPT
        block: dict[str, Any] = {
            "x": self._x[place, order].tolist(),
            "y": [plain(values) for values in self._y[place][:, order]],
        }
        fan = self.fans.get(self.names[place])
        if fan is not None:
            values = {name: [plain(one) for one in part.T] for name, part in fan.parts.items()}
            block["fan"] = {"x": fan.x, **values}
        return block


def plain(values: np.ndarray) -> list[float | None]:
    """Return numbers as JSON knows them, None where there is none.

    Examples
    --------
    >>> plain(np.array([1.5, np.nan]))
    [1.5, None]
    """
    return [v if v == v and abs(v) < np.inf else None for v in values.tolist()]


def _mean(total: np.ndarray, n: np.ndarray) -> np.ndarray:
    mean: np.ndarray = np.divide(total, n, out=np.full(len(total), np.nan), where=n > 0)
    return mean


def _milliseconds(step: Any) -> float | None:
    """Return how long a step is; None where not all are of one length."""
    try:
        return float(pd.Timedelta(step) / pd.Timedelta("1ms"))
    except (TypeError, ValueError):
        return None


def _on_axis(stamp: Any) -> float:
    """Return one time as `on_axis` does, quickly."""
    if isinstance(stamp, pd.Timestamp):
        return float((stamp if stamp.tz is None else stamp.tz_localize(None)).value // 1_000_000)
    return float(stamp)
