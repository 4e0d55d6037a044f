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
            "videos: joints beyond the crop are seen": (
                "np.where(outside, 0, ",
                "np.where(False, 0, ",
            ),
            "videos: joints in pixels of the frame": ("-= rectangles[:, None, :2]", "-= 0"),
        },
    )
    + mistakes_in(
        f"{_WORK}/video_tracking.py",
        (f"{_TESTS}/test_video_tracking.py",),
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
)
