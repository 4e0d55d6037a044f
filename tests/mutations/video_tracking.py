"""Mistakes on the way from videos to tracklets."""

from __future__ import annotations

from tests.mutations.mutation import mistakes_in

_WORK, _TESTS = "mmctl/apis/video_tracking", "tests/test_apis/test_video_tracking"
_MODELS = "tests/test_models"

VIDEO_TRACKING = (
    mistakes_in(
        f"{_WORK}/camera_pass.py",
        (f"{_TESTS}/test_video_tracking.py",),
        {
            "videos: a lost track stays one tracklet": (
                "            piece += 1\n",
                "            piece += 0\n",
            ),
            "videos: frames between strides are lost ones": (
                "((position - last) // stride - 1) * stride",
                "(position - last - 1)",
            ),
            "videos: crops of short tracklets stay": (
                "shutil.rmtree(self.folder / folder)",
                "pass",
            ),
        },
    )
    + mistakes_in(
        f"{_WORK}/frame_crops.py",
        (f"{_TESTS}/test_video_tracking.py",),
        {
            "videos: joints in pixels of the frame": (
                "CropPlaces(visible[:, :2].astype(np.float64), ",
                "CropPlaces(0 * visible[:, :2], ",
            ),
        },
    )
    + mistakes_in(
        f"{_WORK}/video_tracking.py",
        (f"{_TESTS}/test_tracking_again.py",),
        {
            "videos: work of another command taken": (
                'old["detection"] != self.record["detection"]',
                "False",
            ),
            "videos: crops of other settings taken": ("one.forget()", "pass"),
        },
    )
    + mistakes_in(
        "mmctl/models/detectors/torchvision_keypoint_rcnn.py",
        (f"{_MODELS}/test_detectors/test_torchvision_detectors.py",),
        {
            "videos: keypoints at pixel edges": ("keypoints[..., :2] -= 0.5", "pass"),
            "videos: logits for scores": (
                "1 / (1 + np.exp(-logits.clip(-50, 50)))",
                "logits",
            ),
        },
    )
    + mistakes_in(
        "mmctl/datasets/tracking/relabelling.py",
        ("tests/test_datasets/test_tracking/test_relabelling.py",),
        {
            "videos: rows of keypoints counted anew": (
                "if num_rows is not None else []",
                "",
            ),
            "videos: labels of before stay": (
                'for key in ("pid", "split", *',
                "for key in (*(), *",
            ),
        },
    )
    + mistakes_in(
        "mmctl/datasets/tracking/frame_source.py",
        ("tests/test_datasets/test_tracking/test_frame_source.py",),
        {"videos: every frame of a stride": ("if at % stride == 0:", "if True:")},
    )
    + mistakes_in(
        "mmctl/datasets/tracking/crop_places.py",
        ("tests/test_datasets/test_tracking/test_crop_places.py",),
        {
            "videos: joints beyond the crop are seen": (
                "np.where(outside, 0, ",
                "np.where(False, 0, ",
            ),
            "whole frames: crops begin within a pixel": (
                "np.floor(edges + 0.5)",
                "np.floor(edges)",
            ),
            "whole frames: joints at pixel edges": (
                "[..., :2] + 0.5 - places",
                "[..., :2] - places",
            ),
            "whole frames: scales across and down exchanged": (
                "places.scales[:, None] - 0.5",
                "places.scales[:, None, ::-1] - 0.5",
            ),
            "whole frames: padded crops begin in the frame": (
                "np.where(is_padded[:, None], edges[:, :2], low)",
                "low",
            ),
            "whole frames: all of a box was resized": ("crops / sides", "crops / (high - low)"),
            "whole frames: a pixel of rounding is a scale": ("ROUNDING = 1", "ROUNDING = 0"),
        },
    )
    + mistakes_in(
        "mmctl/datasets/tracking/pose_matching.py",
        ("tests/test_datasets/test_tracking/test_pose_matching.py",),
        {
            "whole frames: a person for several boxes": (
                "persons, places = linear_sum_assignment(values, maximize=True)",
                "persons, places = values.argmax(axis=0), np.arange(len(boxes))",
            ),
            "whole frames: the worst pairs": ("maximize=True", "maximize=False"),
            "whole frames: people far off are small ones": (
                "MIN_OVERLAP = 0.2",
                "MIN_OVERLAP = 0.0",
            ),
            "whole frames: people who are elsewhere": (
                "(inside >= MIN_INSIDE) & ",
                "(inside >= 0) & ",
            ),
            "whole frames: unseen joints count": (
                "seen = keypoints[..., 2] > 0",
                "seen = keypoints[..., 2] >= 0",
            ),
        },
    )
    + mistakes_in(
        "mmctl/datasets/tracking/whole_frame_poses.py",
        ("tests/test_datasets/test_tracking/test_whole_frame_poses.py",),
        {
            "whole frames: poses of the frame after": (
                "[number - first, ",
                "[number - first + 1, ",
            ),
            "whole frames: poses of another video": ("MIN_MATCHED = 0.5", "MIN_MATCHED = 0.0"),
            "whole frames: a shorter video": ("if last >= end + step:", "if False:"),
        },
    )
    + mistakes_in(
        "mmctl/datasets/keypoints/video_poses.py",
        ("tests/test_datasets/test_keypoints/test_video_poses.py",),
        {
            "whole frames: a list of persons begins with a person": (
                "self.listed is not None and self.listed[0] in (0, 1)",
                "self.listed is not None",
            ),
            "whole frames: frames of two videos": (
                "names.setdefault(number, name) != name",
                "False",
            ),
        },
    )
    + mistakes_in(
        "mmctl/datasets/listings/frame_origins.py",
        ("tests/test_datasets/test_tracking/test_crop_places.py",),
        {
            "videos: boxes in hundredths round to another pixel": (
                "first -= 0.01 * (",
                "first -= 0.0 * (",
            ),
        },
    )
)
