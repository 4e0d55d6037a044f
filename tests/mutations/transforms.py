"""Mistakes in what is done to a clip: which frames, how they are decoded, changed and packed."""

from __future__ import annotations

from tests.mutations.mutation import mistakes_in

_TRANSFORMS = "mmctl/datasets/transforms"
_TESTS = "tests/test_datasets"

CLIPS = mistakes_in(
    "mmctl/functional/clips.py",
    ("tests/test_functional/test_clips.py",),
    {
        "clips: random frames unsorted": ("drawn.sort()", "pass"),
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
            "len(set(row))",
            "len(row)",
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
        "erase: one draw for all frames": (
            "generator.random(len(frames)).tolist()",
            "[generator.random()] * len(frames)",
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

MIRROR_CLIP = mistakes_in(
    f"{_TRANSFORMS}/mirror_clip.py",
    (f"{_TESTS}/test_transforms/test_mirror_clip.py",),
    {
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
        "flip: heatmaps of left and right joints not swapped": (
            "[:, FLIP_ORDER, :, ::-1]",
            "[..., ::-1]",
        ),
        "flip: heatmaps turned upside down": (
            "[:, FLIP_ORDER, :, ::-1]",
            "[:, FLIP_ORDER, ::-1]",
        ),
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
        (
            f"{_TESTS}/test_transforms/test_load_frames.py",
            f"{_TESTS}/test_transforms/test_skipped_frames.py",
        ),
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
                "            .reshape(num_clips",
                "            [..., ::-1].copy().reshape(num_clips",
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

TRANSFORMS = (
    *CLIPS,
    *AUGMENT_CLIP,
    *MIRROR_CLIP,
    *CROP_CLIP,
    *LOAD_AND_PACK,
    *STORED,
)
