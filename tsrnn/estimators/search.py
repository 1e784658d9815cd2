"""What scikit-learn's search would do in silence with a scorer that cannot score a forecaster."""

import sys

CALLER = "sklearn.model_selection._validation"


def require_scorer_of_forecasts():
    """Refuse to be fitted for a scorer that compares each prediction with the same row of ``y``.

    Without ``y``, scikit-learn cannot call such a scorer, makes all scores NaN with a warning, and
    keeps the first setting; with ``y``, it would compare the forecasts after a row with that row.
    Nothing that it calls knows of the scorer, but the function that fits and scores.

    Raises
    ------
    ValueError
        It names the scorer that can.
    """
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__") == CALLER and "scorer" in frame.f_locals:
            scorer = frame.f_locals["scorer"]
            for one in getattr(scorer, "_scorers", {"": scorer}).values():
                _require_own(one)
            return
        frame = frame.f_back


def _require_own(scorer):
    kind = type(scorer)
    if kind.__module__ == "sklearn.metrics._scorer" and hasattr(scorer, "_score_func"):
        raise ValueError(
            f"found scoring={scorer!r}, which compares the prediction of a row with y of that row; "
            "a forecaster predicts the rows after it. Use scoring=tsrnn.metrics.make_scorer('mae') "
            "(or 'rmse', 'mase' ...), or leave scoring out for R²"
        )
