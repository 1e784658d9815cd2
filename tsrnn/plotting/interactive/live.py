"""The page of a running stream: ``tsrnn stream --live HOST:PORT``."""

import json
import threading
import time
from collections import deque
from collections.abc import Hashable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
from bokeh.models import Span

from tsrnn.plotting.interactive import figures
from tsrnn.plotting.interactive.board import FAN, FEWEST, NEWEST, ODD, SCORED, Board, Taken
from tsrnn.plotting.interactive.page import DASH, render, text
from tsrnn.plotting.interactive.server import Address, Server
from tsrnn.plotting.style import ACTUAL

EVERY = 0.5  # seconds between two looks at what has come
WAITING = 1024  # rows that wait for it; older ones are forgotten
WAITING_STAMPS = 16  # of a panel they may be more, but of so many stamps at most
DRIFT_EVERY = 5.0  # seconds between two looks at the drift log


class LivePage:
    """A page of a stream in the stream's process, whose work is done by threads of its own.

    The stream calls `take`, which appends to a queue that forgets its oldest, and goes on. What the
    page asks the model for, its thread asks: forecasts are safe beside a model that learns.

    Parameters
    ----------
    model : forecaster
        Fitted; the stream goes on with this very object.
    targets : sequence of label
        Columns of its forecasts.
    address : Address
    name : str
        Of the stream, shown as the title.

    Raises
    ------
    OSError
        The address is in use, or none of this machine.
    """

    def __init__(self, model: Any, targets: Sequence[Hashable], address: Address, name: str):
        self._model, self._is_panel = model, isinstance(model.cutoff_, pd.Series)
        n_series = len(model.cutoff_) if self._is_panel else 1
        most = max(WAITING_STAMPS, WAITING // max(1, n_series))
        self._queue: deque[Taken] = deque(maxlen=most)
        self._n_rows, self._options = 0, dict[str, Any]()
        self._board = Board(targets, getattr(model, "freq_", None))
        self._has_fan = True
        self._drift: dict[str, Any] = {"columns": [], "rows": []}
        self._drift_at = -np.inf
        self._n_asked, self._ended = 0, False
        self._sent: tuple[Any, ...] = ()
        newest = model.cutoff_.max() if self._is_panel else model.cutoff_
        dated = isinstance(newest, pd.Timestamp)
        self._server = Server(address, _page(name, self._board, dated, self._is_panel).encode())
        self.url = self._server.url
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def take(
        self,
        stamp: Any,
        values: np.ndarray,
        forecast: pd.DataFrame | None,
        options: dict[str, Any] | None,
        ids: Sequence[Hashable] | None = None,
        p_values: np.ndarray | None = None,
    ) -> None:
        """Note rows that were learnt, and the forecast issued after them; returns at once.

        Parameters
        ----------
        stamp : time stamp or int
        values : array of shape (n_rows, n_targets)
            Not to be written to any more.
        forecast : DataFrame or None
            Targets in its first columns, series by series as `ids`.
        options : dict or None
            What the forecast was asked with, such as ``X_future``.
        ids : sequence, optional
            Of a panel, the series of each row.
        p_values : array of shape (n_rows, n_targets), optional
            Of the rows, NaN where there is none; not to be written to any more.
        """
        self._n_rows += len(values)
        self._options = {} if options is None else options
        self._queue.append(Taken(stamp, ids, values, forecast, p_values))

    def close(self) -> None:
        """Show what came last, say that the stream has ended, and serve no more."""
        self._ended = True
        self._closing.set()
        self._thread.join(timeout=5.0)
        self._server.close()

    # --- in the thread of the page ----------------------------------------------------------------

    def _run(self) -> None:
        while not self._ended:
            self._look()
            self._closing.wait(EVERY)
        self._look()

    def _look(self) -> None:
        """Take in what has come, and send what is new to browsers."""
        n_rows = self._n_rows
        taken = []
        with suppress(IndexError):
            for _ in range(len(self._queue)):  # no more than there were: the stream goes on
                taken.append(self._queue.popleft())
        self._board.take(taken)
        rate = self._board.rate(n_rows)
        if n_rows != self._n_asked:
            self._n_asked = n_rows
            self._ask()
        state = n_rows, rate == 0, self._ended, self._server.n_waiting > 0
        if state == self._sent or not state[-1]:
            return  # nothing is new, or nobody is there to see it
        self._sent = state
        data = {
            **self._board.snapshot(),
            "n_rows": n_rows,
            "rate": rate,
            "drift": self._drift,
            "ended": self._ended,
        }
        self._server.send(json.dumps(data, separators=(",", ":"), allow_nan=False))

    def _ask(self) -> None:
        """Ask the model for intervals of the series on the page, and now and then for its log."""
        if self._has_fan:
            self._ask_fan()
        if time.monotonic() - self._drift_at > DRIFT_EVERY:
            self._drift_at = time.monotonic()
            log = getattr(self._model, "drift_log_", None)
            if log is not None and len(log):
                newest = log.iloc[::-1].iloc[:NEWEST]
                self._drift = {
                    "columns": [str(name) for name in newest.columns],
                    "rows": [[_shown(value) for value in row] for row in newest.to_numpy(object)],
                }

    def _ask_fan(self) -> None:
        ids = self._board.asked()
        options = {**self._options, "coverage": FAN}
        if self._is_panel:
            options["ids"] = ids
        try:
            frame = self._model.forecast(**options)
        except (TypeError, ValueError):
            # The model takes no coverage; or the stream went on, and X_future is of another cutoff.
            self._has_fan = "X_future" in options
            return
        id_col, time_col = (getattr(self._model, name, None) for name in ("id_col", "time_col"))
        dated = time_col is not None and time_col in frame
        times = pd.Index(frame[time_col]) if dated else frame.index.get_level_values(-1)
        if not_targets := [name for name in (id_col, time_col) if name in frame]:
            frame = frame.drop(columns=not_targets)
        self._board.take_fans(frame, times, ids)


def _page(name: str, board: Board, dated: bool, is_panel: bool) -> str:
    fan = figures.forecasts([f"{share:g}" for share in FAN], dated, ahead=False)
    recent = figures.lines("recent", ["recent error"], dated, dots=0)
    recent.add_layout(
        Span(dimension="width", location=1, line_color=ACTUAL["color"], line_dash="dotted")
    )
    cards = [
        ("n_rows", "rows"), ("rate", "rows a second"), ("cutoff", "newest row"),
        ("ratio", "recent error (newest value: 1)"),
        *(("mae_" + str(place), f"mean absolute error, {target}")
          for place, target in enumerate(board.targets)),
        ("held", f"held by {100 * float(SCORED):g} % intervals"),
    ]  # fmt: skip
    told = "One step ahead, forecast before each row and scored when it came."
    if board.left_out:
        told += f" {board.left_out} further targets are not shown."
    series = (
        "<section><h2>Series, the worst first</h2>"
        f"<p>By recent error, of those with {FEWEST} rows at least; a click shows one above.</p>"
        '<div class="wide"><table id="series-table"><thead><tr><th>series</th>'
        '<th class="n">recent error</th><th class="n">forecasts scored</th></tr></thead>'
        "<tbody></tbody></table></div></section>"
        if is_panel
        else ""
    )
    body = (
        f'<header><div><h1>{text(name)}</h1><p><span class="status" id="status" role="status">'
        f"connecting ...</span> {text(told)}</p></div>"
        '<button type="button" id="theme" title="dark or light" aria-label="dark or light">'
        "&#9680;</button></header><noscript>This page needs JavaScript.</noscript>"
        '<div class="cards">'
        + "".join(
            f'<div class="card"><b id="{key}">{DASH}</b><span>{text(label)}</span></div>'
            for key, label in cards
        )
        + "</div><section><h2>Newest rows and forecast</h2>"
        '<div class="controls"><label>series<select id="series"></select></label>'
        '<label>target<select id="target"></select></label></div>'
        f'{figures.legend(fan)}<div class="figure">{{{{forecasts}}}}</div></section>{series}'
        '<div class="two"><section><h2>Recent error</h2><p>In units of repeating the newest value '
        "(dotted); below it the model is better.</p>"
        '<div class="figure">{{recent}}</div></section>'
        "<section><h2>Rows</h2><p>Each beside what was forecast for it, and the probability of a "
        "value as far out.</p>"
        '<div class="wide"><table id="rows"><thead><tr></tr></thead><tbody></tbody></table></div>'
        "</section></div><section><h2>Unusual rows</h2><p>The newest with a p-value below "
        f"{ODD:g}, as one of {1 / ODD:g} has by chance.</p>"
        '<div class="wide"><table id="unusual"><thead><tr></tr></thead><tbody></tbody></table>'
        "</div></section><section><h2>Drift</h2><p>What the model noted, the newest first.</p>"
        '<div class="wide"><table id="drift"><thead><tr></tr></thead><tbody></tbody></table></div>'
        "</section>"
    )
    data = {
        "n_figures": 2, "dated": dated, "is_panel": is_panel,
        "targets": [str(target) for target in board.targets],
        "shares": [f"{share:g}" for share in FAN],
    }  # fmt: skip
    shown = {"forecasts": fan, "recent": recent}
    return render(name, body, shown, data, ["live.js"], connect="'self'")


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
