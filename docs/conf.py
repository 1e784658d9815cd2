"""Configuration of Sphinx for the guide: ``sphinx-build -W docs build/guide``."""

import os
import sys
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]
os.environ.setdefault("PYTHONPATH", str(ROOT))

from gallery_style import STYLE  # noqa: E402

import tsrnn  # noqa: E402

project = "tsrnn"
author = "The tsrnn authors"
copyright = "2026, the tsrnn authors"
release = version = tsrnn.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "matplotlib.sphinxext.plot_directive",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
html_static_path = ["_static"]
html_extra_path = ["llms.txt"]

myst_enable_extensions = ["colon_fence", "dollarmath", "deflist"]
myst_heading_anchors = 3

autosummary_generate = True
# The reference is made without them.
autodoc_mock_imports = ["dask", "distributed", "river", "sktime"]
autodoc_typehints = "none"  # numpydoc tells types
toc_object_entries_show_parents = "hide"  # the page's own name is not said again for each method
numpydoc_show_class_members = False  # the template of a class lists them
numpydoc_xref_param_type = False

plot_basedir = str(ROOT / "docs")
plot_formats = [("png", 150)]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_rcparams = {"figure.figsize": (8, 3.6), **STYLE}
plot_apply_rcparams = True

sphinx_gallery_conf = {
    "examples_dirs": [str(ROOT / "examples" / "gallery")],
    "gallery_dirs": ["gallery"],
    "filename_pattern": r"\.py$",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "min_reported_time": 5,
    "write_computation_times": False,
    "show_memory": False,
    "show_signature": False,
    "remove_config_comments": True,
    "capture_repr": (),
    "thumbnail_size": (480, 270),
    "reset_modules": ("matplotlib", "gallery_style.plain_axes"),
}

html_theme = "pydata_sphinx_theme"
html_title = "tsrnn"
html_css_files = ["guide.css"]
html_sidebars = {"index": []}
html_show_sourcelink = False
html_context = {"default_mode": "auto"}  # dark or light, as the reader's system is
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "navbar_align": "left",
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "header_links_before_dropdown": 6,
}
html_math_renderer = "mathml"


def _math(block):
    """Return a visitor that writes MathML, so that no page asks for anything outside."""

    def visit(self, node):
        mathml = tex2mathml(node.astext(), as_block=block)
        self.body.append(f'<div class="math">{mathml}</div>' if block else mathml)
        raise nodes.SkipNode

    return visit


def setup(app):
    """Register the renderer of formulas."""
    app.add_html_math_renderer("mathml", (_math(False), None), (_math(True), None))
