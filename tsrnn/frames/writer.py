"""Writing what an estimator forecasts, in the form in which rows came. pandas begins here."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from tsrnn.frames.form import Form
from tsrnn.frames.framing import column_index, frame_of
from tsrnn.frames.groups import NEVER
from tsrnn.frames.native import outgoing
from tsrnn.frames.native_columns import made_column, own_column
from tsrnn.frames.time_axis import TimeAxis
from tsrnn.persistence.registry import saved


@saved("writer")
@dataclass(frozen=True)
class Writer:
    """Frames, indexes and labels in the form of the rows of ``fit``.

    Attributes
    ----------
    form : Form
    axis : TimeAxis
    """

    form: Form
    axis: TimeAxis

    def forecast(self, ids, heads, values, names):
        """Return the frame of the rows after the last one of each series.

        Parameters
        ----------
        ids : Index of length B
        heads : ndarray of int, shape (B,)
            Position of the last row of each.
        values : ndarray of shape (B, c, M)
            Which the frame may hold on to.
        names : list of length c
        """
        horizon = values.shape[2]
        if not self.form.has_ids:
            index = self.axis.index_after(int(heads[0]), horizon)
            return frame_of(values[0], index, column_index(names))
        flat = values.swapaxes(1, 2).reshape(-1, values.shape[1])
        frame, form = pd.DataFrame(flat, columns=names), self.form
        if form.levels or not form.id_column:
            return frame.set_axis(self.index_after(ids, heads, horizon))
        times = self._times_after(heads, horizon)
        frame.insert(0, form.id_name, ids.repeat(horizon))
        if form.time_column:
            frame.insert(1, form.time_name, times)
            return frame
        return frame.set_axis(times)

    @staticmethod
    def by_row(values, index, names):
        """Return the frame of values (n, J) of rows of an index, None where they have none."""
        return pd.DataFrame(values, index, column_index(names), copy=False)

    def native_forecast(self, ids, heads, values, names):
        """As `forecast`, in the kind of frame that rows came in."""
        if self.form.native is None:
            return self.forecast(ids, heads, values, names)
        columns = (np.ascontiguousarray(values[:, at]).ravel() for at in range(len(names)))
        keys = self._native_keys(ids, heads, values.shape[2])
        return self._outgoing(keys | dict(zip(names, columns, strict=True)))

    def native_by_row(self, X, ids, times, values, names):
        """Return values (n, J) of rows, by ids and times, in the kind of frame that X is."""
        keys = {self.form.id_name: ids} if self.form.has_ids else {}
        if times is not None and not self.form.just_follows:
            keys[self.form.time_name] = times
        for name, column in keys.items():
            own = own_column(X, name, self.form.native)
            keys[name] = column if own is None else own
        columns = map(np.ascontiguousarray, values.T)
        return self._outgoing(keys | dict(zip(names, columns, strict=True)))

    def native_index_after(self, ids, heads, horizon):
        """As `index_after`; of another library, the frame of its levels."""
        if self.form.native is None or self.form.just_follows:
            return self.index_after(ids, heads, horizon)
        return self._outgoing(self._native_keys(ids, heads, horizon))

    def _native_keys(self, ids, heads, horizon):
        """Return ids and times of the rows after the last one of each series, by name."""
        form = self.form
        if form.just_follows:
            return {form.id_name: ids.repeat(horizon)} if form.has_ids else {}
        if form.has_ids:
            times = self._times_after(heads, horizon)
            return {form.id_name: ids.repeat(horizon), form.time_name: times}
        stretch, row = self.axis.stretch_after(int(heads[0]), horizon)
        held, column = self._native_stretch[0]
        if held is not stretch:
            column = made_column(str(form.time_name), stretch, form.native, form.dates)
            self._native_stretch[0] = stretch, column  # in one assignment: other threads read it
        times = stretch if column is None else column
        whole = len(times) == horizon
        cut = slice(row, row + horizon)
        return {form.time_name: times if whole else times[cut]}

    @cached_property
    def _native_stretch(self):
        """The stretch of times that was cut out last, and the same as a column of the library."""
        return [(None, None)]

    def _outgoing(self, columns):
        return outgoing(columns, self.form.native, self.form.dates)

    def index_after(self, ids, heads, horizon):
        """Return the index of these rows: of times, or of ids and times."""
        if not self.form.has_ids:
            return self.axis.index_after(int(heads[0]), horizon)
        names = [self.form.id_name, self.form.time_name]
        times = self._times_after(heads, horizon)
        return pd.MultiIndex.from_arrays([ids.repeat(horizon), times], names=names)

    def cutoffs(self, ids, heads, newest=None):
        """Return the time of the last row: a label, or one for each series by id.

        None, or NaT, where there is none. `newest` is its stamp, where only the order of stamps
        matters.
        """
        known = heads != NEVER
        if not self.form.has_ids:
            if not known[0]:
                return None
            return self.axis.label(newest if self.axis.ordered else self._stamp(heads[0]))
        times = self.axis.index_at(np.maximum(heads, heads[known].min(initial=0)))
        cutoffs = pd.Series(times, index=ids.rename(self.form.id_name))
        return cutoffs.where(known).rename(self.form.time_name)

    def changes(self, ids, changes, sizes, targets):
        """Return the frame of changes ``(position, place, target, *sizes, kind, done)``.

        The sizes are named by `sizes`.
        """
        frame = self._events(ids, changes, targets)
        found = pd.DataFrame([change[3:-2] for change in changes], columns=sizes, dtype=float)
        whole = {"phase": int} if "phase" in sizes else {}
        frame = frame.join(found.astype(whole))
        kinds, done = ([change[at] for change in changes] for at in (-2, -1))
        return frame.assign(kind=pd.Series(kinds, dtype=object), done=pd.Series(done, dtype=object))

    def outliers(self, ids, outliers, values, targets):
        """Return the frame of outliers ``(position, place, target, _, believed)``, of values."""
        frame = self._events(ids, outliers, targets)
        believed = np.array([found[4] for found in outliers], dtype=bool)
        return frame.assign(value=np.asarray(values, dtype=float), believed=believed)

    def _events(self, ids, events, targets):
        """Return id, time and target of events ``(position, place, target, ...)`` as a frame."""
        places = np.array([event[1] for event in events], dtype=np.intp)
        positions = np.array([event[0] for event in events], dtype=np.int64)
        id_name = "id" if self.form.id_name is None else self.form.id_name
        leading = {id_name: ids[places]} if self.form.has_ids else {}
        frame = {
            **leading,
            "time": self.axis.index_at(positions).rename(None),
            "target": [targets[event[2]] for event in events],
        }
        return pd.DataFrame(frame)

    def weights(self, ids, weights, experts, targets):
        """Return weights (C, J, M, E) as a frame with a row for each series, target and step."""
        levels = [targets, range(1, weights.shape[2] + 1)]
        names = ["target", "step"]
        if self.form.has_ids:
            levels, names = [ids, *levels], [self.form.id_name, *names]
        index = pd.MultiIndex.from_product(levels, names=names)
        return pd.DataFrame(weights.reshape(len(index), len(experts)), index, experts)

    def explanation(self, ids, parts, targets):
        """Return parts of forecasts as a frame with a row for each series, target and step.

        Parameters
        ----------
        ids : Index of length B
        parts : dict of (bool, label) to ndarray of shape (B, J, M)
            By whether it is a part of its own or an input, and its name: inputs stand behind the
            first five, which all forecasts have.
        targets : list of length J
        """
        own, inputs = ([key for key in parts if key[0] is is_own] for is_own in (True, False))
        order = [*own[:5], *inputs, *own[5:]]
        shape = parts[order[0]].shape
        levels, names = [targets, range(1, shape[2] + 1)], ["target", "step"]
        if self.form.has_ids:
            levels, names = [ids, *levels], [self.form.id_name, *names]
        index = pd.MultiIndex.from_product(levels, names=names)
        values = np.stack([parts[key].reshape(-1) for key in order], axis=1)
        return pd.DataFrame(values, index, pd.Index([key[1] for key in order], dtype=object))

    def _times_after(self, heads, horizon):
        positions = heads[:, None] + 1 + np.arange(horizon)
        return self.axis.index_at(positions.ravel())

    def _stamp(self, position):
        return self.axis.stamps_at(np.array([position]))[0]
