"""Errors of point forecasts and of prediction intervals, as plain functions on arrays.

One rule for missing values holds everywhere. A NaN in ``actual`` is a value that was never
observed: it is left out, and where nothing is left the result is NaN, without a warning. A NaN
in a forecast or a bound is a forecast that failed: it makes the result NaN, so that no failure
is averaged away. (scikit-learn's metrics refuse NaN and infinity outright; one bad forecast
would cost the evaluation of a whole stream, which is why they are not used here.)

Arrays of any shape are accepted and all their values are averaged. Arrays of different shapes
are a ValueError: nothing is broadcast in silence.
"""

import numpy as np
from numpy.typing import ArrayLike


def mae(actual: ArrayLike, forecast: ArrayLike) -> float:
    """Mean absolute error, ``mean(|y - f|)``.

    Parameters
    ----------
    actual, forecast : array-like of one shape
        Observed values y (NaN where missing) and forecasts f.

    Returns
    -------
    float
        In the unit of the data; NaN if no actual is known.

    Examples
    --------
    >>> mae([1.0, 2.0, float("nan")], [2.0, 4.0, 9.0])
    1.5
    """
    actual, forecast = _known(actual, forecast=forecast)
    return _mean(np.abs(actual - forecast))


def mse(actual: ArrayLike, forecast: ArrayLike) -> float:
    """Mean squared error, ``mean((y - f)²)``.

    Parameters, missing values and errors as in :func:`mae`.

    Examples
    --------
    >>> mse([1.0, 2.0], [2.0, 5.0])
    5.0
    """
    actual, forecast = _known(actual, forecast=forecast)
    with np.errstate(over="ignore"):  # a diverged forecast scores inf
        return _mean((actual - forecast) ** 2)


def rmse(actual: ArrayLike, forecast: ArrayLike) -> float:
    """Root mean squared error, sqrt(mean((y - f)²)), in the unit of the data.

    Parameters, missing values and errors as in :func:`mae`.

    Examples
    --------
    >>> rmse([1.0, 2.0], [2.0, 9.0])
    5.0
    """
    return float(np.sqrt(mse(actual, forecast)))


def smape(actual: ArrayLike, forecast: ArrayLike) -> float:
    """Symmetric mean absolute percentage error, ``mean(200 |y - f| / (|y| + |f|))``.

    The definition of the M3 and M4 competitions [1]_: between 0 and 200 percent. Where both
    values are 0 the term counts 0.

    Parameters, missing values and errors as in :func:`mae`.

    References
    ----------
    .. [1] Makridakis & Hibon (2000), International Journal of Forecasting 16(4), 451-476.

    Examples
    --------
    >>> smape([0.0, 1.0], [0.0, 3.0])
    50.0
    """
    actual, forecast = _known(actual, forecast=forecast)
    size = np.abs(actual) + np.abs(forecast)
    with np.errstate(invalid="ignore"):  # inf / inf: NaN
        ratio = np.divide(np.abs(actual - forecast), size, out=np.zeros_like(size), where=size != 0)
    return 200 * _mean(ratio)


def mase_scale(history: ArrayLike, season: int = 1) -> float:
    """Mean absolute seasonal difference of a history, ``mean(|y_t - y_{t-season}|)``.

    It is the error, over that history, of repeating the value one season ago [1]_.

    Parameters
    ----------
    history : array-like of shape (n_rows,)
        One series in order of time; a difference with a NaN at either end is left out.
    season : int, default=1
        Rows in a season; 1 compares neighbours.

    Returns
    -------
    float
        NaN if there is no pair of known values one season apart.

    References
    ----------
    .. [1] Hyndman & Koehler (2006), International Journal of Forecasting 22(4), 679-688.

    Examples
    --------
    >>> mase_scale([1.0, 3.0, 2.0, 6.0], season=2)
    2.0
    """
    history = np.asarray(history, dtype=float)
    if history.ndim != 1 or season < 1:
        raise ValueError(
            f"history has shape {history.shape} and season is {season}; expected one series, "
            "(n_rows,), and a season of 1 row or more. Call mase_scale on each column."
        )
    changes = history[season:] - history[:-season]
    return _mean(np.abs(changes[~np.isnan(changes)]))


def mase(actual: ArrayLike, forecast: ArrayLike, scale: ArrayLike) -> float:
    """Mean absolute scaled error, ``mean(|y - f| / scale)``; 1 is the naive forecast's.

    Source: [1]_.

    Parameters
    ----------
    actual, forecast : array-like of one shape
        Observed values y (NaN where missing) and forecasts f.
    scale : float or array-like that broadcasts to the shape of `actual`
        Usually :func:`mase_scale` of the history before the forecasts, one for each series.
        Where it is 0 (a constant history) an error counts inf and no error counts NaN.

    References
    ----------
    .. [1] Hyndman & Koehler (2006), International Journal of Forecasting 22(4), 679-688.

    Examples
    --------
    >>> mase([4.0, 5.0], [3.0, 3.0], scale=mase_scale([1.0, 2.0, 3.0]))
    1.5
    """
    scale = np.broadcast_to(np.asarray(scale, dtype=float), np.shape(actual))
    actual, forecast, scale = _known(actual, forecast=forecast, scale=scale)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _mean(np.abs(actual - forecast) / scale)


def pinball(actual: ArrayLike, forecast: ArrayLike, quantile: float) -> float:
    """Mean pinball (quantile) loss, ``mean(max(q (y - f), (q - 1) (y - f)))``.

    Source: [1]_.

    Parameters
    ----------
    actual, forecast : array-like of one shape
        Observed values y (NaN where missing) and forecasts f of the quantile.
    quantile : float
        The quantile q, inside (0, 1). At 0.5 the loss is half the absolute error.

    References
    ----------
    .. [1] Koenker & Bassett (1978), Econometrica 46(1), 33-50.

    Examples
    --------
    >>> pinball([1.0, 2.0], [2.0, 1.0], quantile=0.75)
    0.5
    """
    _check_fraction("quantile", quantile)
    actual, forecast = _known(actual, forecast=forecast)
    error = actual - forecast
    return _mean(np.where(error >= 0, quantile, quantile - 1) * error)


def coverage(actual: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> float:
    """Share of the actuals inside their interval, mean(l <= y <= u).

    Parameters
    ----------
    actual, lower, upper : array-like of one shape
        Observed values y (NaN where missing) and the bounds l and u, which belong to the interval.

    Examples
    --------
    >>> coverage([1.0, 2.0, 3.0, 9.0], [0.0, 0.0, 3.0, 0.0], [1.0, 1.5, 4.0, 10.0])
    0.75
    """
    actual, lower, upper = _known(actual, lower=lower, upper=upper)
    failed = np.isnan(lower) | np.isnan(upper)
    return _mean(np.where(failed, np.nan, (lower <= actual) & (actual <= upper)))


def mean_width(lower: ArrayLike, upper: ArrayLike) -> float:
    """Mean width of intervals, mean(u - l), in the unit of the data.

    Parameters
    ----------
    lower, upper : array-like of one shape
        Bounds l and u of the intervals.

    Examples
    --------
    >>> mean_width([0.0, 1.0], [2.0, 5.0])
    3.0
    """
    lower, upper = _same_shape(lower=lower, upper=upper)
    return _mean(upper - lower)


def winkler(actual: ArrayLike, lower: ArrayLike, upper: ArrayLike, coverage: float) -> float:
    """Mean interval score of Winkler: the width, and a fine for each actual outside.

    ``mean((u - l) + 2/α · max(l - y, 0) + 2/α · max(y - u, 0))``, α = 1 - coverage [1]_. A proper
    score [2]_, in the unit of the data: least, on average, for the true quantiles α/2 and 1 - α/2.

    Parameters
    ----------
    actual, lower, upper : array-like of one shape
        Observed values y (NaN where missing) and the bounds l and u.
    coverage : float
        What the intervals aim at, inside (0, 1), such as 0.9.

    References
    ----------
    .. [1] Winkler (1972), Journal of the American Statistical Association 67(337), 187-191.
    .. [2] Gneiting & Raftery (2007), Journal of the American Statistical Association 102(477),
       359-378.

    Examples
    --------
    >>> winkler([1.0, 5.0], [0.0, 0.0], [2.0, 2.0], coverage=0.5)
    8.0
    """
    _check_fraction("coverage", coverage)
    actual, lower, upper = _known(actual, lower=lower, upper=upper)
    outside = np.maximum(lower - actual, 0) + np.maximum(actual - upper, 0)
    return _mean((upper - lower) + 2 / (1 - coverage) * outside)


def _same_shape(**arrays: ArrayLike) -> tuple[np.ndarray, ...]:
    """Give the named arrays back as float arrays; ValueError unless they share one shape."""
    values = {name: np.asarray(array, dtype=float) for name, array in arrays.items()}
    if len({array.shape for array in values.values()}) > 1:
        found = ", ".join(f"{name} {array.shape}" for name, array in values.items())
        raise ValueError(
            f"shapes differ: {found}; expected one shape for all. "
            "Align the arrays first; a value that is missing is NaN in actual."
        )
    return tuple(values.values())


def _known(actual: ArrayLike, **others: ArrayLike) -> tuple[np.ndarray, ...]:
    """Give `actual` and the named others back, flat, where `actual` is not NaN."""
    arrays = _same_shape(actual=actual, **others)
    known = ~np.isnan(arrays[0])
    return tuple(array[known] for array in arrays)


def _mean(losses: np.ndarray) -> float:
    return float(losses.mean()) if losses.size else float("nan")


def _check_fraction(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ValueError(f"{name} is {value}; expected a number between 0 and 1, such as 0.9.")
