"""The recurrent regressor."""

from numbers import Real
from typing import ClassVar, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, DTypeLike
from sklearn.metrics import r2_score
from sklearn.utils import check_array, check_scalar
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.validation import _num_samples, check_is_fitted

from tsrnn.estimators.base import StreamingEstimator
from tsrnn.estimators.history import read_rows
from tsrnn.estimators.recurrent import NetworkMixin, check_network_params, make_encoder
from tsrnn.estimators.typed_bases import RegressorMixin
from tsrnn.features.outlier_filter import JUMP_LIMIT, Screen
from tsrnn.features.regression import RegressionDesign
from tsrnn.frames.bands import bands_of
from tsrnn.frames.held_rows import HeldRows
from tsrnn.frames.native import beside, incoming, indexed
from tsrnn.frames.types import Cell, Data, Loss
from tsrnn.frames.validation import require_finite
from tsrnn.online.one_series import OneSeries
from tsrnn.online.regression_learner import AGES, RegressionLearner
from tsrnn.online.storage.values import twin
from tsrnn.persistence.registry import saved


@saved("rnn-regressor")
class RNNRegressor(NetworkMixin, RegressorMixin, StreamingEstimator):
    """Estimate y of each row from X of that row and the past of X.

    Rows of X are consecutive time steps. A recurrent network, trained by truncated
    backpropagation through time, carries the past of X in its state from one call to the next.
    The estimate is a mixture of three experts, whose weights move with every y that arrives:

    - ``recurrent``: a linear readout of the hidden state and of the newest rows of X, learnt by
      recursive least squares,
    - ``linear``: the same of X and more of its lags, without the network,
    - ``newest_y``: the newest y that is known. The longer ago that is, the less it says, so the
      weights depend on its age: the rows since, the estimated one included. Where rows follow one
      another and y comes with each, the age is 1; in a `predict` of many rows it grows.

    X may have missing values and categories, as for `RNNForecaster`; y may not.

    Parameters
    ----------
    cell : {"lstm", "gru", "rnn"}, default="lstm"
    hidden_size : int, default=32
        Hidden units of each layer.
    n_layers : int, default=1
    window_size : int, default=48
        Rows of a truncated-BPTT window that count in the loss; on the stream, one such step is
        taken every ``window_size`` rows that are learnt.
    lags : int, default=1
        Earlier rows of X that the recurrent readout sees beside the newest.
    linear_lags : int, default=24
        Earlier rows of X that the linear expert sees beside the newest: fewer where X is wide, so
        that it has at most 512 features, as their square is what it costs at each row.
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
        Of the network's training. The readouts always learn by least squares.
    forgetting : float, default=0.9995
        Factor by which the readouts discount the past at each row, in (0, 1].
    dtype : numpy dtype, default=numpy.float32
        Of the network; the readouts are always float64.
    random_state : int, RandomState or None, default=None
    verbose : bool, default=False
        Print the progress of training.
    outlier_filter : bool, default=True
        Take absurd y for missing ones; False: believe every value.

    Attributes
    ----------
    n_iter_ : int
        Training steps taken on the history.
    loss_curve_ : list of float
        Training loss of each.
    expert_weights_ : DataFrame of shape (n_targets * n_ages, 3)
        Weights of the experts, by target and age of the newest known y: 1, 2, 4, ..., 2,048 rows.
    state_ : tuple of tsrnn.nn.State
        Carried state of each layer, arrays of shape (1, hidden_size).
    cutoff_ : Timestamp or int
        Time stamp or number of the last row seen.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    The sum of the last two rows, which only a memory can give:

    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(400, 1))
    >>> y = X[:, 0] + np.append(0.0, X[:-1, 0])
    >>> model = RNNRegressor(random_state=0).fit(X[:300], y[:300])
    >>> bool(model.score(X[300:], y[300:]) > 0.99)
    True

    Learning goes on row by row, and intervals follow the errors:

    >>> model = model.partial_fit(X[300:350], y[300:350])
    >>> model.predict_interval(X[350:], coverage=0.9).shape
    (50, 2)
    >>> model.expert_weights_.columns.tolist()
    ['recurrent', 'linear', 'newest_y']
    """

    # Rows are of one stream: the `ids` of the base's methods are nothing to route.
    __metadata_request__fit: ClassVar[dict] = {"ids": UNUSED}
    _takes_panels = _regular = False
    _complete_targets = True

    def __init__(
        self,
        cell: Cell = "lstm",
        hidden_size: int = 32,
        n_layers: int = 1,
        window_size: int = 48,
        lags: int = 1,
        linear_lags: int = 24,
        batch_size: int = 32,
        learning_rate: float = 0.005,
        max_iter: int = 300,
        early_stopping: bool = True,
        loss: Loss = "squared",
        forgetting: float = 0.9995,
        dtype: DTypeLike = np.float32,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
        outlier_filter: bool = True,
    ):
        self.cell = cell
        self.hidden_size = hidden_size
        self.n_layers = n_layers
        self.window_size = window_size
        self.lags = lags
        self.linear_lags = linear_lags
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.loss = loss
        self.forgetting = forgetting
        self.dtype = dtype
        self.random_state = random_state
        self.verbose = verbose
        self.outlier_filter = outlier_filter

    def partial_fit(self, X: Data, y: Data | None = None) -> Self:
        """Learn from new rows, one by one, and advance the state.

        The first rows are held back until they are enough to learn from, ``lags + 2``, and are
        then fitted together: until then the estimator is not fitted. After that, any split of the
        rows into calls gives the same estimator, to the last bit.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_features)
            The rows after the last one seen.
        y : Series, DataFrame or array of shape (n_rows,) or (n_rows, n_outputs)

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            The rows do not follow the last one, or differ from those of ``fit``; nothing has
            changed.
        """
        if hasattr(self, "_state"):
            return super().partial_fit(X, y)
        self._check_params()
        _require_y(y)
        X = indexed(X, None)
        y = beside(y, X)
        if hasattr(self, "_held"):
            X, y = self._held.followed_by(X, y)
        if _num_samples(X) >= self._min_rows:
            return self.fit(X, y)
        checked = twin(self)
        read_rows(checked, self._form_of(X, None), X, y)
        checked._held = HeldRows.of(X, y)
        self.__dict__ = vars(checked)
        return self

    def predict(self, X: Data, *, start: Literal["fit", "cutoff"] | None = None) -> np.ndarray:
        """Estimate y for each row of X. The estimator stays as it was.

        Rows newer than the cutoff, and rows without time stamps, go on from the carried state.
        If the first time stamp is at or before the cutoff, all rows roll from the zero state with
        the final weights (in-sample).

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_features)
        start : {"fit", "cutoff"}, optional
            "fit": roll from the zero state, of rows without time stamps too. "cutoff": go on from
            the carried state, for which all rows must be newer. By default as described above.

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, n_outputs)
            As y was at fit.

        Raises
        ------
        ValueError
            As in ``partial_fit``.
        """
        outputs = self._outputs(X, None, None, start)[0][..., 0]
        return outputs[:, 0] if self._single_output else outputs

    def predict_interval(self, X: Data, coverage: float = 0.9) -> np.ndarray:
        """Return an interval around the estimate of each row of X. The estimator stays as it was.

        Intervals are conformal and online: quantiles of the errors of the estimates as they were
        issued, tracked as y arrives (in ``partial_fit`` and in ``update``), so that intervals for
        rows whose y follows at once cover their share in the long run. Errors are tracked by the
        age of the newest known y, and intervals widen with it. Far ahead of y they cover less than
        their share where the stream goes where it has not been before.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_features)
            As in `predict`.
        coverage : float in (0, 1), default=0.9
            Share of y that is to lie in the intervals.

        Returns
        -------
        ndarray of shape (n_rows, 2) or (n_rows, n_outputs, 2)
            Lower and upper end: they hold what `predict` returns.

        Raises
        ------
        ValueError
            As in `predict`, or ``coverage`` is not a number between 0 and 1.
        """
        check_scalar(coverage, "coverage", Real)
        bands = bands_of(float(coverage))
        self._require_fitted()
        state = self._state  # once: another thread may replace it
        state = state._replace(learner=state.learner.with_bands(bands))
        outputs, _ = self._outputs(X, None, None, n_outputs=1 + len(bands), state=state)
        ends = outputs[..., 1:]
        return ends[:, 0] if self._single_output else ends

    def score(self, X: Data, y: Data, sample_weight: ArrayLike | None = None) -> float:
        """Return R² of the estimates for X.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_features)
        y : array-like of shape (n_rows,) or (n_rows, n_outputs)
        sample_weight : array-like of shape (n_rows,), optional

        Returns
        -------
        float

        Raises
        ------
        ValueError
            As in `predict`, or y is not finite or beyond ±1e50, where squares would overflow.
        """
        outputs = self.predict(X)
        actual = check_array(
            y, dtype=np.float64, ensure_2d=False, ensure_all_finite=False, input_name="y"
        )
        if actual.shape == outputs.shape:  # else scikit-learn says what is wrong
            require_finite(actual.reshape(len(actual), -1), self._reader.columns.target_names)
        return r2_score(y, outputs, sample_weight=sample_weight)

    @property
    def expert_weights_(self) -> pd.DataFrame:
        """Weights of the experts, a row for each target and age of the newest known y."""
        check_is_fitted(self)
        learner = self._state.learner
        names = [self._reader.columns.target_names, AGES]
        index = pd.MultiIndex.from_product(names, names=["target", "age"])
        weights = learner.expert_weights().reshape(len(index), -1)
        return pd.DataFrame(weights, index, learner.expert_names)

    def __sklearn_is_fitted__(self):
        """Tell whether rows have been learnt, not only held back."""
        return hasattr(self, "_state")

    def __sklearn_tags__(self):
        """Return the tags of a regressor that takes several targets."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _learn_history(self, X, y, ids):
        _require_y(y)
        self._single_output = np.asarray(incoming(y, "y")).ndim == 1
        vars(self).pop("_held", None)
        return super()._learn_history(X, y, ids)

    def _check_params(self):
        check_network_params(self)
        check_scalar(self.lags, "lags", (int, np.integer), min_val=0)
        check_scalar(self.linear_lags, "linear_lags", (int, np.integer), min_val=0)

    @property
    def _min_rows(self):
        return self.lags + 2

    def _make_learner(self, history):
        shape = self.lags, self._reader.columns.flagged, self.linear_lags
        screen = Screen(JUMP_LIMIT if self.outlier_filter else np.inf)
        design = RegressionDesign.of(history.record, *shape, screen)
        encoder = make_encoder(self, design, history.record)
        return OneSeries(RegressionLearner.of(design, self.forgetting, encoder))


def _require_y(y):
    if y is None:
        raise ValueError(
            "RNNRegressor requires y to be passed, but the target y is None; pass y, or use "
            "RNNForecaster to forecast columns of X"
        )
