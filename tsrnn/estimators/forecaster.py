"""The recurrent forecaster."""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import DTypeLike
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from tsrnn.estimators.base import StreamingEstimator
from tsrnn.estimators.baselines import rings_of
from tsrnn.estimators.forecasting import ForecasterMixin
from tsrnn.estimators.recurrent import NetworkMixin, check_network_params, make_encoder
from tsrnn.features.design import ForecastDesign
from tsrnn.features.instance_norm import InstanceNorm
from tsrnn.features.outlier_filter import JUMP_LIMIT, Screen
from tsrnn.features.phase import repeats
from tsrnn.frames.bands import bands_of
from tsrnn.frames.calendar import year_length
from tsrnn.frames.target_transform import TRANSFORMS
from tsrnn.frames.types import Cell, Gap, Late, Loss, Names, Transform
from tsrnn.online.experts.ensemble import WITH_AND_WITHOUT
from tsrnn.online.experts.panel_experts import PanelExperts
from tsrnn.online.experts.panel_smoothing import PanelSmoothing
from tsrnn.online.one_series import OneSeries
from tsrnn.online.panel_adjusted import PanelAdjusted
from tsrnn.online.panel_learner import PanelLearner
from tsrnn.online.panel_steps import PanelSteps
from tsrnn.online.stream_learner import StreamLearner, ridge_of
from tsrnn.persistence.registry import saved

DEFAULT_LAGS = 24
READOUTS = ["recurrent", "linear", "per_step"]  # of a panel, in the order of its learner


@saved("rnn-forecaster")
class RNNForecaster(NetworkMixin, ForecasterMixin, StreamingEstimator):
    """Forecast the next ``horizon`` values of a stream, learning from every row.

    **What forecasts.** A recurrent network is trained on the history by truncated backpropagation
    through time. A linear readout sees its hidden state, earlier values and the calendar. Each row
    that arrives teaches the readout by recursive least squares; the network itself goes on learning
    slowly. Simple experts stand beside this one: a short autoregression, a small readout for each
    step, the newest value, the value and the change of one season ago, a mean, a smoothed level, a
    damped trend, and Holt-Winters smoothing of each season, of logarithms too. The forecast mixes
    them, target by target and step by step, by what each has been worth lately; ``update`` moves
    these weights too. A label of step h is learnt from only when its row has arrived.

    **What is followed.** Where the newest season has left the history for another level or scale,
    the network sees it as the history was. Where it has come to be early or late, by up to half the
    shortest season, the network sees the calendar moved; where that explains most of the level,
    profiles of the longest season go with it. ``update`` follows level and scale, and only rows
    that are learnt move the phase. Of a panel, level and scale are followed series by series, and
    the phase is not. `drift_log_` notes each change.

    **Inputs** are numbers, which may be missing, or categories (bool, string or category dtype, at
    most 100 of them). Categories become columns of 0 and 1; one that the history did not hold
    counts as none of them. A missing input stands at its newest known value (before the first, at
    the mean of the history), and the network sees a flag. An input that is missing in all of the
    history stays so. With ``future_cols``, mixture and intervals follow the errors of forecasts as
    they were issued, with the inputs as they turned out: intervals hold if the inputs are right.

    **A panel** is many series by id: a long frame with ``id_col``, a frame with an (id, time)
    index, or ids beside X. The series share the network and one readout. Each has a scale, a state,
    a cutoff, a mixture and intervals of its own. A call may hold rows of any of them, in any order
    between series. A series never seen starts from the zero state, with what is good for the
    others; its scale is set by its first known value and by where the others are then. A series
    that does what it never did, such as a jump, counts less in what all share, for as long as that
    lasts.

    **Missing and absurd values.** Missing targets (NaN) are never learnt from. Neither are absurd
    ones: a jump away from the range of the history by more than 20 times the usual change, and by
    at least 20 standard deviations of the history. It counts as missing until a row confirms it,
    or until it has shown that it will last (22 rows for 1,000 standard deviations). A jump that is
    confirmed is taken out of what the model sees and put back into its forecasts until the series
    is back. So lags and seasons from before it mislead nobody.

    Parameters
    ----------
    horizon : int, default=1
        Steps forecast ahead.
    cell : {"lstm", "gru", "rnn"}, default="lstm"
    hidden_size : int, default=32
        Hidden units of each layer.
    n_layers : int, default=1
    target : label or list of labels, optional
        Columns of X to forecast; the others are past inputs. Default: every column that is not
        named as an input, each as a series of its own (shared network, one readout each), or ``y``
        where it is given.
    window_size : int, default=48
        Rows of a truncated-BPTT window that count in the loss; on the stream, one such step is
        taken every ``window_size`` rows that are learnt.
    lags : int, optional
        Newest values that the readout sees. Default: 24, or a quarter of a shorter history. Those
        that the history does not hold arrive with its rows.
    season : int, sequence of int, None or "auto", default="auto"
        Season lengths in rows. "auto": those that the calendar can have, such as a day and a week
        of hours, a week of days, a year of weeks, months or quarters; of days and weeks the year
        counts too, once two have been seen. A season arrives when the rows hold it, at fit or
        later, under ``update`` too; of a panel, series by series.
    future_cols : label or list of labels, optional
        Inputs that are known ahead, such as holidays or planned prices: `forecast` then needs them
        as ``X_future``, and each step is forecast in the light of its own. `predict` and `score`
        take them from the later rows of X, beyond its end carried forward. Of a panel, each series
        has its own; what they are worth is learnt from all.
    holidays : str or (str, str), optional
        A country, or a country and its subdivision, such as ``"PT"`` or ``("DE", "BY")``: of rows
        of a day or shorter, holidays, their eves and the days after are known of every step, as
        three ``future_cols`` that need no ``X_future``. Needs ``pip install "tsrnn[holidays]"``.
    static_cols : label or list of labels, optional
        Columns of a panel that are constant in each series.
    id_col, time_col : label, optional
        Columns of a long frame: the series of each row, and its time (by default the index).
        Either may also be a level of a two-level index, (id, time), or ids come beside X.
    freq : str, offset or int, optional
        Frequency of the rows, of row numbers their step; inferred from the index by default.
    gap : {"fill", "reset", "raise"}, default="fill"
        Missing time stamps: count their rows as missing, start a new run from the zero state after
        them, or raise.
    max_gap : int, default=1000
        Most missing rows in a gap, so that one absurd time stamp cannot pass for the present.
    late : {"raise", "drop"}, default="raise"
        Rows with a time stamp not newer than the cutoff: raise, or drop them, which makes a replay
        harmless; ``n_late_`` counts them. Rows of arrays are never late.
    lower : float, "auto" or None, default="auto"
        Least value of the targets, in their units: forecasts and interval ends are cut off there.
        "auto": 0 for a target (of a panel: of a series) that has never been negative; a negative
        value that comes later lifts the bound. None: no bound.
    upper : float, optional
        Largest value of the targets.
    target_transform : {"log", "log1p", "sqrt"}, optional
        Scale on which targets are learnt; forecasts and interval ends are on their own (so that a
        forecast is closer to a median than to a mean). Targets that it does not fit, such as 0
        under "log", are an error at ``fit``; later they count as missing, with a warning.
    batch_size : int, default=32
        Windows of a training step.
    learning_rate : float, default=0.005
        Peak rate of Adam on the history.
    max_iter : int, default=300
        Most training steps on the history; short histories get one for every 10 rows.
    early_stopping : bool, default=True
        Keep the weights that did best on the newest 15 % of the history, and stop when they no
        longer improve.
    loss : {"squared", "absolute", "huber"}, default="squared"
        Of the network's training. The readout always learns by least squares.
    forgetting : float, default=0.9995
        Factor by which the readout discounts the past at each row, in (0, 1].
    coverage : float or list of float in (0, 1), optional
        Intervals that ``forecast`` gives where the call does not say; none by default. Of a
        panel the edges of these alone are tracked (without any, those of 0.9): others are read off
        them as if errors were normal.
    max_series : int, optional
        Most series of a panel that are kept; those least recently seen are dropped for new ones.
    dtype : numpy dtype, default=numpy.float32
        Of the network; the readout is always float64.
    random_state : int, RandomState or None, default=None
    verbose : bool, default=False
        Print the progress of training.
    snap : str or Timedelta, optional
        Most that a time stamp may be off the frequency, such as ``"10s"`` where clocks jitter: it
        is moved onto it. By default none may be off.
    outlier_filter : bool, default=True
        Take absurd values for missing ones (see above); False: believe every value.

    Attributes
    ----------
    n_iter_ : int
        Training steps taken on the history.
    loss_curve_ : list of float
        Training loss of each.
    lower_ : Series
        Lower bound of each target, of a panel by id and target; -inf where there is none.
    expert_weights_ : DataFrame
        Weights of the experts at the newest row, indexed by target and step, of a panel by id,
        target and step; each row sums to 1.
    state_ : tuple of tsrnn.nn.State
        Carried state of each layer, arrays of shape (n_targets, hidden_size).
    cutoff_ : Timestamp, int or Series
        Time stamp of the last row seen; of a panel one for each series, by id.
    freq_ : DateOffset or None
    n_late_ : int
        Rows dropped with ``late="drop"`` since the fit.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from tsrnn import RNNForecaster, datasets
    >>> flow = datasets.load_water_flow().interpolate()
    >>> model = RNNForecaster(horizon=24, max_iter=20, random_state=0).fit(flow[:600])
    >>> model.forecast().shape
    (24, 1)
    >>> model.partial_fit(flow[600:700]).cutoff_ == flow.index[699]
    True

    Two series of a panel, as a long frame:

    >>> long = datasets.load_pedestrians(["45 Queen Street", "210 Queen Street"])[:400]
    >>> long = long.rename_axis("time").melt(ignore_index=False, var_name="sensor").reset_index()
    >>> model = RNNForecaster(2, id_col="sensor", time_col="time", max_iter=20, random_state=0)
    >>> model.fit(long).forecast()[["sensor", "time"]]
                 sensor                time
    0   45 Queen Street 2019-01-17 22:00:00
    1   45 Queen Street 2019-01-17 23:00:00
    2  210 Queen Street 2019-01-17 22:00:00
    3  210 Queen Street 2019-01-17 23:00:00

    With a price that is known a day ahead (of a panel, ``X_future`` would hold those of each
    series, with its id and time):

    >>> import numpy as np
    >>> import pandas as pd
    >>> price = np.random.default_rng(0).integers(1, 4, 624)
    >>> hours = pd.date_range("2024", periods=624, freq="h")
    >>> sales = pd.DataFrame({"sold": 20.0 - 5 * price, "price": price}, hours)
    >>> model = RNNForecaster(24, target="sold", future_cols="price", max_iter=20, random_state=0)
    >>> forecast = model.fit(sales[:600]).forecast(X_future=sales[["price"]][600:])
    >>> bool(np.abs(forecast["sold"] - sales["sold"]).max() < 0.5)
    True
    """

    def __init__(
        self,
        horizon: int = 1,
        cell: Cell = "lstm",
        hidden_size: int = 32,
        n_layers: int = 1,
        target: Names = None,
        window_size: int = 48,
        lags: int | None = None,
        season: int | Sequence[int] | Literal["auto"] | None = "auto",
        future_cols: Names = None,
        holidays: str | Sequence[str] | None = None,
        static_cols: Names = None,
        id_col: Hashable | None = None,
        time_col: Hashable | None = None,
        freq: Any = None,
        gap: Gap = "fill",
        max_gap: int = 1000,
        late: Late = "raise",
        lower: float | Literal["auto"] | None = "auto",
        upper: float | None = None,
        target_transform: Transform | None = None,
        batch_size: int = 32,
        learning_rate: float = 0.005,
        max_iter: int = 300,
        early_stopping: bool = True,
        loss: Loss = "squared",
        forgetting: float = 0.9995,
        coverage: float | list[float] | None = None,
        max_series: int | None = None,
        dtype: DTypeLike = np.float32,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
        snap: Any = None,
        outlier_filter: bool = True,
    ):
        self.horizon = horizon
        self.cell = cell
        self.hidden_size = hidden_size
        self.n_layers = n_layers
        self.target = target
        self.window_size = window_size
        self.lags = lags
        self.season = season
        self.future_cols = future_cols
        self.holidays = holidays
        self.static_cols = static_cols
        self.id_col = id_col
        self.time_col = time_col
        self.freq = freq
        self.gap = gap
        self.max_gap = max_gap
        self.late = late
        self.lower = lower
        self.upper = upper
        self.target_transform = target_transform
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.loss = loss
        self.forgetting = forgetting
        self.coverage = coverage
        self.max_series = max_series
        self.dtype = dtype
        self.random_state = random_state
        self.verbose = verbose
        self.snap = snap
        self.outlier_filter = outlier_filter

    _min_rows = 2

    @property
    def expert_weights_(self) -> pd.DataFrame:
        """Weights of the experts in the forecast, a row for each target and step."""
        check_is_fitted(self)
        state = self._state
        experts = state.learner.expert_names
        targets = self._reader.columns.target_names
        return self._writer.weights(state.ids, state.learner.expert_weights(), experts, targets)

    @property
    def lower_(self) -> pd.Series:
        """Lower bound of each target, of a panel by id and target; -inf where there is none."""
        check_is_fitted(self)
        state, names = self._state, self._reader.columns.target_names
        index = pd.Index(names, name="target")
        if self._reader.form.has_ids:
            index = pd.MultiIndex.from_product([state.ids, names], names=["id", "target"])
        bounds = np.full(len(index), -np.inf)
        return pd.Series(self._bounded(bounds, state.below_zero.T.ravel()), index, name="lower")

    @property
    def _transform(self):
        return self.target_transform

    _watches_sensors = True

    def _check_params(self):
        super()._check_params()
        if self.target_transform not in (None, *TRANSFORMS):
            raise ValueError(
                f"found target_transform={self.target_transform!r}, expected None or one of "
                f"{tuple(TRANSFORMS)}; pass one of them"
            )
        check_network_params(self)
        if self.max_series is not None:
            check_scalar(self.max_series, "max_series", (int, np.integer), min_val=1)

    def _make_learner(self, history):
        columns, record = self._reader.columns, history.record
        seasons, future = self._seasons_of(), tuple(self._reader.future)
        design = ForecastDesign.of(
            record,
            self._horizon,
            self._lags_seen(history.n_rows),
            seasons,
            flagged=columns.flagged,
            future=future,
            screen=Screen(JUMP_LIMIT if self.outlier_filter else np.inf, future),
            pooled=history.is_panel,
            normalized=not history.is_panel,
            zero=history.zero if self.target_transform is None else None,
            year=year_length(self._reader.axis) if isinstance(self.season, str) else None,
            n_cyclic=self._reader.calendar.n_cyclic,
        )
        if history.is_panel:
            return self._make_panel_learner(design, seasons, history)
        encoder = make_encoder(self, design, record)
        parts = {"mixed": True, "intervals": self._make_intervals(history, seasons)}
        stream = StreamLearner.of(design, self.forgetting, encoder, **parts)
        stream = stream.to_learn(len(record))
        return OneSeries(stream, future=tuple(self._reader.future))

    def _lags_seen(self, n_rows):
        """Newest values to look at; those that the history does not hold arrive with its rows."""
        if self.lags is None:
            return self._lags_of(DEFAULT_LAGS, n_rows)
        return check_scalar(self.lags, "lags", (int, np.integer), min_val=0)

    def _make_panel_learner(self, design, seasons, history):
        record, calendar, columns = history.record, self._reader.calendar, self._reader.columns
        norm = weekend = None
        shown = [season for season in seasons if 2 * season <= len(record)]
        if shown:
            norm = InstanceNorm.of(record.padded(0, design.filter_start).targets, shown[-1])
        if seasons:
            days = record.calendar if record.calendar.ndim == 2 else record.calendar[:, 0]
            if calendar.weekly and repeats(days[:, : calendar.n_cyclic], seasons[-1]):
                weekend = calendar.n_harmonics
        design = replace(design, change_scale=history.change_scale, norm=norm)
        encoder = make_encoder(self, design, record)
        n_targets, penalty = len(columns.target_names), ridge_of(encoder.noise.mean())
        steps = PanelSteps(
            self._horizon, n_targets, seasons, design.future, weekend, self.forgetting, penalty
        )
        # The edges of a coverage are tracked, those of 0.9 where there is none.
        bands = bands_of(0.9 if self.coverage is None else self.coverage)
        smoothing = PanelSmoothing(
            self._horizon, n_targets, seasons, self.target_transform is None, design.year
        )
        experts = PanelExperts(
            self._horizon,
            n_targets,
            READOUTS[:2] + (WITH_AND_WITHOUT if design.future else []) + READOUTS[2:],
            seasons,
            profile=min(self._calendar_seasons(), default=1),
            probabilities=sorted({probability for _, probability in bands}),
            others=smoothing.names,
            dtype=self.dtype,
        )
        adjusted = None
        if design.future:
            n_others = design.n_calendar + 1
            n_lags = len(design.autoregression) - 1 - n_others
            sizes = n_targets, self._horizon, n_lags, n_others, design.future
            adjusted = PanelAdjusted(*sizes, self.forgetting, penalty)
        parts = self.forgetting, rings_of(columns, self._reader.n_inputs), experts, encoder
        more = {"steps": steps, "adjusted": adjusted, "smoothing": smoothing}
        return PanelLearner.of(design, n_targets, *parts, screen=design.filter_start[-1], **more)
