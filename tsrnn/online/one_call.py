"""The way of a streamed row: all parts of a learner moved by one compiled call."""

from math import isfinite

from tsrnn.kernels import compiled_kernels


def take_in_at_once(learner, record, learning, scoring):
    """Return the outputs after each row (n, S, M) and the learner after it.

    None where there are no compiled loops, the learner is not the usual one, or the
    rows need something rare: part by part the same comes out, to the last bit.
    """
    loops = compiled_kernels()
    if loops is None or not _usual(learner) or (learning and not _plain(learner, record)):
        return None
    design, encoder, readout = learner.design, learner.encoder, learner.readout
    ensemble, intervals, n = learner.ensemble, learner.intervals, len(record)
    readout, ensemble, linear, per_step, smoothing = (
        part.opened(n)
        for part in (
            readout, ensemble, ensemble.linear, ensemble.per_step, ensemble.smoothing
        )
    )  # fmt: skip
    intervals = intervals.opened(n) if scoring else intervals
    plain, outputs, fields, state, of_readout, of_linear, of_steps, smoothed, mixed, scored = (
        loops.follow_rows(
            learner.window.joining(record, learner.kept_before(n)),
            design.looked_at,
            encoder.layer,
            readout.parts,
            linear.parts,
            ensemble.columns,
            per_step.parts,
            ensemble.repeats.parts,
            smoothing.parts,
            ensemble.mixed_parts,
            intervals.parts,
            learning,
            scoring,
        )
    )
    if not plain:
        return None
    n_learnt = n if learning else 0
    linear, per_step = linear.moved(n, n_learnt, *of_linear), per_step.moved(n, *of_steps)
    smoothing = smoothing.moved(n, smoothed, learning)
    return learner.after(
        type(record)(*fields),
        n,
        outputs,
        encoder=encoder.at(state),
        readout=readout.moved(n, n_learnt, *of_readout),
        ensemble=ensemble.moved(n, linear, per_step, smoothing, mixed, learning),
        intervals=intervals.moved(n, *scored) if scoring else intervals,
    )


def _usual(learner):
    """Return whether this is a learner of one layer, with all its parts."""
    encoder, ensemble = learner.encoder, learner.ensemble
    complete = encoder is not None and ensemble is not None and learner.intervals is not None
    in_stream = learner.usual is not None and learner.window is not None
    complete = complete and not learner.design.n_ahead
    return complete and in_stream and len(encoder.state) == 1


def _plain(learner, record):
    """Return whether all rows have their labels, and come before a penalty is renewed."""
    n, linear = len(record), learner.ensemble.linear
    before = n < learner.readout.rows_to_renewal and n < linear.rows_to_renewal
    return before and all(map(isfinite, record.targets.ravel().tolist()))
