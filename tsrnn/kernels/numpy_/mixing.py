"""Numbers of the mixture of experts."""

# Factors by which the past is discounted at each label. The regrets remember some 50 rows, to
# follow patterns within the day; losses remember longer, to be sure of what is best.
REGRET_DISCOUNTS = (0.98,)
LOSS_DISCOUNT = 0.999
MIXTURE_DISCOUNT = 0.995
# What a mixture can lose at one label, in units of what is least and of what is usual: a change of
# unit makes errors that would otherwise decide for weeks which mixture to trust.
OUTLIER = 25.0
TINY = 1e-12  # squared, in units of the history's spread: below it experts are equally right
