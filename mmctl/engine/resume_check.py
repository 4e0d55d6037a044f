"""What a checkpoint must hold for a run to go on from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def check_resumable(
    checkpoint: Mapping[str, Any], filename: str, *, schedulers: bool = True
) -> None:
    """Raise unless the checkpoint says where the run stopped.

    MMEngine fails on some of it with a bare KeyError and goes on without the rest, with a fresh
    optimizer.

    Args:
        checkpoint: What was read from the file.
        filename: What to call the checkpoint in the message.
        schedulers: Whether the run has parameter schedulers to go on with.

    Raises:
        ValueError: If epoch, iteration, optimizer, log history or schedulers are missing.
    """
    meta = checkpoint.get("meta")
    meta = meta if isinstance(meta, Mapping) else {}
    lacking = [f"meta.{key}" for key in ("epoch", "iter") if key not in meta]
    needed = ["optimizer", "message_hub", *(["param_schedulers"] if schedulers else [])]
    lacking += [key for key in needed if key not in checkpoint]
    if lacking:
        kind = "holds weights only" if len(lacking) == 2 + len(needed) else "is incomplete"
        raise ValueError(
            f"checkpoint {filename!r} {kind}: to resume a run it must have {', '.join(lacking)} "
            "too. To start a new run from its weights, use load_from (--cfg-options "
            f"load_from={filename}) instead of --resume"
        )
