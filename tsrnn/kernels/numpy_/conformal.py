"""Numbers of online conformal intervals."""

QUANTILES = (0.005, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.995)
RATE = 0.01  # step of a quantile, as a share of its size, at each label
SMALLEST_SIZE = 0.3  # a quantile near zero moves as one of this size
LEVEL_RATE = 0.01  # weight of the newest error in the level
PROFILE_RATE = 0.05  # of the newest one of its phase in a seasonal profile
OUTLIER = 20.0  # times the level; more does not count
PROFILE_OUTLIER = 5.0
PROFILE_LIMITS = (0.05, 20.0)
TINY = 1e-6  # least level, in units of the history's spread
MAE_OF_NORMAL = 0.798  # mean absolute value of a standard normal variable
