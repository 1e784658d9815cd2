"""What an evaluation hands back: forecasts beside actuals, and the table of their errors.

Axes of every array here: C cutoffs, H steps of the horizon, S targets.
"""

import importlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from tsrnn.evaluation.metrics import (
    coverage,
    mae,
    mase,
    mase_scale,
    mean_width,
    rmse,
    smape,
    winkler,
)
from tsrnn.frames.bands import column_of, short

ALL = "all"
SHOWN = 10  # targets in what is printed
#: Rows that are evaluated, oldest first.
Rows: TypeAlias = pd.DataFrame | pd.Series | np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class PrequentialResult:
    """Result of :func:`tsrnn.evaluate.prequential` and :func:`tsrnn.evaluate.backtest`.

    Attributes
    ----------
    forecasts : DataFrame
        One row for each cutoff, step and target, in that order, whose stamp lies in the data:
        ``cutoff, time, step, target, actual, forecast``, and ``lower_0.9, upper_0.9`` for a
        coverage of 0.9. A missing actual is NaN. Of a panel the id of the series comes first.
        Last comes ``p_value``, of step 1 (see ``RNNForecaster.p_values``), where the model has it.
    metrics : DataFrame
        ``MAE, RMSE, MASE, sMAPE`` (see :mod:`tsrnn.metrics`), and ``coverage_0.9, width_0.9,
        Winkler_0.9`` for a coverage of 0.9; index ``(target, step)``. ``"all"``
        in place of a target or a step pools every forecast: ``metrics.loc[("all", "all")]`` is
        the overall score, ``metrics.loc["load"]`` one target by step. Over targets of different
        units the largest rules MAE and RMSE, but not MASE. NaN where nothing was scored, or
        where a forecast was NaN.
    seconds_per_row : float
        Time spent inside calls of the model for each row it was given.
    model : estimator
        The forecaster as the evaluation left it.
    """

    forecasts: pd.DataFrame
    metrics: pd.DataFrame
    seconds_per_row: float
    model: Any

    def summary(self) -> pd.DataFrame:
        """Return the metrics of each target over all steps, and of several targets together.

        Returns
        -------
        DataFrame
            Indexed by target, with the columns of ``metrics``.

        Examples
        --------
        >>> from tsrnn.baselines import NaiveForecaster
        >>> from tsrnn.evaluate import prequential
        >>> ramp = 2.0 * np.arange(10)
        >>> prequential(NaiveForecaster(horizon=2).fit(ramp[:6]), ramp[6:]).summary()["MAE"]
        target
        y    2.857143
        Name: MAE, dtype: float64
        """
        table = self.metrics[self.metrics.index.get_level_values("step") == ALL]
        table = table.droplevel("step")
        return table.iloc[:-1] if len(table) == 2 else table

    def report(
        self,
        path: str | os.PathLike[str],
        *,
        against: "Mapping[str, PrequentialResult] | None" = None,
        title: str | None = None,
    ) -> None:
        """Write a page for a browser: forecasts to walk through, errors, calibration, settings.

        The file holds all it needs; opened, it loads nothing from outside. It is bounded in size:
        of a panel of many series it holds the worst and a sample, and says so.

        Parameters
        ----------
        path : str or Path
            Of the HTML file; one that is there is replaced.
        against : mapping of str to PrequentialResult, optional
            Evaluations of other models on the same rows, to stand beside this one.
        title : str, optional
            Of the page; by default it names the model.

        Raises
        ------
        ValueError
            An evaluation holds no forecast, or one of the others has the name of this model.
        ImportError
            bokeh is not installed.
        OSError
            The file cannot be written.

        Examples
        --------
        >>> from tsrnn.baselines import NaiveForecaster
        >>> from tsrnn.evaluate import prequential
        >>> ramp = 2.0 * np.arange(10)
        >>> result = prequential(NaiveForecaster().fit(ramp[:6]), ramp[6:])
        >>> result.report("report.html")  # doctest: +SKIP
        """
        name = type(self.model).__name__
        others = {} if against is None else {str(key): one for key, one in against.items()}
        if name in others:
            raise ValueError(
                f"found {name!r} among the names of against, which is this model; expected another "
                "name, such as 'frozen'"
            )
        try:  # by name: it stands above evaluation, and needs an extra
            page = importlib.import_module("tsrnn.plotting.interactive.report")
        except ImportError as error:
            raise ImportError(
                'a report needs bokeh. Install it by: pip install "tsrnn[report]"'
            ) from error
        page.write({name: self, **others}, path, title=title)

    def __repr__(self) -> str:
        """Return what was evaluated, in a line, and the summary."""
        table = self.forecasts
        targets = [str(target) for target in table["target"].unique()]
        known = [*targets[:3], *[f"{len(targets) - 3} more"] * (len(targets) > 3)]
        series = (
            "" if table.columns[0] == "cutoff" else f" of {table.iloc[:, 0].nunique():,} series"
        )
        n_cutoffs, n_steps = table["cutoff"].nunique(), int(table["step"].max())
        shown = self.summary()
        left_out = len(shown) - SHOWN
        return (
            f"{type(self).__name__} of {', '.join(known)}{series}: {n_cutoffs:,} origins from "
            f"{table['cutoff'].min()} to {table['cutoff'].max()}, {n_steps} "
            f"step{'s' if n_steps > 1 else ''} ahead, {1e6 * self.seconds_per_row:,.0f} µs a row\n"
            f"{shown.head(SHOWN).to_string(float_format=lambda x: f'{x:.4g}')}"
            + (f"\n... {left_out} more targets" if left_out > 0 else "")
        )


def compare(results: Mapping[str, PrequentialResult]) -> pd.DataFrame:
    """Set the overall metrics of several evaluations side by side.

    Parameters
    ----------
    results : mapping of str to PrequentialResult

    Returns
    -------
    DataFrame
        A row for each name, in their order: the metrics over all targets and steps, NaN where a
        result lacks one; ``n_scored``, the forecasts with a known actual; and ``seconds_per_row``.
        Results are comparable where they scored the same rows: see that ``n_scored`` is the same.

    Raises
    ------
    ValueError
        There are no results.

    Examples
    --------
    >>> from tsrnn.baselines import LinearForecaster, NaiveForecaster
    >>> from tsrnn.evaluate import prequential
    >>> ramp = 2.0 * np.arange(90)
    >>> models = {"naive": NaiveForecaster(), "linear": LinearForecaster()}
    >>> table = compare({
    ...     name: prequential(model.fit(ramp[:80]), ramp[80:]) for name, model in models.items()
    ... })
    >>> table[["MAE", "n_scored"]].round(1)
            MAE  n_scored
    naive   2.0        10
    linear  0.1        10
    """
    if not results:
        raise ValueError("found no results, expected some by name: {'name': result}")
    rows = [
        {
            **result.metrics.loc[[(ALL, ALL)]].iloc[0].to_dict(),
            "n_scored": int(result.forecasts["actual"].notna().sum()),
            "seconds_per_row": result.seconds_per_row,
        }
        for result in results.values()
    ]
    return pd.DataFrame(rows, index=list(results))


class ForecastLog:
    """Forecasts in the order they were issued; frames are built once, by :meth:`result`.

    Parameters
    ----------
    data : DataFrame, Series or array
        The rows that hold the actuals.
    n_cutoffs : int
        Most forecasts that will be added.
    coverages : sequence of float
        Of the intervals in them.
    times : Index, optional
        Of the rows, as forecasts have them; by default their index.
    """

    def __init__(
        self,
        data: Rows,
        n_cutoffs: int,
        coverages: Sequence[float] = (),
        times: pd.Index | None = None,
    ):
        self._data = data
        self._index = getattr(data, "index", None) if times is None else times
        self._coverages = [short(share) for share in dict.fromkeys(coverages)]
        self._positions = np.empty(n_cutoffs, dtype=np.intp)  # rows of the data seen by then
        self._cutoffs: list[Any] = []
        self._times: list[pd.Index] = []

    def add(
        self,
        position: int,
        cutoff: Any,
        forecast: pd.DataFrame,
        p_values: np.ndarray | None = None,
    ) -> None:
        """Note the frame `forecast`, issued at `cutoff` when `position` rows had been seen.

        Beside it the p-values (1, n_targets) of the row after these, if there are any.

        A chunk of late rows that the model drops leaves its cutoff where it was: the forecast
        already noted for that cutoff stands. ValueError if the data lack a target.
        """
        if not self._cutoffs:
            n_targets = forecast.shape[1] // (1 + 2 * len(self._coverages))
            self._targets = forecast.columns[:n_targets]
            if ALL in self._targets:
                raise ValueError(
                    f"a target is named {ALL!r}; expected another name, since {ALL!r} is the "
                    "overall row of the metrics. Rename the column."
                )
            edges = [f"{s}_{c}" for c in self._coverages for s in ("lower", "upper")]
            names = [column_of(target, edge) for edge in edges for target in self._targets]
            self._columns, self._edges = [*self._targets, *names], edges
            self._observed = _observed(self._data, self._targets)
            self._forecasts = np.empty((len(self._positions), *forecast.shape))
            self._p_values = np.full((len(self._positions), n_targets), np.nan)
            self._has_p_values = p_values is not None
        elif cutoff == self._cutoffs[-1]:
            return
        c = len(self._cutoffs)
        self._positions[c] = position
        values = forecast[self._columns] if self._edges else forecast
        self._forecasts[c] = values.to_numpy()
        if p_values is not None:
            self._p_values[c] = p_values[0]
        self._cutoffs.append(cutoff)
        self._times.append(forecast.index)

    def naive_error(self, n_rows: int | None = None) -> pd.Series:
        """Return the mean absolute change from row to row of the first rows, by target."""
        scale = [mase_scale(series) for series in self._observed[:n_rows].T]
        return pd.Series(scale, self._targets)

    def result(
        self, model: Any, seconds_per_row: float, scale: pd.Series | None = None
    ) -> PrequentialResult:
        """Set the forecasts beside the actuals, and score them.

        Parameters
        ----------
        model : estimator
        seconds_per_row : float
        scale : Series, optional
            Of MASE, by target; by default that of all the data.

        Raises
        ------
        ValueError
            If no stamp of a forecast lies in the data.
        """
        issued = self._forecasts[: len(self._cutoffs)]
        n_steps, n_targets = issued.shape[1], len(self._targets)
        forecast, *edges = np.split(issued, 1 + len(self._edges), axis=2)
        times = self._times[0].append(self._times[1:])
        rows = self._rows(times)
        scored = rows >= 0
        if not scored.any():
            index = pd.RangeIndex(len(self._data)) if self._index is None else self._index
            raise ValueError(
                f"no forecast could be scored: their stamps run from {times[0]} to {times[-1]}, "
                f"those of the data from {index[0]} to {index[-1]}; expected "
                "data that follow the fitted rows at the same frequency. Check index and time zone."
            )
        actual = np.where(scored[:, :, None], self._observed[rows], np.nan)

        c, h = np.nonzero(scored)
        each = np.repeat(np.arange(len(c)), n_targets)
        cutoffs = pd.Index(self._cutoffs, dtype=times.dtype)
        p_values = {}
        if self._has_p_values:
            of_step = np.where((h == 0)[:, None], self._p_values[c], np.nan)
            p_values = {"p_value": of_step.ravel()}
        forecasts = pd.DataFrame(
            {
                "cutoff": cutoffs.take(c[each]),
                "time": times.take((c * n_steps + h)[each]),
                "step": h[each] + 1,
                "target": self._targets.take(np.tile(np.arange(n_targets), len(c))),
                "actual": actual[scored].ravel(),
                "forecast": forecast[scored].ravel(),
                **{n: e[scored].ravel() for n, e in zip(self._edges, edges, strict=True)},
                **p_values,
            }
        )
        scale = self.naive_error() if scale is None else scale
        by_target = scale[list(self._targets)].to_numpy()
        bounds = dict(zip(self._coverages, zip(edges[::2], edges[1::2], strict=True), strict=True))
        metrics = metric_table(actual, forecast, by_target, self._targets, bounds)
        return PrequentialResult(forecasts, metrics, seconds_per_row, model)

    def _rows(self, times: pd.Index) -> np.ndarray:
        """Row of the data that each of the C * H `times` names: (C, H), -1 where there is none."""
        index = self._index
        anew = isinstance(index, pd.RangeIndex) and not (
            times.dtype.kind == "i" and index[0] > self._cutoffs[0]
        )
        if index is not None and not anew:
            first = ~index.duplicated()  # of a repeated stamp the first row counts
            found = index[first].get_indexer(times)
            rows = np.where(found < 0, -1, np.flatnonzero(first)[found])
            return rows.reshape(len(self._cutoffs), -1)
        # rows of an array, or numbered anew, have no times: they only count on
        rows = self._positions[: len(self._cutoffs), None] + np.arange(self._forecasts.shape[1])
        return np.where(rows < len(self._data), rows, -1)


def metric_table(
    actual: np.ndarray,
    forecast: np.ndarray,
    scale: ArrayLike,
    targets: pd.Index,
    bounds: Mapping[str, Sequence[np.ndarray]] | None = None,
) -> pd.DataFrame:
    """Score forecasts by target and step, and pooled.

    Parameters
    ----------
    actual, forecast : array of shape (C, H, S)
        NaN in `actual` where there is nothing to score.
    scale : array-like of shape (S,) or (C, H, S)
        Scale of MASE; where it is NaN, the forecast is left out of MASE.
    targets : Index of length S
    bounds : dict of str to pair of array of shape (C, H, S), optional
        Lower and upper bounds by coverage.

    Returns
    -------
    DataFrame
        As :attr:`PrequentialResult.metrics`.
    """
    _, n_steps, n_targets = actual.shape
    scale = np.broadcast_to(scale, actual.shape)
    scores = []
    for k in _each_and_all(n_targets):
        for h in _each_and_all(n_steps):
            y, f, s = actual[:, h, k], forecast[:, h, k], scale[:, h, k]
            row = {
                "MAE": mae(y, f),
                "RMSE": rmse(y, f),
                "MASE": mase(np.where(np.isnan(s), np.nan, y), f, s),
                "sMAPE": smape(y, f),
            }
            for share, edges in (bounds or {}).items():
                lower, upper = (edge[:, h, k] for edge in edges)
                known = ~np.isnan(y)
                row[f"coverage_{share}"] = coverage(y, lower, upper)
                row[f"width_{share}"] = mean_width(lower[known], upper[known])
                row[f"Winkler_{share}"] = winkler(y, lower, upper, float(share))
            scores.append(row)
    names = [[*targets, ALL], [*range(1, n_steps + 1), ALL]]
    codes = np.indices((n_targets + 1, n_steps + 1)).reshape(2, -1).tolist()
    index = pd.MultiIndex(levels=names, codes=codes, names=["target", "step"])
    return pd.DataFrame(scores, index=index)


def _each_and_all(n: int) -> list[slice]:
    return [*(slice(i, i + 1) for i in range(n)), slice(None)]


def _observed(data: Rows, targets: pd.Index) -> np.ndarray:
    """Give the columns of `data` that are targets: float array (n_rows, S)."""
    if isinstance(data, pd.DataFrame):
        missing = targets.difference(data.columns)
        if len(missing):
            raise ValueError(
                f"data has the columns {list(data.columns)}; expected the targets "
                f"{list(targets)}, but {list(missing)} are missing. Pass data that hold them."
            )
        return data[list(targets)].to_numpy(dtype=float)  # pd.NA becomes NaN
    as_floats = data.to_numpy if isinstance(data, pd.Series) else data.astype
    values = as_floats(dtype=float).reshape(len(data), -1)
    if values.shape[1] == len(targets):
        return values
    names = [f"x{i}" for i in range(values.shape[1])]  # scikit-learn's for columns without one
    return _observed(pd.DataFrame(values, columns=names), targets)
