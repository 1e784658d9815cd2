"""The warning that numbers left the range in which they can be calculated with."""


class NumericalWarning(RuntimeWarning):
    """A learning step came to no finite number and was skipped, or a part was started anew.

    The estimator goes on: its forecasts stay finite. Learning may suffer if it happens often; the
    message says what to change.
    """
