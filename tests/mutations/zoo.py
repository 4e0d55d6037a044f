"""Mistakes in the systems of the zoo."""

from __future__ import annotations

from tests.mutations.mutation import mistakes_in

_MODELS = "mmctl/models"
_TESTS = "tests/test_models"

TEMPORAL = (
    mistakes_in(
        "mmctl/functional/temporal.py",
        ("tests/test_functional/test_temporal.py",),
        {
            "temporal: the frame after for the one before": ("if step == -1:", "if step == 1:"),
            "temporal: slots of the kernel mixed with channels": (
                "kernel.transpose(0, 1).flatten(1, 2)",
                "kernel.movedim(0, 2).flatten(1, 2)",
            ),
            "registration: by inner products": ("F.normalize(e, dim=2)", "e"),
            "registration: without temperature": ("scale=temperature", "scale=1.0"),
            "registration: rows and columns exchanged": (
                "moved.mT.unflatten(-1, neighbours.shape[-2:])",
                "moved.mT.unflatten(-1, neighbours.shape[:-3:-1]).mT",
            ),
        },
    )
    + mistakes_in(
        f"{_MODELS}/layers/temporal_conv.py",
        (f"{_TESTS}/test_layers/test_temporal_conv.py",),
        {
            "temporal: sides exchanged": (
                "[self.sides[0], self.weight, self.sides[1]]",
                "[self.sides[1], self.weight, self.sides[0]]",
            ),
            "temporal: p3d-c as p3d-b": (
                "self._with_neighbours(spatial, kernel)",
                "self._with_neighbours(maps, kernel)",
            ),
            "registration: the mask trains what it sees": (
                "self.embed_frame, clips.detach()",
                "self.embed_frame, clips",
            ),
            "registration: the mask left out": (
                "moved * _per_frame(self.mask, common).sigmoid()",
                "moved",
            ),
        },
    )
    + mistakes_in(
        f"{_MODELS}/layers/non_local_block.py",
        (f"{_TESTS}/test_layers/test_temporal_conv.py",),
        {
            "non-local: always over the clip": (
                'if self.span == "clip" else 1',
                "if self.span else 1",
            ),
            "non-local: values not pooled with their keys": (
                "self.pool(self.value(frames))",
                "self.value(frames)",
            ),
            "non-local: changes a new network": ("nn.init.zeros_(self.norm.weight)", "pass"),
        },
    )
)

BACKBONE = mistakes_in(
    f"{_MODELS}/backbones/clip_backbone.py",
    (f"{_TESTS}/test_backbones/test_clip_backbone.py",),
    {
        "clip backbone: frames per clip not handed on": (
            "operator.num_frames = num_frames",
            "operator.num_frames = 1",
        ),
        "clip backbone: weights of the replaced convolution lost": (
            "new.weight.copy_(old.weight)",
            "pass",
        ),
        "clip backbone: plug-ins one block late": (
            'name = f"layer{index + 1}_{number}"',
            'name = f"layer{index + 1}_{number - 1}"',
        ),
        "clip backbone: the stem's rectifier always": (
            "net.relu(maps) if self.stem_relu else maps",
            "net.relu(maps)",
        ),
    },
)

BRANCHES = (
    mistakes_in(
        f"{_MODELS}/heads/branch_head.py",
        (f"{_TESTS}/test_heads/test_branch_head.py",),
        {
            "branches: the mean is a sum": (
                'value / len(clips) if self.reduction == "mean" else value',
                "value",
            ),
            "branches: retrieved before the neck": (
                'if self.test_feature == "after":',
                "if False:",
            ),
            "branches: one more feature is no branch's": (
                'branch = name.partition(".")[0]\n            given',
                "branch = next(iter(self.widths))\n            given",
            ),
        },
    )
    + mistakes_in(
        f"{_MODELS}/heads/retrieval.py",
        (f"{_TESTS}/test_heads/test_branch_head.py",),
        {
            "branches: lengths left as they are": (
                "tuple(self.widths.values()) if self.normalize_each else ()",
                "()",
            ),
        },
    )
    + mistakes_in(
        f"{_MODELS}/necks/branch_neck.py",
        (f"{_TESTS}/test_necks/test_branch_neck.py",),
        {
            "branches: mean for maximum": ("places.amax(dim=3)", "places.mean(dim=3)"),
            "branches: all read the first maps": (
                "return given[wanted]",
                "return given[min(given)]",
            ),
        },
    )
    + mistakes_in(
        "mmctl/functional/losses.py",
        (f"{_TESTS}/test_heads/test_branch_head.py",),
        {
            "triplet: cosine of features of any length": (
                "unit = F.normalize(features, dim=1)\n            distances",
                "unit = features\n            distances",
            ),
            "triplet: soft margin as a hinge": (
                "F.softplus(positive - negative)",
                "F.relu(positive - negative)",
            ),
        },
    )
)

TCLNET = mistakes_in(
    "mmctl/functional/saliency.py",
    ("tests/test_functional/test_saliency.py",),
    {
        "boosting: a frame looks at itself": (".masked_fill(own, -torch.inf)", ""),
        "boosting: neighbours below and to the right": ("[..., :-1, :-1]", "[..., 1:, 1:]"),
        "erasing: the least alike rows": ("sums.argmax(", "sums.argmin("),
        "erasing: one row": (".abs() <= rows // 2", ".abs() <= 0"),
        "erasing: the erased count": (
            "logits.masked_fill(erased.unsqueeze(2), -torch.inf)",
            "logits",
        ),
    },
) + mistakes_in(
    f"{_MODELS}/backbones/saliency_erasing.py",
    (f"{_TESTS}/test_backbones/test_saliency_erasing.py",),
    {
        "erasing: the second frame teaches the first": ("first.detach(), two", "first, two"),
        "erasing: one learner": ("*shared, self.learner)", "*shared, learner)"),
        "erasing: halves for pairs": (
            "zip(frames[0::2], frames[1::2], strict=True)",
            "zip(frames[: len(frames) // 2], frames[len(frames) // 2 :], strict=True)",
        ),
        "erasing: correlation not scaled": ("/ math.sqrt(maps.shape[1])", ""),
    },
)

POOLS = (
    mistakes_in(
        "mmctl/functional/cosegmentation.py",
        ("tests/test_functional/test_cosegmentation.py",),
        {
            "co-segmentation: a frame sees itself": ("if s != t]", "if s != (t + 1) % num_frames]"),
            "co-segmentation: places not centred": (
                "places = places - places.mean(dim=2, keepdim=True)",
                "pass",
            ),
            "co-segmentation: the biased spread": (
                "places.std(dim=2, keepdim=True)",
                "places.std(dim=2, keepdim=True, correction=0)",
            ),
            "co-segmentation: own places for those of the others": (
                '"btseq,btep->btsqp"',
                '"btsep,bteq->btsqp"',
            ),
        },
    )
    + mistakes_in(
        "mmctl/functional/clip_pooling.py",
        ("tests/test_functional/test_cosegmentation.py",),
        {"norm attention: over the nodes": ("lengths.sum(dim=1,", "lengths.sum(dim=-1,")},
    )
    + mistakes_in(
        f"{_MODELS}/layers/temporal_pools.py",
        (f"{_TESTS}/test_layers/test_temporal_pools.py",),
        {
            "attention pool: without the second rectifier": (
                "F.relu(self.time(places.mT)).squeeze(1)",
                "self.time(places.mT).squeeze(1)",
            ),
            "recurrent pool: the last output alone": ("[0].mean(dim=1)", "[0][:, -1]"),
        },
    )
)

STRIPES = (
    mistakes_in(
        "mmctl/functional/stripes.py",
        ("tests/test_functional/test_stripes.py",),
        {
            "stripes: a node is its own neighbour": ("indices[:, :, 1:]", "indices[:, :, :-1]"),
            "stripes: neighbours by inner products": (
                "unit = F.normalize(flat, dim=2)",
                "unit = flat",
            ),
            "stripes: one frame farther": (".abs() > reach", ".abs() > reach + 1"),
            "stripes: joints of any score": (
                "keypoints[..., 2] > min_score",
                "keypoints[..., 2] > -1",
            ),
            "stripes: only where joints are": (
                "(places >= top) & (places <= bottom)",
                "(places == top) | (places == bottom)",
            ),
            "stripes: nodes connected with themselves": (
                "shared * (1 - torch.eye(shared.shape[-1], device=shared.device))",
                "shared",
            ),
            "stripes: columns for rows of a graph": ("p=1, dim=2)", "p=1, dim=1)"),
            "stripes: level by level mixed": (
                "torch.cat(levels, dim=2).mT",
                "torch.cat(levels[::-1], 2).mT",
            ),
        },
    )
    + mistakes_in(
        f"{_MODELS}/layers/stripe_graphs.py",
        (f"{_TESTS}/test_layers/test_stripe_graphs.py",),
        {
            "stripe graphs: the update beside all of the node": (
                "return (1 - self.gamma) * nodes",
                "return nodes",
            ),
            "stripe graphs: rectified before the length": (
                "F.relu(F.normalize(both, dim=-1))",
                "F.normalize(F.relu(both), dim=-1)",
            ),
        },
    )
    + mistakes_in(
        f"{_MODELS}/necks/stripe_branch.py",
        (f"{_TESTS}/test_necks/test_stripe_branch.py",),
        {
            "stripe branch: subsets in tests": ("if self.training:", "if True:"),
            "stripe branch: subsets out of order": (
                "torch.randperm(nodes.shape[1])[left_out:].sort().values",
                "torch.arange(nodes.shape[1])[left_out:]",
            ),
        },
    )
)

STATISTICS = mistakes_in(
    "mmctl/functional/moments.py",
    ("tests/test_functional/test_moments.py",),
    {
        "moments: not standardised": ("centred / spread.clamp_min(1e-6)", "centred"),
        "moments: of any length": ("unit = F.normalize(moments, dim=2)", "unit = moments"),
        "moments: constant channels are no numbers": ("spread.clamp_min(1e-6)", "spread"),
    },
) + mistakes_in(
    f"{_MODELS}/layers/affinity_topology.py",
    (f"{_TESTS}/test_layers/test_affinity_topology.py",),
    {
        "affinity: rows and columns exchanged": (
            "self.query(windows) @ self.key(windows).mT",
            "self.key(windows) @ self.query(windows).mT",
        ),
        "affinity: without the skeleton": ("if self.physical is None:", "if True:"),
    },
)

ZOO = (*TEMPORAL, *BACKBONE, *BRANCHES, *TCLNET, *POOLS, *STRIPES, *STATISTICS)
