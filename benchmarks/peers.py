"""Forecasters of river behind the four methods that the benchmark needs.

Each is given the best of a few settings, by its error on the newest quarter of the history.
"""

import copy
import itertools

import numpy as np
import pandas as pd
from river import linear_model, optim, preprocessing, time_series


class Peer:
    """A forecaster of river on a one-column frame; a missing value is replaced by its forecast."""

    def __init__(self, horizon):
        self.horizon = horizon

    def fit(self, history):
        """Choose a setting, and learn the history with it."""
        n_fit = len(history) * 3 // 4
        best = np.inf
        for setting in self.settings():
            model = self._start(setting, history.iloc[:n_fit])
            error = self._error(model, history.iloc[n_fit:])
            if error < best:
                best, self.setting = error, setting
        self.model = self._start(self.setting, history)
        return self

    def partial_fit(self, rows):
        """Learn rows."""
        for value in rows.iloc[:, 0]:
            self._learn(self.model, value)
        return self._at(rows)

    def forecast(self):
        """Forecast the horizon."""
        values = np.asarray(self.model.forecast(horizon=self.horizon)) * self.scale + self.mean
        index = self.cutoff_ + self.step * np.arange(1, self.horizon + 1)
        return pd.DataFrame({self.name: values}, index=pd.DatetimeIndex(index))

    def _start(self, setting, history):
        values = history.iloc[:, 0]
        self.name, self.mean, self.scale = values.name, values.mean(), values.std()
        self.step = history.index[1] - history.index[0]
        model = self.make(**setting)
        for value in values.ffill().bfill():
            self._learn(model, value)
        self._at(history)
        return model

    def _learn(self, model, value):
        if np.isnan(value):
            value = model.forecast(horizon=1)[0]
        else:
            value = (value - self.mean) / self.scale
        model.learn_one(float(np.clip(value, -50.0, 50.0)))

    def _error(self, model, rows, every=23):
        """Mean squared error over the horizon from every 23rd row."""
        model, squares = copy.deepcopy(model), []
        scaled = ((rows.iloc[:, 0] - self.mean) / self.scale).to_numpy()
        for row in range(len(scaled) - self.horizon):
            if row % every == 0:
                ahead = model.forecast(horizon=self.horizon)
                squares.append(np.square(scaled[row : row + self.horizon] - ahead))
            self._learn(model, rows.iloc[row, 0])
        with np.errstate(over="ignore"):
            error = np.nanmean(squares)
        return error if np.isfinite(error) else np.inf

    def _at(self, rows):
        self.cutoff_ = rows.index[-1]
        return self


class Snarimax(Peer):
    """SNARIMAX of a day of lags, seasonal terms or none, by online linear regression."""

    def settings(self):
        """Return the settings to choose from."""
        grid = itertools.product((0, 1), (0, 7), (0.001, 0.01))
        return [{"d": d, "sp": sp, "rate": rate} for d, sp, rate in grid]

    def make(self, d, sp, rate):
        """Return a model."""
        regression = linear_model.LinearRegression(
            optimizer=optim.SGD(rate), intercept_lr=rate, l2=1e-4, clip_gradient=10.0
        )
        regressor = preprocessing.StandardScaler() | regression
        season = {"m": 24, "sp": sp} if sp else {}
        return time_series.SNARIMAX(p=24, d=d, q=0, regressor=regressor, **season)


class HoltWinters(Peer):
    """Additive exponential smoothing with a season of a day or a week."""

    def settings(self):
        """Return the settings to choose from."""
        grid = itertools.product((0.1, 0.5, 0.9), (0.001, 0.01), (0.2,), (24, 168))
        return [
            {"alpha": alpha, "beta": beta, "gamma": gamma, "seasonality": season}
            for alpha, beta, gamma, season in grid
        ]

    def make(self, **setting):
        """Return a model."""
        return time_series.HoltWinters(**setting)
