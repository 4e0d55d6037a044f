"""The body as data: keypoints, parts and edges of the three scales (Fig. 3 of the paper).

The figure is not part of the paper's text, so these tables are a reading of it; a config may
replace any of them. ``s1`` has the 17 COCO keypoints, ``s2`` ten parts, ``s3`` five parts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

KEYPOINTS = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)
"""COCO-17 keypoint names in order; odd indices are left, even ones (but the nose) right."""

NUM_KEYPOINTS = len(KEYPOINTS)

SCALES = ("s1", "s2", "s3")
"""Names of the three scales: keypoints, ten parts, five parts."""

FLIP_ORDER = (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15)
"""Channel k of a mirrored frame shows keypoint ``FLIP_ORDER[k]`` of the original one."""

Groups = tuple[tuple[int, ...], ...]
Edges = tuple[tuple[int, int], ...]

KEYPOINT_EDGES: Edges = (
    *((15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (5, 7), (6, 8)),
    *((7, 9), (8, 10), (1, 2), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6)),
)
"""The 19 edges of the COCO skeleton, zero-based."""


@dataclass(frozen=True)
class BodyScales:
    """One reading of Fig. 3: how keypoints make parts and which parts touch.

    Attributes:
        s2: Keypoints of each of the ten parts; of ``limb``: head, torso, left upper and lower
            arm, right upper and lower arm, left upper and lower leg, right upper and lower leg.
        s3: Keypoints of each of the five parts: trunk, left arm, right arm, left leg, right leg.
        s2_to_s3: The s2 parts that make each s3 part.
        edges: Undirected edges of each scale, by scale name.
    """

    s2: Groups
    s3: Groups
    s2_to_s3: Groups
    edges: dict[str, Edges]

    def num_nodes(self, scale: str) -> int:
        """Return the number of nodes of ``scale`` ('s1', 's2' or 's3')."""
        return dict(zip(SCALES, (NUM_KEYPOINTS, len(self.s2), len(self.s3)), strict=True))[scale]


_EDGES: dict[str, Edges] = {
    "s1": KEYPOINT_EDGES,
    "s2": ((0, 1), (1, 2), (2, 3), (1, 4), (4, 5), (1, 6), (6, 7), (1, 8), (8, 9)),
    "s3": ((0, 1), (0, 2), (0, 3), (0, 4)),
}
# The parts alternate left and right here; they touch where the skeleton joins their keypoints.
_DISJOINT_S2_EDGES: Edges = (
    *((0, 1), (1, 2), (1, 3), (2, 3), (2, 4), (3, 5)),
    *((2, 6), (3, 7), (6, 7), (6, 8), (7, 9)),
)

BODY_SCALES = {
    "limb": BodyScales(
        s2=(
            *((0, 1, 2, 3, 4), (5, 6, 11, 12), (5, 7), (7, 9), (6, 8), (8, 10)),
            *((11, 13), (13, 15), (12, 14), (14, 16)),
        ),
        s3=(
            *((0, 1, 2, 3, 4, 5, 6, 11, 12), (5, 7, 9), (6, 8, 10)),
            *((11, 13, 15), (12, 14, 16)),
        ),
        s2_to_s3=((0, 1), (2, 3), (4, 5), (6, 7), (8, 9)),
        edges=_EDGES,
    ),
    "disjoint": BodyScales(
        s2=((0, 1, 2), (3, 4), (5,), (6,), (7, 9), (8, 10), (11,), (12,), (13, 15), (14, 16)),
        s3=((0, 1, 2, 3, 4), (5, 7, 9), (6, 8, 10), (11, 13, 15), (12, 14, 16)),
        s2_to_s3=((0, 1), (2, 4), (3, 5), (6, 8), (7, 9)),
        edges={**_EDGES, "s2": _DISJOINT_S2_EDGES},
    ),
}
"""``limb`` (default): a limb part holds both joints that bound it, so parts share joints.
``disjoint``: every keypoint belongs to exactly one part of each scale."""


def resolve_body(body: str | dict) -> BodyScales:
    """Return the body tables that a config names or spells out.

    Args:
        body: A key of :data:`BODY_SCALES`, or a dict with the fields of :class:`BodyScales`.

    Raises:
        ValueError: If the name is unknown, a field is missing or unknown, ``s2`` or ``s3`` does
            not cover all 17 keypoints or ``s2_to_s3`` does not have one row per s3 part.
    """
    if isinstance(body, str):
        if body not in BODY_SCALES:
            raise ValueError(f"body must be one of {sorted(BODY_SCALES)} or a dict, got {body!r}")
        return BODY_SCALES[body]
    fields = ("s2", "s3", "s2_to_s3", "edges")
    if set(body) != set(fields):
        raise ValueError(f"a body dict must have exactly the keys {fields}, got {sorted(body)}")
    for name in ("s2", "s3"):
        covered = {keypoint for part in body[name] for keypoint in part}
        if covered != set(range(NUM_KEYPOINTS)):
            raise ValueError(
                f"the parts of {name} must together cover keypoints 0 to {NUM_KEYPOINTS - 1}, "
                f"got {sorted(covered)}"
            )
    if len(body["s2_to_s3"]) != len(body["s3"]):
        raise ValueError(
            f"s2_to_s3 must have one row per s3 part, {len(body['s3'])}, "
            f"got {len(body['s2_to_s3'])}"
        )
    return BodyScales(
        s2=_as_tuples(body["s2"]),
        s3=_as_tuples(body["s3"]),
        s2_to_s3=_as_tuples(body["s2_to_s3"]),
        edges={name: _as_tuples(edges) for name, edges in body["edges"].items()},
    )


def _as_tuples(groups: Iterable[Iterable[int]]) -> tuple:
    """Freeze the lists of a config, so that equal tables compare equal."""
    return tuple(tuple(group) for group in groups)
