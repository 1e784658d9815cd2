"""Forecaster and regressor in river's streaming API: rows are dicts, one at a time.

Installed by ``pip install "tsrnn[river]"``.
"""

from collections.abc import Iterator
from typing import Any

import pandas as pd
from sklearn.base import clone

from tsrnn.estimators.forecaster import RNNForecaster
from tsrnn.estimators.regressor import RNNRegressor
from tsrnn.integrations import extra

with extra("river"):
    from river.base import Regressor
    from river.time_series.base import Forecaster


class _WarmUp:
    """Hold back the first rows, fit a copy of the model on them, then learn row by row."""

    def __init__(self, model, warm_up):
        self.model = model
        self.warm_up = warm_up
        self._fitted = None
        self._held = []  # rows (times, X, y) before there are warm_up of them
        self._features = None  # keys of a row, in the order of columns
        self._n_rows = 0

    @property
    def fitted_model(self):
        """The fitted tsrnn estimator, such as for intervals and `save`; None in the warm-up."""
        return self._fitted

    def _learn(self, time, x, y):
        """Learn a row. A call that raises has changed nothing."""
        features = self._features
        if features is None:
            features = sorted(x, key=str)
        self._require_features(x, features)
        row = time, [x[name] for name in features], float("nan" if y is None else y)
        if self._fitted is not None:
            self._fitted.partial_fit(*self._data([row], features))
        elif len(self._held) + 1 < self.warm_up:
            self._held.append(row)
        else:
            self._fitted = clone(self.model).fit(*self._data([*self._held, row], features))
            self._held = []
        self._features = features
        self._n_rows += 1

    def _data(self, rows, features):
        """Return rows as X and y, or as X alone where there are no inputs."""
        times, inputs, targets = zip(*rows, strict=True)
        first = self._n_rows + 1 - len(rows)
        index = pd.RangeIndex(first, first + len(rows)) if times[0] is None else pd.Index(times)
        y = pd.Series(targets, index, name="y")
        return (pd.DataFrame(list(inputs), index, features), y) if features else (y,)

    def _require_features(self, x, features):
        if x.keys() != set(features):
            missing = [name for name in features if name not in x]
            unknown = [name for name in x if name not in features]
            raise ValueError(
                f"found a row without the keys {missing} and with the new keys {unknown}, expected "
                f"{features}, as in the first row; pass None for what is missing, and drop what "
                "is new"
            )


class RiverForecaster(_WarmUp, Forecaster):
    """A `tsrnn.RNNForecaster` of one stream as a forecaster of river.

    The first ``warm_up`` rows are held back and then fitted together; until then forecasts are 0.
    From there on the model learns from every row as it arrives.

    Parameters
    ----------
    model : RNNForecaster
        Not fitted; it stays so, as a copy learns. Its ``horizon`` is the longest forecast. Of the
        features of a row, its ``future_cols`` are known ahead, and the others are past inputs.
    warm_up : int, default=200
        Rows of the history that ``fit`` learns from, at least ``model.horizon + 2``.
    time : hashable, optional
        Key of a row's time stamp. Without it rows are counted, and there is no calendar.

    Attributes
    ----------
    fitted_model : RNNForecaster or None
        The model that learns; its own ``forecast`` gives intervals. None in the warm-up.

    Raises
    ------
    ValueError
        In ``learn_one``: the keys of a row are not those of the first, or what ``partial_fit``
        refuses. In ``forecast``: ``horizon`` is longer than the model's, or ``xs`` lacks something.

    Examples
    --------
    >>> from tsrnn import RNNForecaster, datasets
    >>> from tsrnn.integrations.river import RiverForecaster
    >>> flow = datasets.load_water_flow().interpolate()["flow"][:240]
    >>> forecaster = RNNForecaster(3, hidden_size=4, max_iter=3, random_state=0)
    >>> model = RiverForecaster(forecaster, warm_up=200, time="time")
    >>> for time, value in flow.items():
    ...     model.learn_one(value, {"time": time})
    >>> len(model.forecast(3))
    3
    """

    def __init__(self, model: RNNForecaster, warm_up: int = 200, time: Any = None):
        super().__init__(model, warm_up)
        self.time = time
        if model.id_col is not None:
            raise ValueError(
                f"found a model with id_col={model.id_col!r}, expected one of a single stream, as "
                "river's forecasters are; drop id_col, and keep a forecaster for each series"
            )

    def learn_one(self, y: float | None, x: dict[Any, Any] | None = None) -> None:
        """Learn a row.

        Parameters
        ----------
        y : float or None
            The value of the stream; None or NaN where it is missing.
        x : dict, optional
            Features of the row, and its time stamp.
        """
        self._learn(*self._apart(x), y)

    def forecast(self, horizon: int, xs: list[dict[Any, Any]] | None = None) -> list[float]:
        """Forecast the next values. The model stays as it was.

        Parameters
        ----------
        horizon : int
            Steps ahead.
        xs : list of dict, optional
            Features of each of these rows. Those that the model does not know ahead are not used;
            rows with time stamps are picked by them.

        Returns
        -------
        list of float
        """
        if xs is not None and len(xs) != horizon:
            raise ValueError(
                f"found xs of {len(xs)} rows, expected horizon={horizon}; pass the features of "
                "each row that is to be forecast"
            )
        if self._fitted is None:
            return [0.0] * horizon
        future = None
        if self.model.future_cols is not None and xs is not None:
            times, rows = zip(*map(self._apart, xs), strict=True)
            counted = self.time is None
            index = self._fitted.future_index(horizon) if counted else pd.Index(times)
            future = pd.DataFrame(list(rows), index)
        values: list[float] = self._fitted.forecast(horizon, future).iloc[:, 0].tolist()
        return values

    def _apart(self, x):
        """Return the time stamp and the features of a row."""
        features = dict(x or {})
        if self.time is None:
            return None, features
        if self.time not in features:
            raise ValueError(
                f"found a row with the keys {list(features)}, expected the time stamp "
                f"{self.time!r} among them; add it, or leave time= out to count rows"
            )
        return features.pop(self.time), features

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        small = {"hidden_size": 2, "max_iter": 2, "random_state": 0}
        yield {"model": RNNForecaster(3, **small), "warm_up": 6}
        yield {"model": RNNForecaster(3, future_cols="period", **small), "warm_up": 6}


class RiverRegressor(_WarmUp, Regressor):
    """A `tsrnn.RNNRegressor` as a regressor of river.

    Rows are consecutive steps of one stream. The first ``warm_up`` rows are held back and then
    fitted together; until then predictions are 0. From there on the model learns from every row.

    Parameters
    ----------
    model : RNNRegressor
        Not fitted; it stays so, as a copy learns.
    warm_up : int, default=200
        Rows of the history that ``fit`` learns from, at least ``model.lags + 2``.

    Attributes
    ----------
    fitted_model : RNNRegressor or None
        The model that learns; its own ``predict_interval`` gives intervals. None in the warm-up.

    Raises
    ------
    ValueError
        The keys of a row are not those of the first, or ``partial_fit`` refuses the row. What is
        missing in a row is passed as None.

    Examples
    --------
    >>> from tsrnn import RNNRegressor
    >>> from tsrnn.integrations.river import RiverRegressor
    >>> model = RiverRegressor(RNNRegressor(hidden_size=4, max_iter=3, random_state=0), warm_up=60)
    >>> model.predict_one({"x": 2.0})
    0.0
    >>> for row in range(100):
    ...     model.learn_one({"x": row % 7}, 3.0 * (row % 7))
    >>> round(model.predict_one({"x": 2.0}))
    6
    """

    def __init__(self, model: RNNRegressor, warm_up: int = 200):
        super().__init__(model, warm_up)

    def learn_one(self, x: dict[Any, Any], y: float) -> None:
        """Learn a row.

        Parameters
        ----------
        x : dict
            Features of the row; None or NaN where one is missing.
        y : float
        """
        self._learn(None, x, y)

    def predict_one(self, x: dict[Any, Any]) -> float:
        """Estimate y for the next row. The model stays as it was.

        Parameters
        ----------
        x : dict

        Returns
        -------
        float
        """
        if self._features is not None:
            self._require_features(x, self._features)
        if self._fitted is None:
            return 0.0
        index = pd.RangeIndex(self._n_rows, self._n_rows + 1)
        row = pd.DataFrame([[x[name] for name in self._features]], index, self._features)
        return float(self._fitted.predict(row)[0])

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        yield {"model": RNNRegressor(hidden_size=2, max_iter=2, random_state=0), "warm_up": 50}

    def _unit_test_skips(self) -> set[str]:
        """Skip what river's own adapter to scikit-learn skips: a row has the keys of the first."""
        return {
            "check_emerging_features",
            "check_disappearing_features",
            "check_radically_disappearing_features",
        }
