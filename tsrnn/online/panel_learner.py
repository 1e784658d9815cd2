"""The learner of a panel: one network and pooled readouts, a state for each of many series."""

import copy
from dataclasses import replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tsrnn.features.instance_norm import SCALE_MOVED, SMALLEST
from tsrnn.features.outlier_filter import PLAIN
from tsrnn.features.panel_norm import PanelNorm, SeasonRows
from tsrnn.kernels import compiled_kernels
from tsrnn.kernels.numpy_ import panel_features
from tsrnn.kernels.numpy_.conformal import MAE_OF_NORMAL, TINY
from tsrnn.nn import State
from tsrnn.online.explanation import explain_panel
from tsrnn.online.outliers import Outliers
from tsrnn.online.panel_adjusted import newest_of
from tsrnn.online.panel_regime import PanelRegime
from tsrnn.online.readouts.covariance import QUIETLY
from tsrnn.online.readouts.pooled import PooledRLS
from tsrnn.online.readouts.pooled_future import PooledFutureRLS
from tsrnn.online.readouts.targets import origin_targets
from tsrnn.online.regime import CHANGE_COLUMNS
from tsrnn.online.storage.issued import IssuedForecasts
from tsrnn.online.storage.series import MARGIN, NEVER, SPARE, SeriesMemory
from tsrnn.online.stream_learner import REPLAYED_MEMORIES, ridge_of
from tsrnn.partitions import alone, drawn, gathered, total
from tsrnn.persistence.registry import saved
from tsrnn.threads import by_blocks, one_blas_thread

MAX_SAMPLED = 32  # series in a training step on the stream
# Origins whose features span more than this many times the typical range of their series count less
# than others: the root of their weight is the power of the limit's share of what they span.
FAR, POWER = 1.3, 8
PACE, LARGEST_CHANGE = 0.02, 4.0  # weight of the newest change in the recent one, and its limit
MAD_OF_NORMAL = 0.6745  # median absolute value of a standard normal variable
SLACK = 0.25  # logarithm of what a scale may be beyond that of the changes
PROFILE_LIMIT = 2.0  # times the mean deviation within a season: largest step that moves a profile
RISE, FALL = 1e-3, 5e-5  # shares of a row in that range, above and below it
UNUSUAL = 5.0  # times the median distance of inputs known ahead from their median
UNLIMITED = 1e9  # error of what inputs known ahead have announced: all of it is learnt from
ADJUSTED = 2  # place of the readout of adjusted series among the readouts; one without inputs next
UNSETTLED = 0.5  # root of the weight of an origin that is unsettled: see `PanelExperts.score`


@saved("panel-learner")
class PanelLearner:
    """A recurrent encoder and pooled readouts over the rings of many series.

    All that grows with the number of series and of rows lies in a `SeriesMemory`, where new rows
    are written beyond what the learner as it stands looks at: `heads` says where that ends. So a
    method can return a new learner at the cost of its heads, the old one being as good as before
    for as long as not more than `SPARE` rows have been written; for more, `writable` makes a memory
    of its own.

    Features, labels and errors of a series are in units of the scale at which it now is: a series
    that scales is forecast as before. An origin whose features lie far outside the typical range of
    its series enters the pooled sums with a smaller weight, which is known at the origin, and an
    error counts up to a multiple of the recent mean: a series that jumps must not mislead the
    others.

    Parameters
    ----------
    design : ForecastDesign
        Of one series, ``change_scale`` and ``norm`` apart, which are by series.
    readout : PooledRLS
        Or `PooledFutureRLS`, where inputs are known ahead.
    memory : SeriesMemory
    encoder : RecurrentEncoder, optional
        Whose own state is not used.
    experts : PanelExperts
        That the readouts are mixed with, and the intervals around the mixture. They follow all
        rows: what was issued is scored.
    steps : PanelSteps, optional
        Readouts of each step, an expert. Without them there is the one readout alone, which learns
        from all origins alike.
    adjusted : PanelAdjusted, optional
        Readout of the series adjusted for their inputs known ahead, an expert.
    norm : PanelNorm, optional
    smoothing : PanelSmoothing, optional
        Others of the experts.

    Attributes
    ----------
    keys : ndarray of uint64, shape (C,)
        What draws among series go by.
    heads, first_positions : ndarray of int, shape (C,)
        Positions of the last row of each series and of the first since its state was zero.
    seen : ndarray of int, shape (C,)
        Number of the group of rows in which each was last seen.
    change_scale, initial_level : ndarray of shape (J, C)
        Standard deviation of changes, and level that a first value is held against.
    ranges : ndarray of shape (3, J, C)
        Two typical ranges of the features of each series, and its recent mean absolute change: see
        `_weigh`.
    unsettled : ndarray of int, shape (J, C)
        Newest position at which each series was unsettled.
    regime : PanelRegime
        Changes of error level, level and scale.
    clock, learnt_to : int
        The newest position, and the newest one that was learnt.
    n_learnt : int
        How often `learnt_to` has moved on.
    """

    learns = True  # whether the readout does

    def __init__(
        self, design, readout, memory, experts, encoder=None, steps=None, norm=None,
        adjusted=None, smoothing=None,
    ):  # fmt: skip
        self.design, self.readout, self.memory = design, readout, memory
        self.encoder, self.experts, self.steps, self.norm = encoder, experts, steps, norm
        self.adjusted, self.smoothing = adjusted, smoothing
        n_targets = len(readout.weights)
        self.regime, self.noted_outliers = PanelRegime.none(n_targets), Outliers()
        self.calendar = np.zeros((len(memory.window.levels), design.n_calendar))
        self.change_scale = self.initial_level = np.zeros((n_targets, 0))
        self.ranges = np.zeros((3, n_targets, 0))
        self.unsettled = np.zeros((n_targets, 0), dtype=np.int64)
        self.heads = self.first_positions = self.seen = np.zeros(0, dtype=np.int64)
        self.keys = np.zeros(0, dtype=np.uint64)
        self.clock = self.learnt_to = NEVER
        self.n_groups = self.n_learnt = self.n_trainings = 0

    @classmethod
    def of(
        cls, design, n_targets, forgetting, make_rings, experts, encoder=None, *, screen=PLAIN,
        steps=None, adjusted=None, smoothing=None,
    ):  # fmt: skip
        """Return a learner of no series yet, with blank readouts.

        Parameters
        ----------
        make_rings : callable
            ``make_rings(length, n_newest, reach, screen, season, n_origins)`` makes its rings of
            raw rows: a `PanelWindow`.
        screen : Screen or None
            That outliers are filtered by.
        """
        n_hidden = encoder.network.hidden_size if encoder else 0
        n_outputs, n_features = len(design.delays), n_hidden + design.n_features
        penalty = ridge_of(encoder.noise.mean()) if encoder else 1.0
        columns = n_hidden + design.autoregression if steps else None
        sizes = n_targets, n_features, n_outputs, forgetting, penalty
        if design.n_ahead:
            readout = PooledFutureRLS(*sizes, design.n_ahead, columns)
        else:
            readout = PooledRLS(*sizes, columns)
        window = encoder.window if encoder else 0
        n_origins = n_outputs + 1 + MARGIN
        season = design.seasons[-1] if (steps or design.norm) and design.seasons else 0
        length = design.reach + window + n_origins
        rings = make_rings(length, 1 + MARGIN, design.reach, screen, season, n_origins)
        states = encoder.network.zero_state(1) if encoder else ()
        norm, scored = None, experts.scored.steps
        issued = IssuedForecasts.none(scored, 1 + SPARE, experts.n_issued, n_targets)
        seasonal = smoothing and smoothing.ring(MARGIN)
        n_kept = n_features + (adjusted.n_kept if adjusted else 0)
        sizes = n_targets, n_kept, n_outputs
        memory = SeriesMemory.none(rings, *sizes, states, issued, seasonal)
        if design.norm:
            norm = PanelNorm.of_series(design.norm.season, (), n_targets)
        parts = experts, encoder, steps, norm, adjusted, smoothing
        return cls(replace(design, norm=None), readout, memory, *parts)

    def __copy__(self):
        twin = object.__new__(type(self))
        twin.__dict__.update(vars(self))
        return twin

    def __getstate__(self):
        """Return what is kept: of the memory, the rows that will still be looked at."""
        state = dict(vars(self))
        state["memory"] = self.memory.cleaned(self.heads, self.first_positions)
        age = (self.clock - np.arange(len(self.calendar))) % len(self.calendar)
        kept = age < len(self.calendar) - MARGIN
        state["calendar"] = np.where(kept[:, None], self.calendar, 0.0)
        return state

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

    # --- what estimators ask ----------------------------------------------------------------------

    @property
    def replayed(self):
        """Rows of a history that matter: those λ remembers, and those they look back on."""
        forgotten = 1.0 - self.readout.forgetting
        if forgotten == 0.0:
            return np.inf
        return self.n_kept + int(np.ceil(REPLAYED_MEMORIES / forgotten))

    @property
    def n_kept(self):
        """Rows of a series that its rings hold."""
        return len(self.memory.window.levels)

    def typical_level(self, position, beside=None):
        """Return where another series is to be expected at a position, (J,).

        That is the median of the series a season before, or just before it, as far as they agree:
        of their variance over time, 1, what they have in common is what is not between them. With
        some series `beside` these: a learner, and their places there.
        """
        for back in (*self.design.seasons[:1], 1):
            found = self._levels_at(position - back, slice(None))
            if beside is not None:
                others, places = beside
                found = np.append(found, others._levels_at(position - back, places), axis=1)
            found = gathered(found.T).T
            if found.shape[1] > 1:
                level = np.median(found, axis=1)
                apart = np.median(np.abs(found - level[:, None]), axis=1) / MAD_OF_NORMAL
                between = np.minimum(apart**2, 1.0)
                common = (found.shape[1] - 1) * (1.0 - between)
                return level * common / (common + between + TINY)
        return np.zeros(len(self.change_scale))

    def _levels_at(self, position, series):
        """Return the levels (J, n), at a position, of those series that had a row there."""
        ring, last = self.memory.window.levels, self.heads[series]
        first = self.first_positions[series]
        there = (first <= position) & (position <= last) & (position > last - len(ring) + MARGIN)
        return ring.array[position % len(ring)][:, series][:, there]

    def prepared(self, series, positions, again, span):
        """Return a learner that these rows may be given to without harm to this one."""
        heads = self.heads[series]
        n_ahead = np.where(heads == NEVER, 0, positions - heads).max(initial=0)
        n_ahead = max(n_ahead, span[1] - max(self.clock, span[0]))
        after_reset = (heads == NEVER) & (self.first_positions[series] != NEVER)
        return self.writable(n_ahead, again or after_reset.any())

    def overtaken_by(self, other):
        """Tell whether more rows than the rings have spare have been written since."""
        return other.n_groups - self.n_groups > SPARE

    change_sizes = tuple(CHANGE_COLUMNS)

    def changes(self):
        """Return the changes noted, see `tsrnn.online.protocol.Learner`."""
        return [(*change[:-2], 0, *change[-2:]) for change in self.regime.changes]

    @property
    def lists_outliers(self):
        """Whether values that are refused are listed."""
        return self.memory.window.screen is not None

    def outliers(self):
        """Return the values refused, ``(position, place, target, value, believed)``."""
        return self.noted_outliers.listed()

    @property
    def expert_names(self):
        """Names of the experts, none where there is one alone."""
        return self.experts.names if self.steps else []

    def expert_weights(self):
        """Return the weights (C, J, M, E) of the experts."""
        ages = np.where(self.heads == NEVER, 0, self.heads - self.first_positions + 1)
        others = self.smoothing.awake(slice(None), ages)
        return self.experts.weights(slice(None), ages, others).transpose(3, 2, 1, 0)

    def carried_states(self):
        """Return the state of each layer after each series' last row, arrays of shape (S, H)."""
        return self.memory.carried_states(self.heads)

    # --- series come and go -----------------------------------------------------------------------

    def grown(self, keys, change_scale, initial_level, histories=()):
        """Return the learner with places for more series; see `tsrnn.online.protocol.Learner`."""
        n_more = change_scale.shape[1]
        learner = self._with_memory(slice(None), n_more)
        learner.keys = np.append(self.keys, keys)
        learner.heads = np.append(self.heads, np.full(n_more, NEVER))
        learner.first_positions = np.append(self.first_positions, np.full(n_more, NEVER))
        learner.seen = np.append(self.seen, np.full(n_more, -1))
        learner.change_scale = np.append(self.change_scale, change_scale, axis=1)
        learner.initial_level = np.append(self.initial_level, initial_level, axis=1)
        learner.ranges = np.append(self.ranges, self._first_ranges(change_scale), axis=2)
        learner.unsettled = np.append(self.unsettled, np.full(initial_level.shape, NEVER), axis=1)
        learner.regime = self.regime.taken(slice(None), n_more)
        if self.norm:
            learner.norm = self.norm.grown(n_more)
            if histories:
                sizes = self.norm.season, histories, len(change_scale)
                learner.norm = PanelNorm.of_series(*sizes)
        return learner

    @staticmethod
    def _first_ranges(change_scale):
        ranges = np.zeros((3, *change_scale.shape))
        ranges[2] = MAE_OF_NORMAL * change_scale
        return ranges

    def taken(self, series):
        """Return a learner of these series alone, with a memory of its own."""
        learner = self._with_memory(series)
        for name in ("keys", "heads", "first_positions", "seen"):
            setattr(learner, name, getattr(self, name)[series])
        for name in ("change_scale", "initial_level", "ranges", "unsettled"):
            setattr(learner, name, getattr(self, name)[..., series])
        learner.regime = self.regime.taken(series)
        learner.noted_outliers = self.noted_outliers.taken(series)
        learner.norm = self.norm and self.norm.taken(series)
        return learner

    def joined(self, others):
        """Return a learner of its series and those of others, in this order.

        They are the learners of the partitions of one panel, which have learnt the same.
        """
        learner, parts = copy.copy(self), [self, *others]
        learner.memory = self.memory.joined([other.memory for other in others])
        learner.calendar = self.calendar.copy()
        for name in ("keys", "heads", "first_positions", "seen"):
            setattr(learner, name, np.concatenate([getattr(part, name) for part in parts]))
        for name in ("change_scale", "initial_level", "ranges", "unsettled"):
            arrays = [getattr(part, name) for part in parts]
            setattr(learner, name, np.concatenate(arrays, axis=-1))
        for name in ("experts", "smoothing", "norm", "regime"):
            own = getattr(self, name)
            if own is not None:
                setattr(learner, name, own.joined([getattr(other, name) for other in others]))
        noted, n_series = zip(
            *((part.noted_outliers, len(part.heads)) for part in parts), strict=True
        )
        learner.noted_outliers = self.noted_outliers.joined(noted[1:], n_series[:-1])
        return learner

    def writable(self, n_rows, started_over):
        """Return a learner that ``n_rows`` may be written to without harm to this one."""
        if n_rows <= SPARE and not started_over:
            return copy.copy(self)
        return self._with_memory(slice(None))

    def restarted(self, series):
        """Return the learner with these series back before their first row.

        Their mixtures are those with which something was last learnt.
        """
        learner = copy.copy(self)
        learner.heads = self.heads.copy()
        learner.heads[series] = NEVER
        learner.experts = self.experts.restarted(series)
        return learner

    def _with_memory(self, series, n_more=0):
        learner = copy.copy(self)
        learner.memory = self.memory.taken(series, n_more)
        learner.calendar = self.calendar.copy()
        learner.experts = self.experts.taken(series, n_more)
        learner.smoothing = self.smoothing and self.smoothing.taken(series, n_more)
        return learner

    # --- rows -------------------------------------------------------------------------------------

    @one_blas_thread
    def advance(self, block):
        """Take in rows without learning; the learner must be `writable` for as many."""
        return self._take_in(block, learning=False)

    @one_blas_thread
    def learn(self, block):
        """Learn from rows, position by position, and take them in."""
        return self._take_in(block, learning=True)

    @one_blas_thread
    def outputs(self, block, following=None):
        """Return what `output` would give after each row, (T, J, B, M), and the learner after.

        Parameters
        ----------
        following : ndarray of shape (T, B, M, F), optional
            Inputs known ahead of each row.
        """
        learner, outputs = self, []
        while len(block.targets):
            part, block = block.cut(SPARE)
            ahead = None
            if following is not None:
                ahead, following = following[:SPARE], following[SPARE:]
            learner, found = learner._move(part, learning=False, wanted=True, following=ahead)
            outputs += found
        return np.stack(outputs), learner

    @one_blas_thread
    def output(self, position, series, calendar, following=None):
        """Return the outputs (J, B, M) of series whose last row lies at ``position``.

        Parameters
        ----------
        calendar : callable
            ``calendar(start, n)`` returns the features (n, C) of the step after each position.
        following : ndarray of shape (B, m, F), optional
            Inputs of the next m rows, where some are known ahead; NaN where unknown: there, and
            beyond, the newest value stands.
        """
        features = self.features_at(position, series, calendar)
        return self._output(position, series, features, following)

    def features_at(self, position, series, calendar):
        """Return the readout features (J, B, K) of series whose last row lies at a position."""
        scales, hidden = self._scales([position], series), self._hidden(position, series)
        return self._features(position, series, calendar(position, 1), scales, hidden)[0]

    @one_blas_thread
    def explain(self, position, series, calendar, following, usual):
        """Return the parts (J, B, M) of `output` by name; see `explain_panel`."""
        return explain_panel(self, position, series, calendar, following, usual)

    def expert_shares(self, position, series, readouts):
        """Return by expert its weights and forecasts, (J, B, M) each, those of readouts given."""
        experts, levels = self.experts, self.memory.window.levels
        ages = position - self.first_positions[series] + 1
        forecasts = experts.forecasts(readouts, levels, position, series)
        weights = experts.weights_of(readouts, series, ages).transpose(0, 2, 3, 1)
        forecasts = [np.moveaxis(forecast, 0, -1) for forecast in forecasts]
        pairs = zip(weights, forecasts, strict=True)
        return dict(zip(experts.names, pairs, strict=True))

    def steps_terms(self, position, series, usual):
        """Return what `PanelSteps.terms` does of series whose last row lies at a position."""
        scales = self._scales(position, series)
        where = self.memory, position, series, self._centers(series), scales, self.calendar
        return self.steps.terms(*where, usual)

    def offsets(self, probabilities, position, series):
        """Return quantiles (P, J, B, M) of the errors of `output`."""
        scales = self._scales(position, series)
        return self.experts.offsets(probabilities, position, series, scales)

    def p_values(self, targets, forecast, position, series):
        """Return how probable targets (J, B) are under forecasts of the row before, (J, B)."""
        error = (targets - forecast) / self._scales(position, series)
        return self.experts.p_values(error, position + 1, series)

    def newest(self, position, series, n):
        """Return the newest n values, missing ones carried forward, (n, J, B)."""
        window = self.memory.window
        levels = window.levels.read(np.arange(position + 1 - n, position + 1), series)
        for row in range(n - 2, -1, -1):  # what is before a series began is its first one
            levels[row] = np.where(np.isnan(levels[row]), levels[row + 1], levels[row])
        return levels + window.jumps.read(position, series)

    def _output(self, position, series, features, following):
        window = self.memory.window
        issued = self._forecasts(position, series, features, following)
        ages = position - self.first_positions[series] + 1
        outputs = self.experts.mix(issued, window.levels, position, series, ages)
        return outputs + window.jumps.read(position, series)[..., None]  # see `filter_outliers`

    def _forecasts(self, position, series, features, following=None):
        """Return the forecasts of the readouts, then of those that smooth, (R, J, B, M).

        Where inputs are known ahead but not given, what is due to them is left out.
        """
        window, scales = self.memory.window, self._scales(position, series)
        found = self.readout.outputs(features)  # (R, J, M, B)
        if self.adjusted:
            others = self.adjusted.output(self._look(position, series, features, scales))
            alone = self.readout.outputs_alone(features)
            found = np.concatenate([found, np.stack([others, alone])])
        steps_ahead = None
        if following is not None:
            newest = window.inputs.read(position, series)[self.design.future].T  # (B, F)
            ahead = self.design.ahead_of_series(newest, following)
            found[0] += self.readout.effect(ahead).swapaxes(1, 2)
            steps_ahead = ahead[..., : len(self.design.future)]
            if self.adjusted:
                found[ADJUSTED] += self.adjusted.due(steps_ahead).swapaxes(1, 2)
        n_shared, n_steps = len(found), found.shape[2]
        n_smoothing = len(self.smoothing.names) if self.smoothing else 0
        n_readouts = n_shared + bool(self.steps)
        issued = np.empty((n_steps, n_readouts + n_smoothing, *scales.shape))
        readouts = issued[:, :n_readouts]
        np.multiply(found.transpose(2, 0, 1, 3), scales, out=readouts[:, :n_shared])
        if self.steps:
            where = self.memory, position, series, self._centers(series), scales, self.calendar
            own = self.steps.forecast(*where, steps_ahead)  # (J, B, M)
            np.multiply(own.transpose(2, 0, 1), scales, out=readouts[:, n_shared])
        readouts += window.levels.read(position, series)
        if self.smoothing:
            ages = position - self.first_positions[series] + 1
            of_row = self.memory.seasonal, position, series, ages
            self.smoothing.write_forecasts(*of_row, issued)
            if steps_ahead is not None:
                due = self.adjusted.due(steps_ahead) * scales[..., None]
                issued[:, n_readouts:] += due.transpose(2, 0, 1)[:, None]
        return issued.transpose(1, 2, 3, 0)

    def _look(self, position, series, features, scales):
        """Return what the readout of adjusted series keeps of an origin, (J, B, n)."""
        window, design = self.memory.window, self.design
        known = features.shape[-1] - design.n_features + len(design.offsets) + 1
        calendar = features[..., known : known + design.n_calendar]
        others = np.concatenate([calendar, np.ones((*scales.shape, 1))], axis=2)
        return self.adjusted.look(window, position, series, self._centers(series), scales, others)

    def _take_in(self, block, learning):
        learner = self
        while len(block.targets):
            part, block = block.cut(learner._rows_at_a_time(block.start, learning))
            learner, _ = learner._move(part, learning)
        return learner

    def _rows_at_a_time(self, start, learning):
        """Rows that go through the network together: it does not learn before the last of them."""
        if not learning or self.encoder is None:
            return SPARE
        if start <= self.learnt_to:
            return min(SPARE, self.learnt_to - start + 1)
        return min(SPARE, self.encoder.period - self.n_learnt % self.encoder.period)

    @QUIETLY
    def _move(self, block, learning, wanted=False, following=None):
        """Take in up to `SPARE` rows; return the learner and, if wanted, outputs after each."""
        start, series, n_rows = block.start, block.series, len(block.targets)
        learner, outputs, window = copy.copy(self), [], self.memory.window
        initial_level = self.initial_level[:, series]
        before = window.judged_by(start - 1, series, block.fresh, initial_level)
        rows = block.targets, block.inputs, block.fresh, initial_level, block.levels
        window.push(start, series, *rows)
        learner.noted_outliers = self._outliers_after(block, before)
        learner.heads, learner.seen = self.heads.copy(), self.seen.copy()
        learner.first_positions = first = self.first_positions.copy()
        first[series] = np.where(block.fresh, start, first[series])
        if block.fresh.any():
            fresh = np.arange(len(self.heads))[series][block.fresh]
            self.memory.opened.array[:, :, fresh] = False  # origins of before are not theirs
            learner.experts = self.experts.started(fresh)
            learner.smoothing = self.smoothing and self.smoothing.started(fresh)
        view, design = window.view(series, block.calendar, start), self._design_of(series)
        local, sizes, announced = learner._local(start, series, n_rows, design, block.ages)
        hidden = self._encode(view, block, design, local) if self.encoder else None
        scales = self._scales(np.arange(start, start + n_rows), series)
        features = self._features(start, series, block.calendar, scales, hidden)
        for row in range(n_rows):
            position = start + row
            learner.n_groups += 1
            n_steps = 0 if position <= learner.clock else 1
            arrived, roots = window.targets.read(position, series), None
            if self.steps:
                growth = sizes[row] / scales[row]
                roots = learner._weigh(position, series, features[row], growth)
            limits, sums = learner._score(position, series, arrived, learning)
            if limits is not None and self.design.n_ahead:
                limits[announced[row]] = UNLIMITED
            if learning:
                origins = features[row], roots, limits
                learner._learn_row(position, series, arrived, *origins, sums, n_steps)
            if not (learning and self.learns):
                shut = np.zeros((1, 1, block.targets.shape[2]), bool)
                self.memory.opened.write(position, series, shut)
            learner._smooth(position, series, arrived, block.zero)
            learner._tick(position, n_steps, block.calendar[row])
            learner.heads[series] = position
            issued = learner._forecasts(position, series, features[row])
            issued = self.experts.scored.take(issued).transpose(3, 0, 1, 2)
            self.memory.issued.write(position, series, issued)
            if wanted:
                ahead = None if following is None else following[row]
                outputs.append(learner._output(position, series, features[row], ahead))
            if learning and position > learner.learnt_to:
                learner.learnt_to, learner.n_learnt = position, learner.n_learnt + 1
                if self.encoder and learner.n_learnt % self.encoder.period == 0:
                    learner = learner._followed()._train_encoder()
        learner.seen[series] = learner.n_groups
        return learner, outputs

    def _smooth(self, position, series, arrived, zero):
        """Let those that smooth follow what inputs known ahead leave of the labels (J, B)."""
        if self.smoothing is None:
            return
        if self.design.n_ahead:
            inputs = self.memory.window.inputs.read(position, series)[self.design.future]
            arrived = arrived - self.adjusted.due(inputs.T) * self._scales(position, series)
        ages = position - self.first_positions[series] + 1
        row = position, series, ages, arrived, zero
        self.smoothing = self.smoothing.follow(self.memory.seasonal, *row)

    def _outliers_after(self, block, before):
        """Return the outliers after a block that was pushed; `before` are level and refused."""
        window, series, n_rows = self.memory.window, block.series, len(block.targets)
        if window.screen is None:
            return self.noted_outliers
        rows = np.arange(block.start, block.start + n_rows)
        taken = window.targets.read(rows, series)
        new = (np.isfinite(block.targets) & np.isnan(taken)).any()
        if not new and not np.isfinite(before[1]).any():
            return self.noted_outliers
        refused = window.refused.read(rows[:-1], series)
        levels = window.newest.read(rows[:-1], series) + window.jumps.read(rows[:-1], series)
        levels, refused = (
            np.concatenate([first[None], rest])
            for first, rest in zip(before, (levels, refused), strict=True)
        )
        places = np.arange(len(self.heads))[series]
        arrived = block.targets, taken, refused, levels
        return self.noted_outliers.follow(block.start, places, *arrived)

    def _tick(self, position, n_steps, calendar):
        if not n_steps:
            return
        self.clock = position
        self.calendar[position % len(self.calendar)] = calendar[: self.calendar.shape[1]]

    def _encode(self, view, block, design, local):
        """Move the states of the series on; return hidden states (T, J, B, H)."""
        start, series, stop = block.start, block.series, block.start + len(block.targets)
        n_rows, n_targets, n_series = block.targets.shape
        if not n_series:  # of a partition whose series have no row here
            return np.zeros((n_rows, n_targets, 0, self.encoder.network.hidden_size))
        fresh = np.tile(block.fresh, n_targets)
        encoder = copy.copy(self.encoder)
        encoder.state = tuple(
            State(*(self._state(ring, start - 1, series, fresh) for ring in layer))
            for layer in self.memory.states
        )
        hidden, encoder = encoder.encode(design.inputs(view, start, stop, local))
        for layer, state in zip(self.memory.states, encoder.state, strict=True):
            for ring, value in zip(layer, state, strict=False):
                ring.write(stop - 1, series, value.reshape(1, -1, n_series))
        return hidden.reshape(len(hidden), n_targets, n_series, -1)

    def _hidden(self, position, series):
        """Return the hidden states (1, J, B, H) at a position, None without an encoder."""
        if self.encoder is None:
            return None
        h = self.memory.states[-1][0].read(position, series)  # (H * J, B)
        h = h.reshape(self.encoder.network.hidden_size, len(self.change_scale), -1)
        return h.transpose(1, 2, 0)[None].astype(np.float64)

    def _state(self, ring, position, series, fresh):
        values = ring.read(position, series)
        values = values.reshape(self.encoder.network.hidden_size, -1)
        values[:, fresh] = 0.0
        return values

    def _features(self, start, series, calendar, scales, hidden):
        """Return the readout features (T, J, B, K): the hidden states, then what `skip` makes.

        Values are in units of the scales (T, J, B); the calendar (T, C) is that of the rows.
        """
        window, design, offsets = self.memory.window, self.design, self.design.offsets
        n_hidden = 0 if hidden is None else hidden.shape[-1]
        found = np.ones((*scales.shape, n_hidden + design.n_features))
        if n_hidden:
            found[..., :n_hidden] = hidden
        known = n_hidden + len(offsets) + 1
        stop = known + design.n_calendar
        found[..., known:stop] = calendar[:, None, None, : design.n_calendar]
        positions = np.arange(start, start + len(scales))
        if design.n_inputs:
            inputs = window.inputs.read(positions, series)[:, : design.n_inputs]
            found[..., stop:-1] = inputs.swapaxes(1, 2)[:, None]
        levels = window.levels.array
        rows = (positions[:, None] - np.append(0, offsets)) % len(levels)
        columns = np.arange(levels.shape[2])[series]
        centers = np.ascontiguousarray(self._centers(series))
        lag_features = (compiled_kernels() or panel_features).lag_features

        def work(first, some, _):
            for row, scale, out in zip(rows, scales, found, strict=True):
                lag_features(first, some, levels, row, centers, scale, n_hidden, out)

        by_blocks(work, columns)
        return found

    def _design_of(self, series):
        """Return the design of some series."""
        norm = self.norm and self.norm.taken(series)
        return replace(self.design, change_scale=self.change_scale[:, series].ravel(), norm=norm)

    def _centers(self, series):
        """Return the levels (J, B) at which series are taken to be."""
        n_targets = len(self.change_scale)
        if self.norm is None:
            return np.zeros_like(self.change_scale)[:, series]
        return self.norm.level.reshape(n_targets, -1)[:, series]

    def _local(self, start, series, n_rows, design, ages):
        """Return center and scale (T, J * B) of new rows, and what `_follow_changes` does.

        Profiles and sizes follow the rows. A jump within a season seems to be a scale, but for the
        changes from row to row, whose size stays: a scale is believed as far as they show it.
        """
        window, stop, centers = self.memory.window, start + n_rows, self._centers(series)
        sizes, announced = self._follow_changes(start, series, n_rows)
        local, limit = None, np.inf
        scales = np.ones((n_rows, *centers.shape))
        if self.norm:
            center, scales = design.norm.at(SeasonRows(window.targets, series, stop), start, stop)
            shown = np.log(np.maximum(sizes, SMALLEST))
            growth = np.log(scales.reshape(sizes.shape))
            lowest, highest = np.minimum(shown - SLACK, 0.0), np.maximum(shown + SLACK, 0.0)
            scales = np.exp(np.clip(growth, lowest, highest))
            local = center, scales.reshape(center.shape)
            limit = PROFILE_LIMIT * design.norm.spread.reshape(centers.shape)
        window.follow_profiles(start, series, centers, scales, limit)
        window.fill(start, series, scales, ages)
        return local, sizes, announced

    def _follow_changes(self, start, series, n_rows):
        """Follow the sizes of the changes of new rows; return them (T, J, B), 1 as in the history.

        And tell which rows are where they are as what was known ahead of them had announced. A
        change to an unusual row, or from one, says nothing of the others.
        """
        window, change = self.memory.window, self.ranges[2][:, series]
        positions = np.arange(start, start + n_rows)
        levels = window.newest.read(np.arange(start - 1, start + n_rows), series)
        newest, known = np.abs(np.diff(levels, axis=0)), window.targets.read(positions, series)
        sizes, announced = np.empty(newest.shape), np.zeros(newest.shape, dtype=bool)
        for row in range(n_rows):
            limited = np.minimum(newest[row], LARGEST_CHANGE * change)
            moved = change + PACE * (limited - change)
            missing = np.isnan(known[row]) | np.isnan(newest[row])  # a first row is no change
            if self.design.n_ahead:
                large = np.flatnonzero((newest[row] > limited).any(axis=0))
                if len(large):  # what is known ahead may explain them
                    places = np.arange(len(self.heads))[series][large]
                    usual = self._usual(positions[row], places)
                    missing[:, large] |= ~usual[:2].all(axis=0)
                    announced[row][:, large] = ~usual[0]
            sizes[row] = change = np.where(missing, change, moved)
        self.ranges = self.ranges.copy()
        self.ranges[2][:, series] = change
        return sizes / (MAE_OF_NORMAL * self.change_scale[:, series]), announced

    def _scales(self, positions, series):
        """Return scales (..., J, B) of series at positions, by which forecasts are multiplied."""
        if not self.memory.window.season:
            return np.ones((*np.shape(positions), *self.change_scale[:, series].shape))
        return self.memory.window.scales.read(positions, series)

    # --- labels -----------------------------------------------------------------------------------

    def _score(self, position, series, arrived, learning):
        """Let the experts follow the labels (J, B) of a position, in place.

        Return error limits, and sums over the series that the experts will learn from.
        """
        memory, first = self.memory, self.first_positions[series]
        scored = self.experts.scored.steps
        effects = self._effects(position, series, scored) if self.design.n_ahead else None
        self.experts, changes, limits, sums = self.experts.score(
            position, series, arrived, memory.issued, memory.window.levels,
            self._scales(position - scored, series), first, self.unsettled[:, series],
            learning, effects,
        )  # fmt: skip
        self.regime = self.regime.note_errors(position, changes)
        return limits if self.steps else None, sums

    def _effects(self, position, series, steps):
        """Return what the inputs known ahead of labels add to what was issued, (M, R, J, B).

        In units of the scales.
        """
        first = position - len(self.design.delays)
        inputs = self.memory.window.inputs
        known = inputs.read(np.arange(first + 1, position + 1), series)
        known = self.design.arrived_of_series(known)[::-1]  # of step 1 first
        effect = self.readout.effect(known.transpose(2, 0, 1))[..., steps - 1]  # (J, B, M)
        found = np.zeros((len(steps), self.experts.n_issued, *effect.shape[:2]))
        found[:, 0] = np.moveaxis(effect, 2, 0)
        n_readouts = self.experts.n_readouts
        found[:, n_readouts - 1] = self.steps.effect(self.memory, position, steps, series)
        due = self.adjusted.due(inputs.read(position, series)[self.design.future].T)
        found[:, ADJUSTED], found[:, n_readouts:] = due, due
        return found

    def _weigh(self, position, series, features, growth):
        """Return roots (J, B) of the weights of origins, and note series unsettled.

        Looked at are the span of the features (J, B, K), and how far the newest values are from
        those before the shortest season, in units of the size that changes now have: what that is
        beyond the scale, which the features are in units of already, is their `growth` (J, B). Of
        what seems far, rows at which inputs known ahead are unusual are left out. The typical
        ranges are followed.
        """
        n_hidden, offsets = features.shape[-1] - self.design.n_features, self.design.offsets
        looked_at = features[..., n_hidden : n_hidden + len(offsets) + 1]
        measures = self._measures(looked_at)
        typical, growth = self.ranges[:2, :, series], np.log(np.maximum(growth, 1.0))
        growth = np.exp(growth * (1.0 - 1.0 / (1.0 + (growth / SCALE_MOVED) ** 8)))
        if self.design.n_ahead:
            far = np.flatnonzero((measures > FAR * typical * growth).any(axis=(0, 1)))
            if len(far):
                places = np.arange(len(self.heads))[series][far]
                usual = self._at_usual_rows(position, places, looked_at[:, far])
                measures[..., far] = self._measures(usual)
        measures /= growth
        young = position - self.first_positions[series] < 2 * self.design.reach
        step = np.minimum(measures, 3.0 * typical) - typical
        moved = typical + np.where(step > 0.0, RISE, FALL) * step
        moved = np.where(young, np.maximum(typical, measures), moved)
        self.ranges = self.ranges.copy()
        self.ranges[:2, :, series] = moved
        limit, far = FAR * moved, measures > FAR * moved
        share = np.where(far, limit / np.where(far, measures, 1.0), 1.0).min(axis=0)
        roots = share**POWER / growth
        self.unsettled = self.unsettled.copy()
        self.unsettled[:, series] = np.where(roots < UNSETTLED, position, self.unsettled[:, series])
        return roots

    def _measures(self, looked_at):
        """Return how far the features (J, B, L + 1) of lags and newest value span, (2, J, B)."""
        offsets, measures = self.design.offsets, np.zeros((2, *looked_at.shape[:2]))
        np.maximum(looked_at.max(axis=-1), -looked_at.min(axis=-1), out=measures[0])
        n_recent = int((offsets <= min(self.design.seasons, default=len(offsets) // 2)).sum())
        if 0 < n_recent < len(offsets):
            newest = looked_at[..., :n_recent].mean(axis=-1)
            np.abs(newest - looked_at[..., n_recent:-1].mean(axis=-1), out=measures[1])
        return measures

    def _at_usual_rows(self, position, series, looked_at):
        """Return features (J, B, L + 1) of lags and newest value as if unusual rows were missing.

        What they announce is nothing to be wary of.
        """
        usual = self._usual(position, series)
        before = np.where(usual, np.arange(len(usual))[:, None], len(usual))
        before = np.minimum.accumulate(before[::-1], axis=0)[::-1]
        before = np.where(before == len(usual), usual.argmax(axis=0), before).T
        values = looked_at.copy()
        values[..., 1:], values[..., 0] = looked_at[..., :-1], 0.0
        values = np.take_along_axis(values, np.broadcast_to(before, values.shape), axis=-1)
        newest = values[..., :1]
        return np.concatenate([values[..., 1:] - newest, looked_at[..., -1:] + newest], axis=-1)

    def _usual(self, position, series):
        """Tell which rows are usual, (1 + L, B): that at a position, and those at its lags.

        That is, by their inputs known ahead: no further from their median than `UNUSUAL` times the
        median distance.
        """
        rows = position - np.append(0, self.design.offsets)
        inputs = self.memory.window.inputs.read(rows, series)[:, self.design.future]
        middle = len(rows) // 2  # a sort takes a third of the time of `np.median`
        away = np.abs(inputs - np.sort(inputs, axis=0)[middle])
        return (away <= UNUSUAL * np.sort(away, axis=0)[middle]).all(axis=1)

    def _learn_row(self, position, series, arrived, features, roots, limits, of_experts, n_steps):
        """Learn from the labels (J, B) that arrive at a position; its origins enter.

        All that is learnt is learnt from sums over series, which are made of what was known before;
        `of_experts` are some of them.
        """
        sums = {"experts": of_experts}
        if self.learns:
            sums |= self._sums(position, series, arrived, features, roots, limits)
        sums = total(sums)
        self.experts = self.experts.learn(sums["experts"], n_steps)
        if not self.learns:
            return
        self.readout = self.readout.learn(self.n_groups, sums["readout"], n_steps)
        if self.adjusted:
            self.adjusted = self.adjusted.learn(self.n_groups, sums["adjusted"], n_steps)
        if self.steps:
            self.steps = self.steps.learn(sums["steps"], n_steps)

    def _sums(self, position, series, arrived, features, roots, limits):
        """Return what the series add to what the readouts learn from; write what is kept of them.

        Of the labels (J, B) that arrive at a position, and the features of its origins.
        """
        memory, first = self.memory, position - len(self.design.delays)
        opened = memory.opened.read(np.arange(first, position), series)  # (M, 1, B)
        known = opened & np.isfinite(arrived)
        missing = opened & ~known
        stored = [
            (piece, memory.features.array[rows] if isinstance(series, slice)
             else memory.features.array[rows][:, :, series])
            for rows, piece in memory.features.spans(first, position)
        ]  # fmt: skip
        origins, n_own, sums = stored, features.shape[-1], {}
        if self.adjusted:
            origins = [(piece, kept[..., :n_own]) for piece, kept in stored]
        came, failed = None, None
        if known.any():
            groups = memory.groups.read(np.arange(first, position), series)[:, 0]
            errors, of_all = self._errors(first, series, arrived, origins, limits, known)
            came = origins, errors, groups, known, of_all
        if missing.any():
            failed = self._failed(first, missing, origins)
        weighted = features if roots is None else features * roots[..., None]
        with np.errstate(over="ignore"):  # the readout warns of what overflows
            weighted = weighted.astype(memory.features.array.dtype)  # as labels will find them
        entered = weighted.astype(np.float64)
        sums["readout"] = self.readout.sums(self.n_groups, entered, failed, came)
        if self.adjusted:
            kept = [(piece, all_kept[..., n_own:]) for piece, all_kept in stored]
            rows = features, roots, limits
            sums["adjusted"], own = self._sums_of_adjusted(
                position, series, arrived, kept, known, missing, *rows
            )
            weighted = np.concatenate([weighted, own.astype(weighted.dtype)], axis=2)
        if self.steps:
            scales = self._scales(np.arange(position - 1, first - 1, -1), series)
            rows = arrived, known[::-1], self._centers(series), scales, self.calendar
            sums["steps"] = self.steps.sums(memory, position, series, *rows, limits)
        shape = 1, 1, arrived.shape[1]
        memory.opened.write(position, series, np.ones(shape, bool))
        memory.groups.write(position, series, np.full(shape, self.n_groups))
        memory.features.write(position, series, weighted[None])
        if roots is not None:
            memory.roots.write(position, series, roots[None])
        return sums

    def _sums_of_adjusted(
        self, position, series, arrived, origins, known, missing, features, roots, limits
    ):  # fmt: skip
        """Return what the series add to the readout of adjusted ones, and what is kept of them."""
        memory, n_outputs, adjusted = self.memory, len(self.design.delays), self.adjusted
        rows = np.arange(position - n_outputs, position)
        scales, came, failed = self._scales(rows, series), None, None
        if missing.any():
            newest = self._failed(rows[-1], missing[-1:], [(slice(0, 1), newest_of(origins))])
            failed = *self._failed(rows[0], missing, origins), newest
        kept = self._look(position, series, features, self._scales(position, series))
        if known.any():
            changes = (arrived - memory.window.levels.read(rows, series)) / scales
            groups = memory.groups.read(rows, series)[:, 0]
            limits = limits.transpose(2, 0, 1)[::-1]
            inputs = memory.window.inputs.read(position, series)[self.design.future].T
            of_origins = memory.roots.read(rows, series), limits, inputs
            came = origins, changes, *of_origins, groups, known
        sums = adjusted.sums(self.n_groups, kept, roots, failed, came)
        kept[..., :-1] *= roots[..., None]
        return sums, kept

    def _errors(self, first, series, arrived, origins, limits, known):
        """Return errors (M, J, V, B) of the labels, then of what was known ahead of them.

        And sums of their products with the features, None where these are to be made.
        """
        window, n_outputs = self.memory.window, len(self.design.delays)
        rows = np.arange(first, first + n_outputs)
        scales = self._scales(rows, series)
        targets = (arrived - window.levels.read(rows, series)) / scales
        roots = self.memory.roots.read(rows, series) if self.steps else 1.0
        targets = targets * roots
        if self.design.n_ahead:
            inputs = window.inputs.read(rows + 1, series)
            ahead = self.design.arrived_of_series(inputs)[:, None]  # (M, 1, Z, B)
            ahead = np.broadcast_to(ahead, (*targets.shape[:2], *ahead.shape[2:]))
            if self.steps:
                ahead = ahead * roots[:, :, None]
            targets = np.concatenate([targets[:, :, None], ahead], axis=2)
        if limits is not None:
            limits = roots * limits.transpose(2, 0, 1)[::-1]
            if not self.design.n_ahead:
                return self.readout.limited_errors(origins, targets, limits, known)
        errors = self.readout.errors(origins, targets)
        if limits is not None:
            self._limit(errors, limits)
        return errors, None

    def _limit(self, errors, limits):
        """Limit errors of the readouts (M, J, V, B), in place, by limits (M, J, B).

        Those of the target are what inputs known ahead leave of it.
        """
        effects = self.readout.effects[:, ::-1].swapaxes(0, 1)  # (M, J, Z)
        ahead = errors[:, :, 1 : 1 + effects.shape[2]]
        own = errors[:, :, 0] - np.einsum("mjz,mjzb->mjb", effects, ahead)
        errors[:, :, 0] += np.clip(own, -limits, limits) - own
        if self.readout.linear is not None:
            errors[:, :, -1] = np.clip(errors[:, :, -1], -limits, limits)

    def _failed(self, first, missing, origins):
        """Return features and ages, by target, of origins whose label failed to come."""
        features, ages = [], []
        age = self.clock - np.arange(first, first + len(missing))
        for target in range(missing.shape[1]):
            which = missing[:, target]
            found = [phi[:, target][which[piece]] for piece, phi in origins]
            features.append(np.concatenate(found))
            ages.append(np.maximum(np.broadcast_to(age[:, None], which.shape)[which], 0))
        return features, ages

    # --- what is done now and then ----------------------------------------------------------------

    def _followed(self):
        """See where the series that have reached the clock are now, and follow their levels."""
        if self.norm is None:
            return self
        season = self.norm.season
        places = np.flatnonzero(
            (self.heads == self.clock) & (self.first_positions <= self.clock - season)
        )
        if not len(places):
            return self
        learner, window, position = copy.copy(self), self.memory.window, self.clock
        rows = SeasonRows(window.targets, places, position + 1)
        norm = self.norm.taken(places).settled(rows, self.encoder.period)
        learner.norm = self.norm.put(places, norm)
        shape = len(self.change_scale), -1
        level, scale = (a.reshape(shape) for a in norm.at(rows, position, position + 1))
        level = level + window.jumps.read(position, places)
        sizes = self.experts.sizes(places)
        learner.regime = self.regime.follow(position, places, level, scale, sizes)
        return learner

    def _train_encoder(self):
        """Let the encoder learn from the newest window of some series that have reached the clock.

        The network sees the windows of at most 32 series, drawn by the number of the training,
        of those that are settled, if there are any. In every partition it sees those of all.
        """
        n_outputs, n_origins = len(self.design.delays), self.encoder.window
        start = self.clock - n_outputs - n_origins + 1
        complete = np.flatnonzero((self.heads == self.clock) & (self.first_positions <= start))
        unsettled = np.zeros(len(complete), dtype=np.uint64)
        if self.steps:
            unsettled[(self.unsettled[:, complete] >= self.clock).any(axis=0)] = 1
        keys = drawn(self.keys[complete], self.n_trainings + 1)
        own = np.lexsort((keys, unsettled))[:MAX_SAMPLED]
        best = gathered(np.stack([unsettled, keys], axis=1)[own])
        if not len(best):
            return self
        best = best[np.lexsort(best.T[::-1])][:MAX_SAMPLED]
        best = best[best[:, 0] == best[0, 0], 1]
        own = np.isin(keys, best, kind="sort")  # keys are beyond what a table of NumPy holds
        complete, keys = complete[own][np.argsort(keys[own])], np.sort(keys[own])
        learner = copy.copy(self)
        learner.n_trainings = self.n_trainings + 1
        stop = start + n_origins
        days = self.calendar[np.arange(start, stop) % len(self.calendar)]
        window, design, local = self.memory.window, self._design_of(complete), None
        view, scales = window.view(complete, days, start), 1.0
        skip = design.skip(view, start, stop)
        if self.norm:
            local = design.norm.at(SeasonRows(window.targets, complete, stop), start, stop)
            scales = local[1][..., None]
            skip[..., : len(design.offsets) + 1] /= scales
        targets = self._window_targets(view, start, stop, scales)
        of_own = design.inputs(view, start, stop, local), skip, targets
        shape = n_origins, len(self.change_scale), len(keys)
        order = np.argsort(gathered(keys))
        arrays = (_of_all(array, shape, order) for array in of_own)
        weights = np.repeat(self.readout.weights, len(order), axis=0)
        learner.encoder = self.encoder.learn(*arrays, weights)
        return learner

    def _window_targets(self, view, start, stop, scales):
        """Return the targets (T, S, M) of origins whose labels are all in, in units of `scales`.

        They are less what is due to inputs known ahead.
        """
        design, n_targets = self.design, len(self.change_scale)
        rows = slice(start, stop + len(design.delays))
        levels, labels = view.levels[rows], view.targets[rows][..., None]
        targets = origin_targets(levels, labels, design.delays)[: stop - start] / scales
        if not design.n_ahead:
            return targets
        inputs = view.inputs[rows][..., design.future]
        inputs = inputs[:, : inputs.shape[1] // n_targets]  # they are those of each target
        following = sliding_window_view(inputs[1:], len(design.delays), axis=0)
        ahead = design.ahead_of_series(inputs[: stop - start], following.swapaxes(2, 3))
        return targets - self.readout.effect(ahead).reshape(targets.shape)


def _of_all(array, shape, order):
    """Return an array (T, J * n, ...) of the streams of own series with those of all, in an order.

    Parameters
    ----------
    array : ndarray of shape (T, J * n, ...)
    shape : tuple of int
        T, J and n.
    order : ndarray of int, shape (S,)
        Of the series of all partitions.
    """
    if alone():
        return array
    by_series = np.moveaxis(array.reshape(*shape, *array.shape[2:]), 2, 0)
    joined = np.moveaxis(gathered(by_series)[order], 0, 2)
    return joined.reshape(len(array), -1, *array.shape[2:])
