"""Where the newest row of a phase lies."""


def rows_back(steps, season):
    """Return how many rows before the newest one the newest of the same phase lies.

    Parameters
    ----------
    steps : int or ndarray of int
        Steps ahead of the newest row, from 1 on, whose phase is asked for.
    season : int or ndarray of int
        Rows of a season.

    Examples
    --------
    >>> rows_back(1, 24), rows_back(24, 24), rows_back(25, 24)
    (23, 0, 23)
    """
    return season * -(-steps // season) - steps
