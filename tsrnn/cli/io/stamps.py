"""A stream of a panel: the rows of one time stamp are learnt together, and then forecast from."""

import copy
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tsrnn.cli.io.issued import Issued
from tsrnn.cli.models import by_time
from tsrnn.cli.session import Session

PATIENCE = 10  # steps for which a series that sends nothing is still waited for


class Arrived(NamedTuple):
    """A row of the open stamp."""

    line: int
    id: Any
    numbers: np.ndarray
    labels: np.ndarray
    origin: str | None


class PanelSession(Session):
    """A stream of many series; rows come stamp by stamp, in any order within one.

    Rows that follow each other with the same time stamp are taken in together. A stamp stays open
    until a row of another one comes, the input ends, or every series with a row in the last
    `PATIENCE` steps has one in it: then its forecasts need not wait for the next stamp. All of
    this depends on the rows and the model alone, never on when they come, so that a restart
    divides them as a run without one. A row is one seen before if it is not newer than the last
    one of its series.
    """

    def _seen(self):
        if not self.source.time.columns:
            raise ValueError(
                "found a panel without time stamps, expected rows with one: it tells which rows "
                "belong together and which were seen; fit with --time, or use tsrnn update"
            )
        self._open, self._stamp = {}, None
        self._wait_for_those_alive()
        cutoffs = self.model.cutoff_.dropna()
        stamps = pd.DatetimeIndex(cutoffs).as_unit("ns").asi8.tolist()
        return dict(zip(cutoffs.index.tolist(), stamps, strict=True))

    def _wait_for_those_alive(self):
        """Note the series of which a row is to be expected."""
        cutoffs = self.model.cutoff_.dropna()
        if len(cutoffs) and self.model.freq_ is not None:
            cutoffs = cutoffs[cutoffs > cutoffs.max() - PATIENCE * self.model.freq_]
        self._awaited = set(cutoffs.index)

    def _start_block(self, rows):
        self._rows = rows

    def _take_row(self, row, stamp, line):
        rows = self._rows
        series = rows.labels[row, 0]
        if self._open and stamp != self._stamp.as_unit("ns").value:
            self._take_stamp()
        if stamp <= self._newest.get(series, stamp - 1):
            self.n_seen += 1
            return
        if series in self._open:
            self.complaints.add(line, f"found {series!r} twice at {rows.index[row]}")
            return
        self._stamp = rows.index[row]
        self._open[series] = Arrived(
            line, series, rows.numbers[row], rows.labels[row], rows.origins[row]
        )
        self._awaited.discard(series)
        if not self._awaited:
            self._take_stamp()

    def finish(self):
        """Take in the stamp that is open."""
        if self._open:
            self._take_stamp()

    def _take_stamp(self):
        """Take in the rows of the open stamp, and write the forecasts after it."""
        if self.future is not None:
            self.future.read()
        stamp, rows = self._stamp, [*self._open.values()]
        self._open = {}
        try:
            self._learn(rows)
        except ValueError as error:
            rows = self._without_bad_ones(rows, error)
        if rows:
            self._newest |= dict.fromkeys([row.id for row in rows], stamp.as_unit("ns").value)
            self._issue(stamp, rows)
        self._wait_for_those_alive()

    def _without_bad_ones(self, rows, error):
        """Take in the rows that can be; complain of the others, or of all where they only clash."""
        trial, good, bad = copy.deepcopy(self.model), [], []
        for row in rows:
            try:
                trial.update(self._frame_of([row]))
                good.append(row)
            except ValueError as own:
                bad.append((row.line, own))
        if not bad:
            good, bad = [], [(row.line, error) for row in rows]
        for line, own in bad:
            self.complaints.add(line, own)
        if good:
            self._learn(good)
        return good

    def _learn(self, rows):
        """Take in rows of one stamp, and keep the p-values of each."""
        frame = self._frame_of(rows)
        found = self.take_in(frame)
        self._p_values = dict(zip([row.id for row in rows], found, strict=True))

    def _frame_of(self, rows):
        index = pd.DatetimeIndex([self._stamp] * len(rows))
        numbers = np.array([row.numbers for row in rows])
        return self.source.frame(index, numbers, np.array([row.labels for row in rows]))

    def _issue(self, stamp, rows):
        """Issue a forecast for each of these rows, the newest ones of their series."""
        model, options, reasons = self.model, self.options, {}
        ids = [row.id for row in rows]
        if self.future is not None:
            index = model.future_index(options["horizon"], ids=ids[0]).get_level_values(1)
            X_future, reasons = self.future.ahead(index, ids)
            options = {**options, "X_future": X_future}
        known = [series for series in ids if series not in reasons]
        if known:
            frame = by_time(model.forecast(**options, ids=known), model)
            parts = np.split(np.arange(len(frame)), len(known))
            forecasts = dict(zip(known, parts, strict=True))
        if known and self.live is not None:
            actual = np.array([row.numbers for row in rows if row.id in forecasts])
            odds = self.odds([self._p_values[series] for series in known])
            self.live.take(stamp, actual[:, self._shown], frame, options, known, odds)
        for row in rows:
            reason = reasons.get(row.id)
            ahead = None if row.id in reasons else frame.iloc[forecasts[row.id]]
            self._issued.append(
                Issued(stamp, ahead, reason, row.id, row.origin, self._p_values[row.id])
            )
