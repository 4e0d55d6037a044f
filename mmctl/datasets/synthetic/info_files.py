"""The files below ``info/``, as MARS has them, and the keypoints of every frame."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.io import savemat

from mmctl.datasets.keypoints.keypoint_file import write_stored_array
from mmctl.datasets.keypoints.keypoint_header import ArrayHeader, hash_frame_list
from mmctl.datasets.synthetic.appearance import CLOTHES
from mmctl.datasets.synthetic.drawing_state import MARS_FILES, FileLayout, identify
from mmctl.datasets.synthetic.plan import (
    PlannedTracklet,
    choose_queries,
    identity_of,
    pids_of,
)
from mmctl.datasets.synthetic.random_streams import SPLITS
from mmctl.datasets.synthetic.settings import DrawnSettings
from mmctl.files import write_whole

Plan = dict[str, list[PlannedTracklet]]


def write_name_files(data_root: Path, plan: Plan) -> None:
    """Write ``train_name.txt`` and ``test_name.txt``: one frame name per line."""
    for split, tracklets in plan.items():
        names = [name for tracklet in tracklets for name in tracklet.frame_names]
        text = "".join(f"{name}\n" for name in names)
        write_whole(data_root / "info" / f"{split}_name.txt", text.encode("ascii"))


def write_track_files(data_root: Path, plan: Plan, settings: DrawnSettings) -> None:
    """Write the three MATLAB files with MARS's keys, shapes and types.

    ``track_*_info`` has a row (first frame, last frame, pid, camid) per tracklet; frames count
    from 1 in the name file and the last one belongs to the tracklet. ``query_IDX`` counts the rows
    of the test split from 1.
    """
    for split, tracklets in plan.items():
        rows = [
            (item.first_row + 1, item.first_row + item.num_frames, item.pid, item.camid)
            for item in tracklets
        ]
        table = np.array(rows, np.int32)
        path = data_root / "info" / f"tracks_{split}_info.mat"
        write_whole(path, mat_bytes(f"track_{split}_info", table))
    queries = (choose_queries(settings, plan["test"]) + 1).astype(np.uint16)[None]
    write_whole(data_root / "info" / "query_IDX.mat", mat_bytes("query_IDX", queries))


def mat_bytes(key: str, table: NDArray[Any]) -> bytes:
    """Return the bytes of a MATLAB 5 file with one array."""
    buffer = io.BytesIO()
    savemat(buffer, {key: table}, do_compression=True)
    # The header names the moment of writing; without it the same data are the same bytes.
    header = b"MATLAB 5.0 MAT-file, Platform: posix, drawn by mmctl".ljust(116)
    return header + buffer.getvalue()[116:]


def write_keypoints(
    data_root: Path,
    tracklets: Sequence[PlannedTracklet],
    keypoints: NDArray[np.float32],
    mistakes: float,
) -> None:
    """Write ``keypoints.npy``, (frames, 17, 3) float32, and its header.

    Args:
        data_root: Folder of the data set.
        tracklets: The tracklets in the order of the rows.
        keypoints: Keypoints of all their frames.
        mistakes: Strength of the mistakes in them, for the header; 0 is exact.
    """
    frames = [
        (item.folder(Path()) / name).as_posix() for item in tracklets for name in item.frame_names
    ]
    origin = f"drawn: with mistakes {mistakes:g}" if mistakes else "drawn: exact"
    header = ArrayHeader("keypoints", len(frames), hash_frame_list(frames), origin)
    write_stored_array(data_root / "info" / "keypoints.npy", keypoints, header)


def describe_people(settings: DrawnSettings) -> dict[str, dict[str, Any]]:
    """Return confuser group and colours of each person, by pid as text."""
    people: dict[str, dict[str, Any]] = {}
    for split in SPLITS:
        for pid in pids_of(settings, split):
            looks = identity_of(settings, split, pid)
            colours = dict(zip(CLOTHES, looks.placement, strict=True))
            people[str(pid)] = {"split": split, "group": looks.group, **colours}
    return people


def estimate_info_bytes(plan: Plan) -> int:
    """Return about how many bytes the files below ``info/`` take, rounded up."""
    tracklets = [item for items in plan.values() for item in items]
    num_frames = sum(item.num_frames for item in tracklets)
    num_people = len({item.pid for item in tracklets})
    # Float32 keypoints and a name per frame, a row per tracklet, a description per person; a
    # block of 4096 bytes for the rest of each of the eight files.
    return num_frames * (17 * 3 * 4 + 20) + len(tracklets) * 16 + num_people * 200 + 8 * 4096


def finished_content(
    settings: DrawnSettings,
    plan: Plan,
    file_sizes: dict[str, int],
    layout: FileLayout = MARS_FILES,
) -> bytes:
    """Return the bytes of ``drawn.json``: settings, sizes, and who is in which group."""
    content = identify(settings, layout)
    content["num_frames"] = {
        split: sum(item.num_frames for item in tracklets) for split, tracklets in plan.items()
    }
    content["num_tracklets"] = {split: len(tracklets) for split, tracklets in plan.items()}
    content["file_sizes"] = file_sizes
    content["people"] = describe_people(settings)
    return (json.dumps(content, indent=1) + "\n").encode("ascii")
