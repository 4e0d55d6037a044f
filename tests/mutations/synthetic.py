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

_STREET = "mmctl/datasets/synthetic/street"

STREET_FRAME = mistakes_in(
    f"{_STREET}/street_frame.py",
    (f"{_TESTS}/test_street/test_street_frame.py",),
    {
        "street: painted from near to far": (
            "(-visit.place(second)[1], visit.track, visit)",
            "(visit.place(second)[1], visit.track, visit)",
        ),
        "street: another's limb shows a joint": (
            "owners[y[seen], x[seen]] == person.track",
            "owners[y[seen], x[seen]] > 0",
        ),
        "street: the share of what is in the frame": (
            "np.count_nonzero(own) / np.count_nonzero(person.mask)",
            "np.count_nonzero(own) / np.count_nonzero(inside)",
        ),
        "street: boxes end with the last pixel's beginning": (
            "columns[-1] + 1, rows[-1] + 1",
            "columns[-1], rows[-1]",
        ),
        "street: joints a canvas pixel off": (
            "(person.keypoints + 0.5) / SUPERSAMPLING - 0.5",
            "person.keypoints / SUPERSAMPLING",
        ),
    },
)

STREET_WALKS = mistakes_in(
    f"{_STREET}/walks.py",
    (f"{_TESTS}/test_street/test_walks.py",),
    {
        "street: seen along the camera's axis": (
            "to_right = step[0] * away - step[1] * across",
            "to_right = step[0] * away",
        ),
        "street: tracks numbered by person": (
            "key=lambda visit: (visit.begin, visit.pid)",
            "key=lambda visit: visit.pid",
        ),
        "street: ways begin in the view": (
            "ground.edge(away) + _OUTSIDE",
            "ground.edge(away) - _OUTSIDE",
        ),
    },
)

STREET_FILES = mistakes_in(
    f"{_STREET}/street_files.py",
    (f"{_TESTS}/test_street/test_street_writer.py",),
    {
        "street: boxes of frames from 0": ("{frame + 1},{people.tracks", "{frame},{people.tracks"),
        "street: hidden people asked for": (
            "flag = int(visible >= MIN_VISIBLE)",
            "flag = 1",
        ),
        "street: hidden joints called visible": ("np.where(scores > 0, 2, 1), 0)", "2, 0)"),
    },
)

STREET_SEGMENTS = mistakes_in(
    f"{_STREET}/mp4_segments.py",
    (f"{_TESTS}/test_street/test_mp4_segments.py",),
    {
        "street: key frames of the first segment alone": (
            "segment.keys + first for",
            "segment.keys for",
        ),
        "street: samples start at the box": ("start = 8 + len(head) + 16", "start = 8 + len(head)"),
    },
)

STREET = (*STREET_FRAME, *STREET_WALKS, *STREET_FILES, *STREET_SEGMENTS)

SYNTHETIC = (*KEYPOINT_NOISE, *COCO_EXPORT, *NOISE_CURVE, *STREET)
