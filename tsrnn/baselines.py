"""Simple forecasters to hold the recurrent one against, with the same methods."""

from tsrnn.estimators.baselines import LinearForecaster, NaiveForecaster, SeasonalNaiveForecaster

__all__ = ["LinearForecaster", "NaiveForecaster", "SeasonalNaiveForecaster"]
