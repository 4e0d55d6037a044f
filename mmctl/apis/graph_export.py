"""Export a trained model: trace, translate, prove, and only then write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmctl.apis.graph_description import describe_graph, mark_digest
from mmctl.apis.inference.model_identity import choose_feature
from mmctl.apis.keypoint_extraction import uses_udp
from mmctl.deployment import graph_check
from mmctl.deployment.clip_graph import ClipGraph, PoseGraph
from mmctl.deployment.exported_program import (
    OPSET,
    check_opset,
    export_program,
    save_program,
    to_onnx,
)
from mmctl.deployment.graph_card import GraphCard
from mmctl.deployment.graph_check import GraphReport
from mmctl.deployment.half_graph import to_half
from mmctl.deployment.int8_graph import quantize
from mmctl.deployment.onnx_session import open_session, run_session
from mmctl.deployment.packages import EXPORTING, check_packages
from mmctl.functional.keypoints import decode_heatmaps
from mmctl.models.pose import FrozenPoseEstimator

PRECISIONS = ("fp32", "fp16", "int8")
EXAMPLE = (2, 5)
"""Clips and frames of the trace."""

OUTPUTS = ("feature", "raw_feature")
POSE_OUTPUTS = ("heatmaps", "keypoints")


@dataclass(frozen=True)
class ExportOptions:
    """How a model is exported.

    Attributes:
        feature: ``before`` or ``after`` the neck; None: as the config says.
        precision: One of :data:`PRECISIONS`.
        opset: Version of ONNX's operators.
        with_program: Whether the program of ``torch.export`` is kept, too.
        estimator: One whose graph is written beside that of a model that reads keypoints.
        calibration: For int8: frames and what goes with them, from which ranges are taken.
    """

    feature: str | None = None
    precision: str = "fp32"
    opset: int = OPSET
    with_program: bool = False
    estimator: FrozenPoseEstimator | None = None
    calibration: Sequence[Sequence[np.ndarray]] = ()


@dataclass(frozen=True)
class Exported:
    """Files that are proved and not written yet.

    Attributes:
        files: Their bytes, by the ending of their names: ``.onnx``, ``.pose.onnx``, ``.pt2``.
        card: What the main one says of itself.
        report: How near it is to PyTorch.
    """

    files: dict[str, bytes]
    card: GraphCard
    report: GraphReport


def export_model(
    model: nn.Module, stem: str, checkpoint: str = "", options: ExportOptions | None = None
) -> Exported:
    """Make the files of a model and prove each against PyTorch.

    Args:
        model: As ``get_model`` builds it; it stays as it is but for the choice of a feature.
        stem: Name of the files without their endings.
        checkpoint: Where the weights are from.
        options: How it is exported.

    Raises:
        ImportError: If a package is missing.
        ValueError: If the model cannot be exported, or a graph gives other features than PyTorch.
    """
    options = options or ExportOptions()
    check_packages(EXPORTING, "exporting")
    check_opset(options.opset)
    if options.feature is not None:
        choose_feature(model, options.feature)
    exact = ClipGraph(model)
    card = describe_graph(model, exact, checkpoint, options.precision, options.opset)
    size = (card.height, card.width)
    files, map_size = _export_estimators(model, options, size)
    if exact.reads == "heatmaps" and files:
        card = replace(card, pose_file=f"{stem}.pose.onnx")
    draw = partial(draw_inputs, exact.reads, size, map_size)
    program = export_program(exact, draw(*EXAMPLE, 0), 2 if exact.reads == "heatmaps" else 0)
    inputs = ("frames", exact.reads) if exact.reads else ("frames",)
    content = to_onnx(program, (inputs, OUTPUTS), {}, options.opset)

    def prove(run: graph_check.Run, what: str, precision: str = "fp32") -> GraphReport:
        tolerance = graph_check.TOLERANCES[precision]
        return graph_check.compare_features(exact, run, draw, tolerance, what)

    report = prove(_runner(content), "the graph")
    if options.with_program:
        prove(_program_runner(program), "the program of torch.export")
    if options.precision == "fp16":
        content = to_half(content)
        report = prove(_runner(content), "the graph in 16 bits", "fp16")
    if options.precision == "int8":
        content = quantize(content, options.calibration)
        report = graph_check.compare_ranks(exact, _runner(content), options.calibration)
        # Other clips give other ranges, and so other features.
        card = replace(card, model=mark_digest(card.model, content))
    card = replace(card, largest_difference=report.largest)
    if options.with_program:
        files[".pt2"] = save_program(program, card.to_metadata())
    return Exported({".onnx": _with_card(content, card), **files}, card, report)


def _export_estimators(
    model: Any, options: ExportOptions, size: tuple[int, int]
) -> tuple[dict[str, bytes], tuple[int, int]]:
    """Return the estimator's file, if there is one, and the size of heatmaps."""
    own = model.pose if isinstance(model.pose, FrozenPoseEstimator) else None
    reads = getattr(model.pose, "reads", "nothing beside the frames")
    if options.estimator is not None and reads != "keypoints":
        said = "has its own, which is exported in any case" if own else f"reads {reads}"
        raise ValueError(
            f"an estimator can be given for a model that reads keypoints, got one for a model that "
            f"{said}"
        )
    pose = own or options.estimator
    if pose is None:
        return {}, (size[0] // 4, size[1] // 4)
    content, map_size = _export_pose(pose, size, options.opset)
    return {".pose.onnx": content}, map_size


def draw_inputs(
    reads: str | None,
    size: tuple[int, int],
    map_size: tuple[int, int],
    num_clips: int,
    num_frames: int,
    seed: int,
) -> tuple[Tensor, ...]:
    """Draw what a graph takes.

    Args:
        reads: Its second input, if it has one.
        size: Height and width of the frames.
        map_size: Height and width of heatmaps.
        num_clips: B.
        num_frames: T.
        seed: Of the draws.
    """
    frames = graph_check.draw_clips(num_clips, num_frames, size, seed)
    if reads == "keypoints":
        return frames, graph_check.draw_keypoints(num_clips, num_frames, size, seed)
    if reads == "heatmaps":
        return frames, graph_check.draw_heatmaps(num_clips, num_frames, map_size, seed)
    return (frames,)


def _export_pose(
    pose: FrozenPoseEstimator, size: tuple[int, int], opset: int
) -> tuple[bytes, tuple[int, int]]:
    """Return the estimator's file, proved, and the size of its maps."""
    udp = uses_udp(pose)
    graph = PoseGraph(pose, udp)

    def draw(num_clips: int, num_frames: int, seed: int) -> tuple[Tensor, ...]:
        return (graph_check.draw_clips(num_clips, num_frames, size, seed),)

    def decode(heatmaps: Tensor) -> Tensor:
        flat = heatmaps.flatten(0, 1)
        sizes = torch.tensor([size]).expand(len(flat), 2)
        points = decode_heatmaps(flat, sizes, pose.input_size or size, udp=udp)
        return points.unflatten(0, heatmaps.shape[:2])

    with torch.no_grad():
        maps = graph(*draw(1, 1, 0))[0]
    program = export_program(graph, draw(*EXAMPLE, 0))
    card = {"height": str(size[0]), "width": str(size[1]), "channel_order": "RGB"}
    card |= {"format": "mmctl-pose-graph-1", "weights": pose.weights_hash(), "opset": str(opset)}
    content = to_onnx(program, (("frames",), POSE_OUTPUTS), card, opset)
    graph_check.compare_maps(graph, _runner(content), draw, decode, "the estimator's graph")
    return content, (maps.shape[3], maps.shape[4])


def _runner(content: bytes) -> Callable[[Sequence[Tensor]], list[np.ndarray]]:
    session = open_session(content)
    return lambda inputs: run_session(session, [tensor.numpy() for tensor in inputs])


def _program_runner(program: Any) -> Callable[[Sequence[Tensor]], list[np.ndarray]]:
    module = program.module()

    def run(inputs: Sequence[Tensor]) -> list[np.ndarray]:
        with torch.no_grad():
            return [output.numpy() for output in module(*inputs)]

    return run


def _with_card(content: bytes, card: GraphCard) -> bytes:
    import onnx

    proto = onnx.load_from_string(content)
    del proto.metadata_props[:]
    for name, value in card.to_metadata().items():
        proto.metadata_props.add(key=name, value=value)
    return bytes(proto.SerializeToString())
