"""The graphs of CTL: topology, 3D graph convolutions and cross-scale convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmctl.functional.cross_scale import fuse_scales
from mmctl.functional.graph import degrees, normalize_adjacency
from mmctl.functional.parts import part_average
from mmctl.models.build_component import build_component
from mmctl.models.watched_values import watch
from mmctl.registry import MODELS
from mmctl.structures import NUM_KEYPOINTS, SCALES, resolve_body

TARGET = SCALES[-1]
"""The scale that the others are carried to."""


@MODELS.register_module()
class PartGraphHead(BaseModule):
    """Refine the nodes of each scale on its graph and fuse the scales into V_p (Fig. 2).

    The adjacency of a scale is built once from its input nodes and shared by its layers (in eq. 4
    it has no layer index) unless ``per_layer``. What a configuration does not use is not built.

    Args:
        channels: Channels of the nodes, C.
        scales: Scales in use, with 's3' among them.
        num_layers: Graph layers per scale, L.
        window: Frames per window of the 3D graph convolution, odd.
        graph: ``'window'`` (3D graph convolution), ``'frame'`` (plain graph convolution with the
            context block of Fig. 4a) or ``None`` (no graph).
        topology: Config of the topology, :class:`ContextTopology` where it has no type: physical,
            mask, context, ... It gets channels, num_nodes, edges and window, with
            ``graph='frame'`` also num_frames.
        per_layer: Build the adjacency anew from the input of every layer, with its own mask and
            context block.
        degree_eps: Smallest degree in the normalisation.
        fuse: ``'cross-scale'`` convolutions, or ``'add'``: part means of the other scales.
        cross_scale_after: Layers, counted from 1, after which s1 and s2 are carried to s3; the last
            one must be among them.
        cross_scale: Config of the cross-scale convolution, :class:`CrossScaleConv` where it has no
            type: dim, logit_scale. It gets channels.
        balance: alpha of eq. 7.
        num_frames: Frames per clip; needed by ``graph='frame'`` with context alone.
        body: Part tables, a name in :data:`mmctl.structures.BODY_SCALES` or a dict.
        graph_conv: Config of the graph convolution; without type :class:`GraphConv3d`, or
            :class:`FrameGraphConv` with ``graph='frame'``. It gets channels, with
            ``graph='window'`` also window.
        init_cfg: MMEngine's initialisation config.

    Raises:
        KeyError: If a type is not registered.
        TypeError: If a topology or convolution does not take what the head gives it.
        ValueError: If an argument is unknown, out of range or contradicts another.
    """

    def __init__(
        self,
        channels: int = 2048,
        scales: Sequence[str] = SCALES,
        num_layers: int = 2,
        window: int = 3,
        graph: str | None = "window",
        topology: dict[str, Any] | None = None,
        per_layer: bool = False,
        degree_eps: float = 0.1,
        fuse: str = "cross-scale",
        cross_scale_after: Sequence[int] = (2,),
        cross_scale: dict[str, Any] | None = None,
        balance: float = 0.3,
        num_frames: int | None = None,
        body: str | dict = "limb",
        graph_conv: dict[str, Any] | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.channels = channels
        self.scales = tuple(scales)
        self.num_layers = num_layers if graph is not None else 0
        self.graph = graph
        self.fuse = fuse
        self.cross_scale_after = tuple(cross_scale_after)
        self.degree_eps = degree_eps
        self.balance = balance
        self.sources = [name for name in self.scales if name != TARGET]
        self._check(graph_conv)
        self.body = resolve_body(body)
        given: dict[str, Any] = {"window": window}
        if graph == "frame":
            _check_frames(topology or {}, num_frames)
            given = {"window": 1, "num_frames": num_frames}
        self._build_graphs(given, topology, graph_conv, per_layer)
        self._build_fusion(channels, cross_scale)

    def _check(self, graph_conv: dict[str, Any] | None) -> None:
        if TARGET not in self.scales or not set(self.scales) <= set(SCALES):
            raise ValueError(
                "scales must be among 's1', 's2' and 's3' and include 's3', which the others are "
                f"carried to, got {self.scales}"
            )
        if self.graph not in ("window", "frame", None):
            raise ValueError(f"graph must be 'window', 'frame' or None, got {self.graph!r}")
        if self.graph is not None and self.num_layers < 1:
            raise ValueError(f"num_layers must be at least 1, got {self.num_layers}")
        if self.graph is None and graph_conv is not None:
            raise ValueError(f"graph_conv needs a graph, got graph=None and {graph_conv}")
        if self.degree_eps <= 0:
            raise ValueError(f"degree_eps must be positive, got {self.degree_eps}")
        if self.fuse not in ("cross-scale", "add"):
            raise ValueError(f"fuse must be 'cross-scale' or 'add', got {self.fuse!r}")
        if self.fuse == "add" or not self.sources:
            return
        if self.graph is None:
            raise ValueError("fuse='cross-scale' needs a graph, got graph=None: use fuse='add'")
        after, last = self.cross_scale_after, self.num_layers
        if last not in after or not all(1 <= layer <= last for layer in after):
            raise ValueError(
                f"cross_scale_after must name layers from 1 to num_layers={last} and the last one "
                f"among them, since layers of s1 and s2 after it would lead nowhere, got {after}"
            )

    def _build_graphs(
        self,
        given: dict[str, Any],
        topology: dict[str, Any] | None,
        graph_conv: dict[str, Any] | None,
        per_layer: bool,
    ) -> None:
        """Build the topologies and the graph layers of every scale."""
        self.topologies = nn.ModuleDict()
        self.layers = nn.ModuleDict()
        if self.graph is None:
            return
        conv = "mmctl.FrameGraphConv" if self.graph == "frame" else "mmctl.GraphConv3d"
        window = {} if self.graph == "frame" else given
        for scale in self.scales:
            num_nodes, edges = self.body.num_nodes(scale), self.body.edges[scale]
            nodes = {"channels": self.channels, "num_nodes": num_nodes, "edges": edges, **given}
            self.topologies[scale] = nn.ModuleList(
                build_component("graph_head.topology", topology, "mmctl.ContextTopology", **nodes)
                for _ in range(self.num_layers if per_layer else 1)
            )
            self.layers[scale] = nn.ModuleList(
                build_component(
                    "graph_head.graph_conv", graph_conv, conv, channels=self.channels, **window
                )
                for _ in range(self.num_layers)
            )

    def _build_fusion(self, channels: int, cross_scale: dict[str, Any] | None) -> None:
        """Build one cross-scale convolution per fusion and source, or the part means."""
        self.transfers = nn.ModuleDict()
        if self.fuse == "add":
            tables = {"s1": (self.body.s3, NUM_KEYPOINTS), "s2": (self.body.s2_to_s3, None)}
            for source in self.sources:
                groups, num_nodes = tables[source]
                average = part_average(groups, num_nodes or len(self.body.s2))
                self.register_buffer(f"average_{source}", average, persistent=False)
            return
        for layer in sorted(set(self.cross_scale_after)) if self.sources else ():
            self.transfers[str(layer)] = nn.ModuleDict(
                {
                    source: build_component(
                        "graph_head.cross_scale",
                        cross_scale,
                        "mmctl.CrossScaleConv",
                        channels=channels,
                    )
                    for source in self.sources
                }
            )

    def _watch_degrees(self, adjacency: Tensor) -> None:
        low = degrees(adjacency.detach()) < self.degree_eps
        watch("clamped_degrees", low.float().mean())

    def forward(self, nodes: dict[str, Tensor]) -> Tensor:
        """Refine and fuse the nodes.

        Watched is ``clamped_degrees``, the fraction of graph degrees that the normalisation had to
        raise.

        Args:
            nodes: Input nodes of each scale in use, (B, T, N, C) by scale name.

        Returns:
            V_p, one node per s3 part, (B, T, 5, C).

        Raises:
            ValueError: If a scale in use is missing.
        """
        missing = [scale for scale in self.scales if scale not in nodes]
        if missing:
            raise ValueError(
                f"the neck must give the scales of the graph head, {self.scales}, "
                f"got {tuple(nodes)}: {missing} missing"
            )
        current = {scale: nodes[scale] for scale in self.scales}
        adjacency: dict[str, Tensor] = {}
        for layer in range(self.num_layers):
            for scale in self.scales:
                topologies = cast(nn.ModuleList, self.topologies[scale])
                if layer < len(topologies):
                    raw = topologies[layer](current[scale])
                    adjacency[scale] = normalize_adjacency(raw, eps=self.degree_eps)
                    self._watch_degrees(raw)
                convolve = cast(nn.ModuleList, self.layers[scale])[layer]
                updated = convolve(current[scale], adjacency[scale], normalized=True)
                current[scale] = updated if layer == 0 else current[scale] + updated
            if str(layer + 1) in self.transfers:
                current[TARGET] = self._transfer(current, str(layer + 1))
        return self._add(current) if self.fuse == "add" else current[TARGET]

    def _transfer(self, nodes: dict[str, Tensor], layer: str) -> Tensor:
        """Carry the other scales to s3 and fuse (eq. 6 and 7)."""
        transfers = cast(nn.ModuleDict, self.transfers[layer])
        sent = [transfers[source](nodes[source], nodes[TARGET]) for source in self.sources]
        return fuse_scales(nodes[TARGET], sent, balance=self.balance)

    def _add(self, nodes: dict[str, Tensor]) -> Tensor:
        """Fuse by addition: part means of s1 and s2 in the place of eq. 6."""
        sent = [getattr(self, f"average_{s}").to(nodes[s]) @ nodes[s] for s in self.sources]
        return fuse_scales(nodes[TARGET], sent, balance=self.balance)


def _check_frames(topology: dict[str, Any], num_frames: int | None) -> None:
    is_ours = topology.get("type", "ContextTopology") in (
        "ContextTopology",
        "mmctl.ContextTopology",
    )
    if is_ours and topology.get("context", True) and num_frames is None:
        raise ValueError(
            "graph='frame' with context needs num_frames, the frames per clip: the context block "
            "of Fig. 4a has one weight per frame; got None"
        )
