"""The look of pictures in the guide and the gallery: that of `tsrnn.plotting`, with larger text."""

from cycler import cycler
from matplotlib import rcParams

from tsrnn.plotting.style import COLORS, FAINT, TEXT

STYLE = {
    "figure.constrained_layout.use": True,
    "font.size": 12,  # legible on a phone
    "axes.prop_cycle": cycler(color=COLORS),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": TEXT,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "xtick.color": FAINT,
    "xtick.labelcolor": TEXT,
    "ytick.labelcolor": TEXT,
    "ytick.major.size": 0,
    "ytick.minor.size": 0,
    "date.converter": "concise",
}


def plain_axes(gallery_conf, name):
    """Set the style before an example of the gallery runs."""
    rcParams.update(STYLE)
