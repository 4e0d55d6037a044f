"""Refuse what transforms of clips cannot take: results of single images, sizes that are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    for key in keys:
        if key not in results:
            raise ValueError(
                f"{owner} works on the clips of a tracklet and needs {', '.join(keys)}, which a "
                "data set with frame_paths, SampleClip and LoadFrames before it give, got results "
                f"with {', '.join(sorted(map(str, results)))}"
            )


def checked_size(owner: str, size: Sequence[int]) -> tuple[int, ...]:
    """Return a (height, width) as a tuple.

    Raises:
        ValueError: If it is not two positive integers; the owner is named.
    """
    sides = tuple(size) if isinstance(size, Sequence) else (size,)
    if len(sides) != 2 or not all(isinstance(side, int) and side > 0 for side in sides):
        raise ValueError(
            f"{owner}'s size must be (height, width), two positive integers, got {sides}"
        )
    return sides
