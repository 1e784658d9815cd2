"""The scikit-learn estimators: what a user fits, updates and forecasts with."""

from tsrnn.estimators import ahead

__all__ = ["ahead"]
