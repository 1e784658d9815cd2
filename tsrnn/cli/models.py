"""A saved forecaster, and how the rows to come are to be read for it."""

from contextlib import suppress

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from tsrnn.cli.io.fields import text_id, whole_id
from tsrnn.cli.io.source import Source
from tsrnn.cli.io.times import TimeOptions
from tsrnn.persistence import read


def read_forecaster(path, snap=None):
    """Return the `Checkpoint` of a fitted forecaster, with another ``snap`` where one is given.

    Raises
    ------
    ValueError
        The file holds something else, or ``snap`` is no tolerance.
    """
    saved = read(path)
    check_is_fitted(saved.model)
    if not hasattr(saved.model, "forecast"):
        raise ValueError(
            f"{path} holds a {type(saved.model).__name__}, expected a forecaster; use it in Python"
        )
    if snap is not None:
        saved.model.set_params(snap=snap)
    return saved


def source_of(saved, args):
    """Return how rows are to be read: as at fit, unless the arguments say otherwise.

    Raises
    ------
    ValueError
        The model was fitted on an array, or with its targets apart, or on a panel without id_col.
    """
    model, notes = saved.model, saved.notes.get("source", {})
    names = list(getattr(model, "feature_names_in_", ()))
    ahead = blank_forecast(model)
    if not names or not set(ahead.columns) <= set(names):
        raise ValueError(
            "found a model of an array, or of X and y, expected one of a DataFrame that holds its "
            "targets; fit it by 'tsrnn fit', or on such a frame"
        )
    cutoff, panel = newest(model), is_panel(model)
    if panel and model.id_col is None:
        raise ValueError(
            "found a model of a panel whose ids were levels of an index, or beside X; expected "
            "one fitted with id_col; fit it by 'tsrnn fit --id', or on frame.reset_index()"
        )
    if args.id is not None and not panel:
        raise ValueError(f"found --id {args.id} and a model of one series; leave --id out")
    dated = isinstance(cutoff, pd.Timestamp)
    columns = notes.get("time") or [ahead.index.name or "time"]
    if args.time is not None:
        columns = [args.time] if args.time == columns[0] else args.time.split(",")
    time = TimeOptions(
        columns if dated else [],
        args.time_format or notes.get("time_format"),
        cutoff.tz if dated else None,
        strict=True,
        precision=args.precision or notes.get("precision", "ns"),
    )
    sep = (args.sep or notes.get("sep", ",")).replace("\\t", "\t")
    called = {str(name): name for name in names}
    id_col = (args.id or str(model.id_col)) if panel else None
    if panel:
        called[id_col] = model.id_col
        if dated and model.time_col is not None:
            called[None] = model.time_col
    categories = [x for text in args.categories or () for x in text.split(",")]
    return Source(
        [str(name) for name in names],
        time,
        sep,
        notes.get("header"),
        categories or notes.get("categories", ()),
        id_col,
        called,
        whole_id if panel and model.cutoff_.index.dtype.kind in "iu" else text_id,
    )


def is_panel(model):
    """Whether a fitted forecaster holds many series."""
    return isinstance(model.cutoff_, pd.Series)


def newest(model):
    """Return the cutoff; of a panel the newest one."""
    return model.cutoff_.max() if is_panel(model) else model.cutoff_


def numbered(rows, model):
    """Return rows without time stamps, numbered on from the last one that the model has seen."""
    if is_panel(model) or model.cutoff_ is None:
        return rows.reset_index(drop=True)
    first = model.future_index(1)[0]
    step = first - model.cutoff_
    return rows.set_axis(pd.RangeIndex(first, first + step * len(rows), step))


def on_grid(index, model):
    """Return time stamps moved onto the frequency of a model that snaps them; others as they are.

    Parameters
    ----------
    index : DatetimeIndex
    model : forecaster
        Fitted.
    """
    if getattr(model, "snap", None) is None or not isinstance(newest(model), pd.Timestamp):
        return index
    axis, moved = model._reader.axis, []
    for stamp in index:
        with suppress(ValueError):  # too far off: the model refuses the row
            stamp = axis.label(axis.stamps_at(axis.positions(pd.DatetimeIndex([stamp])))[0])
        moved.append(stamp)
    return pd.DatetimeIndex(moved, tz=index.tz).as_unit(index.unit)


def by_time(forecast, model):
    """Return a forecast by time, as of one stream; of a panel without the ids."""
    if not is_panel(model):
        return forecast
    if model.time_col is not None:
        forecast = forecast.set_index(model.time_col)
    return forecast.drop(columns=model.id_col)


def blank_forecast(model):
    """Return a forecast without its values: its columns are the targets, its index has its name."""
    if model.cutoff_ is None:
        return pd.DataFrame(columns=[] if model.target is None else np.atleast_1d(model.target))
    options = {"coverage": []} if hasattr(model, "coverage") else {}
    if known_ahead(model):
        options["X_future"] = unknown_ahead(model, 1)
    ahead = model.forecast(1, **options)[:0]
    if is_panel(model):
        own = [name for name in (model.id_col, model.time_col) if name in ahead]
        name = ahead.index.names[-1] if model.time_col is None else model.time_col
        ahead = ahead.drop(columns=own).set_axis(pd.Index([], name=name))
    return ahead


def known_ahead(model):
    """Return the columns whose values a forecast must be given."""
    columns = getattr(model, "future_cols", None)
    if columns is None:
        return []
    several = isinstance(columns, (list, tuple, np.ndarray, pd.Index))
    return list(columns) if several else [columns]


def unknown_ahead(model, horizon=None):
    """Return an X_future of all that a model can forecast, of which nothing is known."""
    index, columns = model.future_index(horizon), known_ahead(model)
    values = np.full((len(index), len(columns)), np.nan)
    if getattr(model, "feature_names_in_", None) is None:
        return values
    return pd.DataFrame(values, index, columns)


def source_ahead(saved, args):
    """Return how the rows of ``--future`` are to be read.

    Raises
    ------
    ValueError
        As in `source_of`, or no input is known ahead.
    """
    columns = known_ahead(saved.model)
    if not columns:
        raise ValueError(
            f"found --future {args.future} and a model to which no column is known ahead; leave "
            "it out, or name the columns at fit: --future-cols"
        )
    return source_of(saved, args)._replace(columns=[str(name) for name in columns])
