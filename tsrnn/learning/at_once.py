"""The way of a streamed row: all parts of a learner moved by one compiled call."""

import numpy as np

from .kernels import compiled_loops


def learn_at_once(learner, record):
    """Return the outputs after each row (n, S, M) and the learner that has learnt from it.

    None where there are no compiled loops, the learner is not the usual one of one stream, or the
    rows need something rare: part by part the same comes out, to the last bit.
    """
    loops = compiled_loops()
    if loops is None or not _usual(learner) or not _plain(learner, record):
        return None
    design, encoder, readout = learner.design, learner.encoder, learner.readout
    n, ensemble, linear = len(record), learner.ensemble, learner.ensemble.linear
    plain, outputs, fields, state, learnt, linearly_learnt, mixed, scored = loops.follow_rows(
        learner.window.joining(record, learner.kept_before(n)),
        design.looked_at,
        encoder.layer,
        readout.parts,
        linear.parts,
        ensemble.columns,
        ensemble.repeats.parts,
        ensemble.mixed_parts,
        learner.intervals.parts,
    )
    if not plain:
        return None
    return learner.after(
        type(record)(*fields),
        n,
        outputs,
        encoder=encoder.at(state),
        readout=readout.moved(n, *learnt),
        ensemble=ensemble.moved(linear.moved(n, *linearly_learnt), *mixed),
        intervals=learner.intervals.moved(n, *scored),
    )


def _usual(learner):
    """Return whether this is a learner of one stream and one layer, with all its parts."""
    encoder, ensemble = learner.encoder, learner.ensemble
    complete = encoder is not None and ensemble is not None and learner.intervals is not None
    return complete and len(encoder.state) == encoder.n_streams == 1 and learner.usual is not None


def _plain(learner, record):
    """Return whether rows follow others, have their labels, and come before the next renewal."""
    n, readouts = len(record), (learner.readout, learner.ensemble.linear)
    return (
        learner.window is not None
        and all(n < readout.rows_to_renewal for readout in readouts)
        and np.isfinite(record.targets).all()
    )
