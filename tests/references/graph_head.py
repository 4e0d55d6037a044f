"""The loop reference of the whole graph head, put together from those of the equations."""

from __future__ import annotations

import numpy as np

from mmctl.structures import BODY_SCALES
from tests.random_state import embed_of, layer_of, norm_of
from tests.references import equations


def adjacency_of(topology, nodes, edges, self_loops, frame_level):
    """Eq. 2 or 3 and the normalisation of eq. 4, (B, T, n, n)."""
    window, num_nodes = topology.window, nodes.shape[2]
    physical = np.eye(num_nodes) * self_loops
    for a, b in edges:
        physical[a, b] = physical[b, a] = 1.0
    static = np.zeros((num_nodes, num_nodes))
    if topology.physical is not None:
        static += physical
    if topology.mask is not None:
        static += topology.mask.detach().numpy()
    context, block = 0.0, topology.context
    if block is not None and frame_level:
        layers = (layer_of(x) for x in (block.squeeze, block.squeeze_time, block.expand))
        context = equations.frame_context(nodes, *layers)[:, None]
    elif block is not None:
        stacked = equations.windows(nodes, window)
        layers = (layer_of(x) for x in (block.squeeze, block.expand))
        context = equations.window_context(stacked, *layers)
    shape = (*nodes.shape[:2], window * num_nodes, window * num_nodes)
    raw = np.broadcast_to(equations.tile(static, window) + context, shape)
    flat = [equations.normalize(matrix, 0.1) for matrix in raw.reshape(-1, *shape[2:])]
    return np.stack(flat).reshape(shape)


def apply_layer(layer, nodes, adjacency, frame_level):
    weight = layer.weight.weight.detach().numpy().T
    if frame_level:
        return equations.frame_graph_conv(nodes, adjacency[:, 0], weight)
    kernel = layer.collapse.weight.detach().numpy().reshape(len(weight), layer.window, -1)
    return equations.graph_conv3d(nodes, adjacency, weight, kernel, norm_of(layer.norm))


def transfer(conv, source, target):
    phi, varphi = embed_of(conv.embed_node), embed_of(conv.embed_difference)
    r_source = equations.relations(
        source, phi, varphi, embed_of(conv.relate_source), embed_of(conv.augment_source)
    )
    r_target = equations.relations(
        target, phi, varphi, embed_of(conv.relate_target), embed_of(conv.augment_target)
    )
    adjacency = equations.cross_scale_adjacency(r_source, r_target, conv.logit_scale)
    return equations.convolve_across(adjacency, source, conv.weight.weight.detach().numpy().T)


def graph_head(head, nodes, variant):
    """V_p of a head that was built with the keyword arguments ``variant``, (B, T, 5, C)."""
    body = BODY_SCALES[variant.get("body", "limb")]
    scales = variant.get("scales", ("s1", "s2", "s3"))
    graph, fuse = variant.get("graph", "window"), variant.get("fuse", "cross-scale")
    num_layers = variant.get("num_layers", 2) if graph else 0
    self_loops = variant.get("topology", {}).get("self_loops", True)
    current = {scale: nodes[scale].numpy() for scale in scales}
    adjacency = {}
    for layer in range(num_layers):
        for scale in scales:
            if layer == 0 or variant.get("per_layer"):
                adjacency[scale] = adjacency_of(
                    head.topologies[scale][layer],
                    current[scale],
                    body.edges[scale],
                    self_loops,
                    graph == "frame",
                )
            module = head.layers[scale][layer]
            new = apply_layer(module, current[scale], adjacency[scale], graph == "frame")
            current[scale] = new if layer == 0 else current[scale] + new
        if fuse == "cross-scale" and layer + 1 in variant.get("cross_scale_after", (2,)):
            sent = [
                transfer(head.transfers[str(layer + 1)][s], current[s], current["s3"])
                for s in scales
                if s != "s3"
            ]
            if sent:
                current["s3"] = equations.fuse_scales(current["s3"], sent, 0.3)
    if fuse == "cross-scale" or len(scales) == 1:
        return current["s3"]
    groups = {"s1": body.s3, "s2": body.s2_to_s3}
    sent = [
        np.stack(
            [[equations.part_means(frame, groups[s]) for frame in clip] for clip in current[s]]
        )
        for s in scales
        if s != "s3"
    ]
    return equations.fuse_scales(current["s3"], sent, 0.3)
