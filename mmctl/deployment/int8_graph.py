"""Weights and activations of a graph as 8-bit integers, by ONNX Runtime's own quantisation."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmctl.deployment.packages import EXPORTING, check_packages

OPERATORS = ("Conv", "MatMul", "Gemm")
"""What is computed in integers: nearly all of the multiplications. Softmaxes, normalisations and
sums stay in float32."""


def quantize(graph: bytes, batches: Sequence[Sequence[np.ndarray]]) -> bytes:
    """Return a graph that computes in integers.

    The range of every activation is that of the given clips, weights have a scale per channel.

    Args:
        graph: A graph in float32.
        batches: Inputs as the graph will meet them, each in the order of its inputs.

    Raises:
        ImportError: If onnx or onnxruntime is not installed.
        ValueError: If there is no clip to take the ranges from.
    """
    check_packages(EXPORTING, "quantisation")
    if not batches:
        raise ValueError("int8 needs clips whose activations give the ranges, got none")
    from onnxruntime import quantization

    class Batches(quantization.CalibrationDataReader):
        def __init__(self, names: Sequence[str]) -> None:
            self.left: Iterator[dict[str, Any]] = iter(
                [dict(zip(names, batch, strict=True)) for batch in batches]
            )

        def get_next(self) -> dict[str, Any] | None:
            return next(self.left, None)

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source, prepared, target = (Path(folder) / name for name in ("a", "b", "c"))
        source.write_bytes(graph)
        quantization.quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        names = _input_names(prepared)
        quantization.quantize_static(
            str(prepared),
            str(target),
            Batches(names),
            op_types_to_quantize=list(OPERATORS),
            per_channel=True,
            # Weights of 7 bits: sums of products of 8 bits saturate on processors without VNNI.
            reduce_range=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )
        return target.read_bytes()


def _input_names(path: Path) -> list[str]:
    import onnx

    return [item.name for item in onnx.load(str(path), load_external_data=False).graph.input]
