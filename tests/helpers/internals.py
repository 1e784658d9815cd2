"""The one place of the tests that knows where an estimator keeps what moves with its rows."""


def learner_of(model):
    """Return the learner of a fitted estimator."""
    return model._state.learner


def stream_of(model):
    """Return the learner of one stream, which may learn on a wall clock or beside others."""
    return learner_of(model).stream
