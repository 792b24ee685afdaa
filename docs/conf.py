"""Sphinx configuration; the build uses no network."""

from importlib.metadata import version as installed_version

project = "bluescribe"
author = "bluescribe developers"
copyright = "2026, bluescribe developers"
version = release = installed_version("bluescribe")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
source_suffix = {".md": "markdown"}
# The template is copied, not read.
exclude_patterns = ["_build", "explanation/decisions/template.md"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

napoleon_google_docstring = False
autodoc_member_order = "bysource"  # methods stand in the order of the documents
autodoc_typehints = "signature"

html_theme = "furo"
html_title = "bluescribe"
