"""What the body parts of V_p are called."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from mmctl.models.video_reid import VideoReID
from mmctl.structures import KEYPOINTS

GLOBAL = "global"
"""Name of the last term of a feature: V_g, which sees the whole frame."""

_LIMBS = {"arm": {"shoulder", "elbow", "wrist"}, "leg": {"hip", "knee", "ankle"}}
_HEAD, _TORSO = {"nose", "eye", "ear"}, {"shoulder", "hip"}


def name_part(keypoints: Sequence[int]) -> str:
    """Return the name of a body part, as ``'left arm'`` or ``'trunk'``.

    Args:
        keypoints: Its COCO-17 joints.
    """
    pairs = [KEYPOINTS[index].rpartition("_") for index in keypoints]
    joints, sides = {joint for _, _, joint in pairs}, {side for side, _, _ in pairs if side}
    side = f"{sides.pop()} " if len(sides) == 1 else ""
    if joints <= _HEAD:
        return f"{side}head"
    if joints <= _TORSO and len(joints) == 2:
        return f"{side}torso"
    for limb, members in _LIMBS.items():
        if joints <= members and len(joints) > 1:
            return f"{side}{limb}"
    if joints <= _HEAD | _TORSO and joints & _HEAD:
        return f"{side}trunk"
    return side + " and ".join(sorted(joints))


def part_names(model: VideoReID) -> list[str]:
    """Return the names of the terms of a model's feature: its parts, then ``'global'``.

    Two parts of one name are told apart by their number.

    Args:
        model: The model.
    """
    body = getattr(model.graph_head, "body", None)
    count = model.head.num_parts
    if body is None or len(body.s3) != count:
        return [*(f"part {index}" for index in range(count)), GLOBAL]
    names = [name_part(part) for part in body.s3]
    unique = [n if names.count(n) == 1 else f"{n} {i}" for i, n in enumerate(names)]
    return [*unique, GLOBAL]


def find_part(model: VideoReID, part: str | int) -> int:
    """Return the index of a part.

    Args:
        model: The model.
        part: Its name or index; ``'global'`` is the term of the whole frame.

    Raises:
        ValueError: If the model has no parts, or none of this name or index.
    """
    names = part_names(model)
    if len(names) == 1:
        raise ValueError(
            f"part {part!r} needs a model with body parts, as CTL, but this one has a global "
            "feature alone (no pose, no graph_head)"
        )
    text = str(part).strip().lower()
    if text.lstrip("-").isdecimal():
        if 0 <= int(text) < len(names) - 1:
            return int(text)
    elif text in names:
        return names.index(text)
    near = difflib.get_close_matches(text, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(
        f"part must be one of {', '.join(names)}, or an index from 0 to {len(names) - 2}, got "
        f"{part!r}{hint}"
    )
