"""How a training ended, as digests that two trainings can be compared by."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmctl.checkpoints.checkpoint_reading import load_from_local_safely

TIMES = ("time", "data_time")


def read_end(work_dir: Path) -> dict[str, str]:
    """Return a digest of each part of the last checkpoint that must not depend on kills."""
    checkpoint = load_from_local_safely((work_dir / "last_checkpoint").read_text())
    hub = checkpoint["message_hub"]
    histories = {
        name: history.data
        for name, history in hub["log_scalars"].items()
        if name.split("/")[-1] not in TIMES
    }
    parts = ("state_dict", "optimizer", "param_schedulers", "run_state")
    content = {name: checkpoint[name] for name in parts}
    content |= {"losses": histories, "best score": hub["runtime_info"]["best_score"]}
    return {name: _digest(value) for name, value in content.items()}


def _digest(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        value = value.numpy()
    if isinstance(value, np.ndarray):
        text = f"{value.dtype} {value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}"
    elif isinstance(value, dict):
        text = str([(str(key), _digest(value[key])) for key in sorted(value, key=str)])
    elif isinstance(value, (list, tuple)):
        text = str([_digest(item) for item in value])
    else:
        text = repr(value)
    return hashlib.sha256(text.encode()).hexdigest()
