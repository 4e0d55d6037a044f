"""Weights of a graph, and the products with them, in 16 bits; all else stays in 32."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmctl.deployment.packages import EXPORTING, check_packages

PRODUCTS = ("Conv", "MatMul", "Gemm")
FOLLOWING = ("Add", "MaxPool", "Relu")
"""What follows a convolution without leaving 16 bits: the rest of a residual block."""

_SUFFIX = "__half"


def to_half(graph: bytes) -> bytes:
    """Return a graph whose weights, and products with them, have 16 bits.

    The graph is converted as it is in float32, when batch norms are part of their convolutions
    already: each weight is rounded once. Products of activations (attention, adjacency), softmaxes,
    norms, sums over nodes and time and whatever follows stay in float32.

    Args:
        graph: A graph in float32, whose inputs and outputs keep their types.

    Raises:
        ImportError: If onnx is not installed.
    """
    check_packages(EXPORTING, "float16")
    import onnx

    model = onnx.load_from_string(graph)
    converter = _Converter(model.graph)
    nodes = converter.convert()
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    del model.graph.value_info[:]  # they name the former types
    weights = [value for value in model.graph.initializer if value.name in converter.still_read()]
    del model.graph.initializer[:]
    model.graph.initializer.extend([*weights, *converter.weights.values()])
    return bytes(model.SerializeToString())


class _Converter:
    """Rewrites the nodes of a graph in their order.

    Args:
        graph: The graph.
    """

    def __init__(self, graph: Any) -> None:
        self.graph = graph
        self.given = {value.name: value for value in graph.initializer}
        self.makers = {name: node for node in graph.node for name in node.output}
        self.half: set[str] = set()
        for node in graph.node:
            if self._is_half(node):
                self.half.update(node.output)
        self.read = {output.name for output in graph.output} | {
            name for node in graph.node if not self.half & set(node.output) for name in node.input
        }
        self.weights: dict[str, Any] = {}
        self.cast: set[str] = set()
        self.nodes: list[Any] = []

    def _is_half(self, node: Any) -> bool:
        if node.op_type in PRODUCTS:
            return any(len(self.given[x].dims) > 1 for x in node.input if x in self.given)
        return node.op_type in FOLLOWING and all(
            name in self.half and self.makers[name].op_type != "MatMul" for name in node.input
        )

    def convert(self) -> list[Any]:
        """Return the new nodes."""
        for node in self.graph.node:
            if not self.half & set(node.output):
                self.nodes.append(node)
                continue
            inputs = [self._in_half(name) for name in node.input]
            del node.input[:]
            node.input.extend(inputs)
            outputs = list(node.output)
            del node.output[:]
            node.output.extend(name + _SUFFIX for name in outputs)
            self.nodes.append(node)
            for name in outputs:
                if name in self.read:
                    self._add_cast(name + _SUFFIX, name, np.float32)
        return self.nodes

    def still_read(self) -> set[str]:
        """Return the names that nodes read."""
        return {name for node in self.nodes for name in node.input}

    def _in_half(self, name: str) -> str:
        import onnx

        if not name or name in self.half:
            return name and name + _SUFFIX
        if name in self.given:
            values = onnx.numpy_helper.to_array(self.given[name]).astype(np.float16)
            self.weights[name] = onnx.numpy_helper.from_array(values, name + _SUFFIX)
        elif name not in self.cast:
            self.cast.add(name)
            self._add_cast(name, name + _SUFFIX, np.float16)
        return name + _SUFFIX

    def _add_cast(self, source: str, target: str, kind: Any) -> None:
        import onnx

        to = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(kind))
        self.nodes.append(onnx.helper.make_node("Cast", [source], [target], to=to))
