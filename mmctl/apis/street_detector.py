"""A detector for drawn streets: trained on frames of other streets within minutes."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mmctl.datasets.frame_decoding import decode_frame
from mmctl.datasets.synthetic.street import StreetPainter, StreetSettings, plan_visits
from mmctl.datasets.synthetic.worker_pool import worker_pool
from mmctl.files import write_whole
from mmctl.models.detectors.small_keypoint_rcnn import build_small_keypoint_rcnn
from mmctl.structures import FLIP_ORDER

_MIN_VISIBLE = 0.1
_WARM_UP = 40
_MAX_NORM = 5.0

Report = Callable[[int], None]


@dataclass(frozen=True)
class DetectorTraining:
    """How a detector is trained.

    Attributes:
        first_seed: Seed of the first street.
        streets: Streets, each of the next seed; all have three cameras.
        frames: Frames drawn of each camera.
        steps: Training steps.
        batch_size: Frames of a step.
        learning_rate: Largest step size of AdamW, after a warm-up and before it falls to 0.
        backbone: See :func:`build_small_keypoint_rcnn`.
        seed: Decides the weights to begin with and the order of the frames.

    Raises:
        ValueError: If a number is not positive.
    """

    first_seed: int = 1000
    streets: int = 30
    frames: int = 4
    steps: int = 350
    batch_size: int = 4
    learning_rate: float = 1e-3
    backbone: str = "resnet10"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("streets", "frames", "steps", "batch_size", "learning_rate"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")

    @property
    def num_drawn(self) -> int:
        """Frames that are drawn; those in which nobody is seen are not learned from."""
        return StreetSettings().cameras * self.streets * self.frames


@dataclass(frozen=True, eq=False)
class TrainingFrame:
    """A drawn frame with its visible persons.

    Attributes:
        jpeg: The frame, compressed as those of videos are.
        boxes: Left, top, right, bottom, (n, 4) float32.
        keypoints: x, y from the frame's edges, and whether they are seen, (n, 17, 3) float32.
    """

    jpeg: bytes
    boxes: NDArray[np.float32]
    keypoints: NDArray[np.float32]


def draw_frames(
    training: DetectorTraining, workers: int = 1, report: Report | None = None
) -> list[TrainingFrame]:
    """Draw the frames that a detector learns from.

    Args:
        training: Which ones.
        workers: Processes that draw.
        report: Called with the number of frames whenever some are drawn, ``num_drawn`` in all.
    """
    seeds = range(training.first_seed, training.first_seed + training.streets)
    frames: list[TrainingFrame] = []
    with worker_pool(workers) as pool:
        for drawn in pool.map(_draw_street, seeds, [training.frames] * training.streets):
            frames += drawn
            if report is not None:
                report(training.num_drawn // training.streets)
    return frames


def train_detector(
    training: DetectorTraining, frames: list[TrainingFrame], report: Report | None = None
) -> nn.Module:
    """Train a small Keypoint R-CNN.

    Args:
        training: How.
        frames: What :func:`draw_frames` returned.
        report: Called with 1 after each step.

    Raises:
        ValueError: If the loss is not finite.
    """
    torch.manual_seed(training.seed)
    model = build_small_keypoint_rcnn(training.backbone).train()
    optimizer = torch.optim.AdamW(model.parameters(), training.learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: (
            min(1, (step + 1) / _WARM_UP) * (0.5 + 0.5 * math.cos(math.pi * step / training.steps))
        ),
    )
    for step, (images, targets) in enumerate(_batches(training, frames)):
        losses = model(images, targets)
        loss = torch.stack(list(losses.values())).sum()
        if not bool(torch.isfinite(loss)):
            raise ValueError(
                f"the loss must stay finite, got {float(loss.detach())} at step {step}: lower "
                "--learning-rate"
            )
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), _MAX_NORM)
        optimizer.step()
        schedule.step()
        if report is not None:
            report(1)
    return model.eval()


def save_detector(path: Path, model: nn.Module, training: DetectorTraining) -> None:
    """Write the weights with how they were made."""
    meta: dict[str, Any] = {
        "architecture": "small_keypoint_rcnn",
        "backbone": training.backbone,
        "training": asdict(training),
    }
    buffer = io.BytesIO()
    torch.save({"state_dict": model.state_dict(), "meta": meta}, buffer)
    write_whole(path, buffer.getvalue())


def _draw_street(seed: int, count: int) -> list[TrainingFrame]:
    """Draw some frames of each camera of one street."""
    rng = np.random.default_rng(seed)
    people, things = int(rng.integers(16, 33)), int(rng.integers(0, 4))
    settings = StreetSettings(people=people, things=things, seed=seed)
    frames = []
    for camid, visits in plan_visits(settings).items():
        painter = StreetPainter(settings, camid, visits)
        for index in rng.choice(settings.num_frames, count, replace=False).tolist():
            picture, truth = painter.draw(index)
            quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(50, 96))]
            encoded, content = cv2.imencode(".jpg", picture[..., ::-1], quality)
            assert encoded
            seen = truth.visible >= _MIN_VISIBLE
            if not seen.any():
                continue
            # From the edge of the first pixel, not its centre, as torchvision counts.
            joints = truth.keypoints[seen] + np.array([0.5, 0.5, 0], np.float32)
            frames.append(TrainingFrame(content.tobytes(), truth.boxes[seen], joints))
    return frames


def _batches(
    training: DetectorTraining, frames: list[TrainingFrame]
) -> Iterator[tuple[list[Tensor], list[dict[str, Tensor]]]]:
    """Yield a batch for each step; all frames are seen before one comes again."""
    rng = np.random.default_rng(training.seed)
    order: list[int] = []
    for _ in range(training.steps):
        while len(order) < training.batch_size:
            order += rng.permutation(len(frames)).tolist()
        chosen, order = order[: training.batch_size], order[training.batch_size :]
        samples = [_to_tensors(frames[index], bool(rng.random() < 0.5)) for index in chosen]
        yield [image for image, _ in samples], [target for _, target in samples]


def _to_tensors(frame: TrainingFrame, is_flipped: bool) -> tuple[Tensor, dict[str, Tensor]]:
    picture = decode_frame(frame.jpeg, "drawn frame")
    boxes, keypoints = frame.boxes.copy(), frame.keypoints.copy()
    if is_flipped:
        width = picture.shape[1]
        picture = np.ascontiguousarray(picture[:, ::-1])
        boxes[:, [0, 2]] = width - boxes[:, [2, 0]]
        keypoints = keypoints[:, list(FLIP_ORDER)]
        keypoints[..., 0] = width - keypoints[..., 0]
    image = torch.from_numpy(picture).permute(2, 0, 1).float() / 255
    return image, {
        "boxes": torch.from_numpy(boxes),
        "labels": torch.ones(len(boxes), dtype=torch.int64),
        "keypoints": torch.from_numpy(keypoints),
    }
