"""What each clip feature of a trained CTL retrieves: one forward, one row per feature.

``python -m dev.compare_branches CONFIG CHECKPOINT`` runs the config's validation clips (one of each
tracklet) through the network and prints Rank-1, mAP and the mean length of V_f^g, V_f^a and V_f^c
before and after the neck, of the parts alone, and of V_f^a with parts and V_g at equal length.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from rich.table import Table
from torch import Tensor

import mmctl.datasets
import mmctl.models  # noqa: F401
from mmctl.checkpoints.checkpoint_reading import load_from_local_safely
from mmctl.engine import read_config, run_command
from mmctl.engine.commands.whole_tables import print_table
from mmctl.evaluation import Protocol, TrackletFeatures
from mmctl.models import VideoReID
from mmctl.models.heads import FusionHead
from mmctl.models.pose.heatmap_source import stack_stored
from mmctl.registry import MODELS


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", type=Path)
    parser.add_argument("checkpoint", type=Path)
    return parser.parse_args()


def load(cfg: Config, checkpoint: Path) -> VideoReID:
    """Return the trained model, whose head has the paper's clip features."""
    init_default_scope("mmctl")
    cfg.model.backbone.init_cfg = None
    model = MODELS.build(cfg.model)
    if not isinstance(model.head, FusionHead):
        raise ValueError(f"the head must be a FusionHead, got a {type(model.head).__name__}")
    model.load_state_dict(load_from_local_safely(str(checkpoint), "cpu")["state_dict"])
    return model.eval()


def clip_features(head: FusionHead, v_g: Tensor, parts: Tensor | None) -> dict[str, Tensor]:
    """Return the features of clips by name, (B, C) each."""
    found = {}
    for name in head.branches:
        found[name] = head.fuse(name, v_g, parts)
        if name in head.necks:
            found[f"{name}, after the neck"] = head.necks[name](found[name])
    if parts is not None:
        found["parts alone"] = parts.sum(dim=2).mean(dim=1)
        equal = F.normalize(parts, dim=-1).sum(dim=2) / head.num_parts + F.normalize(v_g, dim=-1)
        found["sum, V_g and the mean of the parts at length one"] = equal.mean(dim=1)
    return found


@torch.no_grad()
def extract(model: VideoReID, cfg: Config) -> tuple[dict[str, Tensor], list[tuple]]:
    """Return the features of the validation clips, and pid, camera and split of each."""
    options = dict(cfg.val_dataloader, num_workers=0)
    options.pop("persistent_workers", None)
    chunks: dict[str, list[Tensor]] = {}
    labels: list[tuple] = []
    for batch in Runner.build_dataloader(options):
        data = model.data_preprocessor(batch)
        samples = data["data_samples"]
        stored = stack_stored(model.pose, samples)
        for name, value in clip_features(
            model.head, *model.extract(data["inputs"], stored)
        ).items():
            chunks.setdefault(name, []).append(value)
        labels += [(sample.pid, sample.camid, sample.split) for sample in samples]
    return {name: torch.cat(values) for name, values in chunks.items()}, labels


def main() -> None:
    args = parse_args()
    cfg = read_config(args.config)
    features, labels = extract(load(cfg, args.checkpoint), cfg)
    pids, camids, splits = (np.array(column) for column in zip(*labels, strict=True))
    table = Table("clip feature", "Rank-1", "mAP", "mean length")
    for name, values in features.items():
        tracklets = TrackletFeatures(
            F.normalize(values, dim=1).numpy(),
            *(pids, camids, np.arange(len(pids)), splits, np.full(len(pids), "")),
        )
        ranking = tracklets.evaluate(Protocol.named("query-in-gallery"), distance="cosine").ranking
        scores = (100 * float(ranking.cmc[0]), 100 * ranking.mean_average_precision)
        table.add_row(
            name, *(f"{value:.1f}" for value in scores), f"{values.norm(dim=1).mean():.2f}"
        )
    print_table(table, f"{args.config.stem}: one clip of each of {len(pids)} tracklets")


if __name__ == "__main__":
    run_command(main)
