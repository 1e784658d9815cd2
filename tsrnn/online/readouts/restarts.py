"""The warning that least squares have lost their numbers and start anew."""

import warnings

from tsrnn.warnings_ import NumericalWarning


def warn_of_restart(part):
    """Warn that a part of a readout starts anew from its penalty.

    Parameters
    ----------
    part : str
        Which.
    """
    warnings.warn(
        f"found {part} of the readout that is not finite, or no covariance, expected numbers that "
        "can be calculated with; it starts anew from its penalty and learns on: see that the rows "
        "are on the scale of the history, or fit again",
        NumericalWarning,
        stacklevel=2,
    )
