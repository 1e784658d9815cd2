"""Losses of a forecast, with a mask for targets that are not known."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from tsrnn.nn.checks import check_positive
from tsrnn.persistence.registry import saved


class Loss(ABC):
    """A mean, over the known entries, of a function of the error ``prediction - target``."""

    def __call__(
        self, prediction: np.ndarray, target: np.ndarray, mask: np.ndarray | None = None
    ) -> tuple[float, np.ndarray]:
        """Return the loss and its gradient.

        Parameters
        ----------
        prediction : ndarray of float
            Forecasts.
        target : ndarray, same shape
            What came. Where `mask` is False it is not looked at and may be NaN; a NaN elsewhere
            makes the loss NaN.
        mask : ndarray of bool, same shape, optional
            True where the target is known; None: everywhere.

        Returns
        -------
        value : float
            Mean over the known entries; 0.0 if there are none.
        d_prediction : ndarray
            Gradient of `value`; zero where the target is not known.

        Raises
        ------
        ValueError
            If the shapes differ or the mask is not boolean.
        """
        prediction = np.asarray(prediction)
        known = np.ones(prediction.shape, bool) if mask is None else np.asarray(mask)
        if not prediction.shape == np.shape(target) == known.shape or known.dtype != bool:
            raise ValueError(
                "prediction, target and a boolean mask must share one shape, found "
                f"{prediction.shape}, {np.shape(target)} and {known.shape} of {known.dtype}."
            )
        count = np.count_nonzero(known)
        if count == 0:
            return 0.0, np.zeros_like(prediction)
        error = np.zeros_like(prediction)
        np.subtract(prediction, target, out=error, where=known, casting="same_kind")
        value, slope = self.pointwise(error)
        # At an error of 0 the slope need not be 0 (quantile), so unknown entries are cleared.
        slope = np.where(known, slope / count, 0).astype(prediction.dtype, copy=False)
        return float(np.sum(value, where=known, dtype=np.float64) / count), slope

    @abstractmethod
    def pointwise(self, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return, entry by entry, the loss of an error and its derivative."""


@saved("squared-loss")
@dataclass(frozen=True)
class Squared(Loss):
    """Squared error e², smooth everywhere; its best forecast is the mean.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.nn import Squared
    >>> Squared()(np.array([1.0, 5.0]), np.array([3.0, np.nan]), np.array([True, False]))
    (4.0, array([-4.,  0.]))
    """

    def pointwise(self, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return e² and 2e."""
        return error * error, 2 * error


@saved("absolute-loss")
@dataclass(frozen=True)
class Absolute(Loss):
    """Absolute error ``|e|``; its best forecast is the median. At the kink, e = 0, the slope is 0.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.nn import Absolute
    >>> Absolute()(np.array([1.0, 2.0]), np.array([3.0, 2.0]))
    (1.0, array([-0.5,  0. ]))
    """

    def pointwise(self, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return ``|e|`` and its sign."""
        return np.abs(error), np.sign(error)


@saved("huber-loss")
@dataclass(frozen=True)
class Huber(Loss):
    """½ e² up to ``|e| = delta``, then the tangent ``delta (|e| - ½ delta)`` (Huber, 1964).

    The slope is continuous; at ``|e| = delta`` only the curvature jumps.

    Parameters
    ----------
    delta : float, default=1.0
        Largest slope; in units of the target.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.nn import Huber
    >>> Huber(2.0)(np.array([1.0, 5.0]), np.zeros(2))
    (4.25, array([0.5, 1. ]))
    """

    delta: float = 1.0

    def __post_init__(self) -> None:
        check_positive("delta", self.delta)

    def pointwise(self, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the loss, and the error clipped to [-delta, delta]."""
        slope = np.clip(error, -self.delta, self.delta)
        return slope * (error - 0.5 * slope), slope


@dataclass(frozen=True)
class Quantile(Loss):
    """Pinball loss, whose best forecast is a quantile (Koenker & Bassett, 1978).

    ``(1 - level) e`` for a forecast too high, ``-level e`` for one too low. At the kink, e = 0,
    the slope is that of a forecast too low.

    Parameters
    ----------
    level : float
        In (0, 1); 0.9 asks for a forecast that nine targets in ten stay below.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.nn import Quantile
    >>> Quantile(0.75)(np.array([4.0, 0.0]), np.array([0.0, 4.0]))
    (2.0, array([ 0.125, -0.375]))
    """

    level: float

    def __post_init__(self) -> None:
        if not 0 < check_positive("level", self.level) < 1:
            raise ValueError(f"level must lie between 0 and 1, found {self.level!r}.")

    def pointwise(self, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the loss, and 1 - level or -level."""
        slope = np.where(error > 0, 1 - self.level, -self.level).astype(error.dtype)
        return slope * error, slope


LOSSES: Mapping[str, Callable[..., Loss]] = MappingProxyType(
    {"squared": Squared, "absolute": Absolute, "huber": Huber, "quantile": Quantile}
)


def get_loss(loss: str | Loss) -> Loss:
    """Return the loss of that name, or the loss itself.

    Parameters
    ----------
    loss : str or Loss
        "squared", "absolute", "huber" or "huber:<delta>", "quantile:<level>"; or an instance.

    Raises
    ------
    ValueError
        If the name is unknown or its number is missing, superfluous or out of range.

    Examples
    --------
    >>> from tsrnn.nn import get_loss
    >>> get_loss("quantile:0.9")
    Quantile(level=0.9)
    """
    if isinstance(loss, Loss):
        return loss
    name, *number = str(loss).split(":")
    try:
        return LOSSES[name](*map(float, number))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            'loss must be "squared", "absolute", "huber", "huber:<delta>", "quantile:<level>" '
            f"with 0 < level < 1, or a Loss; found {loss!r}."
        ) from error
