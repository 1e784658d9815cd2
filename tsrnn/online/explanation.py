"""What a forecast is made of: the mixture taken apart by experts, and readouts by features.

A mixture is a weighted mean of experts, and a readout a weighted sum of features. So every forecast
is a sum of parts, without any approximation.
"""

from typing import Any

import numpy as np

from tsrnn.features.step_features import N_CHANGES
from tsrnn.kernels.numpy_.per_step import N_COLUMNS, step_features

GROUPS = "level", "lags", "season", "calendar", "network"
READOUTS = "recurrent", "linear", "per_step"  # experts that are told by their features


class Parts:
    """Parts of forecasts by name, arrays of one shape that are added to.

    Names are those of `GROUPS`, of experts, and the positions of inputs.

    Parameters
    ----------
    shape : tuple of int
        Of the forecasts, steps last.
    usual : ndarray of shape (E,)
        Values of the inputs that what they add is measured from.
    """

    def __init__(self, shape, usual):
        self.found: dict[Any, np.ndarray] = {name: np.zeros(shape) for name in GROUPS}
        self.usual = usual

    def add(self, name, values):
        """Add values to a part."""
        self.found[name] = self.found.get(name, 0.0) + values

    def add_terms(self, share, terms, weights, names):
        """Add a readout's terms, (..., M, K), by the names (K,) of its features; return their sum.

        What an input adds is measured from its usual value; what that adds is part of the level.

        Parameters
        ----------
        share : ndarray of shape (..., M)
            Weight of the readout in the mixture, times the scale it is of.
        terms, weights : ndarray that broadcast to (..., M, K)
            Weights times features, and the weights.
        """
        total = 0.0
        for name in dict.fromkeys(names):
            columns = [k for k, other in enumerate(names) if other == name]
            value = share * terms[..., columns].sum(axis=-1)
            total = total + value
            if not isinstance(name, str):
                of_usual = share * weights[..., columns].sum(axis=-1) * self.usual[name]
                self.add("level", of_usual)
                value = value - of_usual
            self.add(name, value)
        return total

    def total(self):
        """Return the sum of all parts."""
        return sum(self.found.values())


def names_of(design, n_hidden):
    """Return the names of the features of a shared readout, hidden states first."""
    n_lags = int((design.offsets == np.arange(1, len(design.offsets) + 1)).sum())
    return [
        *["network"] * n_hidden,
        *["lags"] * n_lags,
        *["season"] * (len(design.offsets) - n_lags),
        "level",
        *["calendar"] * design.n_calendar,
        *range(design.n_inputs),
        "level",
    ]


def explain_stream(learner, following, usual):
    """Return the parts (S, M) of the newest output of a `StreamLearner`, by name.

    Parameters
    ----------
    learner : StreamLearner
    following : ndarray of shape (m, E) or None
        Inputs of the rows to come, as for `StreamLearner.output`.
    usual : ndarray of shape (E,)
        See `Parts`.
    """
    design, window, newest = learner.design, learner.window, len(learner.window) - 1
    output = learner.output(following)
    level = window.levels[newest]
    parts, as_usual = Parts(output.shape, usual), None
    if design.n_ahead:
        ahead = window.followed_by(following[: design.longest_delay], newest)[1:]
        as_usual = ahead.copy()
        as_usual[:, design.future] = usual[design.future]
        _add_inputs(parts, learner.output, ahead, as_usual, design.future)
    parts.add("level", np.broadcast_to(window.shifted(level[None], newest)[0][:, None], output.shape))
    experts, ones = learner.ensemble, np.ones(output.shape)
    n_hidden = learner.encoder.network.hidden_size if learner.encoder else 0
    names = names_of(design, n_hidden)
    readout, share = learner.readout, ones
    if experts:
        weights = dict(zip(experts.names, experts.weights.swapaxes(1, 2), strict=True))
        share = weights["recurrent"]
    past = readout.past if design.n_ahead else readout
    features = past.rows[-1, :, None, : len(names)]
    told = {"recurrent": parts.add_terms(share, readout.weights * features, readout.weights, names)}
    if experts:
        _explain_experts(parts, learner, weights, told, level, as_usual)
    parts.add("level", output - parts.total())  # rounding; of a long horizon also what is left
    return parts.found


def _add_inputs(parts, output, ahead, as_usual, future):
    """Add what each input at the steps adds to outputs, which are linear in all of them."""
    without = output(as_usual)
    for name in future:
        varied = as_usual.copy()
        varied[..., name] = ahead[..., name]
        parts.add(name, output(varied) - without)


def _explain_experts(parts, learner, weights, told, level, as_usual):
    """Add the experts of a stream beside its recurrent one, whose features are told already.

    Parameters
    ----------
    weights, told : dict of str to ndarray of shape (S, M)
        By expert its weights, and what has been told of it, relative to the level.
    level : ndarray of shape (S,)
    as_usual : ndarray of shape (m, E) or None
        Usual inputs of the rows to come.
    """
    experts, design, window = learner.ensemble, learner.design, learner.window
    linear, per_step = experts.linear, experts.per_step
    n_hidden = learner.encoder.network.hidden_size if learner.encoder else 0
    names = np.array(names_of(design, n_hidden), dtype=object)[n_hidden:][experts.columns]
    features = linear.rows[-1, :, None, : len(names)]
    rows = linear.weights * features, linear.weights, list(names)
    told["linear"] = parts.add_terms(weights["linear"], *rows)
    names = step_names(per_step.features, design.future)
    origins = np.full(per_step.weights.shape[1], len(per_step.rows) - 1)
    at_step = np.zeros((len(level), len(design.future)))
    features = step_features(per_step.rows, origins, per_step.features.table, at_step)
    rows = per_step.weights * features, per_step.weights, names
    told["per_step"] = parts.add_terms(weights["per_step"], *rows[:2], names)
    issued, due = _newest_forecasts(learner, as_usual)
    shift = 0.0
    if due is not None:  # what the inputs of the newest row are worth is not of the level
        beyond = window.inputs[-1, design.future] - parts.usual[design.future]
        shift = (due * beyond).sum(axis=-1)[:, None]
    for name, forecast in issued.items():
        share = weights[name]
        forecast = np.where(share > 0.0, forecast, 0.0)  # NaN of those that sleep
        beside = share * (np.where(share > 0.0, forecast - level[:, None], 0.0))
        if name in READOUTS:
            parts.add("level", beside - told[name])
            continue
        adjusted = name in experts.smoothing.names
        from_level = -share * shift if adjusted else np.zeros(share.shape)
        parts.add("level", from_level)
        parts.add(name, beside - from_level)


def step_names(features, future):
    """Return the names of the features of a `PerStepRLS`."""
    names = []
    for place, (first, second) in enumerate(features.columns.tolist()):
        if first >= N_COLUMNS:
            names.append(future[first - N_COLUMNS])
        elif place < N_CHANGES:
            names.append("lags")
        else:
            names.append("level" if place == N_CHANGES else "season")
    return [*names, *["level"] * (1 + features.n_ahead)]  # inputs at the step are left out: 0


def _newest_forecasts(learner, as_usual):
    """Return what each expert of a stream forecasts with usual inputs, and what inputs are worth.

    Returns
    -------
    forecasts : dict of str to ndarray of shape (S, M)
        NaN of those that sleep. Between scored steps those that are not known here are interpolated.
    due : ndarray of shape (S, F) or None
        Effects of the inputs of a row that experts which follow the rest of it leave out.
    """
    experts, design, window = learner.ensemble, learner.design, learner.window
    names, spread, due = experts.names, experts.scored.spread, None
    terms = experts.rows[-1][:, : len(names)]  # (m, E, S) or, with effects, (m, E, S, 1 + Z)
    forecasts = spread(np.moveaxis(terms[..., 0] if design.n_ahead else terms, 0, -1))
    smooth = [names.index(name) for name in experts.smoothing.names]
    if not experts.scored.all_are:
        repeats = slice(len(READOUTS), len(READOUTS) + len(experts.repeats.names))
        n_before = experts.smoothing.n_rows - 1
        repeated = experts.repeats.forecasts(window.levels, 1, n_before)[0]  # (M, n, S)
        forecasts[repeats] = repeated.transpose(1, 2, 0)
        # A row without a value moves what smooths on by just one step.
        unknown = np.full((1, len(forecasts[0])), np.nan)
        later = experts.smoothing.follow(unknown)[1][0].transpose(1, 2, 0)
        forecasts[smooth, :, 1:] = later[..., :-1]
    if design.n_ahead:
        ahead = design.ahead(window, len(window) - 1, as_usual)[0, 0]  # (M, Z)
        effects = spread(np.moveaxis(terms[..., 1:], 0, -1))  # (E, S, Z, M)
        forecasts = forecasts + (effects * ahead.T).sum(axis=2)
        due = effects[smooth[0], :, : len(design.future), 0]
    return dict(zip(names, forecasts, strict=True)), due
