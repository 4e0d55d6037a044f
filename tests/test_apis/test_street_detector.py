import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from mmctl.apis import street_detector
from mmctl.apis.street_detector import (
    DetectorTraining,
    TrainingFrame,
    _batches,
    _to_tensors,
    draw_frames,
    save_detector,
    train_detector,
)
from mmctl.models.detectors.small_keypoint_rcnn import build_small_keypoint_rcnn
from mmctl.structures import KEYPOINTS

TINY = DetectorTraining(first_seed=7, streets=1, frames=1, steps=2, batch_size=1)


@pytest.fixture(scope="module")
def frames():
    drawn = []
    frames = draw_frames(TINY, report=drawn.append)
    assert drawn == [3] == [TINY.num_drawn]
    return frames


def test_frames_that_show_nobody_are_counted_and_left_out(monkeypatch):
    class Empty(street_detector.StreetPainter):
        def draw(self, index):
            picture, truth = super().draw(index)
            return picture, replace(truth, visible=np.zeros_like(truth.visible))

    monkeypatch.setattr(street_detector, "StreetPainter", Empty)
    drawn = []
    training = replace(TINY, streets=2)
    assert draw_frames(training, report=drawn.append) == []
    assert drawn == [3, 3]
    assert training.num_drawn == 6


def test_frames_have_the_visible_people_in_pixels_from_the_edge(frames):
    assert 1 <= len(frames) <= 3
    for frame in frames:
        image, target = _to_tensors(frame, is_flipped=False)
        assert image.shape == (3, 360, 640)
        assert 0 <= float(image.min()) < 0.4 < float(image.max()) <= 1
        assert len(frame.boxes) == len(frame.keypoints) > 0
        seen = frame.keypoints[..., 2] > 0
        for box, joints, flags in zip(frame.boxes, frame.keypoints, seen, strict=True):
            assert (joints[flags, :2] >= box[:2] - 1).all()
            assert (joints[flags, :2] <= box[2:] + 1).all()
        assert target["labels"].tolist() == [1] * len(frame.boxes)


def test_a_mirrored_frame_has_mirrored_boxes_and_left_for_right(frames):
    image, target = _to_tensors(frames[0], is_flipped=False)
    mirrored, other = _to_tensors(frames[0], is_flipped=True)
    torch.testing.assert_close(mirrored, image.flip(2))
    torch.testing.assert_close(other["boxes"][:, [1, 3]], target["boxes"][:, [1, 3]])
    torch.testing.assert_close(other["boxes"][:, 0], 640 - target["boxes"][:, 2])
    left, right = KEYPOINTS.index("left_knee"), KEYPOINTS.index("right_knee")
    before, after = target["keypoints"][0], other["keypoints"][0]
    torch.testing.assert_close(after[right, 0], 640 - before[left, 0])
    torch.testing.assert_close(after[right, 1:], before[left, 1:])


def test_all_frames_are_seen_before_one_comes_again():
    box = np.array([[0, 0, 4, 8]], np.float32)
    joints = np.zeros((1, 17, 3), np.float32)
    import cv2

    frames = [
        TrainingFrame(
            cv2.imencode(".png", np.full((8, 8, 3), 20 * n, np.uint8))[1].tobytes(), box, joints
        )
        for n in range(6)
    ]
    training = DetectorTraining(steps=6, batch_size=2)
    shown = [
        round(float(image.mean()) * 255 / 20)
        for images, _ in _batches(training, frames)
        for image in images
    ]
    assert sorted(shown[:6]) == sorted(shown[6:]) == [*range(6)]
    assert shown[:6] != shown[6:]


def test_training_is_the_same_again_and_its_weights_are_read_back(frames, tmp_path):
    steps = []
    model = train_detector(TINY, frames, steps.append)
    assert steps == [1, 1]
    again = train_detector(TINY, frames)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, again.state_dict()[name], rtol=0, atol=0)
    save_detector(tmp_path / "detector.pth", model, TINY)
    stored = torch.load(tmp_path / "detector.pth", weights_only=True)
    assert stored["meta"]["backbone"] == "resnet10"
    assert stored["meta"]["training"]["steps"] == 2
    build_small_keypoint_rcnn("resnet10").load_state_dict(stored["state_dict"])


def test_a_loss_that_is_not_finite_ends_the_training(frames, monkeypatch):
    model = build_small_keypoint_rcnn()
    monkeypatch.setattr(model, "forward", lambda *_: {"loss": torch.tensor(math.nan)})
    monkeypatch.setattr("mmctl.apis.street_detector.build_small_keypoint_rcnn", lambda _: model)
    with pytest.raises(ValueError, match="the loss must stay finite, got nan at step 0: lower"):
        train_detector(TINY, frames)


@pytest.mark.parametrize("name", ["streets", "frames", "steps", "batch_size", "learning_rate"])
def test_numbers_must_be_positive(name):
    with pytest.raises(ValueError, match=f"{name} must be positive, got 0"):
        DetectorTraining(**{name: 0})
