"""The learner of a panel: one network and one readout, a state for each of many series."""

import copy

import numpy as np

from tsrnn.features.ring_buffer import Ring
from tsrnn.nn import State
from tsrnn.online.panel_labels import PanelLabels
from tsrnn.online.readouts.pooled import PooledRLS
from tsrnn.online.storage.series import NEVER, ROOM, SPARE
from tsrnn.online.stream_learner import REPLAYED_MEMORIES, ridge_of
from tsrnn.persistence.registry import saved
from tsrnn.threads import one_blas_thread


@saved("panel-learner")
class PanelLearner(PanelLabels):
    """A recurrent encoder and a pooled readout over the rings of many series.

    All that grows with the number of series lies in rings, where new rows are written beyond
    what the learner as it stands looks at: `heads` says where that ends. So a method can return a
    new learner at the cost of its heads, the old one being as good as before for as long as not
    more than 8 rows have been written; for more, `writable` makes rings of its own.

    Parameters
    ----------
    design : ForecastDesign
        Of one series, ``change_scale`` apart, which is by series: `change_scale` (J, C) here.
    readout : PooledRLS
    encoder : RecurrentEncoder or None
        Whose own state is not used.
    rings : PanelWindow
    experts : PanelExperts or None
        That the readout is mixed with, and the intervals around the mixture. They follow what is
        learnt, not what is only taken in.

    Attributes
    ----------
    heads, begun : ndarray of int, shape (C,)
        Positions of the last row of each series and of the first since its state was zero.
    seen : ndarray of int, shape (C,)
        Number of the group of rows in which each was last seen.
    clock, learnt_to : int
        The newest position, and the newest one that was learnt.
    n_learnt : int
        How often `learnt_to` has moved on.
    """

    learns = True  # whether `learn` does

    def __init__(self, design, readout, encoder, rings, experts=None):
        self.design, self.readout, self.encoder, self.rings = design, readout, encoder, rings
        self.experts = experts
        n_targets, n_outputs = readout.weights.shape[:2]
        self.features = Ring.zeros(n_outputs + 1 + ROOM, n_targets, 0, readout.weights.shape[2])
        self.opened = Ring.zeros(len(self.features), 1, 0, dtype=bool)
        self.groups = Ring.zeros(len(self.features), 1, 0, dtype=np.int64)
        self.states = self._no_states()
        self.calendar = np.zeros((len(rings.levels), design.n_calendar))
        self.change_scale = np.zeros((n_targets, 0))
        self.usual = np.zeros((n_targets, 0))
        self.heads = self.begun = self.seen = np.zeros(0, dtype=np.int64)
        self.clock = self.learnt_to = NEVER
        self.n_groups = self.n_learnt = self.n_trainings = 0

    @classmethod
    def of(
        cls, design, n_targets, forgetting, make_rings, encoder=None, *, guarded=True, experts=None
    ):
        """Return a learner of no series yet, with a blank readout.

        Parameters
        ----------
        make_rings : callable
            ``make_rings(length, n_newest, reach, guarded)`` makes its rings of raw rows.
        """
        n_hidden = encoder.network.hidden_size if encoder else 0
        n_outputs, n_features = len(design.delays), n_hidden + design.n_features
        penalty = ridge_of(encoder.noise.mean()) if encoder else 1.0
        readout = cls.blank_readout(design, n_targets, n_features, forgetting, penalty)
        window = encoder.window if encoder else 0
        length = design.reach + window + n_outputs + 1 + ROOM
        rings = make_rings(length, 1 + ROOM, design.reach, guarded)
        return cls(design, readout, encoder, rings, experts)

    @staticmethod
    def blank_readout(design, n_targets, n_features, forgetting, penalty):
        """Return a readout that has learnt nothing yet."""
        return PooledRLS(n_targets, n_features, len(design.delays), forgetting, penalty)

    def fixed(self, lag_weights):
        """Return the learner with a readout that adds up earlier values and never learns.

        Parameters
        ----------
        lag_weights : ndarray of shape (M, n_lags)
            Of the values at the design's offsets, relative to the newest.
        """
        learner = copy.copy(self)
        learner.learns = False
        learner.readout.weights[:, :, : lag_weights.shape[1]] = lag_weights
        return learner

    @property
    def replayed(self):
        """Rows of a history that matter: those λ remembers, and those they look back on."""
        forgotten = 1.0 - self.readout.forgetting
        if forgotten == 0.0:
            return np.inf
        return len(self.rings.levels) + int(np.ceil(REPLAYED_MEMORIES / forgotten))

    @one_blas_thread
    def advance(self, block):
        """Take in rows without learning; the learner must be `writable` for as many."""
        return self._take_in(block, learning=False)

    @one_blas_thread
    def learn(self, block):
        """Learn from rows, position by position, and take them in."""
        return self._take_in(block, learning=self.learns)

    @one_blas_thread
    def outputs(self, block, following=None):
        """Return what `output` would give after each row, (T, J, B, M), and the learner after."""
        learner, outputs = self, []
        while len(block.targets):
            part, block = block.cut(SPARE)  # its rows are all in the rings afterwards
            learner, features = learner._move(part, learning=False, wanted=True)
            view = learner.rings.view(part.members, part.calendar, part.start)
            base = view.levels[part.start : part.start + len(features)]
            base = base.reshape(*features.shape[:-1], 1)
            said = learner.readout.output(features) + base
            for row in range(len(said) if self.experts else 0):
                said[row] = learner._mixed(said[row], part.start + row, part.members)
            outputs.append(learner._shifted(said, part.start, part.members))
        return np.concatenate(outputs), learner

    @one_blas_thread
    def output(self, position, members, calendar, following=None):
        """Return the outputs (J, B, M) of series whose last row lies at ``position``.

        Parameters
        ----------
        calendar : ndarray of shape (1, C)
        """
        view = self.rings.view(members, calendar, position)
        features = self._features(view, position, 1, self._hidden(position, members))
        base = view.levels[position : position + 1].reshape(features.shape[1:-1])
        said = self.readout.output(features)[0] + base[..., None]
        if self.experts:
            said = self._mixed(said, position, members)
        return self._shifted(said[None], position, members)[0]

    def offsets(self, probabilities, position, members):
        """Return quantiles (P, J, B, M) of the errors of `output`, None without experts."""
        return self.experts and self.experts.offsets(probabilities, position, members)

    def _mixed(self, said, position, members):
        begun = self.begun[members]
        return self.experts.mix(said, self.rings.levels, position, members, begun)

    def _shifted(self, said, start, members):
        """Return what is said (T, J, B, M) at rows with their jumps; see `filter_outliers`."""
        return said + self.rings.jumps.read(np.arange(start, start + len(said)), members)[..., None]

    def _take_in(self, block, learning):
        learner = self
        while len(block.targets):
            part, block = block.cut(learner._rows_at_once(block.start, learning))
            learner, _ = learner._move(part, learning)
        return learner

    def _rows_at_once(self, start, learning):
        """Rows that go through the network together: it does not learn before the last of them."""
        if not learning or self.encoder is None:
            return SPARE
        if start <= self.learnt_to:
            return min(SPARE, self.learnt_to - start + 1)
        return min(SPARE, self.encoder.period - self.n_learnt % self.encoder.period)

    def _move(self, block, learning, wanted=False):
        """Take in up to `SPARE` rows; return the learner and, if wanted, features of its origins.

        They have the shape (T, J, B, K).
        """
        start, members, n_rows = block.start, block.members, len(block.targets)
        learner = copy.copy(self)
        usual = self.usual[:, members]
        self.rings.push(start, members, block.targets, block.inputs, block.fresh, usual)
        view = self.rings.view(members, block.calendar, start)
        hidden = self._encode(view, block) if self.encoder else None
        features = self._features(view, start, n_rows, hidden) if learning or wanted else None
        self._open(block, features, learning)
        learner.heads, learner.seen = self.heads.copy(), self.seen.copy()
        learner.begun = self.begun.copy()
        learner.begun[members] = np.where(block.fresh, start, self.begun[members])
        for row in range(n_rows):
            position = start + row
            learner.n_groups += 1
            n_steps = 0 if position <= learner.clock else 1
            if learning:
                arrived = view.targets[position : position + 1].reshape(block.targets.shape[1:])
                learner._learn_row(position, members, arrived, features[row], n_steps)
            learner._tick(position, n_steps, block.calendar[row])
            learner.heads[members] = position
            if learning and position > learner.learnt_to:
                learner.learnt_to, learner.n_learnt = position, learner.n_learnt + 1
                if learner._training_is_due:
                    learner = learner._train_encoder()
        learner.seen[members] = learner.n_groups
        return learner, features

    def _tick(self, position, n_steps, calendar):
        if not n_steps:
            return
        self.clock = position
        self.calendar[position % len(self.calendar)] = calendar[: self.calendar.shape[1]]

    def _encode(self, view, block):
        """Move the states of the members on; return hidden states (T, J, B, H)."""
        start, members, stop = block.start, block.members, block.start + len(block.targets)
        design = self._design_of(members)
        n_targets, n_series = block.targets.shape[1:]
        fresh = np.tile(block.fresh, n_targets)
        encoder = copy.copy(self.encoder)
        encoder.state = tuple(
            State(*(self._state(ring, start - 1, members, fresh) for ring in layer))
            for layer in self.states
        )
        hidden, encoder = encoder.encode(design.inputs(view, start, stop))
        for layer, state in zip(self.states, encoder.state, strict=True):
            for ring, value in zip(layer, state, strict=False):
                ring.write(stop - 1, members, value.reshape(1, -1, n_series))
        return hidden.reshape(len(hidden), n_targets, n_series, -1)

    def _hidden(self, position, members):
        """Return the hidden states (1, J, B, H) at a position, None without an encoder."""
        if self.encoder is None:
            return None
        h = self.states[-1][0].read(position, members)  # (H * J, B)
        h = h.reshape(self.encoder.network.hidden_size, len(self.change_scale), -1)
        return h.transpose(1, 2, 0)[None].astype(np.float64)

    def _state(self, ring, position, members, fresh):
        values = ring.read(position, members)
        values = values.reshape(self.encoder.network.hidden_size, -1)
        values[:, fresh] = 0.0
        return values

    def _features(self, view, start, n_rows, hidden):
        """Return the readout features (T, J, B, K)."""
        n_targets = len(self.change_scale)
        skip = self.design.skip(view, start, start + n_rows)
        skip = skip.reshape(n_rows, n_targets, -1, skip.shape[-1])
        return skip if hidden is None else np.concatenate([hidden, skip], axis=-1)

    # --- what an estimator asks beside: see `tsrnn.online.protocol.Learner` ---------------------

    @property
    def memory(self):
        """Rows that are kept of each series."""
        return len(self.rings.levels)

    def prepared(self, series, positions, again):
        """Return a learner that these rows may be given to without harm to this one."""
        heads = self.heads[series]
        n_ahead = np.where(heads == NEVER, 0, positions - heads).max()
        n_ahead = max(n_ahead, positions.max() - max(self.clock, positions.min()))
        after_reset = (heads == NEVER) & (self.begun[series] != NEVER)
        return self.writable(n_ahead, again or after_reset.any())

    def overtaken_by(self, other):
        """Tell whether more rows than the rings have room for have been written since."""
        return other.n_groups - self.n_groups > SPARE

    @property
    def expert_names(self):
        """Names of the experts, none where there is one alone."""
        return self.experts.names if self.experts else []

    @property
    def has_intervals(self):
        """Whether `offsets` has an answer."""
        return self.experts is not None

    @property
    def change_sizes(self):
        """What is told of each of `changes`."""
        return ("error",) if self.experts else ()

    def expert_weights(self):
        """Return the weights (C, J, M, E) of the experts."""
        return self.experts.weights(slice(None)).transpose(3, 2, 1, 0)

    def changes(self):
        """Return the changes noted, ``(position, place, target, error)``."""
        return self.experts.changes
