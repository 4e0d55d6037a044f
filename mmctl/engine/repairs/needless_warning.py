"""A warning of mmcv-lite that asks a user for what nobody needs."""

from __future__ import annotations

import warnings

_TEXT = "Fail to import ``MultiScaleDeformableAttention``"


def silence_needless_warning() -> None:
    """Pass over mmcv-lite's warning that its compiled operators are missing.

    mmctl installs mmcv-lite because nothing of it needs them, and the warning advises to install
    another package.
    """
    warnings.filterwarnings("ignore", _TEXT, UserWarning)
