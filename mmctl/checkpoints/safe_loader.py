"""MMEngine's readers of checkpoints, replaced by those that run no code from a file.

With torch >= 2.6 MMEngine cannot read its own checkpoints: torch reads tensors and plain values
only, and MMEngine also stores log histories.
"""

from __future__ import annotations

import mmengine.runner.checkpoint
from mmengine.runner import CheckpointLoader

from mmctl.checkpoints.checkpoint_reading import load_from_local_safely
from mmctl.checkpoints.web_checkpoints import load_from_http_safely, naming_unknown


def register_safe_loader() -> None:
    """Replace MMEngine's readers, so that ``resume``, ``load_from`` and ``init_cfg`` are safe.

    Whichever are registered; repeating it changes nothing.
    """
    CheckpointLoader.register_scheme(prefixes="", loader=load_from_local_safely, force=True)
    web = ("http://", "https://")
    CheckpointLoader.register_scheme(prefixes=web, loader=load_from_http_safely, force=True)
    # What torchvision:// and the like call.
    mmengine.runner.checkpoint.load_from_http = load_from_http_safely
    for scheme in ("modelzoo", "torchvision", "open-mmlab", "openmmlab", "mmcls"):
        reader = CheckpointLoader._schemes[f"{scheme}://"]
        if not hasattr(reader, "__wrapped__"):
            CheckpointLoader.register_scheme(f"{scheme}://", naming_unknown(reader), force=True)
