"""The info files of a tiny MARS, which several tests write."""

from __future__ import annotations

import numpy as np
from scipy.io import savemat

# pid, camid, number of frames of each tracklet
TRAIN = [(3, 1, 4), (3, 2, 2), (11, 6, 3)]
TEST = [(-1, 1, 2), (0, 2, 3), (4, 1, 2), (4, 3, 5), (9, 2, 2)]
NUM_TRAIN_FRAMES, NUM_TEST_FRAMES = 9, 14


def frame_names(tracklets):
    names, seen = [], {}
    for pid, camid, num_frames in tracklets:
        track = seen[pid, camid] = seen.get((pid, camid), 0) + 1
        person = "00-1" if pid == -1 else f"{pid:04d}"
        names += [f"{person}C{camid}T{track:04d}F{i + 1:03d}.jpg" for i in range(num_frames)]
    return names


def row_table(tracklets):
    ends = np.cumsum([num_frames for *_, num_frames in tracklets])
    return np.array(
        [
            [end - num_frames + 1, end, pid, camid]
            for (pid, camid, num_frames), end in zip(tracklets, ends, strict=True)
        ],
        dtype=np.int32,
    )


def write_info(root, train=TRAIN, test=TEST, queries=(3, 5)):
    info = root / "info"
    info.mkdir(exist_ok=True)
    for split, tracklets in (("train", train), ("test", test)):
        (info / f"{split}_name.txt").write_text("\n".join(frame_names(tracklets)) + "\n")
        savemat(info / f"tracks_{split}_info.mat", {f"track_{split}_info": row_table(tracklets)})
    savemat(info / "query_IDX.mat", {"query_IDX": np.array([queries], dtype=np.uint16)})
    return root


def edit_lines(path, change):
    lines = path.read_text().splitlines()
    change(lines)
    path.write_text("\n".join(lines) + "\n")
