"""Mistakes in where the body's parts are found, and in the estimator that nothing may change."""

from __future__ import annotations

from tests.mutations.mutation import mistakes_in

_MODELS = "mmctl/models"
_TESTS = "tests/test_models"

NECK_AND_POSE = mistakes_in(
    f"{_MODELS}/necks/pose_part_neck.py",
    (f"{_TESTS}/test_necks/test_pose_part_neck.py",),
    {
        "neck: s3 parts in another order": ('("s3", self.body.s3)', '("s3", self.body.s3[::-1])'),
        "neck: maximum for the mean of V_g": ("features.mean(dim=(2, 3))", "features.amax((2, 3))"),
        "neck: batch and time mixed": (
            "keypoints = keypoints.unflatten(0, (-1, num_frames))",
            "keypoints = keypoints.unflatten(0, (num_frames, -1)).transpose(0, 1)",
        ),
    },
) + mistakes_in(
    f"{_MODELS}/pose/keypoint_heatmaps.py",
    (f"{_TESTS}/test_pose/test_keypoint_heatmaps.py",),
    {
        "drawn heatmaps: x and y swapped": (
            "columns = self._profile(centres[..., 0]",
            "columns = self._profile(centres[..., 1]",
        ),
        "drawn heatmaps: half a pixel off": (
            "(keypoints[..., :2] + 0.5) / self.stride - 0.5",
            "keypoints[..., :2] / self.stride",
        ),
        "drawn heatmaps: score ignored": (
            "return keypoints[..., 2, None, None] * rows",
            "return rows",
        ),
    },
)

_POSE = f"{_TESTS}/test_pose/test_frozen_pose.py"
_CHECKPOINTS = f"{_TESTS}/test_pose/test_pose_checkpoints.py"
_ESTIMATOR_TESTS = (
    f"{_POSE}::test_nothing_that_walks_through_the_model_meets_the_estimator",
    f"{_POSE}::test_the_network_sees_frames_in_its_own_order_and_scale",
    f"{_POSE}::test_a_flip_test_averages_with_the_mirrored_frame",
    f"{_POSE}::test_an_estimator_moves_and_changes_type_with_the_model",
    f"{_CHECKPOINTS}::test_a_checkpoint_has_the_estimator_only_if_asked",
    f"{_CHECKPOINTS}::test_weights_of_a_checkpoint_of_the_model_are_not_overwritten",
    f"{_POSE}::test_the_hash_tells_weights_and_statistics_apart",
    f"{_CHECKPOINTS}::test_a_checkpoint_that_does_not_fit_names_its_keys",
)

ESTIMATOR = mistakes_in(
    f"{_MODELS}/pose/frozen_pose.py",
    _ESTIMATOR_TESTS,
    {
        "estimator: a child, which the model initialises and trains": (
            'self.__dict__["estimator"] = model.requires_grad_(False)',
            "self.estimator = model.requires_grad_(False)",
        ),
        "estimator: trainable": ("model.requires_grad_(False)", "model"),
        "estimator: batch norm in training mode": ("model.eval()", "model.train()"),
        "estimator: BGR for RGB": (
            "frames.float() if preprocessor._channel_conversion else frames.flip(1).float()",
            "frames.flip(1).float() if preprocessor._channel_conversion else frames.float()",
        ),
        "estimator: the model's normalisation": (
            "(inputs - preprocessor.mean) / preprocessor.std",
            "inputs / 256",
        ),
        "estimator: flip test without swapping sides": (".flip(-1)[:, FLIP_ORDER]", ".flip(-1)"),
        "estimator: flip test without its shift": (
            "flipped[..., 1:] = flipped[..., :-1].clone()",
            "pass",
        ),
        "estimator: left behind when the model moves": (
            "self.estimator._apply(fn, recurse)",
            "pass",
        ),
        "estimator: written into every checkpoint": (
            "if self.save_weights:\n            self.estimator",
            "if True:\n            self.estimator",
        ),
        "estimator: its address read again over loaded weights": (
            "self._is_loaded = self._is_loaded or not missing",
            "pass",
        ),
        "estimator: hash of the names alone": (
            "digest.update(array.reshape(-1).view(torch.uint8).numpy().tobytes())",
            "pass",
        ),
    },
) + mistakes_in(
    f"{_MODELS}/pose/pose_estimator.py",
    _ESTIMATOR_TESTS,
    {
        "estimator: a checkpoint that does not fit": (
            "    if unknown:",
            "    if False:",
        ),
    },
)

POSE = (
    *NECK_AND_POSE,
    *ESTIMATOR,
)
