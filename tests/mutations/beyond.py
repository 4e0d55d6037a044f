"""Mistakes in what goes beyond the paper: shifted cameras, an estimator's joints, comparisons."""

from __future__ import annotations

from tests.mutations.mutation import mistakes_in

_SYNTHETIC = "tests/test_datasets/test_synthetic"
_HEADS = "tests/test_models/test_heads/test_fusion_head.py"

CAMERA_SHIFT = mistakes_in(
    "mmctl/datasets/synthetic/camera.py",
    (f"{_SYNTHETIC}/test_camera_shift.py",),
    {
        "shift: training cameras move, too": ('split == "test" and ', ""),
        "shift: the other camera whatever the share": (
            "(1 - share) * getattr(camera, name) + share * getattr(other, name)",
            "getattr(other, name)",
        ),
        "shift: the street of training stays": (
            "return replace(other, **",
            "return replace(camera, **",
        ),
        "shift: nothing more in the way": ("_BUSIER * share *", "0 *"),
        "shift: people are seen from the same side": ("camera.yaw + turn", "camera.yaw"),
    },
)

ESTIMATE = mistakes_in(
    "mmctl/datasets/synthetic/keypoint_noise.py",
    (f"{_SYNTHETIC}/test_keypoint_noise.py",),
    {
        "estimate: hidden joints as sure as visible ones": (
            "for m in (0.85, 0.5)",
            "for m in (0.85, 0.85)",
        ),
        "estimate: hidden joints as exact as visible ones": (
            'np.where(is_visible, MISTAKES["visible"], MISTAKES["hidden"])',
            'np.where(is_visible, MISTAKES["visible"], MISTAKES["visible"])',
        ),
        "estimate: no error lasts": ("(lasting + passing)", "(passing + passing)"),
        "estimate: errors of the sum's spread": (
            "(lasting + passing) / np.sqrt(2)",
            "(lasting + passing)",
        ),
        "estimate: joints outside are found": ("known & inside &", "known &"),
        "estimate: unknown joints are found": ("known & inside & ~is_lost", "inside & ~is_lost"),
        "estimate: legs change sides with the arms": (
            "for joints in (np.arange(LEFT_HIP), np.arange(LEFT_HIP, NUM_KEYPOINTS)):",
            "for joints in (np.arange(LEFT_HIP),):",
        ),
        "reveal: joints without a place are shown": (
            "shown[hidden & shown[..., :2].any(axis=-1), 2] = 1",
            "shown[hidden, 2] = 1",
        ),
    },
)

COMPARISON = mistakes_in(
    "mmctl/evaluation/paired_difference.py",
    ("tests/test_evaluation/test_paired_difference.py",),
    {
        "pairs: queries drawn, not persons": (
            "persons, rows = np.unique(first.pids, return_inverse=True)",
            "persons, rows = first.tracklet_ids, np.arange(len(first.pids))",
        ),
        "pairs: trainings never drawn anew": (
            "side[seeds].mean(axis=1)",
            "np.repeat(side.mean(axis=0)[None], number, axis=0)",
        ),
        "pairs: one network drawn twice": ("drawn[1] = drawn[0]", "pass"),
        "pairs: persons weigh alike whatever their queries": (
            "(weights @ counts)",
            "len(first.pids)",
        ),
        "pairs: theirs minus ours": ("(ours_drawn - theirs_drawn)", "(theirs_drawn - ours_drawn)"),
        "pairs: one tail of the interval": (
            "(1 - bootstrap.confidence) / 2",
            "1 - bootstrap.confidence",
        ),
        "pairs: other queries are compared": (
            "if not np.array_equal(other.tracklet_ids, first.tracklet_ids):",
            "if len(other.pids) != len(first.pids):",
        ),
        "pairs: Rank-1 of the second place": (
            '["first_match"][rows] == 0',
            '["first_match"][rows] <= 1',
        ),
    },
)

CENTRED = mistakes_in(
    "mmctl/evaluation/refinement.py",
    ("tests/test_evaluation/test_refinement.py",),
    {
        "centring: of all cameras together": (
            "unit[camids == camid].mean(axis=0)",
            "unit.mean(axis=0)",
        ),
        "centring: of features of any length": (
            "unit = whole / np.maximum(np.linalg.norm(whole, axis=1, keepdims=True), _TINY)",
            "unit = whole.copy()",
        ),
    },
)

FUSED = mistakes_in(
    "mmctl/models/heads/fusion_head.py",
    (_HEADS,),
    {
        "fusion: several branches of any length": (
            '"normalize_each": len(chosen) > 1',
            '"normalize_each": False',
        ),
        "fusion: the weight of parts is not used": (
            "fuse_sum(global_features, self.weigh_parts(parts))",
            "fuse_sum(global_features, parts)",
        ),
    },
)

CONFIDENT = mistakes_in(
    "mmctl/functional/parts.py",
    ("tests/test_models/test_necks/test_pose_part_neck.py",),
    {
        "confidence: weights do not sum to one": (
            "return weights / weights.sum(dim=-1, keepdim=True)",
            "return weights",
        ),
        "confidence: negative peaks count": ("confidence.clamp(min=0)", "confidence"),
    },
)

CIRCLE = mistakes_in(
    "mmctl/functional/circle.py",
    ("tests/test_functional/test_circle.py",),
    {
        "circle: an anchor is a positive of its own": ("same & ~itself", "same"),
        "circle: weights have a gradient": ("cosines.detach()", "cosines"),
        "circle: pairs of one person are not weighed": (
            "F.relu(1 + margin - fixed) * (cosines",
            "(cosines",
        ),
        "circle: pushed below no margin": ("(cosines - margin)", "cosines"),
    },
)

MIRRORED = mistakes_in(
    "mmctl/datasets/transforms/mirror_clip.py",
    ("tests/test_datasets/test_transforms/test_mirror_clip.py",),
    {
        "mirrored: all clips": (
            "np.arange(len(frames), 2 * len(frames))",
            "np.arange(2 * len(frames))",
        ),
        "mirrored: no weights of their own": ('"clip_weights", "keypoints"', '"keypoints"'),
    },
)

BEYOND = MIRRORED + CIRCLE + CAMERA_SHIFT + ESTIMATE + COMPARISON + CENTRED + FUSED + CONFIDENT
