"""mmctl: video person re-identification on the OpenMMLab stack.

Importing the package does nothing but name its version: the paper's functions in
:mod:`mmctl.functional` stay usable with torch and numpy alone. The registries in
:mod:`mmctl.registry` import the components when one is first asked for.
"""

from mmctl.version import __version__

__all__ = ["__version__"]
