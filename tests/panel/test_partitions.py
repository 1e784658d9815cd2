"""A panel in partitions that add up their sums is the panel in one piece."""

import copy

import numpy as np
import pandas as pd
import pytest
from helpers import fit_once
from helpers.internals import learner_of
from helpers.panels import N_FIT, START, by_stamps, content_of, divided, long_frame, panel
from helpers.partitions import fitted, taken, together

from tsrnn import partitions
from tsrnn.estimators import road
from tsrnn.frames.scaling import Scaling, percentiles
from tsrnn.online.storage.values import twin

OWNER = {f"s{i}": place for i, place in enumerate([0, 0, 0, 1, 1, 1, 1, 2, 2])}
LATE, SHORT = "s8", "s2"  # a series that comes while others go on, and one with less history
KINDS = {
    "one target": {},
    "known ahead, gaps end a run": {
        "future_cols": "x",
        "gap": "reset",
        "target_transform": "log1p",
    },
    "two targets": {"target": ["y", "x"]},
}


def rows(n_rows=N_FIT + 65):
    frame = long_frame(9, n_rows, missing=0.05, gone=0.05, seed=3)
    frame["kind"] = np.random.default_rng(1).choice(["a", "b", "c"], len(frame))
    history, new = divided(frame)
    history = history[history["id"] != LATE]
    shortened = (history["id"] == SHORT) & (history["time"] < START + pd.Timedelta("20h"))
    late = (new["id"] == LATE) & (new["time"] < START + (N_FIT + 10) * pd.Timedelta("1h"))
    # In the order of the partitions, as one panel would see them.
    history = history[~shortened].sort_values("id", kind="stable")
    return history, new[~late]


def in_parts(frame):
    number = frame["id"].map(OWNER)
    return [frame[number == n] for n in range(3)]


def forecasts(models, ahead):
    """Forecasts with intervals of all models, sorted by series and time."""
    frames = []
    for model in models:
        X_future = None
        if ahead is not None:
            X_future = model.future_index().to_frame(index=False).assign(**ahead)
        frames.append(model.forecast(coverage=[0.5, 0.9], X_future=X_future))
    return pd.concat(frames).set_index(["id", "time"]).sort_index()


def require_same(one, parts, ahead, rtol=1e-10):
    expected = forecasts([one], ahead)
    pd.testing.assert_frame_equal(forecasts(parts, ahead), expected, rtol=rtol, atol=1e-12)


# One target alone has its sums in all the other tests.
@pytest.mark.parametrize(
    "kind",
    [pytest.param(k, marks=[pytest.mark.slow] if k == "one target" else []) for k in KINDS],
)
def test_it_is_fitted_and_goes_on_as_one(kind):
    history, new = rows()
    params = {"dtype": np.float64, **KINDS[kind]}
    if kind == "two targets":
        history, new = history.drop(columns="kind"), new.drop(columns="kind")
    ahead = {"x": 0.3} if "future_cols" in params else None
    one = panel(**params).fit(history)
    parts = fitted([panel(**params) for _ in range(3)], in_parts(history))
    require_same(one, parts, ahead)
    hows = ["partial_fit", "update", "partial_fit", "partial_fit", "partial_fit"]
    for how, some in zip(hows, by_stamps(new, [30, 40, 60, 61]), strict=True):
        getattr(one, how)(some)
        learning = "learn" if how == "partial_fit" else "advance"
        parts = taken(parts, in_parts(some), learning)
        require_same(one, parts, ahead)
    assert learner_of(one).n_trainings > 2
    for part in parts:  # what is shared is the same everywhere, to the last bit
        shared = learner_of(part)
        first = learner_of(parts[0])
        np.testing.assert_array_equal(shared.readout.weights, first.readout.weights)
        np.testing.assert_array_equal(shared.encoder.network.weights, first.encoder.network.weights)
        np.testing.assert_allclose(
            shared.readout.weights, learner_of(one).readout.weights, rtol=1e-6, atol=1e-9
        )


def test_without_the_sums_of_the_others_it_is_another():
    history, new = rows()
    one = fit_once(panel(dtype=np.float64), history)
    parts = [one.split(sorted(set(part["id"]))) for part in in_parts(history)]
    one.partial_fit(new)
    shared = taken(parts, in_parts(new), "learn")
    alone = [
        copy.copy(part).partial_fit(own) for part, own in zip(parts, in_parts(new), strict=True)
    ]
    require_same(one, shared, None)
    expected = forecasts([one], None)
    assert not np.allclose(forecasts(alone, None), expected, rtol=1e-4)


def test_a_partition_that_fails_lets_all_fail_and_changes_nothing():
    history, new = rows()
    one = fit_once(panel(dtype=np.float64), history)
    parts = [one.split(sorted(set(part["id"]))) for part in in_parts(history)]
    before = [content_of(part) for part in parts]
    first, _ = by_stamps(new, [20])
    with pytest.raises(ValueError, match="not newer than the cutoff"):
        taken(parts, [*in_parts(first)[:2], history[history["id"] == "s7"]], "learn")
    assert [content_of(part) for part in parts] == before
    require_same(one.partial_fit(first), taken(parts, in_parts(first), "learn"), None)


def test_partitions_are_joined_to_one():
    history, new = rows()
    first, rest = by_stamps(new, [20])
    one = fit_once(panel(dtype=np.float64), history).partial_fit(first)
    ids = one.cutoff_.index
    parts = [one.split(ids[:5]), one.split(ids[5:6]), one.split(ids[6:])]
    whole = twin(parts[0])
    whole._state = road.joined([part._state for part in parts])
    assert content_of(whole) == content_of(one)
    assert content_of(whole.partial_fit(rest)) == content_of(one.partial_fit(rest))


def test_scaling_of_values_that_nobody_sees_all_of():
    values = np.random.default_rng(0).normal(size=(301, 3)) * [1.0, 1e-3, 1e3] + 5.0
    values[::7, 1], values[3, 2], values[:, 0] = np.nan, 1e9, 7.0
    parts = values[:10], values[10:150], values[150:]
    expected = Scaling.fit(values)
    for found in together([lambda v=v: Scaling.of_all_partitions(v) for v in parts]):
        np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-12)
        np.testing.assert_allclose(found.scale, expected.scale, rtol=1e-12)
    for found in together([lambda v=v: percentiles(v, [10, 50, 99]) for v in parts]):
        expected = np.nanpercentile(values, [10, 50, 99], axis=0)
        np.testing.assert_allclose(found, expected, rtol=1e-15)


def test_draws_go_by_the_id_and_not_by_the_place():
    ids = [f"s{i}" for i in range(500)]
    keys = partitions.keys_of(ids)
    np.testing.assert_array_equal(partitions.keys_of(ids[::-1])[::-1], keys)
    assert len(set(keys.tolist())) == 500
    firsts = [int(partitions.drawn(keys, number).argmin()) for number in range(2_000)]
    counts = np.bincount(firsts, minlength=500)
    assert counts.max() < 20 and (counts > 0).mean() > 0.95  # as if at random: 4 each, Poisson


def test_clocks_that_change_are_refused():
    history, _ = rows()
    local = history["time"].dt.tz_localize("Europe/Rome", nonexistent="shift_forward")
    keep = ~pd.MultiIndex.from_arrays([history["id"], local]).duplicated()
    history = history.assign(time=local)[keep]
    with pytest.raises(ValueError, match="clocks change"):
        fitted([panel() for _ in range(3)], in_parts(history))
