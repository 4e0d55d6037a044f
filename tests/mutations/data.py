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
            "return (1 + np.count_nonzero(np.diff(indices, axis=1), axis=1)).astype(np.float32)",
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
            "(width / f.shape[1], height / f.shape[0])",
            "(height / f.shape[0], width / f.shape[1])",
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
        "erase: erased joints keep their score": (
            "joints[(x >= 0) & (x < width) & (y >= 0) & (y < height), 2] = 0",
            "del x, y",
        ),
    },
)

LOAD_AND_PACK = mistakes_in(
    f"{_TRANSFORMS}/load_frames.py",
    (f"{_TESTS}/test_transforms/test_load_frames.py",),
    {
        "load: BGR for RGB": ('channel_order="rgb"', 'channel_order="bgr"'),
        "load: frames in the order of the file": (
            "[decoded[position] for position in where.tolist()]",
            "[decoded[position] for position in sorted(where.tolist())]",
        ),
        "load: keypoints of other frames": (
            'rows = results["keypoint_rows"][results["clip_indices"].ravel()]',
            'rows = results["clip_indices"].ravel()',
        ),
        "load: frames that are cut off accepted": (
            "if content.startswith(start) and end not in tail:",
            "if False:",
        ),
    },
) + mistakes_in(
    f"{_TRANSFORMS}/pack_clip.py",
    (f"{_TESTS}/test_transforms/test_pack_clip.py",),
    {
        "pack: height and width exchanged": ("permute(0, 1, 4, 2, 3)", "permute(0, 1, 4, 3, 2)"),
        "pack: keypoints of clips and frames mixed": (
            "sample.keypoints = keypoints.unflatten(0, (num_clips, clip_len))",
            "sample.keypoints = keypoints.unflatten(0, (clip_len, num_clips)).transpose(0, 1)",
        ),
    },
)

DATA_SETS = mistakes_in(
    "mmctl/datasets/mars.py",
    (f"{_TESTS}/test_mars.py",),
    {
        "MARS: lines counted from 0": ("paths[start - 1 : end]", "paths[start : end + 1]"),
        "MARS: queries counted from 0": ("return numbers - 1", "return numbers % len(rows)"),
        "MARS: keypoint rows of the other split": (
            "np.arange(start - 1, end) + first_row",
            "np.arange(start - 1, end)",
        ),
    },
) + mistakes_in(
    "mmctl/datasets/tracklet_dataset.py",
    (f"{_TESTS}/test_tracklet_dataset.py",),
    {
        "data set: pids for labels": ("= labels[tracklet.pid]", "= tracklet.pid"),
        "data set: distractors counted as a person": (
            "if tracklet.pid > 0}",
            "if tracklet.pid >= 0}",
        ),
    },
)

_DRAWN = "generator.choice(optional, num_optional, replace=False, p=weights)"

SAMPLER = mistakes_in(
    "mmctl/datasets/identity_sampler.py",
    (f"{_TESTS}/test_identity_sampler.py",),
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
            "[self.seed, self.epoch]",
            "[self.seed, self.epoch, self.rank]",
        ),
        "sampler: every epoch in the same order": ("[self.seed, self.epoch]", "[self.seed]"),
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
    "mmctl/datasets/worker_seed.py",
    (f"{_TESTS}/test_worker_seed.py",),
    {
        "workers: every rank draws the same": (
            "[torch.initial_seed(), rank]",
            "[torch.initial_seed(), 0]",
        ),
        "workers: every epoch draws the same": ("[torch.initial_seed(), rank]", "[0, rank]"),
    },
)

DATA = (*CLIPS, *AUGMENT_CLIP, *LOAD_AND_PACK, *DATA_SETS, *SAMPLER)
