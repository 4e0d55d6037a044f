"""From a module to ``torch.export``'s program, and from it to an ONNX graph."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mmctl.deployment.whole_windows import whole_windows
from mmctl.files import shorten

OPSET = 18
OPSETS = range(18, 24)
MOST_CLIPS, MOST_FRAMES = 1024, 1024
"""Bounds of batch and clip length that the exporter is told."""

PROTOBUF_LIMIT = 2**31 - 1
"""Bytes of the largest message that protobuf, and so one file of ONNX, can have."""


def export_program(
    module: nn.Module, examples: Sequence[Tensor], free_sides: int = 0
) -> torch.export.ExportedProgram:
    """Trace a module for any number of clips of any length.

    Args:
        module: In eval mode; its inputs begin with (B, T).
        examples: Its inputs; B and T at least 2, since a size of 1 would stay fixed.
        free_sides: How many last sides of the second input vary, too.

    Raises:
        ValueError: If the module cannot be traced, or only for some B or T.
    """
    clips = torch.export.Dim("clips", min=1, max=MOST_CLIPS)
    frames = torch.export.Dim("frames", min=1, max=MOST_FRAMES)
    shapes: list[dict[int, Any]] = [{0: clips, 1: frames} for _ in examples]
    for side in range(free_sides):
        last = examples[1].dim() - 1 - side
        shapes[1][last] = torch.export.Dim(f"side{side}", min=2, max=1024)
    trace = partial(torch.export.export, module, tuple(examples), dynamic_shapes=tuple(shapes))
    try:
        with torch.no_grad(), _silent(), whole_windows():
            try:
                return trace()
            except torch._dynamo.exc.UserError:
                # Neighbouring frames, T - 1, could be one, which broadcasts: let it not be told
                # from other numbers. Whether that was right, the proof shows, with T = 2.
                settings: Any = torch.fx.experimental._config
                with settings.patch(backed_size_oblivious=True):
                    return trace()
    # Whatever a component does that cannot be traced: the exporter has no common type of error.
    except Exception as error:
        raise _refusal(error) from error


def check_opset(opset: int) -> None:
    """Raise unless the exporter translates into a version of ONNX's operators.

    Raises:
        ValueError: If it does not.
    """
    if opset not in OPSETS:
        raise ValueError(
            f"opset must be from {OPSETS.start} to {OPSETS.stop - 1}, which the exporter "
            f"translates into, got {opset}"
        )


def to_onnx(
    program: torch.export.ExportedProgram,
    names: tuple[Sequence[str], Sequence[str]],
    metadata: dict[str, str],
    opset: int = OPSET,
) -> bytes:
    """Translate a program into the bytes of an ONNX file.

    Args:
        program: As :func:`export_program` returned it.
        names: Of the inputs and of the outputs.
        metadata: What the file says of itself.
        opset: Version of ONNX's operators.

    Raises:
        ValueError: If an operator has no translation, or the graph is larger than a file may be.
    """
    check_opset(opset)
    try:
        with _silent():
            exported = torch.onnx.export(
                _decompose(program),
                (),
                dynamo=True,
                opset_version=opset,
                input_names=list(names[0]),
                output_names=list(names[1]),
                verbose=False,
            )
    except Exception as error:  # as above
        raise _refusal(error) from error
    assert exported is not None
    size = sum(value.numel() * value.element_size() for value in program.state_dict.values())
    if size > PROTOBUF_LIMIT:
        raise ValueError(
            f"a graph in one file must be smaller than 2 GiB, got {size:,} bytes of weights: "
            "--fp16 halves them"
        )
    model = exported.model_proto
    for name, value in metadata.items():
        model.metadata_props.add(key=name, value=value)
    return model.SerializeToString()


def _decompose(program: torch.export.ExportedProgram) -> torch.export.ExportedProgram:
    """Return a program without the operators that the exporter has no translation for."""
    distances = torch.ops.aten.cdist.default
    attention = torch.ops.aten.scaled_dot_product_attention.default
    table: dict[Any, Any] = {}
    for node in program.graph.nodes:
        if node.target == distances:
            table[distances] = _distances
        # It is translated for batches of heads alone.
        if node.target == attention and node.args[0].meta["val"].dim() == 3:
            table[attention] = _attend
    return program.run_decompositions(table) if table else program


def _distances(x: Tensor, y: Tensor, p: float = 2.0, compute_mode: int | None = None) -> Tensor:  # noqa: ARG001
    if p != 2:
        raise ValueError(f"distances must be Euclidean to be exported, got p={p}")
    return (x.unsqueeze(-2) - y.unsqueeze(-3)).square().sum(dim=-1).sqrt()


def _attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    if attn_mask is not None or dropout_p or is_causal or enable_gqa:
        raise ValueError("attention must have no mask, dropout or groups to be exported")
    factor = query.shape[-1] ** -0.5 if scale is None else scale
    return torch.softmax(query @ key.transpose(-2, -1) * factor, dim=-1) @ value


def save_program(program: torch.export.ExportedProgram, metadata: dict[str, str]) -> bytes:
    """Return the bytes of a ``.pt2`` file.

    Args:
        program: As :func:`export_program` returned it.
        metadata: What the file says of itself, in ``metadata.json``, an extra file of it.
    """
    buffer = io.BytesIO()
    with _silent():
        torch.export.save(program, buffer, extra_files={"metadata.json": json.dumps(metadata)})
    return buffer.getvalue()


def _refusal(error: Exception) -> ValueError:
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    # What it is about stands in a list behind a line that is always the same.
    lines = [line.removeprefix("- ") for line in lines if line.startswith("- ")] or lines
    return ValueError(
        "the model has a component that cannot be exported for any number of clips of any length: "
        f"{type(cause).__name__}: {shorten(lines[0] if lines else '', 200)}"
    )


@contextmanager
def _silent() -> Iterator[None]:
    """Keep the exporter from talking of its own matters."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
