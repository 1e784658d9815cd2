"""What a forecast is made of: the mixture taken apart by experts, and readouts by features.

A mixture is a weighted mean of experts, and a readout a weighted sum of features. So every forecast
is a sum of parts, without any approximation.
"""

from typing import Any

import numpy as np

from tsrnn.features.step_features import N_CHANGES
from tsrnn.kernels.numpy_.per_step import N_COLUMNS, step_features
from tsrnn.online.experts.ensemble import WITH_AND_WITHOUT

GROUPS = "level", "lags", "season", "calendar", "network"
READOUTS = "recurrent", "linear", "per_step"  # experts that are taken apart by their features


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
        """Add a readout's terms, (..., M, K), by the names (K,) of its features.

        What an input adds is measured from its usual value; what that adds is part of the level.

        Parameters
        ----------
        share : ndarray of shape (..., M)
            Weight of the readout in the mixture, times the scale it is of.
        terms, weights : ndarray that broadcast to (..., M, K)
            Weights times features, and the weights.
        """
        for name in dict.fromkeys(names):
            columns = [k for k, other in enumerate(names) if other == name]
            value = share * terms[..., columns].sum(axis=-1)
            if not isinstance(name, str):
                of_usual = share * weights[..., columns].sum(axis=-1) * self.usual[name]
                self.add("level", of_usual)
                value = value - of_usual
            self.add(name, value)

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
    design, window = learner.design, learner.window
    output, newest = learner.output(following), len(window) - 1
    level = window.levels[newest]
    parts, as_usual = Parts(output.shape, usual), None
    if design.n_ahead:
        ahead = window.followed_by(following[: design.longest_delay], newest)[1:]
        as_usual = ahead.copy()
        as_usual[:, design.future] = usual[design.future]
        _add_inputs(parts, learner.output, ahead, as_usual, design.future)
    parts.add("level", np.repeat(window.shifted(level[None], newest).T, output.shape[1], axis=1))
    experts, share = learner.ensemble, np.ones(output.shape)
    if experts:
        weights = dict(zip(experts.names, experts.weights.swapaxes(1, 2), strict=True))
        share = weights["recurrent"]
    n_hidden = learner.encoder.network.hidden_size if learner.encoder else 0
    names, readout = names_of(design, n_hidden), learner.readout
    origins = (readout.past if design.n_ahead else readout).rows
    parts.add_terms(share, *_terms(origins, readout.weights), names)
    if design.n_ahead:
        ahead = design.ahead(window, newest, as_usual)
        parts.add("level", share * readout.effect(ahead)[0])
    if experts:
        _explain_experts(parts, learner, weights, names[n_hidden:], level, as_usual)
    parts.add("level", output - parts.total())  # rounding, and what a penalty put back has moved
    return parts.found


def _terms(origins, weights):
    """Return the terms (S, M, K) of a shared readout at the newest origin, and the weights."""
    return weights * origins[-1, :, None, : weights.shape[2]], weights


def _add_inputs(parts, output, ahead, as_usual, future):
    """Add what each input at the steps adds to outputs, which are linear in all of them."""
    without = output(as_usual)
    for name in future:
        varied = as_usual.copy()
        varied[..., name] = ahead[..., name]
        parts.add(name, output(varied) - without)


def _explain_experts(parts, learner, weights, names, level, as_usual):
    """Add the experts of a stream beside its recurrent one.

    Parameters
    ----------
    weights : dict of str to ndarray of shape (S, M)
        Of each expert.
    names : list
        Of the features beside the hidden state.
    level : ndarray of shape (S,)
    as_usual : ndarray of shape (m, E) or None
        Usual inputs of the rows to come.
    """
    experts, future, usual = learner.ensemble, learner.design.future, parts.usual
    linear, per_step, share = experts.linear, experts.per_step, weights["per_step"]
    of_linear = [names[k] for k in experts.columns]
    parts.add_terms(weights["linear"], *_terms(linear.rows, linear.weights), of_linear)
    origins = np.full(share.shape[1], len(per_step.rows) - 1)
    at_step = np.repeat(usual[None, future], len(level), axis=0)
    x = step_features(per_step.rows, origins, per_step.features.table, at_step)
    of_steps = step_names(per_step.features, future)
    parts.add_terms(share, per_step.weights * x, per_step.weights, of_steps)
    forecasts, due = _newest_forecasts(learner, as_usual)
    beyond = np.zeros(share.shape)
    if due is not None:  # what the inputs of the newest row are worth is not of the level
        beyond += (due * (learner.window.inputs[-1, future] - usual[future])).sum(axis=1)[:, None]
    parts.add("level", -share * beyond)
    follow_the_rest = [*experts.smoothing.names, *WITH_AND_WITHOUT[:1]]
    for name, forecast in forecasts.items():
        share = weights[name]
        pull = share * np.where(share > 0.0, forecast - level[:, None], 0.0)  # NaN where it sleeps
        if name in follow_the_rest:
            parts.add("level", -share * beyond)
            pull = pull + share * beyond
        parts.add(name, pull)


def step_names(features, future):
    """Return the names of the features of a `PerStepRLS`; inputs at the step are as usual."""
    names = []
    for place, (first, _) in enumerate(features.columns.tolist()):
        if first >= N_COLUMNS:
            names.append(future[first - N_COLUMNS])
        elif place < N_CHANGES:
            names.append("lags")
        else:
            names.append("level" if place == N_CHANGES else "season")
    return [*names, *["level"] * (1 + features.n_ahead)]


def explain_panel(learner, position, series, calendar, following, usual):
    """Return the parts (J, B, M) of the newest outputs of a `PanelLearner`, by name.

    Parameters
    ----------
    learner : PanelLearner
    position, series, calendar
        As for `PanelLearner.output`.
    following : ndarray of shape (B, m, F) or None
        Inputs known ahead.
    usual : ndarray of shape (E,)
    """
    design, window = learner.design, learner.memory.window
    features = learner.features_at(position, series, calendar)
    output = learner.output(position, series, calendar, following)
    level, scales = window.levels.read(position, series), learner._scales(position, series)
    parts, as_usual = Parts(output.shape, usual), None
    if design.n_ahead:
        newest = window.inputs.read(position, series)[design.future].T
        ahead = design.ahead_of_series(newest, following)[..., : len(design.future)]
        as_usual = np.broadcast_to(usual[design.future], ahead.shape)
        for place, name in enumerate(design.future):
            varied = as_usual.copy()
            varied[..., place] = ahead[..., place]
            without = learner.output(position, series, calendar, as_usual)
            parts.add(name, learner.output(position, series, calendar, varied) - without)
    parts.add("level", np.broadcast_to(level[..., None], output.shape))
    parts.add("level", window.jumps.read(position, series)[..., None])
    forecasts = learner._forecasts(position, series, features, as_usual)
    names = names_of(design, features.shape[-1] - design.n_features)
    scale = scales[..., None]
    shares = learner.expert_shares(position, series, forecasts)
    share = shares[learner.experts.names[0]][0]
    weights = learner.readout.weights[:, None]
    parts.add_terms(share * scale, weights * features[:, :, None], weights, names)
    if as_usual is not None:
        of_steps = learner.readout.effect(design.ahead_of_series(newest, as_usual))
        parts.add("level", share * scale * of_steps)
    if learner.readout.linear is not None:
        columns, weights = learner.readout.columns, learner.readout.linear[:, None]
        of_linear = [names[k] for k in columns]
        seen = features[:, :, None][..., columns]
        parts.add_terms(shares["linear"][0] * scale, weights * seen, weights, of_linear)
    if learner.steps:
        terms, weights, of_steps = learner.steps_terms(position, series, usual)
        parts.add_terms(shares["per_step"][0] * scale, terms, weights, of_steps)
    for name, (share, forecast) in shares.items():
        if name not in (*READOUTS, "readout"):  # the one of a baseline
            parts.add(name, share * np.where(share > 0.0, forecast - level[..., None], 0.0))
    parts.add("level", output - parts.total())  # rounding
    return parts.found


def _newest_forecasts(learner, as_usual):
    """Return what experts that are no readouts forecast, and what the inputs of a row are worth.

    Returns
    -------
    forecasts : dict of str to ndarray of shape (S, M)
        With usual inputs at the steps; NaN of those that sleep.
    due : ndarray of shape (S, F) or None
        Effects of the inputs of a row, where experts follow what these leave of its value.
    """
    experts, design, window = learner.ensemble, learner.design, learner.window
    names, spread, due = experts.names, experts.scored.spread, None
    terms = experts.rows[-1][:, : len(names)]  # (m, E, S) or, with effects, (m, E, S, 1 + Z)
    forecasts = spread(np.moveaxis(terms[..., 0] if design.n_ahead else terms, 0, -1))
    smooth = [names.index(name) for name in experts.smoothing.names]
    if not experts.scored.all_are:  # those between scored steps are made again
        repeats = slice(len(READOUTS), len(READOUTS) + len(experts.repeats.names))
        n_before = experts.smoothing.n_rows - 1
        forecasts[repeats] = experts.repeats.forecasts(window.levels, 1, n_before)[0].transpose(
            1, 2, 0
        )
        # A row without a value moves what smooths on by just one step.
        unknown = np.full((1, len(forecasts[0])), np.nan)
        later = experts.smoothing.follow(unknown)[1][0].transpose(1, 2, 0)
        forecasts[smooth, :, 1:] = later[..., :-1]
    if design.n_ahead:
        ahead = design.ahead(window, len(window) - 1, as_usual)[0, 0]  # (M, Z)
        effects = spread(np.moveaxis(terms[..., 1:], 0, -1))  # (E, S, Z, M)
        forecasts = forecasts + (effects * ahead.T).sum(axis=2)
        due = effects[smooth[0], :, : len(design.future), 0]
    pairs = zip(names[len(READOUTS) :], forecasts[len(READOUTS) :], strict=True)
    return dict(pairs), due
