"""The clips of a config's data set as its model would get them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset, Compose
from mmengine.registry import init_default_scope
from mmengine.runner import set_random_seed

from mmctl.datasets.transforms import LoadKeypoints, PackClip
from mmctl.models import ClipDataPreprocessor
from mmctl.models.pose.heatmap_source import HeatmapSource, check_source, make_heatmaps
from mmctl.registry import DATASETS, MODELS
from mmctl.structures import BodyScales, resolve_body
from mmctl.visualization.clip_sheet import AugmentedClip, draw_clip_sheet

SPLITS = ("train", "val", "test")


def browse_dataset(
    cfg: Config,
    out_file: str | Path,
    *,
    split: str = "train",
    num_tracklets: int = 4,
    seed: int = 0,
) -> list[str]:
    """Draw some tracklets of a config as its pipeline and its source of heatmaps make them.

    Args:
        cfg: Config of a run.
        out_file: PNG file to write.
        split: Of which data loader the data set is, 'train', 'val' or 'test'.
        num_tracklets: Tracklets drawn, chosen at random; all where there are fewer.
        seed: Of the choice and of the augmentation.

    Returns:
        What could not be drawn, and why; the sheet says it, too.

    Raises:
        ValueError: If the config has no such data set, its pipeline does not stack frames, or
            ``num_tracklets`` is not positive.
    """
    if num_tracklets < 1:
        raise ValueError(f"num_tracklets must be positive to draw anything, got {num_tracklets}")
    init_default_scope(cfg.get("default_scope", "mmctl"))
    dataset = build_dataset(cfg, split)
    transforms = unpacked_transforms(dataset.pipeline.transforms)
    drawn = np.random.default_rng(seed).permutation(len(dataset))[:num_tracklets]
    set_random_seed(seed)
    results = [_run(transforms, dataset.get_data_info(int(index))) for index in sorted(drawn)]
    maps, reports = _all_heatmaps(cfg, results)
    clips = [_first_clip(result, own) for result, own in zip(results, maps, strict=True)]
    names = [getattr(step, "__name__", type(step).__name__) for step in transforms]
    draw_clip_sheet(
        clips,
        body_of(cfg),
        out_file,
        title=f"{Path(cfg.filename or 'config').stem}, {split}: {len(clips)} of {len(dataset)} "
        f"tracklets, seed {seed}",
        notes=[" → ".join(names), *reports],
    )
    return reports


def build_dataset(cfg: Config, split: str) -> BaseDataset:
    """Build the data set of one of a config's data loaders.

    Raises:
        ValueError: If there is none, or it is no data set of MMEngine's kind.
    """
    loader = cfg.get(f"{split}_dataloader")
    if not loader:
        having = [name for name in SPLITS if cfg.get(f"{name}_dataloader")]
        raise ValueError(
            f"the config must have a {split}_dataloader to show its clips, but it has "
            f"{having or 'none'}"
        )
    dataset = DATASETS.build(loader["dataset"])
    if not isinstance(dataset, BaseDataset):
        raise ValueError(
            f"{split}_dataloader.dataset must be one data set with a pipeline, not a wrapper of "
            f"others, got {type(dataset).__name__}"
        )
    return dataset


def unpacked_transforms(transforms: Sequence[Callable]) -> list[Callable]:
    """Return the transforms before ``PackClip``, which forgets the frames' numbers."""
    ends = [index for index, step in enumerate(transforms) if isinstance(step, PackClip)]
    return list(transforms[: ends[0]] if ends else transforms)


def body_of(cfg: Config) -> BodyScales:
    """Return the parts that the config's neck pools, ``limb`` where it does not say."""
    model = cfg.get("model") or {}
    return resolve_body((model.get("neck") or {}).get("body", "limb"))


def _run(transforms: Sequence[Callable], info: dict[str, Any]) -> dict[str, Any]:
    steps = list(transforms)
    for index in reversed(range(len(steps))):
        if isinstance(steps[index], LoadKeypoints):
            steps.insert(index + 1, _forget_unlabelled)
    results = Compose(steps)(info)
    frames = None if results is None else results.get("frames")
    if not isinstance(frames, np.ndarray) or "clip_indices" not in results:
        raise ValueError(
            "the pipeline must sample, load and stack frames (SampleClip, LoadFrames, ResizeClip) "
            f"before there is a clip to draw, got {[type(step).__name__ for step in transforms]}"
        )
    return results


def _forget_unlabelled(results: dict[str, Any]) -> dict[str, Any]:
    """Mark the joints that were stored as zeros: no transform moves NaN to a place."""
    results["keypoints"][~results["keypoints"].any(axis=-1), :2] = np.nan
    return results


def _all_heatmaps(
    cfg: Config, results: Sequence[dict[str, Any]]
) -> tuple[list[np.ndarray | None], list[str]]:
    """Return the maps of each tracklet's frames as the model makes them, or why there are none."""
    config = (cfg.get("model") or {}).get("pose")
    if config is None:
        return [None] * len(results), []
    # What a config lacks to run (a checkpoint, mmpose) need not keep anybody from seeing its data.
    try:
        pose = MODELS.build(config)
        check_source(pose)
        pose.init_weights()
        return [_heatmaps(pose.eval(), result) for result in results], []
    except (ValueError, OSError, ImportError) as error:
        return [None] * len(results), [f"no heatmaps, because {config['type']} failed: {error}"]


@torch.no_grad()
def _heatmaps(pose: HeatmapSource, results: dict[str, Any]) -> np.ndarray:
    num_frames = results["clip_indices"].shape[1]
    frames = torch.from_numpy(results["frames"][:num_frames]).permute(0, 3, 1, 2).float()
    stored = results.get(pose.reads)
    if stored is not None:
        stored = torch.from_numpy(np.nan_to_num(stored[None, :num_frames]))
    plain = ClipDataPreprocessor(std=(1.0, 1.0, 1.0))
    return make_heatmaps(pose, plain, frames, stored).float().numpy()


def _first_clip(results: dict[str, Any], heatmaps: np.ndarray | None) -> AugmentedClip:
    num_clips, num_frames = results["clip_indices"].shape
    keypoints = results.get("keypoints")
    indices = results["clip_indices"][0].tolist()
    paths = results["frame_paths"]
    caption = (
        f"tracklet {results['tracklet_id']}, pid {results.get('pid', 'unknown')}, camera "
        f"{results['camid']}, {results.get('split', 'unlabelled')}, {len(paths)} frames"
    )
    if num_clips > 1:
        caption += f", clip 1 of {num_clips}"
    return AugmentedClip(
        caption=caption,
        frames=results["frames"][:num_frames],
        frame_names=[f"{index + 1}: {Path(paths[index]).stem}" for index in indices],
        keypoints=None if keypoints is None else keypoints[:num_frames],
        heatmaps=heatmaps,
    )
