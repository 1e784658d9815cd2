"""The look of pictures in the gallery."""

from matplotlib import rcParams


def larger_text(gallery_conf, name):
    """Set the text of an example's pictures so that it is legible on a phone."""
    rcParams["font.size"] = 12
