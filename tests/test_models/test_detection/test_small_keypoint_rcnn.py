import pytest
import torch

from mmctl.models.detection import build_small_keypoint_rcnn


@pytest.mark.parametrize(
    ("backbone", "least", "most"), [("resnet10", 6e6, 8e6), ("resnet18", 12e6, 14e6)]
)
def test_it_answers_like_torchvisions_keypoint_rcnn(backbone, least, most):
    torch.manual_seed(0)
    model = build_small_keypoint_rcnn(backbone).eval()
    assert least < sum(weight.numel() for weight in model.parameters()) < most
    with torch.inference_mode():
        (found,) = model([torch.rand(3, 90, 160)])
    assert set(found) == {"boxes", "labels", "scores", "keypoints", "keypoints_scores"}
    assert found["keypoints"].shape == (len(found["boxes"]), 17, 3)
    # Boxes are in pixels of the picture that was given, not of the resized one.
    assert (found["boxes"][:, 2] <= 160).all()


def test_unknown_backbones_are_refused():
    with pytest.raises(
        ValueError, match="backbone must be one of resnet10, resnet18, resnet34, got 'x'"
    ):
        build_small_keypoint_rcnn("x")
