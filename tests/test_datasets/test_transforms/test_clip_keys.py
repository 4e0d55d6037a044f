import pytest

from mmctl.registry import TRANSFORMS

IMAGE = {"img_path": "a.jpg", "img": 0, "gt_label": 3}


@pytest.mark.parametrize(
    ("config", "needed"),
    [
        ({"type": "SampleClip", "clip_len": 2}, "frame_paths"),
        ({"type": "LoadFrames"}, "frame_paths, clip_indices"),
        ({"type": "ResizeClip", "size": (64, 32)}, "frames"),
        ({"type": "FlipClip"}, "frames, clip_indices"),
        ({"type": "EraseFrames"}, "frames, clip_indices"),
        ({"type": "CropClip", "size": (8, 8), "padding": 0}, "frames, clip_indices"),
        ({"type": "PackClip"}, "frames, clip_indices, clip_weights"),
    ],
)
def test_a_transform_of_clips_refuses_the_images_of_other_projects(config, needed):
    with pytest.raises(ValueError) as caught:
        TRANSFORMS.build(config)(IMAGE)
    text = f"{config['type']} works on the clips of a tracklet and needs {needed}, which"
    assert str(caught.value).startswith(text)
    assert str(caught.value).endswith("got results with gt_label, img, img_path")
