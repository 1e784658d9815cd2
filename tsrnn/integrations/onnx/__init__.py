"""The step of a stream as an ONNX graph: update and forecast where tsrnn does not run.

Installed by ``pip install "tsrnn[onnx]"``.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from tsrnn.estimators.forecaster import RNNForecaster
from tsrnn.frames.groups import NEVER
from tsrnn.frames.scaling import Scaling
from tsrnn.frames.types import Data
from tsrnn.integrations import extra
from tsrnn.kernels.numpy_.seasons import looked_back
from tsrnn.online.storage.values import twin
from tsrnn.online.wall_clock import OnWallClock
from tsrnn.persistence.atomic import replacing

with extra("onnx"):
    from tsrnn.integrations.onnx import graph as g

from tsrnn.integrations.onnx.experts import Counted, per_step, readouts, repeats, smoothing
from tsrnn.integrations.onnx.mixture import mixed
from tsrnn.integrations.onnx.rows import Seen, filtered, hidden_features, restored, transformed

__all__ = ["OnnxStep", "export"]

#: What an estimator does and a graph does not.
LEFT_OUT = (
    "learning: the graph follows update(), not partial_fit()",
    "intervals, quantiles and the drift log",
    "the watch for stuck sensors: what one repeats counts as it comes",
    "filling of gaps and dropping of late rows: every row is the one after the last",
)


class OnnxStep:
    """The step that `export` has written to a file, with what Python does around it.

    It reads a row as the estimator would, runs the graph, and puts the forecast into a frame. It
    can be pickled. Without it, in another language, run the graph itself: `inputs` tells what to
    feed.

    Attributes
    ----------
    experts : list of str
        Those that are mixed.
    inputs : dict of list of str
        What the graph wants of a row, in this order: the values of ``targets`` and ``inputs`` in
        their units, NaN where missing, and the ``calendar`` of the step after the row.
    left_out : tuple of str
        What the estimator does and the graph does not.
    """

    def __init__(self, model, start, experts, inputs):
        reader = model._reader
        n_inputs = len(reader.columns.expanded_names)
        as_it_is = Scaling(np.zeros(n_inputs), np.ones(n_inputs))  # the graph scales
        self.experts, self.inputs, self.left_out = experts, inputs, LEFT_OUT
        self._reader, self._writer = replace(reader, input_scaling=as_it_is), model._writer
        self._model, self._start = twin(model), start
        self._ids = model._state.ids
        self._first = int(model._state.learner.heads[0]) - int(start["n_rows"][0])
        del self._model._state  # all that is needed of it is in the graph

    def initial_state(self) -> dict[str, np.ndarray]:
        """Return the state of the estimator at the export: arrays by the names of inputs."""
        return {name: array.copy() for name, array in self._start.items()}

    def step(
        self, session: Any, state: dict[str, np.ndarray], row: Data, y: Data | None = None
    ) -> tuple[Any, dict[str, np.ndarray]]:
        """Take in a row and forecast, as ``update(row)`` and ``forecast()`` would.

        Parameters
        ----------
        session : onnxruntime.InferenceSession
            Of the exported file.
        state : dict of ndarray
            `initial_state`, or what the step before has returned. It stays as it was.
        row : DataFrame, Series or array of one row
            The one after the last; its values are NaN where they are missing.
        y : optional
            Its targets, where they came as ``y`` at fit.

        Returns
        -------
        forecast : DataFrame of shape (horizon, n_targets)
        state : dict of ndarray
            To go on from.

        Raises
        ------
        ValueError
            It is not one row, not the next one, or not like those of ``fit``; or `state` is none
            of this step.
        """
        if state.keys() != self._start.keys():
            raise ValueError(
                f"found a state of {sorted(state)[:3]} ..., expected {sorted(self._start)}; pass "
                "initial_state(), or what the step before has returned"
            )
        rows = self._reader.read(self._model, row, y)
        if len(rows.targets) != 1:
            raise ValueError(
                f"found {len(rows.targets)} rows, expected one; call step() for each of them"
            )
        axis, head = self._reader.axis, self._first + int(state["n_rows"][0])
        position = int(self._reader.positions(rows, np.zeros(1, int), np.array([head]))[0])
        if position != head + 1:
            expected = axis.label(axis.stamps_at(np.array([head + 1]))[0])
            remedy = (
                "leave out rows that were seen before"
                if position <= head
                else "take a step for each missing row too, with values of NaN"
            )
            raise ValueError(
                f"found a row at {rows.times[0]}, expected the one after the last, at {expected}; "
                f"{remedy}"
            )
        calendar = self._reader.calendar_after(position, 1)
        values = {"targets": rows.targets[0], "inputs": rows.inputs[0], "calendar": calendar[0]}
        forecast, *after = session.run(None, {name: values[name] for name in self.inputs} | state)
        names = self._reader.columns.target_names
        frame = self._writer.native_forecast(
            self._ids, np.array([position]), forecast.T[None], names
        )
        return frame, dict(zip(self._start, after, strict=True))


def export(
    model: RNNForecaster,
    path: str | os.PathLike[str],
    *,
    experts: Sequence[str] | None = None,
) -> OnnxStep:
    """Write the whole step of a stream to an ONNX file: what ``update`` and ``forecast`` do.

    In the graph are the scaling of targets and inputs, the outlier filter, the normalization, the
    network, the readouts, all experts and their mixture, which goes on following what each is
    worth, and the bounds. Nothing is learnt in it. Its numbers are those of NumPy, in float64 but
    for the network.

    Parameters
    ----------
    model : RNNForecaster
        Fitted to one stream, of one or more targets.
    path : str or Path
        It is replaced in one step.
    experts : list of str, optional
        Those to keep, by their names in ``expert_weights_``: the graph is smaller and faster. By
        default all are.

    Returns
    -------
    OnnxStep

    Raises
    ------
    ValueError
        The model is a panel, has inputs that are known ahead (``future_cols``, ``holidays``), goes
        by the wall clock of a time zone, has seen no row, or has no such expert.
    TypeError
        It is no RNNForecaster.

    Examples
    --------
    >>> import numpy as np
    >>> import onnxruntime
    >>> from tsrnn import RNNForecaster, datasets
    >>> from tsrnn.integrations.onnx import export
    >>> load = datasets.load_electricity()
    >>> model = RNNForecaster(3, hidden_size=4, max_iter=3, random_state=0).fit(load[:400])
    >>> step = export(model, "load.onnx")
    >>> session, state = onnxruntime.InferenceSession("load.onnx"), step.initial_state()
    >>> forecast, state = step.step(session, state, load[400:401])
    >>> np.allclose(forecast, model.update(load[400:401]).forecast())
    True
    """
    _require_exportable(model)
    stream, columns = model._state.learner.stream, model._reader.columns
    kept = _places_of(stream.ensemble.names, experts)
    graph = g.Graph()
    graph.output("forecast", _forecast(graph, model, stream, kept))
    names = {
        "targets": [str(name) for name in columns.target_names],
        "inputs": [str(name) for name in columns.expanded_names],
        "calendar": _calendar_names(model._reader.calendar),
    }
    proto, start = graph.finished("tsrnn")
    names = {value.name: names[value.name] for value in proto.graph.input if value.name in names}
    experts = [stream.ensemble.names[place] for place in kept]
    for key, value in {**names, "experts": experts, "left_out": LEFT_OUT}.items():
        proto.metadata_props.add(key=key, value=json.dumps(value))
    with replacing(path) as file:
        file.write(proto.SerializeToString())
    return OnnxStep(model, start, experts, names)


def _forecast(graph, model, stream, kept):
    """Return the forecast (M, J) after a row, and let the states move on."""
    state, reader, design = model._state, model._reader, stream.design
    n_targets, ensemble = design.n_streams, stream.ensemble
    raw = graph.input("targets", (n_targets,))
    inputs, scaling = graph.input("inputs", (design.n_inputs,)), reader.input_scaling
    calendar = graph.input("calendar", (design.n_calendar,))
    below_zero = graph.state("below_zero", state.below_zero[:, 0]) | (raw < 0.0)
    graph.carry("below_zero", below_zero)
    mean, scale = state.scaling.mean[:, 0], state.scaling.scale[:, 0]
    targets = (transformed(model.target_transform, raw) - mean) / scale
    inputs = (inputs - scaling.mean) / scaling.scale

    window = stream.window
    reach = max(design.reach, looked_back(design.carried_by))
    unseen = np.full((max(reach - len(window), 0), n_targets), np.nan)
    before = graph.state("levels", np.concatenate([unseen, window.levels[-reach:]]))
    targets, level, jump, before = filtered(graph, window, targets, before, design.carried_by)
    seen = Seen(graph, design, window, (targets, level, inputs, calendar), before)
    hidden = hidden_features(graph, stream.encoder, seen)
    counted = Counted(graph, ensemble.smoothing.n_rows)
    columns = ensemble.columns
    weights = stream.readout.weights, ensemble.linear.weights
    forecasts = [
        readouts(*weights, columns, hidden, seen, level),
        per_step(graph, ensemble.per_step, targets, level),
        repeats(ensemble.repeats, seen, level, counted),
        smoothing(graph, ensemble.smoothing, targets, counted),
    ]
    own = np.split(kept, np.searchsorted(kept, np.cumsum([part.shape[1] for part in forecasts])))
    first, chosen = 0, []  # part by part: what leads to none of them is no part of the graph
    for part, places in zip(forecasts, own, strict=False):
        if len(places):
            chosen.append(g.take(part, places - first, axis=1))
        first += part.shape[1]
    mixture = mixed(graph, ensemble, kept, g.concatenate(chosen, axis=1), targets)
    values = restored(model.target_transform, (mixture + jump) * scale + mean)
    if model.lower is not None:
        lower = model.lower
        if isinstance(lower, str):  # "auto"
            lower = g.where(below_zero, np.full(n_targets, -np.inf), 0.0)
        values = g.maximum(values, lower)
    return values if model.upper is None else g.minimum(values, float(model.upper))


def _require_exportable(model):
    """Refuse what the graph cannot follow."""
    if not isinstance(model, RNNForecaster):
        raise TypeError(
            f"found {type(model).__name__}, expected an RNNForecaster; of a pipeline export the "
            "forecaster, its last step, and transform rows before"
        )
    check_is_fitted(model)
    reader, state = model._reader, model._state
    if reader.form.has_ids:
        raise ValueError(
            f"found a panel of {len(state.ids)} series, expected one stream; fit a forecaster to "
            "each of the series that is to be exported"
        )
    if reader.future:
        found = "future_cols" if reader.columns.future else "holidays"
        raise ValueError(
            f"found {found}={getattr(model, found)!r}, expected none: inputs that are known ahead "
            "are not exported; fit without them, or with them as past inputs"
        )
    if isinstance(state.learner, OnWallClock):
        raise ValueError(
            f"found rows in the time zone {reader.axis.tz}, whose days are not of one length, "
            "expected days of 24 hours: the wall clock is not exported; fit to rows in UTC, "
            "X.tz_convert('UTC')"
        )
    if state.learner.heads[0] == NEVER:
        raise ValueError(
            "found no row since reset_state(), expected at least one to go on from; pass rows to "
            "update() or partial_fit() first"
        )
    unknown = np.isnan(state.scaling.scale[:, 0])
    if unknown.any():
        names = [reader.columns.target_names[j] for j in np.flatnonzero(unknown)]
        raise ValueError(
            f"found targets {names} without a known value, expected some to scale them by; drop "
            "these columns"
        )


def _places_of(names, experts):
    """Return the places of the experts to keep, in their own order."""
    if experts is None:
        return np.arange(len(names))
    wanted = [experts] if isinstance(experts, str) else list(experts)
    unknown = [name for name in wanted if name not in names]
    if unknown or not wanted:
        found = f"experts {unknown} that the model does not have" if unknown else "no experts"
        raise ValueError(f"found {found}, expected some of {names}; correct experts=")
    return np.array([place for place, name in enumerate(names) if name in wanted])


def _calendar_names(calendar):
    """Return the names of the columns of `Calendar.features`."""
    cycles = [
        ("day", 2, calendar.daily),
        ("week", 1, calendar.weekly),
        ("year", 2, calendar.yearly),
    ]
    names = []
    for cycle, n_harmonics, is_there in cycles:
        if not is_there:
            continue
        for harmonic in range(1, n_harmonics + 1):
            names += [f"{wave}_{harmonic}_of_{cycle}" for wave in ("sine", "cosine")]
        if cycle == "week":
            names.append("weekend")
    return names
