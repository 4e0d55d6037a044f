"""What each clip feature of a trained CTL retrieves: one forward, one row per feature.

``python -m dev.compare_branches CONFIG CHECKPOINT`` runs the config's validation clips (one of each
tracklet) through the network and prints Rank-1, mAP and the mean length of V_f^g, V_f^a and V_f^c
before and after the neck, of the parts alone, and of V_f^a with parts and V_g at equal length. The
last four rows compare each part with its own, without and with V_g: the mean of their cosine
distances, and the same with each part weighed by how visible it is in both tracklets.
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
from mmctl.functional.distance import pairwise_distance
from mmctl.functional.ranking import JUNK_PID, evaluate_ranking
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


def visibility(scores: Tensor, model: VideoReID) -> Tensor:
    """Return the mean score of each part's joints over the frames, from (B, T, 17), (B, parts)."""
    means = scores.mean(dim=1)
    return torch.stack([means[:, list(joints)].mean(dim=1) for joints in model.neck.body.s3], 1)


def fused_distances(pieces: Tensor, weights: Tensor) -> np.ndarray:
    """Return 1 - the mean cosine of the pieces, weighed by the product of both sides' weights.

    Args:
        pieces: (N, P, C).
        weights: (N, P).

    Returns:
        (N, N).
    """
    weighed = (F.normalize(pieces, dim=-1) * weights.unsqueeze(-1)).flatten(1)
    return (1 - weighed @ weighed.T / (weights @ weights.T)).numpy()


@torch.no_grad()
def extract(model: VideoReID, cfg: Config) -> tuple[dict[str, Tensor], list[tuple]]:
    """Return the features of the validation clips, and pid, camera and split of each.

    Of a model with parts V_g and the parts are among them, (N, 1 + parts, C), as ``pieces``, and
    as ``visible`` how visible each is, (N, 1 + parts).
    """
    options = dict(cfg.val_dataloader, num_workers=0)
    options.pop("persistent_workers", None)
    chunks: dict[str, list[Tensor]] = {}
    labels: list[tuple] = []
    for batch in Runner.build_dataloader(options):
        data = model.data_preprocessor(batch)
        samples = data["data_samples"]
        stored = stack_stored(model.pose, samples)
        v_g, parts = model.extract(data["inputs"], stored)
        found = clip_features(model.head, v_g, parts)
        if parts is not None and stored is not None:
            found["pieces"] = torch.cat((v_g.unsqueeze(2), parts), dim=2).mean(dim=1)
            seen = visibility(stored[..., 2].cpu(), model)
            found["visible"] = torch.cat((torch.ones(len(seen), 1), seen), dim=1)
        for name, value in found.items():
            chunks.setdefault(name, []).append(value)
        labels += [(sample.pid, sample.camid, sample.split) for sample in samples]
    return {name: torch.cat(values) for name, values in chunks.items()}, labels


def main() -> None:
    args = parse_args()
    cfg = read_config(args.config)
    features, labels = extract(load(cfg, args.checkpoint), cfg)
    pids, camids, splits = (np.array(column) for column in zip(*labels, strict=True))
    pieces, visible = features.pop("pieces", None), features.pop("visible", None)
    distances = {
        name: pairwise_distance(values, values).numpy() for name, values in features.items()
    }
    if pieces is not None and visible is not None:
        for name, rows in (("each part", slice(1, None)), ("V_g and each part", slice(None))):
            own, seen = pieces[:, rows], visible[:, rows]
            distances[f"{name} with its own"] = fused_distances(own, torch.ones_like(seen))
            distances[f"{name} with its own, as far as both show it"] = fused_distances(own, seen)
    queries, gallery = splits == "query", pids != JUNK_PID
    table = Table("clip feature", "Rank-1", "mAP", "mean length")
    for name, matrix in distances.items():
        ranking = evaluate_ranking(
            matrix[queries][:, gallery],
            *(pids[queries], camids[queries], pids[gallery], camids[gallery]),
        )
        scores = (100 * float(ranking.cmc[0]), 100 * ranking.mean_average_precision)
        length = f"{features[name].norm(dim=1).mean():.2f}" if name in features else "-"
        table.add_row(name, *(f"{value:.1f}" for value in scores), length)
    print_table(table, f"{args.config.stem}: one clip of each of {len(pids)} tracklets")


if __name__ == "__main__":
    run_command(main)
