"""The recurrent regressor."""

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import check_array, check_scalar

from tsrnn.estimators.base import StreamingEstimator
from tsrnn.estimators.recurrent import NetworkMixin, check_network_params, make_encoder
from tsrnn.features.regression import RegressionDesign
from tsrnn.frames.validation import require_finite
from tsrnn.online.one_series import OneSeries
from tsrnn.online.stream_learner import StreamLearner
from tsrnn.persistence.registry import saved


@saved("rnn-regressor")
class RNNRegressor(NetworkMixin, RegressorMixin, StreamingEstimator):
    """Estimate y of each row from X of that row and the past of X.

    Rows of X are consecutive time steps. A recurrent network, trained by truncated
    backpropagation through time, carries the past of X in its state from one call to the next;
    a linear readout of its hidden state and of the newest rows of X is learnt by recursive least
    squares. X may have missing values and categories, as for `RNNForecaster`; y may not.

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
        Earlier rows of X that the readout sees beside the newest.
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
    dtype : numpy dtype, default=numpy.float32
        Of the network; the readout is always float64.
    random_state : int, RandomState or None, default=None
    verbose : bool, default=False
        Print the progress of training.

    Attributes
    ----------
    n_iter_ : int
        Training steps taken on the history.
    loss_curve_ : list of float
        Training loss of each.
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
    """

    _takes_panels = _regular = False
    _complete_targets = True

    def __init__(
        self,
        cell="lstm",
        hidden_size=32,
        n_layers=1,
        window_size=48,
        lags=1,
        batch_size=32,
        learning_rate=0.005,
        max_iter=300,
        early_stopping=True,
        loss="squared",
        forgetting=0.9995,
        dtype=np.float32,
        random_state=None,
        verbose=False,
    ):
        self.cell = cell
        self.hidden_size = hidden_size
        self.n_layers = n_layers
        self.window_size = window_size
        self.lags = lags
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.loss = loss
        self.forgetting = forgetting
        self.dtype = dtype
        self.random_state = random_state
        self.verbose = verbose

    def predict(self, X):
        """Estimate y for each row of X. The estimator stays as it was.

        Rows newer than the cutoff, and rows without time stamps, go on from the carried state.
        If the first time stamp is at or before the cutoff, all rows roll from the zero state with
        the final weights (in-sample).

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_features)

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, n_outputs)
            As y was at fit.

        Raises
        ------
        ValueError
            As in ``partial_fit``.
        """
        outputs = self._outputs(X, None, None)[0][..., 0]
        return outputs[:, 0] if self._single_output else outputs

    def score(self, X, y, sample_weight=None):
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

    def __sklearn_tags__(self):
        """Return the tags of a regressor that takes several targets."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _learn_history(self, X, y, ids):
        if y is None:
            raise ValueError(
                "RNNRegressor requires y to be passed, but the target y is None; pass y, or use "
                "RNNForecaster to forecast columns of X"
            )
        self._single_output = np.asarray(y).ndim == 1
        super()._learn_history(X, y, ids)

    def _check_params(self):
        check_network_params(self)
        check_scalar(self.lags, "lags", (int, np.integer), min_val=0)

    @property
    def _min_rows(self):
        return self.lags + 2

    def _make_learner(self, history):
        record, flagged = history.record, self._reader.columns.flagged
        n_inputs, n_outputs = record.inputs.shape[1], record.targets.shape[1]
        design = RegressionDesign(n_inputs, n_outputs, self.lags, flagged)
        encoder = make_encoder(self, design, record)
        return OneSeries(StreamLearner.of(design, self.forgetting, encoder))
