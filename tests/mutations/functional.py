"""Mistakes in the paper's equations."""

from __future__ import annotations

from tests.mutations.mutation import mistakes_in

_LOOP = "return torch.cat([padded[:, slot : slot + num_frames] for slot in range(size)], dim=2)"
_SOFTMAX = "return torch.softmax(scale * resized.flatten(2), dim=-1)"

PARTS = mistakes_in(
    "mmctl/functional/parts.py",
    ("tests/test_functional/test_parts.py",),
    {
        "heatmaps: resized by their corners": ("align_corners=False", "align_corners=True"),
        "heatmaps: softmax over keypoints": ("resized.flatten(2), dim=-1", "resized.flatten(2), 1"),
        "heatmaps: softmax over frames": ("resized.flatten(2), dim=-1", "resized.flatten(2), 0"),
        "heatmaps: temperature ignored": ("softmax(scale * resized", "softmax(resized"),
        "heatmaps: softmax before the resize": (
            _SOFTMAX,
            "maps = torch.softmax(scale * heatmaps.flatten(2), dim=-1).view_as(heatmaps)\n"
            '    return F.interpolate(maps, size=size, mode="bilinear").flatten(2)',
        ),
        "heatmaps: softmax in half precision": (
            "at_least_float32(heatmaps), size",
            "heatmaps, size",
        ),
        "pooling: mean by default": ('reduction: str = "sum"', 'reduction: str = "mean"'),
        "parts: sum for mean": ("(node in part) / len(part)", "float(node in part)"),
    },
)

GRAPH = mistakes_in(
    "mmctl/functional/graph.py",
    ("tests/test_functional/test_graph.py",),
    {
        "windows: reversed in time": (_LOOP, _LOOP.replace("range(size)", "range(size)[::-1]")),
        "windows: ends repeated for zeros": (
            "padded = F.pad(nodes, (0, 0, 0, 0, reach, reach))",
            "ends = [nodes[:, :1]] * reach, [nodes[:, -1:]] * reach\n"
            "    padded = torch.cat([*ends[0], nodes, *ends[1]], dim=1)",
        ),
        "windows: reach into the neighbouring clips": (
            "padded = F.pad(nodes, (0, 0, 0, 0, reach, reach))",
            "before, after = nodes.roll(1, 0), nodes.roll(-1, 0)[:, :reach]\n"
            "    padded = torch.cat([before[:, num_frames - reach :], nodes, after], dim=1)",
        ),
        "windows: node-major": (
            _LOOP,
            f"{_LOOP}.unflatten(2, (size, -1)).transpose(2, 3).flatten(2, 3)",
        ),
        "windows: Tensor.unfold without moving its last axis": (
            _LOOP,
            "return padded.unfold(1, size, 1).reshape(*nodes.shape[:2], -1, nodes.shape[-1])",
        ),
        "tiling: node-major": (
            "return adjacency.repeat(*[1] * (adjacency.dim() - 2), size, size)",
            "return adjacency.repeat_interleave(size, -1).repeat_interleave(size, -2)",
        ),
        "edges: no self-loops": (
            "torch.eye(num_nodes) if self_loops else",
            "torch.zeros(num_nodes, num_nodes) if self_loops else",
        ),
        "edges: one direction only": (
            "adjacency[first, second] = adjacency[second, first] = 1.0",
            "adjacency[first, second] = 1.0",
        ),
        "context rows: L2 over columns": (
            "F.normalize(at_least_float32(adjacency), dim=-1)",
            "F.normalize(at_least_float32(adjacency), dim=-2)",
        ),
        "context rows: normalised in half precision": (
            "F.normalize(at_least_float32(adjacency), dim=-1)",
            "F.normalize(adjacency, dim=-1)",
        ),
        "degrees: from columns": ("(adjacency).sum(dim=-1) + 1.0", "(adjacency).sum(dim=-2) + 1.0"),
        "degrees: without the identity": ("sum(dim=-1) + 1.0", "sum(dim=-1)"),
        "degrees: summed in half precision": (
            "return at_least_float32(adjacency).sum(dim=-1) + 1.0",
            "return at_least_float32(adjacency.sum(dim=-1) + 1.0)",
        ),
        "degrees: clamp removed": (".clamp(min=eps).rsqrt()", ".rsqrt()"),
        "degrees: absolute value for the clamp": (
            "degrees(adjacency).clamp(min=eps)",
            "degrees(adjacency).abs().clamp(min=eps)",
        ),
        "normalisation: identity missing": (
            "at_least_float32(adjacency) + torch.eye(",
            "at_least_float32(adjacency) + 0 * torch.eye(",
        ),
        "normalisation: D^-1 A for D^-1/2 A D^-1/2": (
            "return scale.unsqueeze(-1) * looped * scale.unsqueeze(-2)",
            "return scale.square().unsqueeze(-1) * looped",
        ),
        "normalisation: in half precision": (
            "looped = at_least_float32(adjacency) +",
            "looped = adjacency.bfloat16().to(scale) +",
        ),
        "messages: adjacency transposed": (
            "slots_per_node(adjacency, size).to(nodes)",
            "slots_per_node(adjacency.mT, size).to(nodes)",
        ),
        "messages: rows left slot-major": (
            "split.transpose(-3, -2).flatten(-3, -2)",
            "split.flatten(-3, -2)",
        ),
        "messages: no ReLU": ("return F.relu(messages)", "return messages"),
        "messages: slots reach the collapse latest first": (
            ".unflatten(2, (num_nodes, size)).flatten(3)",
            ".unflatten(2, (num_nodes, size)).flip(3).flatten(3)",
        ),
    },
)

CROSS_SCALE = mistakes_in(
    "mmctl/functional/cross_scale.py",
    ("tests/test_functional/test_cross_scale.py",),
    {
        "eq. 5: differences reversed": (
            "nodes.unsqueeze(-3) - nodes.unsqueeze(-2)",
            "nodes.unsqueeze(-2) - nodes.unsqueeze(-3)",
        ),
        "eq. 5: pair swapped": (
            "F.linear(first, weight[:, :split]) + F.linear(second, weight[:, split:])",
            "F.linear(second, weight[:, :split]) + F.linear(first, weight[:, split:])",
        ),
        "eq. 5: softmax over targets": ("logits, dim=-1", "logits, dim=-2"),
        "eq. 5: logit scale ignored": ("softmax(logit_scale * logits", "softmax(logits"),
        "eq. 5: logits under autocast": (
            "enabled=False",
            "enabled=torch.is_autocast_enabled(source.device.type)",
        ),
        "eq. 5: logits in half precision": (
            "at_least_float32(target) @ at_least_float32(source).transpose(-1, -2)",
            "at_least_float32(target @ source.transpose(-1, -2))",
        ),
        "eq. 6: W transposed": ("@ source, weight))", "@ source, weight.T))"),
        "eq. 6: no ReLU": ("return F.relu(F.linear(adjacency", "return (F.linear(adjacency"),
        "eq. 7: mean for sum of the scales": (".sum(dim=0)", ".mean(dim=0)"),
        "eq. 7: balance on the target": ("target + balance * torch", "balance * target + torch"),
    },
)

LOSSES = mistakes_in(
    "mmctl/functional/losses.py",
    ("tests/test_functional/test_losses.py",),
    {
        "triplet: easiest positive": (
            "distances.masked_fill(~same, 0.0).amax(dim=1)",
            "distances.masked_fill(~same, torch.inf).amin(dim=1)",
        ),
        "triplet: easiest negative": (
            "distances.masked_fill(same, torch.inf).amin(dim=1)",
            "distances.masked_fill(same, 0.0).amax(dim=1)",
        ),
        "triplet: sum over anchors": (
            "triplet_terms(features, labels, margin=margin).mean()",
            "triplet_terms(features, labels, margin=margin).sum()",
        ),
        "triplet: distances by a matrix product": (
            'compute_mode="donot_use_mm_for_euclid_dist"',
            'compute_mode="use_mm_for_euclid_dist"',
        ),
        "triplet: root of zero without a bound": (
            'torch.cdist(features, features, compute_mode="donot_use_mm_for_euclid_dist")',
            "(features[:, None] - features[None]).square().sum(dim=-1).sqrt()",
        ),
        "triplet: distances in half precision": (
            "features = at_least_float32(features)\n    if metric",
            "features = at_least_float32(features.to(torch.bfloat16))\n    if metric",
        ),
        "diversity: mean over 25 entries": (
            ".square().sum(dim=(-2, -1))",
            ".square().mean(dim=(-2, -1))",
        ),
        "reduction: mean of the weights": (
            "terms.mean() if avg_factor is None",
            "terms.sum() / weight.sum() if avg_factor is None and weight is not None",
        ),
        "reduction: avg_factor left out": ("terms.sum() / avg_factor", "terms.mean()"),
        "diversity: rows not normalised": (
            "unit = F.normalize(at_least_float32(parts), dim=-1)",
            "unit = at_least_float32(parts)",
        ),
        "diversity: columns normalised": (
            "F.normalize(at_least_float32(parts), dim=-1)",
            "F.normalize(at_least_float32(parts), dim=-2)",
        ),
        "diversity: product under autocast": (
            "device_type=parts.device.type, enabled=False",
            "device_type=parts.device.type, enabled=torch.is_autocast_enabled(parts.device.type)",
        ),
    },
)

FUSION = mistakes_in(
    "mmctl/functional/fusion.py",
    ("tests/test_functional/test_fusion.py",),
    {
        "fusion: mean of the parts": ("parts.sum(dim=2)", "parts.mean(dim=2)"),
        "fusion: concatenation without V_g": (
            "(torch.cat(list(reduced), dim=-1) + global_features).mean(dim=1)",
            "torch.cat(list(reduced), dim=-1).mean(dim=1)",
        ),
    },
)

FUNCTIONAL = (*PARTS, *GRAPH, *CROSS_SCALE, *LOSSES, *FUSION)
