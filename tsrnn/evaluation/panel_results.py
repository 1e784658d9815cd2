"""What an evaluation of a panel hands back: as for one stream, with the id of each series."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.evaluation.metrics import mase_scale
from tsrnn.evaluation.results import PrequentialResult, metric_table
from tsrnn.frames.bands import column_of, short
from tsrnn.frames.times import are_times

EDGES = "lower", "upper"


class KeyedRows:
    """Rows of a panel, looked up by id and time.

    Parameters
    ----------
    data : DataFrame or Series
        With an (id, time) index or the columns of ``id_col`` and ``time_col``.
    id_col, time_col : label or None
        As of the model.

    Raises
    ------
    ValueError
        The rows have no ids or times.
    """

    def __init__(
        self,
        data: pd.DataFrame | pd.Series,
        id_col: Hashable | None = None,
        time_col: Hashable | None = None,
    ):
        self._keys = id_col, time_col
        self.frame, self.id_name = self.keyed(data)
        self.ids, self.times = (self.frame.index.get_level_values(level) for level in (0, 1))
        self._names = list(self.frame.index.names)

    def at_times(self, times: pd.Index) -> None:
        """Look rows up by other times, one for each: as a model reads them."""
        if times is not self.times:
            self.frame.index = pd.MultiIndex.from_arrays([self.ids, times], names=self._names)
            self.times = times

    def at(self, index: pd.Index) -> pd.DataFrame:
        """Return the rows at an (id, time) index, in their form; NaN where there is none."""
        rows = self.frame[~self.frame.index.duplicated()].reindex(index)
        id_col, time_col = self._keys
        if id_col is None:
            return rows
        rows.index.names = [id_col, rows.index.names[1] if time_col is None else time_col]
        return rows.reset_index(level=id_col if time_col is None else [id_col, time_col])

    def keyed(self, data: pd.DataFrame | pd.Series) -> tuple[pd.DataFrame, Any]:
        """Return rows of this form with an (id, time) index, and the name of the id."""
        id_col, time_col = self._keys
        if isinstance(data.index, pd.MultiIndex):
            frame = data.to_frame() if isinstance(data, pd.Series) else data.copy()
            return frame, "id" if data.index.names[0] is None else data.index.names[0]
        if id_col is None or (time_col is None and not are_times(data.index)):
            raise ValueError(
                "found rows of a panel without their ids and times, expected an (id, time) index, "
                "or the id_col of the model and its time_col or an index of time stamps"
            )
        if time_col is None:
            return data.set_index(id_col, append=True).swaplevel(), id_col
        return data.set_index([id_col, time_col]), id_col


class PanelLog:
    """Forecasts of a panel in the order they were issued, set beside the actuals at the end.

    Parameters
    ----------
    rows : KeyedRows
        That hold the actuals.
    coverages : sequence of float
        Of the intervals that stand beside the forecasts.
    """

    def __init__(self, rows: KeyedRows, coverages: Sequence[float] = ()):
        self._rows, self._data = rows, rows.frame
        self._coverages = [short(share) for share in dict.fromkeys(coverages)]
        self._edges = [f"{edge}_{share}" for share in self._coverages for edge in EDGES]
        self._issued: list[pd.DataFrame] = []
        self._p_values: list[np.ndarray] = []

    def add(
        self,
        position: int,
        cutoffs: pd.Series,
        forecast: pd.DataFrame,
        p_values: pd.DataFrame | None = None,
    ) -> None:
        """Note a frame of forecasts and the cutoff of each series, a Series by id.

        Beside it the p-values, by id, of the rows after these, if there are any.
        """
        frame, _ = self._rows.keyed(forecast)
        ids = frame.index.get_level_values(0)
        frame.insert(0, "cutoff", cutoffs.reindex(ids).array)
        frame.insert(1, "step", frame.groupby(level=0, sort=False).cumcount().to_numpy() + 1)
        self._issued.append(frame)
        if p_values is not None:
            found = p_values.reindex(ids).to_numpy(copy=True)
            found[frame["step"].to_numpy() > 1] = np.nan
            self._p_values.append(found)

    def naive_error(self, chosen: np.ndarray) -> pd.DataFrame:
        """Return the mean absolute change from row to row of the chosen rows, by id and target."""
        targets, chosen_rows = self._targets(), self._data[chosen]
        scales = {
            name: [mase_scale(rows[target].to_numpy(dtype=float)) for target in targets]
            for name, rows in chosen_rows.groupby(level=0, sort=False)
        }
        return pd.DataFrame.from_dict(scales, orient="index", columns=targets)

    def _targets(self) -> pd.Index:
        columns = self._issued[0].columns
        return columns[2 : 2 + (len(columns) - 2) // (1 + len(self._edges))]

    def result(
        self, model: Any, seconds_per_row: float, scale: pd.DataFrame | None = None
    ) -> PrequentialResult:
        """Set the forecasts beside the actuals, and score them.

        Parameters
        ----------
        model : estimator
        seconds_per_row : float
        scale : DataFrame, optional
            Of MASE, by id and target; by default that of all the data.

        Raises
        ------
        ValueError
            No stamp of a forecast lies in the data, or the data lack a target.
        """
        issued = pd.concat(self._issued)
        first = ~issued.set_index(["cutoff", "step"], append=True).index.duplicated()
        issued = issued[first]
        targets = self._targets()
        n_targets = len(targets)
        if len(missing := targets.difference(self._data.columns)):
            raise ValueError(
                f"data has the columns {list(self._data.columns)}; expected the targets "
                f"{list(targets)}, but {list(missing)} are missing. Pass data that hold them."
            )
        n_steps = int(issued["step"].max())
        rows = self._data.index.get_indexer(issued.index)
        if (rows < 0).all():
            raise ValueError(
                "no forecast could be scored: none of their ids and times is in the data; expected "
                "data that follow the fitted rows. Check ids, times and time zone."
            )
        observed = self._data[targets].to_numpy(dtype=float)
        actual = np.where((rows >= 0)[:, None], observed[rows], np.nan)
        forecast = issued[targets].to_numpy()
        edges = {
            name: issued[[column_of(target, name) for target in targets]].to_numpy()
            for name in self._edges
        }
        by_issue = -1, n_steps, len(targets)
        if scale is None:
            scale = self.naive_error(np.ones(len(self._data), dtype=bool))
        of_each = scale[list(targets)].reindex(issued.index.get_level_values(0)).to_numpy()
        bounds = {
            share: [edges[f"{edge}_{share}"].reshape(by_issue) for edge in EDGES]
            for share in self._coverages
        }
        values = actual.reshape(by_issue), forecast.reshape(by_issue)
        metrics = metric_table(*values, of_each.reshape(by_issue), targets, bounds)
        scored = np.flatnonzero(rows >= 0)
        p_values = {}
        if self._p_values:
            p_values = {"p_value": np.concatenate(self._p_values)[first][scored].ravel()}
        each = scored.repeat(n_targets)
        forecasts = pd.DataFrame(
            {
                self._rows.id_name: issued.index.get_level_values(0)[each],
                "cutoff": issued["cutoff"].array[each],
                "time": issued.index.get_level_values(1)[each],
                "step": issued["step"].to_numpy()[each],
                "target": targets.take(np.tile(np.arange(n_targets), len(scored))),
                "actual": actual[scored].ravel(),
                "forecast": forecast[scored].ravel(),
                **{name: values[scored].ravel() for name, values in edges.items()},
                **p_values,
            }
        )
        return PrequentialResult(forecasts, metrics, seconds_per_row, model)
