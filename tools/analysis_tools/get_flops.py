"""Count multiply-accumulates per frame and parameters of every component of a config's model.

``python tools/analysis_tools/get_flops.py configs/ctl/ctl_r50_1xb32-240e_mars-256x128.py``

Matrix products and convolutions are counted while a clip of the config's length and frame size runs
through the model with random weights, once as in a test and once as in training, where the losses
need all branches and the classifiers. Element-wise work is not counted.
"""

from __future__ import annotations

import argparse
import logging
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from rich.table import Table
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from mmctl.engine import read_config, run_command
from mmctl.engine.commands.whole_tables import print_table
from mmctl.models import VideoReID
from mmctl.registry import MODELS, type_name
from mmctl.structures import NUM_KEYPOINTS, TrackletSample

NUM_CLIPS = 2
"""A batch norm over clips needs two in training."""
COMPONENTS = {
    "backbone": "backbone",
    "pose": "pose",
    "neck (eq. 1)": "neck",
    "topology": "graph_head.topologies",
    "graph layers": "graph_head.layers",
    "cross-scale": "graph_head.transfers",
    "fusion head": "head",
}
"""Rows of the table and the component of the model that each counts."""
OTHERS = {"neck (eq. 1)": "neck", "fusion head": "head"}
"""What stands in their places in systems without graphs of parts."""
HEADS = ("topology", "graph layers", "cross-scale", "fusion head")


def clip_shape(cfg: Config) -> tuple[int, int, int]:
    """Return frames per clip, height and width of a config's training clips.

    Raises:
        ValueError: If the training pipeline does not say.
    """
    steps = {type_name(step["type"]): step for step in cfg.get("train_pipeline", [])}
    if not {"SampleClip", "ResizeClip"} <= set(steps):
        raise ValueError(
            "train_pipeline must have SampleClip and ResizeClip to tell a clip's shape, got "
            f"{sorted(steps)}: use --shape"
        )
    height, width = steps["ResizeClip"]["size"]
    return steps["SampleClip"]["clip_len"], height, width


def build_model(cfg: Config) -> VideoReID:
    """Return the config's model with random weights: nothing is downloaded."""
    init_default_scope(cfg.get("default_scope", "mmctl"))
    if "checkpoint" in (cfg.model.get("pose") or {}):
        cfg.model.pose.checkpoint = None
    return MODELS.build(cfg.model)


def component_of(model: nn.Module, path: str) -> nn.Module | None:
    """Return the module at a dotted path, or ``None`` where the model lacks it."""
    component: nn.Module | None = model
    for name in path.split("."):
        component = getattr(component, name, None)
    return component


def count_parameters(model: VideoReID) -> dict[str, int]:
    """Return the parameters of each component that the model has."""
    components = {name: component_of(model, path) for name, path in COMPONENTS.items()}
    return {
        name: sum(parameter.numel() for parameter in component.parameters())
        for name, component in components.items()
        if component is not None
    }


@contextmanager
def without_warnings() -> Iterator[None]:
    """Keep losses from warning of clips that are there to be counted, and make no triplet."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def count_macs(
    model: VideoReID, shape: tuple[int, int, int], *, training: bool
) -> dict[str, float]:
    """Return the multiply-accumulates per frame of each component that the model has.

    Args:
        model: The model; its running statistics move.
        shape: Frames per clip, height, width.
        training: Count the forward pass of training.
    """
    num_frames, height, width = shape
    inputs = torch.rand(NUM_CLIPS, num_frames, 3, height, width)
    keypoints = torch.rand(NUM_CLIPS, num_frames, NUM_KEYPOINTS, 3)
    keypoints = keypoints * torch.tensor([width, height, 1.0])
    samples = [
        TrackletSample(gt_label=label, keypoints=keypoints[label : label + 1])
        for label in range(NUM_CLIPS)
    ]
    model.train(training)
    # The fused kernels of attention are not counted.
    plain = sdpa_kernel(SDPBackend.MATH)
    with torch.no_grad(), plain, without_warnings(), FlopCounterMode(display=False) as counter:
        model(inputs, samples, mode="loss" if training else "tensor")
    per_frame = 2 * NUM_CLIPS * num_frames
    by_module = {
        name.partition(".")[2]: sum(flops.values()) / per_frame
        for name, flops in counter.get_flop_counts().items()
        # A frozen estimator is no child of the model: its modules have names of their own.
        if name.startswith(type(model).__name__)
    }
    macs = {name: by_module.get(name, 0.0) for name in ("backbone", "pose", "neck", "graph_head")}
    for name in ("topologies", "layers"):
        called = re.compile(rf"graph_head\.{name}\.\w+\.\w+")
        macs[name] = sum(count for path, count in by_module.items() if called.fullmatch(path))
    # What is called as a function or a method has no entry of its own: the rest is theirs.
    transfers = macs["graph_head"] - macs["topologies"] - macs["layers"]
    head = counter.get_total_flops() / per_frame - sum(
        macs[name] for name in ("backbone", "pose", "neck", "graph_head")
    )
    macs |= {"transfers": transfers, "head": head}
    return {
        name: macs[path.rpartition(".")[2]]
        for name, path in COMPONENTS.items()
        if component_of(model, path) is not None
    }


def cost_table(model: VideoReID, shape: tuple[int, int, int]) -> Table:
    """Tabulate the costs of the model, with sums for the heads and for everything."""
    test = count_macs(model, shape, training=False)
    training = count_macs(model, shape, training=True)
    parameters = count_parameters(model)
    table = Table("component", "test, GMAC", "training, GMAC", "parameters, M")

    def add(title: str, names: Collection[str]) -> None:
        sums = (sum(column[name] for name in names) for column in (test, training))
        weights = sum(parameters[name] for name in names)
        table.add_row(title, *(f"{macs / 1e9:.4f}" for macs in sums), f"{weights / 1e6:.2f}")

    for name in test:
        add(name if model.graph_head is not None else OTHERS.get(name, name), [name])
    table.add_section()
    if model.graph_head is not None:
        add("graphs and heads", [name for name in test if name in HEADS])
    add("all", test)
    return table


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("config", type=Path)
    parser.add_argument(
        "--shape",
        nargs=3,
        type=int,
        metavar=("T", "H", "W"),
        help="frames per clip, height and width (default: the config's training clips)",
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    cfg = read_config(args.config)
    shape = tuple(args.shape) if args.shape else clip_shape(cfg)
    if min(shape) < 1:
        raise ValueError(f"--shape must be positive frames, height and width, got {shape}")
    table = cost_table(build_model(cfg), shape)
    print_table(table, "{} per frame, clips of {} frames of {}x{}".format(args.config.stem, *shape))


if __name__ == "__main__":
    run_command(main)
