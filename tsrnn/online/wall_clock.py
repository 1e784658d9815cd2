"""A learner that lives by the clock on the wall, where days are not of one length."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tsrnn.features.carried import carried
from tsrnn.features.ring_buffer import NEVER
from tsrnn.frames.wall_clock import WallClock
from tsrnn.online.storage.series import Block
from tsrnn.online.storage.values import changed
from tsrnn.persistence.registry import saved


@saved("on-wall-clock")
@dataclass(frozen=True)
class OnWallClock:
    """A `tsrnn.online.protocol.Learner` whose own learner is given the slots of a `WallClock`.

    So whatever looks back by a season, a lag, a profile, an expert, looks at the same time of day.
    Where clocks go forward, slots are left out: they are taken to lie on the line between the rows
    before and after, and are not learnt from. Where they go back, the rows of the slots that come
    twice are passed over the second time; forecasts go on meanwhile from the last row before.
    Forecasts are made slot by slot and looked up by the slots of the
    rows ahead: those of slots that were seen already are the values that were seen, and those of
    slots beyond the horizon are forecast as after missing rows.

    Attributes
    ----------
    learner : tsrnn.online.protocol.Learner
        Whose positions are slots.
    clock : WallClock
    heads : ndarray of int, shape (C,)
        Position of the last row of each series.
    horizon, n_targets, n_inputs : int
        Steps ahead; values of a row.
    """

    learner: Any
    clock: WallClock
    heads: np.ndarray
    horizon: int
    n_targets: int
    n_inputs: int

    @classmethod
    def of(cls, learner, clock, horizon, n_targets, n_inputs):
        """Return a learner that goes by the clock from the first row on."""
        return cls(learner, clock, learner.heads, horizon, n_targets, n_inputs)

    # --- what does not depend on where rows lie ---------------------------------------------------

    @property
    def replayed(self):
        """Rows of a history that matter."""
        return self.learner.replayed

    @property
    def n_kept(self):
        """Rows that are kept of each series."""
        return self.learner.n_kept

    @property
    def seen(self):
        """The larger, the later a series was last seen."""
        return self.learner.seen

    @property
    def encoder(self):
        """The recurrent network, if there is one."""
        return self.learner.encoder

    @property
    def expert_names(self):
        """Of the experts whose mixture is forecast."""
        return self.learner.expert_names

    @property
    def change_sizes(self):
        """What is noted of each of `changes`."""
        return self.learner.change_sizes

    def expert_weights(self):
        """Return the weights (C, J, M, E) of the experts at the newest row."""
        return self.learner.expert_weights()

    def carried_states(self):
        """Return the state of each layer of the network after the last row of each series."""
        return self.learner.carried_states()

    def overtaken_by(self, other):
        """Tell whether what this learner reads may have been written over since."""
        return self.learner.overtaken_by(other.learner)

    # --- series -----------------------------------------------------------------------------------

    def grown(self, keys, change_scale, initial_level, histories=()):
        """Return the learner with places for more series."""
        learner = self.learner.grown(keys, change_scale, initial_level, histories)
        heads = np.append(self.heads, np.full(len(learner.heads) - len(self.heads), NEVER))
        return changed(self, learner=learner, heads=heads)

    def taken(self, series):
        """Return a learner of these series alone."""
        return changed(self, learner=self.learner.taken(series), heads=self.heads[series])

    def restarted(self, series):
        """Return the learner with these series back before their first row."""
        heads = self.heads.copy()
        heads[series] = NEVER
        return changed(self, learner=self.learner.restarted(series), heads=heads)

    # --- rows -------------------------------------------------------------------------------------

    def typical_level(self, position, beside=None):
        """Return where series are to be expected; see `tsrnn.online.protocol.Learner`."""
        slot = int(self.clock.slots(np.array([position]))[0])
        beside = beside and (beside[0].learner, beside[1])
        return self.learner.typical_level(slot, beside)

    def prepared(self, series, positions, again, span):
        """Return a learner that these rows may be given to without harm to this one."""
        slots = self.clock.slots(positions)
        first, last = self.clock.slots(np.array(span)).tolist()
        learner = self.learner.prepared(series, slots, again, (first, last))
        return changed(self, learner=learner)

    def learn(self, block):
        """Learn from rows, position by position, and take them in."""
        return self._moved(block, lambda learner, piece: learner.learn(piece))

    def advance(self, block):
        """Take in rows without learning."""
        return self._moved(block, lambda learner, piece: learner.advance(piece))

    def taken_back(self, values):
        """Return the learner whose newest rows are missing; see `OneSeries.taken_back`."""
        return changed(self, learner=self.learner.taken_back(values))

    def _moved(self, block, move):
        learner = self.learner
        for piece, following in self._pieces(block):
            if following is None:
                learner = move(learner, piece)
            else:
                learner = learner.advance(_on_line(learner, piece, following))
        return self._after(block, learner)

    def outputs(self, block, following=None):
        """Return what `output` would give after each row, (T, J, B, M), and the learner after."""
        learner, outputs = self, []
        while len(block.targets):
            n_plain = learner._plain_rows(block)
            part, block = block.cut(n_plain or 1)
            known = None
            if following is not None:
                known, following = following[: n_plain or 1], following[n_plain or 1 :]
            if n_plain:
                [(piece, _)] = learner._pieces(part)
                found, after = learner.learner.outputs(piece, known)
                learner = learner._after(part, after)
            else:
                learner = learner.advance(part)
                known = None if known is None else known[0]
                found = learner.output(part.start, part.series, None, known)[None]
            outputs.append(found)
        return np.concatenate(outputs), learner

    def _after(self, block, learner):
        last, heads = block.start + len(block.targets) - 1, self.heads.copy()
        heads[block.series] = last
        return changed(self, learner=learner, heads=heads)

    def _pieces(self, block):
        """Yield a block in slots, cut where clocks change, each piece with what follows on it.

        That is None, but of slots that were left out the targets (J, B) of the next row.
        """
        if len(self.heads) == 1 and not block.fresh[0]:  # as nearly always: faster than arrays
            shift, last = self.clock.shift_at(block.start)
            slot, n_rows = block.start + shift, len(block.targets)
            if int(self.learner.heads[0]) == slot - 1 and block.start + n_rows - 1 <= last:
                calendar = self.clock.calendar_after(slot, n_rows)
                yield block._replace(start=slot, calendar=calendar), None
                return
        heads, fresh = self.learner.heads[block.series].copy(), block.fresh
        heads[fresh] = NEVER
        row, n_rows = 0, len(block.targets)
        while row < n_rows:
            position = block.start + row
            shift, last = self.clock.shift_at(position)
            n, slot = min(n_rows - row, last + 1 - position), position + shift
            ahead = np.where(heads == NEVER, 0, heads - (slot - 1))
            skipped, again = ahead < 0, ahead.max()
            if skipped.any():  # clocks went forward
                for head in np.unique(heads[skipped]):
                    which = heads == head
                    missing = self._missing(int(head), slot - 1, block.series, which)
                    yield missing, block.targets[row][:, which]
                heads[skipped] = slot - 1
                continue
            if again:  # clocks went back: a row at a time, until slots are new to all series
                n, new = 1, heads < slot
                if new.any():
                    yield self._piece(block, slice(row, row + 1), slot, fresh, new), None
                    heads[new] = slot
            else:
                yield self._piece(block, slice(row, row + n), slot, fresh), None
                heads[:] = slot + n - 1
            row, fresh = row + n, np.zeros_like(fresh)

    def _piece(self, block, rows, slot, fresh, which=None):
        """Return rows of a block from a slot on, of all its series or of some (B,)."""
        targets, inputs, series = block.targets[rows], block.inputs[rows], block.series
        of_series = block.zero, *((block.levels, block.ages) if rows.start == 0 else (None, None))
        if which is not None and not which.all():
            targets, inputs, fresh = targets[..., which], inputs[..., which], fresh[which]
            series = self._places(series)[which]
            of_series = (None if a is None else a[:, which] for a in of_series)
        calendar = self.clock.calendar_after(slot, len(targets))
        return Block(slot, series, targets, inputs, calendar, fresh, *of_series)

    def _missing(self, head, last, series, which=None):
        """Return the missing rows after a slot up to another, of some of the series."""
        n, series = last - head, series if which is None else self._places(series)[which]
        n_series = len(self._places(series))
        nothing = (np.full((n, k, n_series), np.nan) for k in (self.n_targets, self.n_inputs))
        calendar = self.clock.calendar_after(head + 1, n)
        return Block(head + 1, series, *nothing, calendar, np.zeros(n_series, dtype=bool))

    def _places(self, series):
        return np.arange(len(self.heads))[series] if isinstance(series, slice) else series

    def _plain_rows(self, block):
        """Return how many rows there are first after which no clock changes within the horizon."""
        n_rows = len(block.targets)
        shift, last = self.clock.shift_at(block.start, n_rows + self.horizon)
        heads = self.learner.heads[block.series][~block.fresh]
        if (heads[heads != NEVER] != block.start + shift - 1).any():
            return 0
        return max(0, min(n_rows, last + 1 - self.horizon - block.start))

    # --- forecasts --------------------------------------------------------------------------------

    def output(self, position, series, calendar, following=None):
        """Return the forecasts (J, B, M) of series whose last row lies at a position.

        `calendar` is not looked at: the clock has its own.
        """

        def of_slots(learner, *where):
            return {"level": learner.output(*where)}

        return self._looked_up(position, series, following, of_slots)["level"]

    def explain(self, position, series, calendar, following, usual):
        """Return the parts (J, B, M) of `output` by name, which add up to it."""
        return self._looked_up(
            position, series, following, lambda learner, *where: learner.explain(*where, usual)
        )

    def offsets(self, probabilities, position, series):
        """Return quantiles (P, J, B, M) of the errors of `output`."""

        def of_head(head, series, _):
            offsets, ahead = self.learner.offsets(probabilities, head, series), None
            if offsets is not None:
                ahead = self._steps(position, head)
            if ahead is None:
                return {"": offsets}
            steps = np.arange(1, 1 + self.horizon)
            steps = np.where(ahead < 1, steps, ahead.clip(1, self.horizon))
            return {"": offsets[..., steps - 1]}

        return self._by_head(series, of_head)[""]

    def p_values(self, targets, forecast, position, series):
        """Return how probable targets (J, B) are under forecasts of the row before, (J, B)."""
        found, heads = np.empty(targets.shape), self.learner.heads[series]
        for head in np.unique(heads):
            which = heads == head
            rows = targets[:, which], forecast[:, which], int(head), self._places(series)[which]
            found[:, which] = self.learner.p_values(*rows)
        return found

    def _by_head(self, series, function, following=None):
        """Return the arrays that a function of a slot, series and inputs gives by their last slot.

        It is the same of all series, unless some have begun while clocks went back.
        """
        heads = self.learner.heads[series]
        if len(heads) == 1 or (heads == heads[0]).all():
            return function(int(heads[0]), series, following)
        places, whole = self._places(series), {}
        for head in np.unique(heads):
            which = heads == head
            known = None if following is None else following[which]
            for name, values in function(int(head), places[which], known).items():
                if values is None:
                    return {name: None}
                if name not in whole:
                    whole[name] = np.zeros((*values.shape[:-2], len(heads), values.shape[-1]))
                whole[name][..., which, :] = values
        return whole

    def _steps(self, position, head):
        """Return how many slots after one the rows after a position are, (M,); None: as many."""
        shift, last = self.clock.shift_at(position, self.horizon)
        if position + self.horizon <= last and head == position + shift:
            return None
        return self.clock.slots(position + 1 + np.arange(self.horizon)) - head

    def _looked_up(self, position, series, following, of_slots):
        """Return arrays (J, B, M) by the rows ahead, of what a function gives by slots.

        ``of_slots(learner, head, series, calendar, following)`` returns arrays by name; values
        that were seen are "level".
        """
        calendar, horizon = self.clock.calendar_after, self.horizon
        if following is not None:  # of a row that is not looked up, the rows after it know
            following = carried(following.swapaxes(0, 1), np.nan).swapaxes(0, 1)

        def of_head(head, series, following):
            learner, steps = self.learner, self._steps(position, head)
            if steps is None:
                return of_slots(learner, head, series, calendar, following)
            known = _by_step(following, steps, horizon)
            found = of_slots(learner, head, series, calendar, known)
            found = {name: part[..., steps.clip(1, horizon) - 1] for name, part in found.items()}
            seen, beyond = steps < 1, steps > horizon
            if seen.any():
                levels = learner.newest(head, series, int(1 - steps.min()))  # (n, J, B)
                for part in found.values():
                    part[..., seen] = 0.0
                found["level"][..., seen] = np.moveaxis(levels[steps[seen] - 1], 0, -1)
            if beyond.any():  # as after missing rows, of a learner of these series alone
                n, later = int(steps.max() - horizon), learner.taken(self._places(series))
                places = np.arange(len(later.heads))
                later = later.advance(self._missing(head, head + n, places))
                known = _by_step(following, steps - n, horizon)
                parts = of_slots(later, head + n, slice(None), calendar, known)
                for part in found.values():
                    part[..., beyond] = 0.0
                for name, part in parts.items():
                    found.setdefault(name, np.zeros_like(found["level"]))
                    found[name][..., beyond] = part[..., steps[beyond] - n - 1]
            return found

        return self._by_head(series, of_head, following)

    # --- inspection -------------------------------------------------------------------------------

    def changes(self):
        """Return the changes noted, at positions; see `tsrnn.online.protocol.Learner`."""
        return self._at_positions(self.learner.changes())

    @property
    def lists_outliers(self):
        """Whether `outliers` has an answer."""
        return self.learner.lists_outliers

    def outliers(self):
        """Return the values refused, at positions; see `tsrnn.online.protocol.Learner`."""
        return self._at_positions(self.learner.outliers())

    def _at_positions(self, noted):
        if not noted:
            return noted
        positions = self.clock.positions(np.array([slot for slot, *_ in noted]))
        return [(int(p), *rest) for p, (_, *rest) in zip(positions, noted, strict=True)]


def _on_line(learner, piece, following):
    """Return slots that were left out with targets between those of the rows before and after."""
    before, n = learner.newest(piece.start - 1, piece.series, 1)[0], len(piece.targets)
    share = (np.arange(1, n + 1) / (n + 1))[:, None, None]
    return piece._replace(targets=before + share * (following - before))


def _by_step(following, steps, horizon):
    """Return inputs (B, M, F) of the steps 1 to M, out of those (B, m, F) of rows at steps (M,)."""
    if following is None:
        return None
    known = np.full((len(following), horizon, following.shape[2]), np.nan)
    rows = np.arange(following.shape[1])
    inside = (steps[rows] >= 1) & (steps[rows] <= horizon)
    for row in rows[inside][::-1]:  # of a step that comes twice, the first row counts
        known[:, steps[row] - 1] = following[:, row]
    return known
