"""The proof of a graph: it gives what PyTorch gives for clips of many numbers and lengths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mmctl.structures import NUM_KEYPOINTS

GRID = tuple(product((1, 2, 3, 5), (1, 2, 4, 7)))
"""Numbers of clips and of their frames that are tried, (B, T): below, at and beyond a window of 3,
even and odd, and other than those of the trace."""

TOLERANCES = {"fp32": 1e-4, "fp16": 1e-3}
"""Largest difference of any number of a feature from PyTorch's, both of length 1, by precision."""

APART = 2
"""How many times further than the graph is from PyTorch two clips of a batch must be from each
other: one that confuses them would be as far away, and could pass within the tolerance."""

Arrays = list[np.ndarray]
Run = Callable[[Sequence[Tensor]], Arrays]


@dataclass(frozen=True)
class GraphReport:
    """What a check found.

    Attributes:
        pairs: How many pairs of batch and length were run.
        largest: Largest difference of a number from PyTorch's, in features of length 1.
        apart: The same between the two most similar clips of a batch.
    """

    pairs: int
    largest: float
    apart: float


def draw_clips(num_clips: int, num_frames: int, size: tuple[int, int], seed: int = 0) -> Tensor:
    """Draw clips that all differ: coloured patches that move, and noise.

    Args:
        num_clips: B.
        num_frames: T.
        size: Height and width.
        seed: Of the draws.

    Returns:
        uint8, (B, T, 3, H, W).
    """
    generator = torch.Generator().manual_seed(seed)
    count = num_clips * num_frames
    coarse = torch.rand(num_clips, 3, 8, 4, generator=generator).repeat_interleave(num_frames, 0)
    coarse += 0.3 * torch.rand(count, 3, 8, 4, generator=generator)
    frames = F.interpolate(coarse, size, mode="bilinear") * 190
    frames += 8 * torch.randn(frames.shape, generator=generator)
    return frames.clamp(0, 255).to(torch.uint8).unflatten(0, (num_clips, num_frames))


def draw_keypoints(num_clips: int, num_frames: int, size: tuple[int, int], seed: int = 0) -> Tensor:
    """Draw joints anywhere in the frames and a little outside, a tenth of them hidden.

    Args:
        num_clips: B.
        num_frames: T.
        size: Height and width of the frames.
        seed: Of the draws.

    Returns:
        x, y and score, (B, T, 17, 3).
    """
    generator = torch.Generator().manual_seed(seed + 1)
    drawn = torch.rand(num_clips, num_frames, NUM_KEYPOINTS, 3, generator=generator)
    places = (drawn[..., :2] * 1.1 - 0.05) * torch.tensor([size[1], size[0]])
    return torch.cat((places, drawn[..., 2:] * (drawn[..., 2:] > 0.1)), dim=-1)


def draw_heatmaps(num_clips: int, num_frames: int, size: tuple[int, int], seed: int = 0) -> Tensor:
    """Draw heatmaps of a size, (B, T, 17, h, w): what an estimator gave of nobody."""
    generator = torch.Generator().manual_seed(seed + 2)
    return torch.rand(num_clips, num_frames, NUM_KEYPOINTS, *size, generator=generator)


def compare_features(
    expected: Callable[..., tuple[Tensor, Tensor]],
    run: Run,
    draw: Callable[[int, int, int], tuple[Tensor, ...]],
    tolerance: float,
    what: str,
) -> GraphReport:
    """Run clips of all sizes of :data:`GRID` through both and compare the features.

    Args:
        expected: The module in PyTorch, float32: from inputs to unit and raw features.
        run: The graph, from the same inputs to the same outputs.
        draw: From B, T and a seed to inputs.
        tolerance: Largest difference that is allowed.
        what: What is checked, for the message.

    Raises:
        ValueError: If one is further away, not finite or of another shape, or if the clips of a
            batch are so alike that nothing would be proved.
    """
    largest, apart = 0.0, float("inf")
    for seed, (num_clips, num_frames) in enumerate(GRID):
        inputs = draw(num_clips, num_frames, seed)
        with torch.no_grad():
            units, raws = (output.double().numpy() for output in expected(*inputs))
        lengths = np.linalg.norm(raws, axis=1)
        for name, wanted, found in zip(
            ("feature", "raw"), (units, raws / lengths[:, None]), run(inputs), strict=True
        ):
            scaled = found / lengths[:, None] if name == "raw" and len(found) else found
            distance = _distance(wanted, scaled)
            if not distance <= tolerance:
                raise ValueError(
                    f"{what} must give what PyTorch gives, within {tolerance:g}, but its output "
                    f"{name} is {distance:.2g} away for {num_clips} clips of {num_frames} frames"
                )
            largest = max(largest, distance)
        apart = min(apart, _smallest_distance(units))
    if not apart > APART * largest:
        raise ValueError(
            f"{what} cannot be proved with weights that give different clips features only "
            f"{apart:.2g} apart, when it is {largest:.2g} away from PyTorch; is the checkpoint "
            "trained?"
        )
    return GraphReport(len(GRID), largest, apart)


def compare_maps(
    expected: Callable[..., tuple[Tensor, ...]],
    run: Run,
    draw: Callable[[int, int, int], tuple[Tensor, ...]],
    decode: Callable[[Tensor], Tensor],
    what: str,
) -> GraphReport:
    """Run frames through an estimator and its graph.

    Heatmaps are compared as they are, relative to the highest; joints with those that PyTorch
    decodes from the graph's own maps, because two equal cells may change places by rounding.

    Args:
        expected: The module in PyTorch: from frames to heatmaps and keypoints.
        run: The graph.
        draw: From B, T and a seed to inputs.
        decode: From heatmaps (B, T, 17, h, w) to keypoints (B, T, 17, 3).
        what: What is checked, for the message.

    Raises:
        ValueError: If a map or a joint is another one.
    """
    tolerance, largest, apart = TOLERANCES["fp32"], 0.0, float("inf")
    for seed, (num_clips, num_frames) in enumerate(GRID):
        inputs = draw(num_clips, num_frames, seed)
        with torch.no_grad():
            maps = expected(*inputs)[0].numpy()
        found_maps, found_points = run(inputs)
        scale = float(np.abs(maps).max())
        points = decode(torch.from_numpy(found_maps)).numpy() if found_maps.size else found_points
        for wanted, found, unit in ((maps, found_maps, scale), (points, found_points, 1.0)):
            same = wanted.shape == found.shape
            distance = float(np.abs(wanted - found).max()) / unit if same else float("inf")
            if not distance <= tolerance:
                raise ValueError(
                    f"{what} must give what PyTorch gives, within {tolerance:g}, but is "
                    f"{distance:.2g} away for {num_clips} clips of {num_frames} frames"
                )
            largest = max(largest, distance)
        flat = maps.reshape(num_clips * num_frames, -1).astype(np.float64) / scale
        apart = min(apart, _smallest_distance(flat))
    return GraphReport(len(GRID), largest, apart)


def compare_ranks(
    expected: Callable[..., tuple[Tensor, Tensor]],
    run: Run,
    batches: Sequence[Sequence[np.ndarray]],
) -> GraphReport:
    """Look whether a graph of another arithmetic still tells clips apart.

    Args:
        expected: The module in PyTorch, float32.
        run: The graph.
        batches: Inputs of both.

    Raises:
        ValueError: If the feature of a clip is not finite, or nearer to that of another clip in
            float32 than to its own.
    """
    exact: list[np.ndarray] = []
    found: list[np.ndarray] = []
    for batch in batches:
        inputs = [torch.from_numpy(array) for array in batch]
        with torch.no_grad():
            exact.append(expected(*inputs)[0].numpy())
        found.append(run(inputs)[0])
    wanted, got = np.concatenate(exact), np.concatenate(found)
    distances = np.linalg.norm(got[:, None] - wanted[None], axis=-1)  # (clips, clips)
    own = np.diagonal(distances)
    lost = np.count_nonzero(~(own <= distances.min(axis=1)))
    if lost:
        raise ValueError(
            f"the int8 graph must tell the clips apart that its ranges are taken from, but {lost} "
            f"of {len(wanted)} are nearer to another clip's feature in float32 than to their own"
        )
    return GraphReport(len(batches), _distance(wanted, got), _smallest_distance(wanted))


def _distance(wanted: np.ndarray, found: Any) -> float:
    """Return the largest difference of two arrays (B, C); infinite for other shapes."""
    if wanted.shape != np.shape(found):
        return float("inf")
    return float(np.abs(wanted - found).max())


def _smallest_distance(rows: np.ndarray) -> float:
    """Return the largest difference of the two rows that are most alike."""
    if len(rows) < 2:
        return float("inf")
    distances = np.stack([np.abs(rows - row).max(axis=1) for row in rows])
    return float(distances[~np.eye(len(rows), dtype=bool)].min())
