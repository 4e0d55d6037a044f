"""The site: ``python -m dev.build_docs`` builds it, with warnings as errors."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from reference_pages import write_reference  # noqa: E402

from mmctl import __version__  # noqa: E402

write_reference(HERE / "reference")

project = "mmctl"
author = copyright = "The mmctl authors"
release = version = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
html_theme = "furo"
html_title = f"mmctl {release}"
html_show_sourcelink = False
exclude_patterns = ["_build"]

myst_heading_anchors = 4
myst_enable_extensions = ["dollarmath"]
suppress_warnings = ["myst.header"]  # pages begin with the heading that a reader needs

nb_execution_mode = "off"  # python -m dev.run_notebooks runs them

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
_OPTIONAL = ("faiss", "pymilvus", "trackers", "supervision", "mmpose", "fastapi", "uvicorn")
autodoc_mock_imports = [name for name in _OPTIONAL if importlib.util.find_spec(name) is None]
