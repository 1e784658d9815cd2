"""A guard against absurd values: one spike must not spoil the weeks after it."""

from dataclasses import dataclass, replace

import numpy as np

from tsrnn.features.carried import carried
from tsrnn.kernels.numpy_.seasons import follow_season
from tsrnn.persistence.registry import saved

JUMP_LIMIT = 20.0  # times the usual change, itself at least one standard deviation
STEP = 0.01  # weight of the newest change in the running mean

# What is remembered of each stream and each input that is known ahead: value of the input and of
# the target at a row that was refused, and both at the newest row that was as usual.
INPUT, VALUE, USUAL_INPUT, USUAL_VALUE = range(4)


@saved("outlier-screen")
@dataclass(frozen=True)
class Screen:
    """What a filter holds absurd, and what inputs known ahead have announced.

    Attributes
    ----------
    most : float
        Times the usual change that a value may jump by; infinite where none is absurd.
    future : tuple of int
        Inputs that are known ahead.
    known : ndarray of shape (S, F, 4) or None
        See above; NaN where there is nothing. None before a first row.
    """

    most: float = JUMP_LIMIT
    future: tuple = ()
    known: np.ndarray | None = None

    @property
    def limits(self):
        """What compiled loops filter by: the jump limit, and the weight of the newest change."""
        return self.most, STEP

    def opened(self, n_streams):
        """Return a screen of its own, which `filter_outliers` may write to."""
        if not self.future or not np.isfinite(self.most):
            return self
        if self.known is None:
            return replace(self, known=np.full((n_streams, len(self.future), 4), np.nan))
        return replace(self, known=self.known.copy())

    @property
    def is_quiet(self):
        """Whether nothing that was refused is remembered."""
        return self.known is None or bool(np.isnan(self.known[..., VALUE]).all())

    def of(self, inputs):
        """Return the inputs (n, S or 1, F) that are known ahead, of (n, E) or (n, S, E)."""
        inputs = inputs[..., list(self.future)]
        return inputs if inputs.ndim == 3 else inputs[:, None]


PLAIN = Screen()


def start_from(levels, screen=PLAIN):
    """Return what `filter_outliers` starts from at these levels, any shape, and its screen.

    Changes of one standard deviation, nothing refused, and no jump behind.
    """
    nothing, zeros = np.full_like(levels, np.nan), np.zeros_like(levels)
    return levels, np.ones_like(levels), nothing, zeros, screen


def filter_outliers(
    targets, level, spread, refused, jump, screen=PLAIN, inputs=None, before=None, seasons=()
):
    """Follow the levels of new rows, taking absurd values for missing ones.

    A value is absurd if it jumps by more than 20 times the usual change, away from the level before
    and from where the history was: the usual change is the running mean of changes, but at least 1,
    a standard deviation of the history. An absurd change counts in that mean up to the limit, which
    grows by a fifth with each. Coming back to where the history was is never absurd.

    A lasting change of level is believed at the second row that shows it: a value that lies no
    further from the one refused before than the limit. The very same value again confirms nothing,
    as a failing sensor repeats itself. Rows that do not agree so, as after a change of unit, are
    believed after a number of them that grows with the logarithm of the change, 22 for 1,000
    standard deviations.

    A jump that a second row agrees with is taken out of what is returned: lags and seasons go on as
    if it had not been, and forecasts are to be shifted by it. It stays out until a value is nearer
    to where the history was with it than without.

    What inputs known ahead announce is believed: a value that would be absurd, but lies no further
    than the limit from the one that was refused at an earlier row with the same value of an input,
    other than at the usual rows before that. It is no jump: what announces it explains it. So of a
    holiday that brings what never was, the first row is refused, and those after it are learnt. An
    input is no longer asked where a usual value has come at the same value of it.

    Parameters
    ----------
    targets : ndarray of shape (n, S)
        Scaled, NaN where missing.
    level, spread : ndarray of shape (S,)
        Newest known value and usual change, at the row before.
    refused : ndarray of shape (S,)
        The value refused last, NaN if one was believed since.
    jump : ndarray of shape (S,)
        What is taken out of targets and level.
    screen : Screen, optional
        Whose ``known`` is written to, where there is one.
    inputs : ndarray of shape (n, S or 1, F), optional
        Inputs of the rows that are known ahead, for a screen that remembers them.
    before : ndarray of shape (m, S), optional
        Levels of the rows before, the last of which is ``level``.
    seasons : tuple of int, optional
        In rows: levels of missing rows go on as those of a season before; see `follow_season`.

    Returns
    -------
    targets, levels, spreads, refused, jumps : ndarray of shape (n, S)
        Absurd targets are NaN; the others are what the row after starts from.

    Examples
    --------
    >>> import numpy as np
    >>> targets = np.array([[0.5], [1000.0], [0.7], [90.0], [91.0], [92.0]])
    >>> screened, levels, *_, jumps = filter_outliers(targets, *start_from(np.zeros(1)))
    >>> screened.ravel().round(1), levels.ravel().round(1)
    (array([0.5, nan, 0.7, nan, 0.7, 1.7]), array([0.5, 0.5, 0.7, 0.7, 0.7, 1.7]))
    >>> jumps.ravel().round(1)
    array([ 0. ,  0. ,  0. ,  0. , 90.3, 90.3])
    """
    fields = np.empty((5, *targets.shape))
    before = np.full_like(level[None], np.nan) if before is None else before
    all_levels, n_before, n_plain = np.concatenate([before, fields[1]]), len(before), 0
    if screen.is_quiet and not jump.any() and np.isnan(refused).all():
        large = (np.abs(targets) > screen.most).any(axis=1)  # no limit is below that
        n_plain = int(large.argmax()) if large.any() else len(targets)
    if n_plain:
        rows = all_levels[: n_before + n_plain], seasons
        level, spread = _follow_plain(
            fields[:, :n_plain], targets[:n_plain], level, spread, screen, *rows
        )
        if screen.known is not None:
            screen.known[:] = follow_usual(screen.known, inputs[:n_plain], targets[:n_plain])
    for row in range(n_plain, len(targets)):
        values = targets[row]
        change, difference = np.abs(values - (level + jump)), np.abs(values - refused)
        limit, known = screen.most * spread, np.isfinite(values)
        agrees = (difference > 0.0) & (difference <= limit)
        if screen.known is not None:
            announced, back = _announced(screen.known, inputs[row], values, jump, limit)
            agrees &= ~announced
        absurd = (change > limit) & (np.abs(values) > limit) & ~agrees
        if screen.known is not None:
            absurd &= ~(announced | back)
            _remember(screen.known, inputs[row], values, jump, absurd, announced)
        jump = np.where(agrees & (difference < change), values - level, jump)
        back = np.abs(values) < np.abs(values - jump)
        jump = np.where(back & ~absurd, 0.0, jump)
        refused = np.where(absurd, values, np.where(known, np.nan, refused))
        values = np.where(absurd, np.nan, values - jump)
        known = np.isfinite(values)
        now = n_before + row
        all_levels[now] = np.where(known, values, level)
        if seasons and not known.all():
            follow_season(all_levels[: now + 1], ~known[None], seasons)
        level = all_levels[now].copy()
        change = np.where(np.isfinite(change), np.minimum(change, limit), spread)
        spread = np.maximum(spread + STEP * (change - spread), 1.0)
        fields[:, row] = values, level, spread, refused, jump
    return tuple(fields)


def _follow_plain(fields, targets, level, spread, screen, all_levels, seasons):
    """Write the fields of rows of which none may be absurd; return their last level and spread.

    To the bit as row by row, with nothing refused before them and no jump.
    """
    levels, missing = all_levels[len(all_levels) - len(targets) :], np.isnan(targets)
    levels[:] = carried(targets, level)
    if seasons and missing.any():
        follow_season(all_levels, missing, seasons)
    changes = np.abs(targets - np.concatenate([level[None], levels[:-1]]))
    fields[0], fields[1], fields[3], fields[4] = targets, levels, np.nan, 0.0
    if (spread == 1.0).all() and not (changes > 1.0).any():  # none is larger than usual
        fields[2] = 1.0
        return levels[-1], fields[2, -1]
    unknown = ~np.isfinite(changes)
    has_unknown = unknown.any(axis=1).tolist()
    for row, change in enumerate(changes):
        change = np.minimum(change, screen.most * spread)
        if has_unknown[row]:
            change = np.where(unknown[row], spread, change)
        fields[2, row] = spread = np.maximum(spread + STEP * (change - spread), 1.0)
    return levels[-1], spread


def _announced(known, inputs, values, jump, limit):
    """Tell which values inputs have announced, and which are back at a usual one, (S,) each."""
    same = inputs == known[..., INPUT]
    near = np.abs(values[:, None] - known[..., VALUE]) <= limit[:, None]
    usual = known[:, 0, USUAL_VALUE] + jump
    return (same & near).any(axis=1), np.abs(values - usual) <= limit


def _remember(known, inputs, values, jump, absurd, announced):
    """Write what a row tells of inputs and values, in place."""
    inputs = np.broadcast_to(inputs, known.shape[:2])
    same, value = inputs == known[..., INPUT], values[:, None]
    taken = (np.isfinite(values) & ~absurd)[:, None]
    usual = taken & ~announced[:, None]
    telling = absurd[:, None] & np.isfinite(inputs) & (inputs != known[..., USUAL_INPUT])
    value = np.where(usual & same, np.nan, np.broadcast_to(value, known.shape[:2]))
    changed = telling | (taken & same)
    known[..., VALUE] = np.where(changed, value, known[..., VALUE])
    known[..., INPUT] = np.where(telling, inputs, known[..., INPUT])
    known[..., INPUT] = np.where(np.isnan(known[..., VALUE]), np.nan, known[..., INPUT])
    known[..., USUAL_INPUT] = np.where(usual, inputs, known[..., USUAL_INPUT])
    at_level = np.where(usual, (values - jump)[:, None], known[..., USUAL_VALUE])
    known[..., USUAL_VALUE] = at_level


def follow_usual(known, inputs, targets):
    """Return what is remembered after rows of which none was refused, nothing being remembered.

    Parameters
    ----------
    known : ndarray of shape (S, F, 4)
    inputs : ndarray of shape (n, S or 1, F)
    targets : ndarray of shape (n, S)
        Without their jumps, NaN where missing.
    """
    number = np.where(np.isfinite(targets), np.arange(1, len(targets) + 1)[:, None], 0)
    newest, known = number.max(axis=0), known.copy()
    streams = np.flatnonzero(newest)
    rows = newest[streams] - 1
    inputs = np.broadcast_to(inputs, (len(targets), *known.shape[:2]))
    known[streams, :, USUAL_INPUT] = inputs[rows, streams]
    known[streams, :, USUAL_VALUE] = targets[rows, streams][:, None]
    return known
