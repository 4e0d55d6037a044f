"""Mistakes in data sets, stored arrays and batches: between the files of a tracklet and a batch."""

from __future__ import annotations

from tests.mutations.mutation import mistakes_in

_TESTS = "tests/test_datasets"

DATA_SETS = (
    mistakes_in(
        "mmctl/datasets/listings/mat_file.py",
        (f"{_TESTS}/test_mars.py", f"{_TESTS}/test_listings/test_mat_file.py"),
        {
            "queries counted from 0": ("return numbers - 1", "return numbers % len(pids)"),
        },
    )
    + mistakes_in(
        "mmctl/files/hdf5_process.py",
        ("tests/test_files/test_mat_files.py",),
        {
            "MATLAB 7.3 arrays not turned": ("np.asarray(item[()]).T", "np.asarray(item[()])"),
        },
    )
    + mistakes_in(
        "mmctl/files/mat_files.py",
        ("tests/test_files/test_mat_files.py",),
        {
            "MATLAB 5 arrays row by row": ('reshape(shape, order="F")', "reshape(shape)"),
            "MATLAB 5: the shortest type kept": ("stored.astype(kind)", "stored"),
        },
    )
    + mistakes_in(
        "mmctl/datasets/mars.py",
        (f"{_TESTS}/test_mars.py",),
        {
            "MARS: lines counted from 0": ("paths[start - 1 : end]", "paths[start : end + 1]"),
            "MARS: keypoint rows of the other split": (
                "np.arange(start - 1, end) + first_row",
                "np.arange(start - 1, end)",
            ),
        },
    )
    + mistakes_in(
        "mmctl/datasets/tracklet_dataset.py",
        (f"{_TESTS}/test_tracklet_dataset.py",),
        {
            "data set: pids for labels": ("= labels[tracklet.pid]", "= tracklet.pid"),
            "data set: distractors counted as a person": (
                "(pid := t.pid or 0) > 0}",
                "(pid := t.pid or 0) >= 0}",
            ),
        },
    )
)

_DRAWN = "generator.choice(optional, num_optional, replace=False, p=weights)"

SAMPLER = mistakes_in(
    "mmctl/datasets/batches/identity_sampler.py",
    (f"{_TESTS}/test_batches/test_identity_sampler.py",),
    {
        "sampler: a person twice in a batch": (_DRAWN, _DRAWN.replace("False", "True")),
        "sampler: persons drawn regardless of what they have left": (
            _DRAWN,
            _DRAWN.replace(", p=weights", ""),
        ),
        "sampler: persons who must come now not put first": (
            "chosen = np.flatnonzero(remaining == steps_left)\n"
            "    optional = np.flatnonzero((remaining > 0) & (remaining < steps_left))",
            "chosen = np.flatnonzero(remaining < 0)\n    optional = np.flatnonzero(remaining > 0)",
        ),
        "sampler: all ranks take the same share": (
            "slice(self.rank * self.num_pids, (self.rank + 1) * self.num_pids)",
            "slice(0, self.num_pids)",
        ),
        "sampler: ranks draw differently": (
            "[self.seed, self.epoch_number]",
            "[self.seed, self.epoch_number, self.rank]",
        ),
        "sampler: every epoch in the same order": ("[self.seed, self.epoch_number]", "[self.seed]"),
        "sampler: a whole tuple added when the tracklets are a multiple": (
            "short = -len(order) % size",
            "short = size - len(order) % size",
        ),
        "sampler: tracklets repeated in a tuple": (
            "np.concatenate([generator.permutation(tracklets) for _ in range(rounds)])[:size]",
            "generator.choice(tracklets, size)",
        ),
        "sampler: the first rank gets those who must come": (
            "return generator.permutation(np.concatenate([chosen, extra]))",
            "return np.concatenate([chosen, extra])",
        ),
    },
) + mistakes_in(
    "mmctl/datasets/batches/worker_seed.py",
    (f"{_TESTS}/test_batches/test_worker_seed.py",),
    {
        "workers: every rank draws the same": (
            "[torch.initial_seed(), rank]",
            "[torch.initial_seed(), 0]",
        ),
        "workers: every epoch draws the same": ("[torch.initial_seed(), rank]", "[0, rank]"),
    },
)

STORED_ARRAYS = (
    mistakes_in(
        "mmctl/functional/keypoints.py",
        ("tests/test_functional/test_keypoints.py",),
        {
            "keypoints: decoded without the half pixel": (
                "(cells * stride + 0.5) * frame_sides / input_sides - 0.5",
                "cells * stride * frame_sides / input_sides",
            ),
            "keypoints: height and width of the frame exchanged": (
                "frame_sizes.flip(1)",
                "frame_sizes",
            ),
            "keypoints: moved away from the higher neighbour": (
                "x + QUARTER * dx",
                "x - QUARTER * dx",
            ),
            "keypoints: moved in the second column": (
                "(x > 1) & (x < width",
                "(x > 0) & (x < width",
            ),
            "keypoints: negative scores kept": ("peaks.clamp(min=0)", "peaks"),
        },
    )
    + mistakes_in(
        "mmctl/datasets/keypoints/keypoint_file.py",
        (f"{_TESTS}/test_keypoints/test_keypoint_file.py",),
        {
            "header: other frames accepted": (
                "or header.frame_list_sha256 != hash_frame_list(names):",
                "or False:",
            ),
            "header: another kind accepted": ("if header.kind != kind:", "if False:"),
            "header: the old one stays while the array is written": (
                "        header_path(path).unlink(missing_ok=True)\n",
                "",
            ),
        },
    )
    + mistakes_in(
        "mmctl/datasets/keypoints/keypoint_header.py",
        (f"{_TESTS}/test_keypoints/test_keypoint_file.py",),
        {
            "header: names without a boundary": (
                'f"{name}\\n" for name in chunk',
                "name for name in chunk",
            ),
            "header: sizes of nothing": ("min(size) < 1", "min(size) < 0"),
        },
    )
    + mistakes_in(
        "mmctl/apis/partial_arrays.py",
        ("tests/test_apis/test_partial_arrays.py",),
        {
            "extraction: another estimator goes on": (
                "if found != identity and not overwrite:",
                "identity = found = found or identity\n        if False:",
            ),
            "extraction: begun where the disk has no room": (
                "shutil.disk_usage(self.folder).free < self._missing_bytes()",
                "False",
            ),
            "extraction: blocks of another estimator kept": ("path.unlink()", "pass"),
            "extraction: half a block taken for whole": ("return all(\n", "return any(\n"),
            "extraction: two runs at a time": ("        self._lock.take()\n", ""),
        },
    )
    + mistakes_in(
        "mmctl/apis/planned_array.py",
        ("tests/test_apis/test_damaged_work.py",),
        {
            "extraction: a block of other rows taken for whole": (
                "found.shape == (num_rows, *self.row_shape)",
                "found.shape[1:] == self.row_shape",
            ),
        },
    )
    + mistakes_in(
        "mmctl/files/folder_lock.py",
        ("tests/test_files/test_folder_lock.py",),
        {
            "lock: two runs at a time": ("fcntl.LOCK_EX | fcntl.LOCK_NB", "fcntl.LOCK_UN"),
            "lock: on a file that is gone": ("if self._is_named(file):", "if True:"),
        },
    )
    + mistakes_in(
        "mmctl/datasets/joint_dataset.py",
        (f"{_TESTS}/test_joint_dataset.py",),
        {
            "joint: persons of two sets are one": ('label += source.metainfo["num_pids"]', "pass"),
            "joint: cameras of two sets are one": ("camid += len(camids)", "pass"),
            "joint: subsets share ids": (
                'tracklet += max(info["tracklet_id"] for info in own) + 1',
                "tracklet += len(own)",
            ),
            "joint: links hide a set given twice": (
                'os.path.realpath(info["frame_paths"][0])',
                'info["frame_paths"][0]',
            ),
        },
    )
    + mistakes_in(
        "mmctl/apis/keypoint_extraction.py",
        ("tests/test_apis/test_keypoint_extraction.py",),
        {
            "extraction: all processes make everything": (
                "np.array_split(pending, get_world_size())[get_rank()]",
                "np.array(pending)",
            ),
            "extraction: blocks with broken frames marked": (
                "if not self.settings.allow_broken:",
                "if False:",
            ),
            "extraction: keypoints at the size of the resized frame": (
                "decode_heatmaps(heatmaps, sizes, input_size",
                "decode_heatmaps(heatmaps, 0 * sizes + sizes[:1], input_size",
            ),
            "extraction: codec ignored": ('startswith("UDP")', 'startswith("none")'),
        },
    )
    + mistakes_in(
        "mmctl/datasets/keypoints/keypoint_import.py",
        (f"{_TESTS}/test_keypoints/test_keypoint_import.py",),
        {
            "import: the last person among equals": (
                "person.score > best[row]",
                "person.score >= best[row]",
            ),
            "import: an ambiguous name taken": ("if len(rows) > 1:", "if False:"),
        },
    )
    + mistakes_in(
        "mmctl/datasets/keypoints/pose_json.py",
        (f"{_TESTS}/test_keypoints/test_pose_json.py",),
        {
            "import: names of the joints ignored": (
                "if not any(orders.values()):",
                "if True:",
            ),
        },
    )
    + mistakes_in(
        "mmctl/datasets/keypoints/pose_person.py",
        (
            f"{_TESTS}/test_keypoints/test_pose_json.py",
            f"{_TESTS}/test_keypoints/test_broken_pose_json.py",
        ),
        {
            "import: visibilities are scores": (
                "are_marks and (is_labelled or (marks == 2).any())",
                "False",
            ),
            "import: a hidden joint is seen": ("[1.0, HIDDEN_SCORE], 0.0", "[1.0, 1.0], 0.0"),
            "import: sure scores are visibilities": (
                "are_marks and (is_labelled or (marks == 2).any())",
                "are_marks",
            ),
            "import: booleans are numbers": ("<= {int, float}", "<= {int, float, bool}"),
        },
    )
    + mistakes_in(
        "mmctl/datasets/keypoints/joint_orders.py",
        (f"{_TESTS}/test_keypoints/test_joint_orders.py",),
        {
            "import: left and right arms of OpenPose exchanged": (
                '    *("right_shoulder", "right_elbow", "right_wrist"),\n'
                '    *("left_shoulder", "left_elbow", "left_wrist"),\n',
                '    *("left_shoulder", "left_elbow", "left_wrist"),\n'
                '    *("right_shoulder", "right_elbow", "right_wrist"),\n',
            ),
            "import: names of one side for the other": (
                "joint + short: name}",
                "joint + short: KEYPOINTS[KEYPOINTS.index(name) ^ 1]}",
            ),
            "import: left and right eyes of OpenPose exchanged": (
                '("right_eye", "left_eye", ',
                '("left_eye", "right_eye", ',
            ),
        },
    )
)

DATA = (
    *STORED_ARRAYS,
    *DATA_SETS,
    *SAMPLER,
)
