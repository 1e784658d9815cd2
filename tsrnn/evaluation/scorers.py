"""Scorers of forecasters for scikit-learn's searches and cross-validation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from tsrnn.evaluation import metrics
from tsrnn.evaluation.prequential import prequential

POINT: dict[str, Callable[..., float]] = {
    "mae": metrics.mae,
    "mse": metrics.mse,
    "rmse": metrics.rmse,
    "smape": metrics.smape,
    "mase": metrics.mase,
    "pinball": metrics.pinball,
}
INTERVAL = ("coverage", "mean_width", "winkler")


@dataclass(frozen=True)
class ForecastScorer:
    """What `make_scorer` returns: called with a fitted forecaster and rows, it gives a score."""

    metric: str
    horizon: int | None = None
    coverage: float = 0.9
    quantile: float = 0.5

    def __call__(self, estimator: Any, X: Any, y: Any = None, **options: Any) -> float:
        """Return the score of a fitted forecaster on rows: the error, negated.

        Parameters
        ----------
        estimator : forecaster of tsrnn, or a pipeline that ends with one
        X, y
            Rows, as its ``predict`` takes them.
        **options
            ``ids``, where they come beside X.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            The horizon is longer than the forecaster's, or no row can be scored.
        TypeError
            It is no forecaster.
        """
        if type(estimator) is Pipeline:
            X, estimator = estimator[:-1].transform(X), estimator[-1]
        if not hasattr(estimator, "_outcome"):
            raise TypeError(
                f"found {type(estimator).__name__}, expected a forecaster of tsrnn; for others "
                "use the scorers of scikit-learn"
            )
        if self.metric in INTERVAL:
            return -self._error_of_intervals(estimator, X, y)
        outcome = estimator._outcome(X, y, **options)
        n_steps = self._n_steps(outcome.forecast.shape[2])
        actual, forecast = (a[..., :n_steps] for a in (outcome.actual, outcome.forecast))
        if np.isnan(actual).all():
            raise ValueError(
                f"found {len(actual)} rows, none of them with a known value within the horizon; "
                "score on more rows"
            )
        if self.metric == "pinball":
            return -metrics.pinball(actual, forecast, self.quantile)
        if self.metric == "mase":
            scale = _scale_of(estimator, outcome.ids, actual.shape)
            return -metrics.mase(np.where(np.isnan(scale), np.nan, actual), forecast, scale)
        return -POINT[self.metric](actual, forecast)

    def _error_of_intervals(self, estimator: Any, X: Any, y: Any) -> float:
        if y is not None:
            raise ValueError(
                f"found y and scoring by {self.metric!r}, expected the targets as columns of X, "
                "since rows are walked through one by one"
            )
        self._n_steps(estimator.horizon)
        table = prequential(estimator, X, learn=False, coverage=self.coverage).forecasts
        if self.horizon is not None:
            table = table[table["step"] <= self.horizon]
        share = f"{self.coverage:g}"
        actual, lower, upper = table["actual"], table[f"lower_{share}"], table[f"upper_{share}"]
        if self.metric == "coverage":
            return abs(metrics.coverage(actual, lower, upper) - self.coverage)
        if self.metric == "mean_width":
            return metrics.mean_width(lower, upper)
        return metrics.winkler(actual, lower, upper, self.coverage)

    def _n_steps(self, fitted: int) -> int:
        if self.horizon is not None and self.horizon > fitted:
            raise ValueError(
                f"found horizon={self.horizon} of the scorer, expected at most the forecaster's "
                f"{fitted}; pass a shorter one"
            )
        return fitted if self.horizon is None else self.horizon


def make_scorer(
    metric: str, horizon: int | None = None, *, coverage: float = 0.9, quantile: float = 0.5
) -> ForecastScorer:
    """Make a scorer of forecasts, as ``scoring=`` of scikit-learn's searches takes it.

    scikit-learn's own scorers compare the prediction of a row with the same row of ``y``; a
    forecaster predicts the rows that follow. Greater is better: errors are negated.

    Parameters
    ----------
    metric : str
        Name of a function of `tsrnn.metrics`: ``"mae"``, ``"mse"``, ``"rmse"``, ``"smape"``,
        ``"mase"`` (scale: the history that was fitted), ``"pinball"``; and of intervals
        ``"winkler"``, ``"mean_width"``, ``"coverage"`` (how far it is off). Those walk through the
        rows one by one, which must follow the fitted ones.
    horizon : int, optional
        Score the first steps alone; by default all that the forecaster has.
    coverage : float, default=0.9
        Of the intervals.
    quantile : float, default=0.5
        Of ``"pinball"``, which takes the forecast for that quantile.

    Returns
    -------
    ForecastScorer
        Called with a fitted forecaster and rows: targets and steps are pooled.

    Raises
    ------
    ValueError
        There is no such metric.

    Examples
    --------
    >>> from sklearn.model_selection import TimeSeriesSplit, cross_val_score
    >>> from tsrnn.baselines import NaiveForecaster
    >>> from tsrnn.datasets import load_water_flow
    >>> scores = cross_val_score(
    ...     NaiveForecaster(3), load_water_flow()[:300], cv=TimeSeriesSplit(2),
    ...     scoring=make_scorer("mae", horizon=1),
    ... )
    >>> scores.shape, bool((scores < 0).all())
    ((2,), True)
    """
    known = [*POINT, *INTERVAL]
    if metric not in known:
        raise ValueError(f"found metric={metric!r}, expected one of {known}; correct it")
    if horizon is not None and (not isinstance(horizon, (int, np.integer)) or horizon < 1):
        raise ValueError(f"found horizon={horizon!r}, expected a whole number of steps, or None")
    for name, share in (("coverage", coverage), ("quantile", quantile)):
        if not 0 < share < 1:
            raise ValueError(f"found {name}={share}, expected a number between 0 and 1")
    return ForecastScorer(metric, horizon, coverage, quantile)


def _scale_of(estimator: Any, ids: pd.Index | None, shape: tuple[int, ...]) -> np.ndarray:
    """Return the scale of MASE of each forecast, NaN of series that the history lacked."""
    scale = estimator.naive_error_
    by_target = scale.to_numpy() if ids is None else scale.reindex(ids).to_numpy()
    return np.broadcast_to(by_target[..., None], shape)
