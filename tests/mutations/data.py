"""Mistakes on the way from a tracklet's files to a batch."""

from __future__ import annotations

from tests.mutations.mutation import mistakes_in

_TRANSFORMS = "mmctl/datasets/transforms"
_TESTS = "tests/test_datasets"

CLIPS = mistakes_in(
    "mmctl/functional/clips.py",
    ("tests/test_functional/test_clips.py",),
    {
        "clips: random frames unsorted": ("np.sort(drawn).astype", "drawn.astype"),
        "clips: random frames always with replacement": (
            "replace=num_frames < clip_len",
            "replace=True",
        ),
        "clips: one too many when the length is a multiple": (
            "num_clips = -(-num_frames // clip_len)",
            "num_clips = num_frames // clip_len + 1",
        ),
        "clips: interleaved frames dropped": (
            "sizes = -(-(num_frames - clips) // num_clips)",
            "sizes = (num_frames - clips) // num_clips",
        ),
        "clips: last dense clip runs past the end": (
            "sizes = np.minimum(num_frames - starts, clip_len)",
            "sizes = np.full(len(starts), clip_len)",
        ),
        "clips: evenly spaced from the start of chunks": (
            "(2 * np.arange(clip_len, dtype=np.int64) + 1)",
            "(2 * np.arange(clip_len, dtype=np.int64))",
        ),
        "clips: repeated frames count": (
            "return (1 + np.count_nonzero(changes, axis=1)).astype(np.float32)",
            "return np.full(len(indices), indices.shape[1], dtype=np.float32)",
        ),
    },
)

AUGMENT_CLIP = mistakes_in(
    f"{_TRANSFORMS}/augment_clip.py",
    (f"{_TESTS}/test_transforms/test_augment_clip.py",),
    {
        "resize: keypoints without the half pixel": (
            "(keypoints[..., :2] + 0.5) * scales - 0.5",
            "keypoints[..., :2] * scales",
        ),
        "resize: keypoint scales of x and y exchanged": (
            "(width / w, height / h)",
            "(height / h, width / w)",
        ),
        "flip: one draw per frame": (
            'num_clips, clip_len = results["clip_indices"].shape',
            'num_clips, clip_len = results["clip_indices"].size, 1',
        ),
        "flip: left and right joints not swapped": ("[:, list(FLIP_ORDER)]", ".copy()"),
        "flip: keypoints one pixel off": (
            "frames.shape[2] - 1 - swapped",
            "frames.shape[2] - swapped",
        ),
        "flip: keypoints mirrored about the height": (
            "frames.shape[2] - 1 -",
            "frames.shape[1] - 1 -",
        ),
        "erase: one draw for all frames": (
            "generator.random(len(frames)) < self.prob",
            "np.full(len(frames), generator.random()) < self.prob",
        ),
        "flip: heatmaps of left and right joints not swapped": (
            "[:, FLIP_ORDER, :, ::-1]",
            "[..., ::-1]",
        ),
        "flip: heatmaps turned upside down": (
            "[:, FLIP_ORDER, :, ::-1]",
            "[:, FLIP_ORDER, ::-1]",
        ),
        "erase: erased joints keep their score": (
            "joints[_inside(joints[:, :2] + 0.5 - (left, top), (width, height)), 2] = 0",
            "del joints",
        ),
        "erase: erased maps stay": (
            "maps[_inside(peaks - (left, top), (width, height))] = 0",
            "del maps",
        ),
        "erase: the given keypoints are written to": ("results[key].copy()", "results[key]"),
    },
)

CROP_CLIP = mistakes_in(
    f"{_TRANSFORMS}/crop_clip.py",
    (f"{_TESTS}/test_transforms/test_crop_clip.py",),
    {
        "crop: one draw per frame": (
            'num_clips, clip_len = results["clip_indices"].shape',
            'num_clips, clip_len = results["clip_indices"].size, 1',
        ),
        "crop: never in the last row or column": (
            ".integers(room + 1, size=",
            ".integers(np.maximum(room, 1), size=",
        ),
        "crop: keypoints moved by rows for columns": ("corners[:, None, ::-1]", "corners[:, None]"),
        "crop: joints outside the window keep their score": (
            "((keypoints, frame_size), (moved, self.size))",
            "((keypoints, frame_size),)",
        ),
        "crop: joints on the padding keep their score": (
            "((keypoints, frame_size), (moved, self.size))",
            "((moved, self.size),)",
        ),
        "crop: heatmaps stay where they were": (" + starts[:, None]", ""),
        "crop: heatmaps without the half cell": (
            "centres * num_cells / frame_side - 0.5",
            "centres * num_cells / frame_side",
        ),
        "crop: heatmaps go on in the padding": (
            "np.where(inside[..., None], weights, 0)",
            "weights",
        ),
    },
)

LOAD_AND_PACK = (
    mistakes_in(
        "mmctl/datasets/frame_decoding.py",
        (f"{_TESTS}/test_transforms/test_load_frames.py", f"{_TESTS}/test_frame_decoding.py"),
        {
            "decode: BGR for RGB": (
                "return frame\n\n\ndef can_reduce",
                "return frame[..., ::-1]\n\n\ndef can_reduce",
            ),
            "decode: BGR by the faster decoder": (
                '(content, "RGB", strict',
                '(content, "BGR", strict',
            ),
            "decode: damage passed over": ("strict=True", "strict=False"),
            "decode: pictures not upright": ("kind == _NOTE_MARKER and", "False and"),
            "decode: the note looked for at the front alone": (
                "kind == _NOTE_MARKER and",
                "place < 30 and kind == _NOTE_MARKER and",
            ),
            "decode: reduced below the width": ("min_width=min_size[1]", "min_width=0"),
            "decode: the reduced size for the file's": (
                "return frame, (height, width)",
                "return frame, (frame.shape[0], frame.shape[1])",
            ),
            "decode: 16 bits in 8": ("_KEEP_DEPTH = cv2.IMREAD_ANYDEPTH", "_KEEP_DEPTH = 0"),
            "decode: frames that are cut off accepted": (
                "if content.startswith(start) and end not in content[-_TAIL_BYTES:]:",
                "if False:",
            ),
        },
    )
    + mistakes_in(
        f"{_TRANSFORMS}/load_frames.py",
        (f"{_TESTS}/test_transforms/test_load_frames.py",),
        {
            "load: frames in the order of the file": (
                "[readable[index][0] for index in indices]",
                "[readable[index][0] for index in sorted(indices)]",
            ),
            "load: test tracklets mended": (
                'results.get("split") not in _NEVER_MENDED',
                'results.get("split") != "nobody"',
            ),
            "load: frames that came instead count as further ones": (
                'results["clip_weights"] = count_distinct_frames(indices)',
                "del indices",
            ),
            "load: keypoints of the broken frames": (
                'results["clip_indices"] = indices',
                "del results",
            ),
        },
    )
    + mistakes_in(
        f"{_TRANSFORMS}/pack_clip.py",
        (f"{_TESTS}/test_transforms/test_pack_clip.py",),
        {
            "pack: red and blue exchanged": (
                "cv2.split(frame, list(target))",
                "cv2.split(frame, list(target[::-1]))",
            ),
            "pack: keypoints of clips and frames mixed": (
                "sample.keypoints = keypoints.unflatten(0, (num_clips, clip_len))",
                "sample.keypoints = keypoints.unflatten(0, (clip_len, num_clips)).transpose(0, 1)",
            ),
            "pack: heatmaps of clips and frames mixed": (
                "sample.heatmaps = heatmaps.unflatten(0, (num_clips, clip_len))",
                "sample.heatmaps = heatmaps.unflatten(0, (clip_len, num_clips)).transpose(0, 1)",
            ),
        },
    )
)

STORED = mistakes_in(
    f"{_TRANSFORMS}/load_keypoints.py",
    (f"{_TESTS}/test_transforms/test_load_keypoints.py",),
    {
        "load: keypoints of other frames": (
            'rows = results["keypoint_rows"][results["clip_indices"].ravel()]',
            'rows = results["clip_indices"].ravel()',
        ),
        "load: a copied loader takes the array along": (
            'return {"_arrays": {}}',
            "return self.__dict__",
        ),
    },
)

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
        (f"{_TESTS}/test_keypoints/test_pose_json.py",),
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
    *CLIPS,
    *AUGMENT_CLIP,
    *CROP_CLIP,
    *LOAD_AND_PACK,
    *STORED,
    *STORED_ARRAYS,
    *DATA_SETS,
    *SAMPLER,
)
