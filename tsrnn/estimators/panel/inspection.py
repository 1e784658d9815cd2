"""What a forecaster of a panel tells of itself: weights of its experts, changes of its errors."""

import numpy as np
import pandas as pd


def experts_of(model):
    """Return the experts of a panel.

    Raises
    ------
    AttributeError
        It has none.
    """
    experts = model._stream.learner.experts
    if experts is None:
        raise AttributeError(
            f"found a panel of {type(model).__name__}, expected one of RNNForecaster: baselines "
            "have no experts, no intervals and no drift log for panels"
        )
    return experts


def weights_of(model):
    """Return the weights of the experts, a frame with a row for each id, target and step."""
    panel, experts = model._stream, experts_of(model)
    weights = experts.weights(slice(None)).transpose(3, 2, 1, 0)  # (C, J, M, E)
    levels = panel.ids, model._columns.target_names, range(1, model._horizon + 1)
    names = [model._form.id_name, "target", "step"]
    index = pd.MultiIndex.from_product(levels, names=names)
    return pd.DataFrame(weights.reshape(len(index), -1), index, experts.names)


def drift_of(model):
    """Return the frame of `BaseForecaster.drift_log_`, with the id of each series."""
    experts_of(model)
    panel = model._stream
    positions, places, targets, *rest = (
        zip(*panel.learner.changes, strict=True) if panel.learner.changes else ((),) * 6
    )
    id_name = "id" if model._form.id_name is None else model._form.id_name
    stamps = model._axis.stamps_at(np.array(positions, dtype=np.int64))
    error, level, scale = (np.array(values, dtype=float) for values in rest)
    return pd.DataFrame(
        {
            id_name: panel.ids[np.array(places, dtype=np.intp)],
            "time": model._axis.index(stamps),
            "target": [model._columns.target_names[target] for target in targets],
            "error": error,
            "level": level,
            "scale": scale,
            "phase": np.zeros(len(error)),
        }
    )
