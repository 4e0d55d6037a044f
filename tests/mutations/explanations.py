"""Mistakes in Grad-CAM, in the split of similarities and in the graphs that are drawn."""

from __future__ import annotations

from tests.mutations.mutation import mistakes_in

_ROOM = "mmctl/explanations"
_TESTS = "tests/test_explanations"

EXPLANATIONS = (
    mistakes_in(
        "mmctl/functional/grad_cam.py",
        ("tests/test_functional/test_grad_cam.py",),
        {
            "grad-cam: weights of each frame alone": (
                'axes = (1, 3, 4) if per == "clip" else (3, 4)',
                "axes = (3, 4)",
            ),
            "grad-cam: weights of the whole batch": (
                'axes = (1, 3, 4) if per == "clip"',
                'axes = (0, 1, 3, 4) if per == "clip"',
            ),
            "grad-cam: sum for the mean gradient": (
                "weights = gradients.mean(dim=axes, keepdim=True)",
                "weights = gradients.sum(dim=axes, keepdim=True)",
            ),
            "grad-cam: not rectified": (
                "return F.relu(add_channels(weighted, eigen=eigen))",
                "return add_channels(weighted, eigen=eigen)",
            ),
            "grad-cam: rectified channel by channel": (
                "total = weighted.sum(dim=2)",
                "total = F.relu(weighted).sum(dim=2)",
            ),
            "grad-cam: principal component of either sign": (
                "torch.where(agreement < 0, -1.0, 1.0)",
                "torch.where(agreement < 0, 1.0, -1.0)",
            ),
            "layer-cam: negative gradients count": (
                "return F.relu(gradients) * activations",
                "return gradients * activations",
            ),
        },
    )
    + mistakes_in(
        "mmctl/functional/similarity.py",
        ("tests/test_functional/test_similarity.py",),
        {
            "split: lengths of the terms for those of the sums": (
                "first.sum(dim=0).norm() * second.sum(dim=0).norm()",
                "first.norm() * second.norm()",
            ),
            "split: added in float32": (
                "first, second = first.double(), second.double()",
                "first, second = first.float(), second.float()",
            ),
            "split: shift added to every term": (
                "exact = exact * scale.to(exact)",
                "exact = exact * scale.to(exact) + (0 if shift is None else shift)",
            ),
            "split: sign of the running mean": (
                "shift = -scale * mean.double()",
                "shift = scale * mean.double()",
            ),
            "split: eps of the batch norm forgotten": (
                "scale = (variance.double() + eps).rsqrt()",
                "scale = variance.double().rsqrt()",
            ),
        },
    )
    + mistakes_in(
        f"{_ROOM}/tracklet_terms.py",
        (f"{_TESTS}/test_similarity_split.py",),
        {
            "terms: clips weigh alike": (
                "return weights / weights.sum()",
                "return torch.ones_like(weights) / len(weights)",
            ),
            "terms: global feature in front": (
                "torch.cat([head.weigh_parts(parts), together], dim=2)",
                "torch.cat([together, head.weigh_parts(parts)], dim=2)",
            ),
            "terms: summed over frames": (
                "self.weights, self.values.double()) / self.frames.shape[1]",
                "self.weights, self.values.double())",
            ),
        },
    )
    + mistakes_in(
        f"{_ROOM}/similarity_split.py",
        (f"{_TESTS}/test_similarity_split.py",),
        {
            "split: average taken from every frame whole": (
                "beyond = per_frame - weights[:, None, None] * average",
                "beyond = per_frame - average",
            ),
            "split: average lost": (
                "affine = (scale, common if shift is None else shift + common)",
                "affine = (scale, shift)",
            ),
        },
    )
    + mistakes_in(
        f"{_ROOM}/clip_maps.py",
        (f"{_TESTS}/test_clip_maps.py",),
        {
            "maps: clips weigh alike": (
                "weights = clips.weights[rows, None, None, None]",
                "weights = torch.ones_like(clips.weights)[rows, None, None, None]",
            ),
            "maps: frames that fill a clip are added": (
                "(sums / counts[:, None, None])",
                "sums",
            ),
        },
    )
    + mistakes_in(
        f"{_ROOM}/layer_outputs.py",
        (f"{_TESTS}/test_clip_maps.py",),
        {
            "maps: hooks left behind": ("handle.remove()", "pass"),
            "maps: output overwritten in place": (
                "if several else kept.clone()",
                "if several else kept",
            ),
        },
    )
    + mistakes_in(
        f"{_ROOM}/undisturbed_model.py",
        (f"{_TESTS}/test_clip_maps.py",),
        {
            "maps: batch norm in training mode": ("        model.eval()\n", ""),
            "maps: mode not given back": ("module.training = mode", "pass"),
            "maps: under autocast": (
                "torch.autocast(device_type=device.type, enabled=False)",
                "torch.enable_grad()",
            ),
            "maps: parameters stay frozen": (
                "parameter.requires_grad_(True)",
                "parameter.requires_grad_(False)",
            ),
        },
    )
    + mistakes_in(
        f"{_ROOM}/places.py",
        (f"{_TESTS}/test_places.py",),
        {
            "tokens: extra ones taken for the last": (
                "output[:, num_extra_tokens:]",
                "output[:, : output.shape[1] - num_extra_tokens]",
            ),
            "tokens: rows and columns exchanged": (
                "tokens.permute(0, 3, 1, 2)",
                "tokens.permute(0, 3, 2, 1)",
            ),
        },
    )
    + mistakes_in(
        f"{_ROOM}/learned_graphs.py",
        (f"{_TESTS}/test_learned_graphs.py",),
        {
            "graphs: rows of the first frame": (
                "rows = adjacency[middle * num_nodes : (middle + 1) * num_nodes]",
                "rows = adjacency[:num_nodes]",
            ),
            "graphs: windows past the ends of a clip": (
                'seen["topology", scale] = whole if whole.shape[1] else graphs',
                'seen["topology", scale] = graphs',
            ),
        },
    )
)
