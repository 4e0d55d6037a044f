"""torchvision's networks as detectors: real forwards of small ones with random weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mmctl.models.detectors import TorchvisionBoxes, TorchvisionKeypointRCNN
from mmctl.models.detectors.torchvision_detector import to_ltwh
from mmctl.registry import DETECTORS

OPTIONS = {"min_size": 64, "max_size": 96, "box_score_thresh": 0.0, "box_detections_per_img": 4}
SMALL = {"backbone": "resnet18", "min_score": 0.0, "device": "cpu", "options": OPTIONS}
FRAMES = list(np.random.default_rng(0).integers(0, 255, (2, 64, 80, 3), dtype=np.uint8))


@pytest.fixture(scope="module")
def rcnn() -> TorchvisionKeypointRCNN:
    torch.manual_seed(0)
    return DETECTORS.build({"type": "TorchvisionKeypointRCNN", "weights": None, **SMALL})


def test_boxes_and_keypoints_come_from_one_forward(rcnn):
    found = rcnn.detect(FRAMES, [0, 1])
    assert len(found) == 2
    assert len(found[0]) == 4
    assert found[0].keypoints.shape == (4, 17, 3)
    assert (found[0].boxes[:, 2:] > 0).all()
    assert rcnn.has_keypoints
    assert rcnn.detect([], []) == []


def test_what_the_network_says_is_put_into_our_terms(rcnn):
    with torch.inference_mode():
        said = rcnn.network([rcnn._to_tensor(FRAMES[0])])[0]
    found = rcnn.detect(FRAMES[:1], [0])[0]
    # From corners to sides, from pixel edges to pixel centres, from logits to scores.
    box, joints = said["boxes"][0].tolist(), said["keypoints"][0]
    assert found.boxes[0] == pytest.approx([box[0], box[1], box[2] - box[0], box[3] - box[1]])
    assert found.keypoints[0, :, :2] == pytest.approx(joints[:, :2].numpy() - 0.5)
    scores = said["keypoints_scores"][0].sigmoid().numpy()
    assert found.keypoints[0, :, 2] == pytest.approx(scores, rel=1e-5)
    assert (joints[:, 2] == 1).all(), "the trap: the third column is no score"


def test_low_scores_and_other_classes_are_left_out(rcnn, monkeypatch):
    output = {
        "boxes": torch.tensor([[0.0, 0, 9, 9], [0, 0, 9, 9], [0, 0, 9, 9], [5, 5, 5.2, 9]]),
        "labels": torch.tensor([1, 2, 1, 1]),
        "scores": torch.tensor([0.9, 0.9, 0.2, 0.9]),
        "keypoints": torch.ones(4, 17, 3),
        "keypoints_scores": torch.zeros(4, 17),
    }
    monkeypatch.setattr(rcnn, "min_score", 0.5)
    found = rcnn._read(output)
    assert found.boxes.tolist() == [[0, 0, 9, 9]]
    assert found.keypoints[0, 0].tolist() == [0.5, 0.5, 0.5]


def test_weights_of_a_file_are_those_of_the_network(rcnn, tmp_path):
    torch.save({"state_dict": rcnn.network.state_dict()}, tmp_path / "w.pth")
    again = TorchvisionKeypointRCNN(weights=str(tmp_path / "w.pth"), **SMALL)
    for first, second in zip(
        rcnn.detect(FRAMES, [0, 1]), again.detect(FRAMES, [0, 1]), strict=True
    ):
        assert first.boxes.tolist() == second.boxes.tolist()
        assert first.keypoints.tolist() == second.keypoints.tolist()
    origin = again.origin()
    assert origin["weights"] == "w.pth"
    assert len(origin["sha256"]) == 64
    assert origin["backbone"] == "resnet18"


def test_torchvision_s_own_weights_are_of_a_frozen_batch_norm_without_epsilon(rcnn, tmp_path):
    path = tmp_path / "keypointrcnn_resnet50_fpn_coco-fc266e95.pth"
    state = rcnn.network.state_dict()
    torch.save({key: value for key, value in state.items() if "num_batches" not in key}, path)
    detector = TorchvisionKeypointRCNN(weights=str(path), **SMALL)
    norms = [m for m in detector.network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert {norm.eps for norm in norms} == {0.0}


def test_any_detector_of_torchvision_gives_boxes():
    torch.manual_seed(0)
    options = {"num_classes": 2, "score_thresh": 0.0, "detections_per_img": 5}
    detector = TorchvisionBoxes("ssdlite320_mobilenet_v3_large", None, 0.0, "cpu", options)
    found = detector.detect(FRAMES[:1], [0])[0]
    assert len(found) > 0
    assert found.keypoints is None
    assert not detector.has_keypoints


def test_corners_become_sides():
    assert to_ltwh(np.array([[1, 2, 4, 9]], np.float32)).tolist() == [[1, 2, 3, 7]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": "no.pth"}, "checkpoint no.pth does not exist; torchvision's weights of"),
        ({"weights": "DEFAULT"}, "weights for the backbone resnet50 alone.* got weights='DEFAULT'"),
        (
            {"backbone": "vgg"},
            "backbone of TorchvisionKeypointRCNN must be one of resnet18,.*'vgg'",
        ),
        ({"device": "tpu9"}, "device must be one that this machine has.* got 'tpu9'"),
        ({"min_score": 1.5}, "min_score must be from 0 to 1.* got 1.5"),
        ({"options": {"size": 3}}, "keypointrcnn_resnet50_fpn has no option 'size'; known are"),
    ],
)
def test_a_wrong_argument_is_named(arguments, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        TorchvisionKeypointRCNN(**{"weights": None, **SMALL, **arguments})


def test_weights_of_another_model_are_refused(rcnn, tmp_path):
    torch.save(rcnn.network.state_dict(), tmp_path / "w.pth")
    with pytest.raises(ValueError, match=r"w\.pth' does not fit SSD.*no key in common"):
        TorchvisionBoxes("ssdlite320_mobilenet_v3_large", str(tmp_path / "w.pth"), device="cpu")


def test_an_unknown_model_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"one of fasterrcnn_mobilenet.*, got 'yolo'"):
        TorchvisionBoxes("yolo", None)
