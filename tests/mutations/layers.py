"""Mistakes in the layers, the body tables and the losses' classes."""

from __future__ import annotations

from tests.mutations.mutation import mistakes_in

_LAYERS = "mmctl/models/layers"
_TESTS = "tests/test_models/test_layers"
_PROJECTED = "graph.convolve_windows(self.weight(nodes), adjacency, self.window)"
_RECTIFIED = "return values.masked_fill(values <= 0, 0.0).sum(dim=-2)"
_COLLAPSED = "return F.relu(normalize_channels(self.norm, self.collapse(messages)))"

CONTEXT_BLOCK = mistakes_in(
    f"{_LAYERS}/context_block.py",
    (f"{_TESTS}/test_context_block.py",),
    {
        "context: bias missing in padded frames": (
            "squeezed = F.linear(nodes, self.squeeze.weight)\n"
            "        windows = graph.temporal_windows(squeezed, self.window).squeeze(-1)\n"
            "        return self._relate(windows + self.squeeze.bias)",
            "windows = graph.temporal_windows(self.squeeze(nodes), self.window).squeeze(-1)\n"
            "        return self._relate(windows)",
        ),
        "context: biases start at random": ("nn.init.zeros_(layer.bias)", "pass"),
        "context: rows and columns exchanged": (
            "self.expand(squeezed).unflatten(-1, (self.size, self.size))",
            "self.expand(squeezed).unflatten(-1, (self.size, self.size)).mT",
        ),
        "context: rows of Fig. 4a not normalised": (
            "return graph.normalize_rows(rows)",
            "return rows",
        ),
        "context: clips of another length accepted": (
            "if nodes.shape[1] != self.num_frames:",
            "if False:",
        ),
    },
)

TOPOLOGY = mistakes_in(
    f"{_LAYERS}/topology.py",
    (f"{_TESTS}/test_topology.py",),
    {
        "topology: mask left out of the sum": (
            "(self.physical, self.mask)",
            "(self.physical, None)",
        ),
        "topology: self_loops ignored": ("self_loops=self_loops", "self_loops=True"),
        "topology: unused mask built": (
            "nn.Parameter(torch.zeros(num_nodes, num_nodes)) if mask else None",
            "nn.Parameter(torch.zeros(num_nodes, num_nodes))",
        ),
        "topology: context of frames for windows": (
            "elif self.context is not None:\n            terms.append(self.context.relate_nodes",
            "elif self.context is not None:\n            nodes = nodes.mean(dim=1, keepdim=True)\n"
            "            terms.append(self.context.relate_nodes",
        ),
    },
)

GRAPH_CONV = mistakes_in(
    f"{_LAYERS}/graph_conv3d.py",
    (f"{_TESTS}/test_graph_conv3d.py",),
    {
        "3D convolution: W after the nonlinearity": (
            _PROJECTED,
            "graph.convolve_windows(nodes, adjacency, self.window)\n"
            "        slots = messages.unflatten(-1, (self.window, -1))\n"
            "        messages = self.weight(slots).flatten(-2)",
        ),
        "3D convolution: W left out": (
            _PROJECTED,
            _PROJECTED.replace("self.weight(nodes)", "nodes"),
        ),
        "3D convolution: collapse with a bias": (
            "nn.Linear(window * channels, channels, bias=False)",
            "nn.Linear(window * channels, channels)",
        ),
        "3D convolution: no ReLU at the end": (
            _COLLAPSED,
            "return normalize_channels(self.norm, self.collapse(messages))",
        ),
        "3D convolution: batch norm skipped": (
            _COLLAPSED,
            "return F.relu(self.collapse(messages))",
        ),
        "3D convolution: adjacency normalised twice": ("if not normalized:", "if True:"),
        "3D convolution: degree_eps ignored": (
            "graph.normalize_adjacency(adjacency, eps=self.degree_eps)",
            "graph.normalize_adjacency(adjacency)",
        ),
    },
) + mistakes_in(
    f"{_LAYERS}/frame_graph_conv.py",
    (f"{_TESTS}/test_frame_graph_conv.py",),
    {
        "frame convolution: adjacency transposed": (
            "adjacency.to(transformed) @ transformed",
            "adjacency.to(transformed).mT @ transformed",
        ),
        "frame convolution: no ReLU": ("return F.relu(messages", "return (messages"),
        "frame convolution: the norm is not used": (
            "messages if self.norm is None else normalize_channels(self.norm, messages)",
            "messages",
        ),
    },
)

CROSS_SCALE_CONV = mistakes_in(
    f"{_LAYERS}/cross_scale_conv.py",
    (f"{_TESTS}/test_cross_scale_conv.py",),
    {
        "cross-scale: phi of x_j": (
            "self.embed_node(nodes).unsqueeze(-2)",
            "self.embed_node(nodes).unsqueeze(-3)",
        ),
        "cross-scale: h shared by the scales": (
            "self._relations(target, self.relate_target",
            "self._relations(target, self.relate_source",
        ),
        "cross-scale: f shared by the scales": (
            "self.relate_target, self.augment_target",
            "self.relate_target, self.augment_source",
        ),
        "cross-scale: varphi in the place of phi": (
            "embedded = self.embed_node(nodes)",
            "embedded = self.embed_difference(nodes)",
        ),
        "cross-scale: varphi before the difference": (
            "self.embed_difference.activate(cross_scale.pairwise_differences(projected))",
            "cross_scale.pairwise_differences(self.embed_difference.activate(projected))",
        ),
        "cross-scale: batch norm skipped": (
            "return F.relu(normalize_channels(self.norm, projected))",
            "return F.relu(projected)",
        ),
        "cross-scale: logit scale not passed on": (
            "logit_scale=self.logit_scale",
            "logit_scale=1.0",
        ),
    },
) + mistakes_in(
    "mmctl/functional/cross_scale.py",
    (f"{_TESTS}/test_cross_scale_conv.py",),
    {
        "cross-scale: mean over j for the sum": (_RECTIFIED, _RECTIFIED.replace("sum", "mean")),
        "cross-scale: j = i left out": (
            _RECTIFIED,
            "own = torch.eye(values.shape[-2], dtype=torch.bool).unsqueeze(-1)\n"
            "    return values.masked_fill((values <= 0) | own, 0.0).sum(dim=-2)",
        ),
        "cross-scale: negative relations summed too": (_RECTIFIED, "return values.sum(dim=-2)"),
    },
)

BODY = mistakes_in(
    "mmctl/structures/body.py",
    ("tests/test_structures/test_body.py",),
    {
        "body: eyes not swapped by a flip": (
            "FLIP_ORDER = (0, 2, 1, 4, 3,",
            "FLIP_ORDER = (0, 1, 2, 4, 3,",
        ),
        "body: left and right arms exchanged": (
            "(5, 7), (7, 9), (6, 8), (8, 10)),\n",
            "(6, 8), (8, 10), (5, 7), (7, 9)),\n",
        ),
        "body: s2 parts gathered as in the other table": (
            "((0, 1), (2, 4), (3, 5), (6, 8), (7, 9))",
            "((0, 1), (2, 3), (4, 5), (6, 7), (8, 9))",
        ),
    },
)

LOSS_CLASSES = mistakes_in(
    "mmctl/models/losses/gather_rows.py",
    ("tests/test_models/test_losses/test_gather_rows.py",),
    {
        "gathering: gradient without its factor": ("gradient * num_processes", "gradient"),
        "gathering: no gradient": ("gathered[get_rank()] = own", "pass"),
    },
) + mistakes_in(
    "mmctl/models/losses/pair_loss.py",
    (
        "tests/test_models/test_losses/test_triplet_loss.py",
        "tests/test_models/test_losses/test_circle_loss.py",
    ),
    {
        "triplet: every process mines its own clips": (
            "gather_rows(features), gather_rows(labels)",
            "features, labels",
        ),
        "triplet: every process divides by its own factor": ("all_reduce(total)", "pass"),
    },
)

INSTANCE_BATCH_NORM = mistakes_in(
    "mmctl/models/layers/instance_batch_norm.py",
    (
        "tests/test_models/test_layers/test_instance_batch_norm.py",
        "tests/test_models/test_backbones/test_clip_backbone.py",
    ),
    {
        "instance: the batch norm comes first": (
            "(self.IN(instance), self.BN(batch))",
            "(self.BN(batch), self.IN(instance))",
        ),
        "instance: no scale of its own": ("own, affine=True", "own"),
        "instance: the frame's means live on": (
            "own, affine=True",
            "own, affine=True, track_running_stats=True",
        ),
    },
)

LAYERS = (
    *CONTEXT_BLOCK,
    *TOPOLOGY,
    *GRAPH_CONV,
    *CROSS_SCALE_CONV,
    *BODY,
    *LOSS_CLASSES,
    *INSTANCE_BATCH_NORM,
)
