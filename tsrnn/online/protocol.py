"""What an estimator asks of its learner: rows in, forecasts out, as values."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np

from tsrnn.online.storage.series import Block


class Learner(Protocol):
    """A learner of C series that are known by their places, 0 to C - 1.

    A learner is a value: methods return a new one and leave the old one as it was, so that a call
    that fails changes nothing and a forecast is always of one consistent state. Positions are
    integer steps of the time axis. ``series`` are places, ascending, or ``slice(None)`` for all.

    Attributes
    ----------
    heads : ndarray of int, shape (C,)
        Position of the last row of each series, `NEVER` where there is none.
    replayed : float
        Rows of a history that matter; older ones need not be learnt.
    n_kept : int
        Rows that are kept of each series, however old they are.
    seen : ndarray of int, shape (C,)
        The larger, the later a series was last seen.
    expert_names : list of str
        Of the experts whose mixture is forecast; empty where there is one alone.
    change_sizes : tuple of str
        What is noted of each of `changes`.
    lists_outliers : bool
        Whether `outliers` has an answer.
    """

    heads: np.ndarray
    replayed: float
    n_kept: int
    seen: np.ndarray
    expert_names: list
    change_sizes: tuple
    lists_outliers: bool

    # --- series -------------------------------------------------------------------------------

    def grown(
        self,
        keys: np.ndarray,
        change_scale: np.ndarray,
        initial_level: np.ndarray,
        histories: Iterable = (),
    ) -> "Learner":
        """Return the learner with places for more series, arrays (J, n) of which are given.

        `keys` (n,) are what draws among series go by, see `tsrnn.partitions.keys_of`;
        `histories` are the newest rows of all its series, scaled, some series at a time (n, S, J).
        """

    def taken(self, series: Any) -> "Learner":
        """Return a learner of these series alone, which shares nothing that is written to."""

    def restarted(self, series: Any) -> "Learner":
        """Return the learner with these series back before their first row."""

    def typical_level(
        self, position: int, beside: "tuple[Learner, np.ndarray] | None" = None
    ) -> np.ndarray:
        """Return where the series, in their units, are to be expected at a position, (J,).

        `beside` are series more: a learner, and their places there.
        """

    # --- rows ---------------------------------------------------------------------------------

    def prepared(
        self, series: np.ndarray, positions: np.ndarray, again: bool, span: tuple[int, int]
    ) -> "Learner":
        """Return a learner that these rows (n,) may be given to, in blocks, without harm to this.

        `again` tells that a series starts a new run among them, `span` are the first and the last
        position of the blocks.
        """

    def learn(self, block: Block) -> "Learner":
        """Learn from rows, position by position, and take them in."""

    def advance(self, block: Block) -> "Learner":
        """Take in rows without learning."""

    # --- forecasts ----------------------------------------------------------------------------

    def outputs(
        self, block: Block, following: np.ndarray | None = None
    ) -> "tuple[np.ndarray, Learner]":
        """Return what `output` would give after each row, (T, J, B, M), and the learner after.

        `following` (T, B, M, F) are the inputs known ahead of each row, NaN where unknown.
        """

    def output(
        self,
        position: int,
        series: Any,
        calendar: Callable[[int, int], np.ndarray],
        following: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return the forecasts (J, B, M) of series whose last row lies at a position.

        `calendar(start, n)` returns the calendar (n, C) of the step after each of n positions,
        `following` (B, m, F) are the inputs known ahead.
        """

    def offsets(self, probabilities: list, position: int, series: Any) -> np.ndarray:
        """Return quantiles (P, J, B, M) of the errors of `output`."""

    def p_values(
        self, targets: np.ndarray, forecast: np.ndarray, position: int, series: Any
    ) -> np.ndarray:
        """Return how probable targets of step 1 are, (J, B), of series with a last row there.

        The two-sided probability, under the forecasts (J, B) of that row, of values as far out;
        NaN where they are missing.
        """

    def explain(
        self,
        position: int,
        series: Any,
        calendar: Callable[[int, int], np.ndarray],
        following: np.ndarray | None,
        usual: np.ndarray,
    ) -> dict[Any, np.ndarray]:
        """Return the parts (J, B, M) of `output` by name; they add up to it.

        See `tsrnn.online.explanation`. What inputs add is measured from `usual` values (E,).
        """

    def newest(self, position: int, series: Any, n: int) -> np.ndarray:
        """Return the newest values (n, J, B) of series, missing ones carried forward."""

    def overtaken_by(self, other: "Learner") -> bool:
        """Tell whether what this learner reads may have been written over on the way to another."""

    # --- inspection ---------------------------------------------------------------------------

    def expert_weights(self) -> np.ndarray:
        """Return the weights (C, J, M, E) of the experts at the newest row."""

    def changes(self) -> list:
        """Return the changes noted, ``(position, place, target, *sizes, kind, done)``.

        See `change_sizes` and `kind_of`.
        """

    def outliers(self) -> list:
        """Return the values refused, ``(position, place, target, value, believed)``, scaled."""

    def carried_states(self) -> tuple:
        """Return the state of each layer of the network after the last row of each series."""
