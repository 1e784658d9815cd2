"""A saved forecaster, and how the rows to come are to be read for it."""

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from tsrnn.persistence import read

from .frames import Source
from .times import TimeOptions


def read_forecaster(path):
    """Return the `Checkpoint` of a fitted forecaster.

    Raises
    ------
    ValueError
        The file holds something else.
    """
    saved = read(path)
    check_is_fitted(saved.model)
    if not hasattr(saved.model, "forecast"):
        raise ValueError(
            f"{path} holds a {type(saved.model).__name__}, expected a forecaster; use it in Python"
        )
    return saved


def source_of(saved, args):
    """Return how rows are to be read: as at fit, unless the arguments say otherwise.

    Raises
    ------
    ValueError
        The model was fitted on an array, or with its targets apart, or is a panel.
    """
    model, notes = saved.model, saved.notes.get("source", {})
    names = list(getattr(model, "feature_names_in_", ()))
    ahead = blank_forecast(model)
    if not names or not set(ahead.columns) <= set(names):
        raise ValueError(
            "found a model of an array, or of X and y, expected one of a DataFrame that holds its "
            "targets; fit it by 'tsrnn fit', or on such a frame"
        )
    dated = isinstance(model.cutoff_, pd.Timestamp)
    columns = notes.get("time") or [ahead.index.name or "time"]
    if args.time is not None:
        columns = [args.time] if args.time == columns[0] else args.time.split(",")
    time = TimeOptions(
        columns if dated else [],
        args.time_format or notes.get("time_format"),
        model.cutoff_.tz if dated else None,
        strict=True,
    )
    sep = (args.sep or notes.get("sep", ",")).replace("\\t", "\t")
    return Source([str(name) for name in names], time, sep, notes.get("header"))


def blank_forecast(model):
    """Return a forecast without its values: its columns are the targets, its index has its name.

    A model that must be told what is known ahead has no forecast of its own; its targets are
    then those of its parameters.
    """
    if model.cutoff_ is None or known_ahead(model):
        targets = [] if model.target is None else np.atleast_1d(model.target)
        return pd.DataFrame(columns=targets)
    return model.forecast(1)[:0]


def known_ahead(model):
    """Return the columns whose values a forecast must be told."""
    return list(getattr(model, "future_cols", None) or ())
