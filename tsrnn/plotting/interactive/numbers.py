"""What a report shows of an evaluation, as plain lists: bounded, however long that was.

A *series* here is one target of one stream or of one series of a panel. Times are milliseconds
since 1970 by the clock of their zone, or numbers of rows.
"""

from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tsrnn.evaluation.results import ALL, PrequentialResult

MOST_SERIES = 24  # whose forecasts can be seen
MOST_LISTED = 200  # rows of the table of series
MOST_VALUES = 300_000  # forecasts and ends of intervals
MOST_ACTUALS = 100_000
MOST_ORIGINS = 500  # of a series
MOST_POINTS = 120  # of the error over time
MOST_EXPERTS = 6  # the others are added up
Results = Mapping[str, PrequentialResult]


class Tables(NamedTuple):
    """Forecasts of one evaluation.

    Attributes
    ----------
    frame : DataFrame
        ``forecasts``, behind a column ``number`` of their series.
    keys : DataFrame
        ``id`` (None of one stream) and ``target`` of each series.
    shares : list of str
        Of the intervals, the smallest first.
    """

    frame: pd.DataFrame
    keys: pd.DataFrame
    shares: list[str]

    @classmethod
    def of(cls, result: PrequentialResult) -> "Tables":
        """Take an evaluation apart.

        Raises
        ------
        ValueError
            It holds no forecast.
        """
        frame = result.forecasts
        if frame.empty:
            raise ValueError(
                "found an evaluation without forecasts, expected one at least; evaluate on rows "
                "that follow the fitted ones"
            )
        ids = frame.columns[: list(frame.columns).index("cutoff")]
        by = [*ids, "target"]
        groups = frame.groupby(by, sort=False, observed=True)
        keys = frame[by].drop_duplicates().reset_index(drop=True)
        keys = pd.DataFrame({"id": keys[ids[0]] if len(ids) else None, "target": keys["target"]})
        shares = [name[6:] for name in map(str, frame.columns) if name.startswith("lower_")]
        numbered = frame.assign(number=groups.ngroup().to_numpy())
        return cls(numbered, keys, sorted(shares, key=float))

    @property
    def is_dated(self) -> bool:
        """Whether times are time stamps, not numbers of rows."""
        return not pd.api.types.is_numeric_dtype(self.frame["time"].dtype)

    def labels(self) -> list[str]:
        """Return what each series is called."""
        targets, ids = self.keys["target"].astype(str), self.keys["id"]
        if ids.isna().all():
            return targets.tolist()
        if len(targets.unique()) == 1:
            return ids.astype(str).tolist()
        return [f"{id}, {target}" for id, target in zip(ids, targets, strict=True)]


def on_axis(times: Any) -> np.ndarray:
    """Return times as numbers of an axis.

    Examples
    --------
    >>> on_axis(pd.Index(pd.to_datetime(["1970-01-02"]))).tolist()
    [86400000.0]
    """
    index = pd.Index(times)
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if isinstance(index, pd.DatetimeIndex):
        index = index.tz_localize(None).as_unit("ms")
        return np.asarray(index.asi8, dtype=float)
    return np.asarray(index, dtype=float)


def series_errors(tables: Tables, scale: Any = None) -> pd.DataFrame:
    """Score each series, the worst first.

    Parameters
    ----------
    tables : Tables
    scale : Series or DataFrame, optional
        ``naive_error_`` of the model, by which MASE is told.

    Returns
    -------
    DataFrame
        Indexed by number of the series: ``scored`` (forecasts whose actual is known), ``MAE``,
        ``RMSE``, ``bias`` (mean of forecast minus actual), ``MASE`` if there is a scale, and
        ``coverage_0.9`` for each share.
    """
    frame = tables.frame
    error = frame["forecast"] - frame["actual"]
    values = {"MAE": error.abs(), "RMSE": error**2, "bias": error}
    for share in tables.shares:
        lower, upper = frame[f"lower_{share}"], frame[f"upper_{share}"]
        held = frame["actual"].between(lower, upper).astype(float)
        values[f"coverage_{share}"] = held.where(frame["actual"].notna())
    scores = pd.DataFrame(values).groupby(frame["number"]).mean()
    scores["RMSE"] = np.sqrt(scores["RMSE"])
    scores.insert(0, "scored", frame["actual"].notna().groupby(frame["number"]).sum())
    worst = "MAE"
    if scale is not None:
        units = [_unit_of(scale, *key) for key in tables.keys.itertuples(index=False)]
        with np.errstate(divide="ignore", invalid="ignore"):
            mase = scores["MAE"] / np.asarray(units)[scores.index]
        scores.insert(1, "MASE", mase.replace([np.inf, -np.inf], np.nan))
        if scores["MASE"].notna().any():
            worst = "MASE"
    return scores.sort_values(worst, ascending=False, na_position="last", kind="stable")


def _unit_of(scale: Any, id: Hashable, target: Hashable) -> float:
    place = (target,) if scale.ndim == 1 else (id, target)
    known = all(key in axis for key, axis in zip(place, scale.axes, strict=True))
    return float(scale.loc[place if scale.ndim == 2 else target]) if known else np.nan


def sample(n: int, most: int) -> np.ndarray:
    """Return places of the first ones of n, and of as many spread over the rest: `most` at most.

    Examples
    --------
    >>> sample(10, 4).tolist()
    [0, 1, 2, 9]
    """
    if n <= most:
        return np.arange(n)
    first = most // 2
    return np.concatenate([np.arange(first), _spread(n - first, most - first) + first])


def _spread(n: int, most: int) -> np.ndarray:
    """Return at most so many of n places, evenly spread, the first and the last among them."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int))


def paths(tables: Tables, numbers: list[int], n_blocks: int) -> list[dict[str, Any]]:
    """Return the forecasts of some series, a block for each.

    Parameters
    ----------
    tables : Tables
    numbers : list of int
        Series to show; one that is not there gives an empty block.
    n_blocks : int
        Among how many blocks what may be shown is to be divided.

    Returns
    -------
    list of dict
        ``x``, ``y``: times, and actual values where known; ``cutoffs``; ``n``: origins in all;
        and for each forecast, origin by origin, ``starts`` saying where each begins: ``at``
        (place of its time in x), ``step``, ``forecast``, and ``lower_0.9``, ``upper_0.9``.
    """
    edges = [f"{edge}_{share}" for share in tables.shares for edge in ("lower", "upper")]
    frame = tables.frame[tables.frame["number"].isin(numbers)]
    by_number: dict[Any, pd.DataFrame] = dict(iter(frame.groupby("number")))
    blocks = []
    for number in numbers:
        rows = by_number.get(number, frame[:0])
        times, cutoffs = on_axis(rows["time"]), on_axis(rows["cutoff"])
        x, first = np.unique(times, return_index=True)
        actual = rows["actual"].to_numpy(dtype=float)[first]
        x, actual = x[-(MOST_ACTUALS // n_blocks) :], actual[-(MOST_ACTUALS // n_blocks) :]
        issued = np.unique(cutoffs[times >= x[0]]) if len(x) else cutoffs
        n_steps = len(rows) / max(1, len(np.unique(cutoffs)))
        most = MOST_VALUES / n_blocks / max(1.0, n_steps) / (1 + len(edges))
        if len(x):
            issued = issued[_spread(len(issued), int(np.clip(most, 1, MOST_ORIGINS)))]
        kept = np.isin(cutoffs, issued) & (times >= x[0] if len(x) else False)
        order = np.flatnonzero(kept)[np.lexsort([times[kept], cutoffs[kept]])]
        starts = np.flatnonzero(np.diff(cutoffs[order], prepend=np.nan) != 0)
        blocks.append(
            {
                "x": x.tolist(),
                "y": rounded(actual),
                "n": len(np.unique(cutoffs)),
                "cutoffs": cutoffs[order][starts].tolist(),
                "starts": [*starts.tolist(), len(order)],
                "at": np.searchsorted(x, times[order]).tolist(),
                "step": rows["step"].to_numpy()[order].tolist(),
                "forecast": rounded(rows["forecast"].to_numpy(dtype=float)[order]),
                **{name: rounded(rows[name].to_numpy(dtype=float)[order]) for name in edges},
            }
        )
    return blocks


def by_step(result: PrequentialResult, targets: list[Hashable]) -> dict[str, list[list[Any]]]:
    """Return each metric by target and step; the first target is all of them together."""
    known = result.metrics.index.unique("target")
    tables = [
        result.metrics.xs(target, level="target").drop(ALL) if target in known else None
        for target in (ALL, *targets)
    ]
    steps = next(table for table in tables if table is not None).index
    values = {
        str(name): [
            [] if table is None else rounded(table[name].to_numpy(dtype=float)) for table in tables
        ]
        for name in result.metrics.columns
    }
    return {"steps": [[int(step) for step in steps]], **values}


def over_time(tables: Tables) -> dict[str, dict[str, list[Any]]]:
    """Return the mean absolute error of forecasts by when they were for.

    Returns
    -------
    dict of dict
        By name of the steps counted ("all steps", "step 1", the last one): ``x`` (middle of a span
        of time) and ``y`` (null where nothing was scored).
    """
    frame = tables.frame
    x = on_axis(frame["time"])
    error = (frame["forecast"] - frame["actual"]).abs().to_numpy(dtype=float)
    step = np.asarray(frame["step"], dtype=int)
    last = step.max()
    low, high = x.min(), x.max()
    n_spans = min(MOST_POINTS, len(np.unique(x)))
    width = (high - low) / max(1, n_spans - 1) or 1.0
    span = np.rint((x - low) / width).astype(int)
    curves = {}
    for name, counted in {
        "all steps": step > 0, "step 1": step == 1, **({f"step {last}": step == last} if last > 1
        else {}),
    }.items():  # fmt: skip
        if last == 1 and name == "all steps":
            continue
        known = counted & np.isfinite(error)
        n = np.bincount(span[known], minlength=n_spans)
        total = np.bincount(span[known], error[known], minlength=n_spans)
        mean = np.divide(total, n, out=np.full(n_spans, np.nan), where=n > 0)
        curves[name] = {"x": (low + width * np.arange(n_spans)).tolist(), "y": rounded(mean)}
    return curves


def calibration(tables: Tables) -> pd.DataFrame:
    """Return what share of the actuals intervals held, and their mean width, by share asked for."""
    frame = tables.frame[tables.frame["actual"].notna()]
    rows = []
    for share in tables.shares:
        lower, upper = frame[f"lower_{share}"], frame[f"upper_{share}"]
        held = frame["actual"].between(lower, upper).mean()
        rows.append({"asked": float(share), "held": held, "mean width": (upper - lower).mean()})
    return pd.DataFrame(rows, columns=["asked", "held", "mean width"])


def experts(model: Any) -> dict[Hashable, pd.DataFrame]:
    """Return the weights of a model's heaviest experts by target; of a panel the mean over it."""
    weights = getattr(model, "expert_weights_", None)
    if weights is None or "step" not in weights.index.names:  # of a regressor, or of none
        return {}
    if weights.index.nlevels > 2:
        weights = weights.groupby(level=["target", "step"], sort=False).mean()
    heaviest = weights.mean().sort_values(ascending=False, kind="stable").index
    kept = weights[heaviest[:MOST_EXPERTS]].copy()
    if len(heaviest) > MOST_EXPERTS:
        kept[f"{len(heaviest) - MOST_EXPERTS} others"] = weights[heaviest[MOST_EXPERTS:]].sum(
            axis=1
        )
    return {target: kept.xs(target, level="target") for target in kept.index.unique("target")}


def rounded(values: np.ndarray) -> list[float | None]:
    """Return numbers in six digits, None where there is none.

    Examples
    --------
    >>> rounded(np.array([1.23456789, np.nan]))
    [1.23457, None]
    """
    return [float(f"{v:.6g}") if np.isfinite(v) else None for v in values.tolist()]
