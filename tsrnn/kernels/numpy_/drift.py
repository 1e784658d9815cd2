"""Numbers of drift."""

RATE = 1.0 / 16.0  # weight of the newest row in the recent size of errors
LIMIT = 5.0  # of a scaled error: one alone is no drift
RISE, FALL = 2.0, 0.4  # recent size, in units of the expected one, that is a change
CALM = (0.7, 1.4)  # within these the next change may be reported
FIRST_ROWS = 200  # before these nothing is known of what to expect
