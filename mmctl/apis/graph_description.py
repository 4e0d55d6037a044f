"""What a config and a model say of the graph that is made of them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from mmengine.config import Config
from torch import nn

from mmctl.apis.inference.clip_pipeline import test_pipeline
from mmctl.apis.inference.model_identity import hash_model, name_feature
from mmctl.deployment.clip_graph import ClipGraph
from mmctl.deployment.graph_card import GraphCard
from mmctl.registry import type_name
from mmctl.version import __version__


def frame_size(cfg: Config) -> tuple[int, int]:
    """Return height and width of the frames that a config's test makes.

    Raises:
        ValueError: If its pipeline does not say.
    """
    sizes = [step["size"] for step in test_pipeline(cfg) if "size" in step]
    if not sizes:
        raise ValueError(
            "the config's test pipeline must have ResizeClip, because a graph takes frames of one "
            f"size, got {[type_name(step['type']) for step in test_pipeline(cfg)]}"
        )
    return int(sizes[-1][0]), int(sizes[-1][1])


def clip_length(cfg: Config) -> int:
    """Return the frames of a config's training clips; 0 where it does not say."""
    dataset: Any = (cfg.get("train_dataloader") or {}).get("dataset") or {}
    while isinstance(dataset, dict) and "pipeline" not in dataset:
        inner = dataset.get("dataset") or (dataset.get("datasets") or [None])[0]
        if not isinstance(inner, dict):
            break
        dataset = inner
    lengths = [step["clip_len"] for step in dataset.get("pipeline") or () if "clip_len" in step]
    return int(lengths[0]) if lengths else 0


def describe_graph(
    model: nn.Module, graph: ClipGraph, checkpoint: str, precision: str, opset: int
) -> GraphCard:
    """Return the card of a graph, but for what is known later.

    Args:
        model: The model.
        graph: What is made of it.
        checkpoint: Where its weights are from.
        precision: ``fp32``, ``fp16`` or ``int8``.
        opset: Version of ONNX's operators.

    Raises:
        ValueError: If the config has no test pipeline, or it does not say how large frames are.
    """
    cfg: Any = model.cfg
    steps = test_pipeline(cfg)
    digest = hash_model(model, cfg.model, steps, False)
    height, width = frame_size(cfg)
    named = [{**step, "type": _name(step["type"])} for step in steps]
    return GraphCard(
        model=digest if precision == "fp32" else mark_digest(digest, precision.encode()),
        feature=name_feature(model),
        precision=precision,
        reads=graph.reads or "",
        height=height,
        width=width,
        channels=graph.channels,
        pieces=json.dumps(graph.pieces),
        clip_length=clip_length(cfg),
        pipeline=json.dumps(named),
        pose_file="",
        checkpoint=Path(checkpoint).name,
        opset=opset,
        version=__version__,
    )


def mark_digest(digest: str, made: bytes) -> str:
    """Return the hash of a model whose features are others, so that galleries do not mix them.

    Args:
        digest: That of the model in float32.
        made: What tells the other one from it.
    """
    return hashlib.sha256(digest.encode() + b" " + made).hexdigest()


def _name(kind: Any) -> str:
    return kind if isinstance(kind, str) else type_name(kind)
