"""Refuse results that are not those of a tracklet: transforms of clips take no single images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def check_keys(owner: str, results: Mapping[str, Any], *keys: str) -> None:
    """Raise unless results have what a transform of clips reads.

    Args:
        owner: Name of the transform, for the message.
        results: What the data set and the transforms before gave.
        *keys: What must be there.

    Raises:
        ValueError: If a key is missing.
    """
    missing = [key for key in keys if key not in results]
    if missing:
        raise ValueError(
            f"{owner} works on the clips of a tracklet and needs {', '.join(keys)}, which a data "
            "set with frame_paths, SampleClip and LoadFrames before it give, got results with "
            f"{', '.join(sorted(map(str, results)))}"
        )
