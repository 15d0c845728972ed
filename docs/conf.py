"""Configuration of Sphinx. This command builds the pages:

    python -m sphinx -q -W --keep-going -b html docs OUT

The build downloads nothing. Formulas become MathML, which browsers render. The data of
the examples are generated or come with scikit-learn or statsmodels.
"""

import os
import sys
import warnings
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]
os.environ.setdefault("MPLBACKEND", "agg")

import sk_logreg

project = "sk_logreg"
author = "the sk_logreg developers"
copyright = author
version = release = sk_logreg.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "myst_parser",
    "mathml",
    "measured",
    "run_examples",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "examples", "tutorials"]
default_role = "code"
nitpicky = False

autosummary_generate = True
autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False
numpydoc_validation_checks = {
    "GL06",  # unknown section
    "GL07",  # sections out of order
    "GL08",  # no docstring
    "PR01",  # missing parameters
    "PR02",  # parameters that do not exist
    "PR03",  # parameters out of order
    "PR04",  # no type
    "PR07",  # no description
    "RT01",  # no Returns section
    "SS01",  # no summary
    "YD01",  # no Yields section
}
numpydoc_validation_exclude = {
    r"\.Inference$",  # the parameters of a constructor that is not for users
    r"\.Loss\.(convex_from|curvature_bound|dual|least_curvature)$",
    # Methods that scikit-learn defines.
    r"\.set_\w+_request$",
    r"\.get_metadata_routing$",
    r"\.[gs]et_params$",
    r"\.set_callbacks$",
    r"\.score$",
}
myst_enable_extensions = ["dollarmath"]
suppress_warnings = ["config.cache"]

warnings.filterwarnings("error", module=r"sk_logreg\..*")
sphinx_gallery_conf = {
    "examples_dirs": ["tutorials", "examples"],
    "gallery_dirs": ["generated/tutorials", "generated/gallery"],
    "filename_pattern": r"/plot_",
    "within_subsection_order": "FileNameSortKey",
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("sk_logreg",),
    "reference_url": {"sk_logreg": None},
    "download_all_examples": False,
    "show_signature": False,
    "show_memory": False,
    "min_reported_time": 1e9,
    "remove_config_comments": True,
    "capture_repr": (),
    "image_scrapers": ("matplotlib",),
    "thumbnail_size": (400, 280),
    "plot_gallery": "True",
    "write_computation_times": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "sk_logreg"
html_static_path = ["_static"]
html_favicon = "_static/favicon.svg"
html_context = {"default_mode": "auto"}
html_css_files = ["style.css"]
html_math_renderer = "mathml"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "header_links_before_dropdown": 6,
    "navbar_end": ["theme-switcher"],
    "navbar_persistent": ["search-button"],
    # On long pages only: code on other pages needs the space.
    "secondary_sidebar_items": {
        page: ["page-toc"] for page in ("generated/**", "measure", "reference")
    },
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {
    page: [] for page in ("index", "changes", "measure", "generated/tutorials/*")
}
