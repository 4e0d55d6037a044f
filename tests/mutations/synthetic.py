"""Mistakes in noise on keypoints and in the export of drawn people."""

from __future__ import annotations

from tests.mutations.mutation import mistakes_in

_TESTS = "tests/test_datasets/test_synthetic"

KEYPOINT_NOISE = mistakes_in(
    "mmctl/datasets/synthetic/keypoint_noise.py",
    (f"{_TESTS}/test_keypoint_noise.py",),
    {
        "noise: one step for x and y": (
            "rng.standard_normal(moved[..., :2].shape)",
            "rng.standard_normal((*moved.shape[:2], 1))",
        ),
        "noise: steps of the variance": ("+= std *", "+= std**2 *"),
        "noise: whole frames dropped": (
            "rng.random(kept.shape[:2]) < prob, 2]",
            "rng.random(len(kept)) < prob, :, 2]",
        ),
        "noise: joints kept for dropped": (
            "rng.random(kept.shape[:2]) <",
            "rng.random(kept.shape[:2]) >",
        ),
        "noise: exact keypoints changed": ("kept = keypoints.copy()", "kept = keypoints"),
        "noise: sides swapped of all or none": (
            "swapped = rng.random(len(named)) < prob",
            "swapped = np.full(len(named), rng.random() < prob)",
        ),
    },
)

COCO_EXPORT = mistakes_in(
    "mmctl/datasets/synthetic/coco_export.py",
    (f"{_TESTS}/test_coco_export.py",),
    {
        "export: coordinates count from corners": (
            "np.where(inside[:, None], places, 0)",
            "np.where(inside[:, None], places + 0.5, 0)",
        ),
        "export: ids from 0": ("number = first_row + index + 1", "number = first_row + index"),
        "export: both splits numbered alike": ("first_row = rows.stop", "first_row = 0"),
        "export: hidden joints called visible": ("np.where(scores > 0, 2, 1), 0)", "2, 0)"),
        "export: width and height exchanged": (
            "np.array([width, height]) - 0.5",
            "np.array([height, width]) - 0.5",
        ),
        "export: junk is a person": ("if pid != JUNK_PID:", "if pid is not None:"),
        "export: edges from 0": ("[first + 1, second + 1]", "[first, second]"),
        "export: joints outside span the area": ("np.ptp(places[inside]", "np.ptp(places"),
    },
)

NOISE_CURVE = mistakes_in(
    "mmctl/visualization/noise_curve.py",
    ("tests/test_visualization/test_noise_curve.py",),
    {
        "curve: deviation of the population": ("np.std(values, ddof=1)", "np.std(values)"),
        "curve: levels as they come": (
            "sorted(level for level, scores in curve.points.items() if scores)",
            "[level for level, scores in curve.points.items() if scores]",
        ),
        "curve: kinds in one panel": ("item.kind == kind)", "item.kind)"),
    },
)

SYNTHETIC = (*KEYPOINT_NOISE, *COCO_EXPORT, *NOISE_CURVE)
