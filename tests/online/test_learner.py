"""The learner: what its encoder is given to learn from, and what a restart forgets."""

import copy

import numpy as np
import pandas as pd
import pytest
from helpers import content
from helpers.internals import stream_of

from tsrnn import RNNForecaster
from tsrnn.features.design import ForecastDesign
from tsrnn.features.window import Window
from tsrnn.online.readouts.future import FutureRLS
from tsrnn.online.readouts.rls import DelayedRLS
from tsrnn.online.stream_learner import StreamLearner

pytestmark = pytest.mark.usefixtures("both_kernels")

PERIOD, WINDOW, HORIZON = 10, 12, 3


class RecordingEncoder:
    """An encoder of one constant feature that notes what it is given to learn from."""

    period, window = PERIOD, WINDOW

    def __init__(self):
        self.given = []

    def encode(self, inputs, local, by_stream=False):
        return np.ones((*inputs.shape[:2], 1)), self

    def learn(self, inputs, skip, targets, weights, local):
        self.given.append((inputs, skip, targets))
        return self

    def restarted(self):
        return copy.copy(self)


@pytest.fixture
def record():
    values = np.random.default_rng(0).normal(size=(100, 2))
    return Window(values, np.zeros((100, 0)), np.zeros((100, 0)))


def make(record, encoder=None):
    design = ForecastDesign.of(record, HORIZON, lags=2, seasons=(5,))
    n_features = design.n_features + (encoder is not None)
    return StreamLearner(design, DelayedRLS(2, n_features, design.delays, 0.99), encoder)


@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_the_encoder_learns_every_period_from_the_newest_origins_whose_labels_are_in(record, chunk):
    encoder = RecordingEncoder()
    learner = make(record, encoder)
    for start in range(0, 100, chunk):
        learner = learner.learn(record[start : start + chunk])
    whole = record.padded(learner.design.reach)
    first = learner.design.reach
    ends = [n for n in range(PERIOD, 101, PERIOD) if n >= WINDOW + HORIZON]
    assert len(encoder.given) == len(ends)
    for n_rows, (inputs, skip, targets) in zip(ends, encoder.given, strict=True):
        stop = n_rows - HORIZON  # origins from here on still wait for labels
        rows = slice(first + stop - WINDOW, first + stop)
        np.testing.assert_array_equal(inputs, learner.design.inputs(whole, rows.start, rows.stop))
        np.testing.assert_array_equal(skip, learner.design.skip(whole, rows.start, rows.stop))
        for h in range(1, HORIZON + 1):
            change = whole.targets[rows.start + h : rows.stop + h] - whole.targets[rows]
            np.testing.assert_array_equal(targets[:, :, h - 1], change)


def test_the_encoder_is_not_asked_for_what_is_due_to_what_was_known_ahead():
    rng = np.random.default_rng(0)
    record = Window(rng.normal(size=(60, 2)), rng.normal(size=(60, 1)), np.zeros((60, 0)))
    design = ForecastDesign.of(record, HORIZON, lags=2, seasons=(), future=[0])
    encoder = RecordingEncoder()
    readout = FutureRLS(2, 1 + design.n_features, design.delays, 0.99, design.n_ahead)
    learner = StreamLearner(design, readout, encoder).learn(record)
    _, _, targets = encoder.given[-1]
    first = 60 - HORIZON - WINDOW
    whole = record.padded(design.reach)
    for origin in range(WINDOW):
        ahead = design.ahead(whole, design.reach + first + origin, whole.inputs[:0])[:1]
        change = whole.targets[design.reach + first + origin + np.arange(1, HORIZON + 1)].T
        change = change - record.targets[first + origin][:, None]
        expected = change - learner.readout.effect(ahead)[0]
        np.testing.assert_allclose(targets[origin], expected, atol=1e-12)


def test_a_restart_forgets_the_origins_that_wait_for_labels(record):
    learner = make(record).learn(record[:50]).restarted()
    first = learner.learn(record[80:81])
    np.testing.assert_array_equal(first.readout.weights, learner.readout.weights)
    second = first.learn(record[81:82])
    assert (second.readout.weights[:, 0] != learner.readout.weights[:, 0]).any()
    np.testing.assert_array_equal(second.readout.weights[:, 1:], learner.readout.weights[:, 1:])


def test_outputs_are_what_output_would_give_row_by_row(record):
    learner = make(record).learn(record[:60])
    outputs, moved = learner.outputs(record[60:70])
    for row in range(60, 70):
        learner = learner.advance(record[row : row + 1])
        np.testing.assert_array_equal(outputs[row - 60], learner.output())
    np.testing.assert_array_equal(moved.output(), learner.output())


@pytest.mark.parametrize("future", [None, ["promotion"]])
def test_the_recurrent_expert_is_not_scored_on_a_short_history_it_was_trained_on(future):
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=100, name="day")
    promoted = rng.integers(0, 2, 100)
    rows = pd.DataFrame({"sold": rng.normal(size=100) + promoted, "promotion": promoted}, days)
    rows = rows if future else rows[["sold"]]
    settings = {"hidden_size": 4, "max_iter": 3, "random_state": 0}
    model = RNNForecaster(2, target="sold", future_cols=future, **settings)

    def regrets():
        ensemble = stream_of(model).ensemble
        recurrent = np.char.startswith(ensemble.names, "recurrent")
        regret = np.abs(ensemble.mixing.regret[:, 0, :, 0])
        return regret[:, recurrent], regret[:, ~recurrent]

    model.fit(rows[:60])
    of_recurrent, of_others = regrets()
    assert not of_recurrent.any()
    assert (of_others > 0.0).any(axis=1).all()
    assert (model.expert_weights_["recurrent"] > 0.0).all()  # it is heard from the newest row on
    whole = copy.deepcopy(model).partial_fit(rows[60:])
    for row in range(60, 100):
        model.partial_fit(rows[row : row + 1])
    assert content(model) == content(whole)
    assert regrets()[0].all()
    model.fit(rows[:90])  # some of which are held out from training
    assert regrets()[0].all()
