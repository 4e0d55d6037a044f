import pytest
import torch

from mmctl.models.detectors import TorchvisionKeypointRCNN
from mmctl.models.detectors.small_keypoint_rcnn import build_small_keypoint_rcnn


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


def test_the_registered_detector_takes_it_with_its_weights(tmp_path):
    torch.manual_seed(1)
    model = build_small_keypoint_rcnn("resnet10")
    torch.save({"state_dict": model.state_dict(), "meta": {}}, tmp_path / "small.pth")
    detector = TorchvisionKeypointRCNN(str(tmp_path / "small.pth"), "small-resnet10", device="cpu")
    for name, value in detector.network.state_dict().items():
        torch.testing.assert_close(value, model.state_dict()[name])
    assert detector.origin()["backbone"] == "small-resnet10"


def test_a_checkpoint_of_another_backbone_is_named_in_one_line(tmp_path):
    torch.save({"state_dict": {}, "meta": {"backbone": "resnet10"}}, tmp_path / "small.pth")
    message = r"small.pth is of the backbone small-resnet10, .*backbone=small-resnet10\), got '"
    for backbone in ("small-resnet18", "resnet50"):
        with pytest.raises(ValueError, match=f"{message}{backbone}'$"):
            TorchvisionKeypointRCNN(str(tmp_path / "small.pth"), backbone, device="cpu")


def test_torchvision_has_no_weights_for_it():
    with pytest.raises(ValueError, match="so give the path of a checkpoint for small-resnet10"):
        TorchvisionKeypointRCNN(backbone="small-resnet10")


def test_its_options_are_the_sides_of_the_resized_picture():
    detector = TorchvisionKeypointRCNN(
        None, "small-resnet10", device="cpu", options={"size": (126, 224)}
    )
    assert detector.network.transform.min_size == (126,)
    with pytest.raises(ValueError, match="has no option 'min_size'; known are backbone, size"):
        TorchvisionKeypointRCNN(None, "small-resnet10", device="cpu", options={"min_size": 1})
