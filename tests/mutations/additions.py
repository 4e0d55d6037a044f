"""Mistakes in what takes the losses, layers, clip modes and backbones of others."""

from __future__ import annotations

from tests.mutations.mutation import mistakes_in

_MODELS = "mmctl/models"
_TESTS = "tests/test_models"

ADDITIONS = (
    mistakes_in(
        f"{_MODELS}/backbone_check.py",
        (f"{_TESTS}/test_video_reid.py", f"{_TESTS}/test_backbone_check.py"),
        {
            "model: first map of the backbone": ("last = outputs[-1]", "last = outputs[0]"),
            "backbone: left in eval mode": ("module.training = mode", "pass"),
            "backbone: random numbers drawn": (
                "torch.random.fork_rng(devices=[])",
                "torch.enable_grad()",
            ),
        },
    )
    + mistakes_in(
        f"{_MODELS}/build_component.py",
        (f"{_TESTS}/test_heads/test_own_graph_layers.py",),
        {
            "component: its type is not the config's": (
                '{"type": default, **(cfg or {})}',
                '{**(cfg or {}), "type": default}',
            ),
        },
    )
    + mistakes_in(
        f"{_MODELS}/heads/loss_terms.py",
        (f"{_TESTS}/test_heads/test_loss_terms.py",),
        {
            "terms: weight of the head forgotten": (
                "value if self.weight == 1 else self.weight * value",
                "value",
            ),
            "terms: weighted by the class and the head": (
                'weight = cfg.pop("loss_weight")',
                'weight = cfg["loss_weight"]',
            ),
            "terms: order of reads ignored": (
                "module(*(given[name] for name in self.reads))",
                "module(*(given[name] for name in sorted(self.reads)))",
            ),
        },
    )
    + mistakes_in(
        "mmctl/datasets/transforms/clip_modes.py",
        ("tests/test_datasets/test_transforms/test_clip_modes.py",),
        {
            "modes: frames past the end": ("highest >= num_frames", "False"),
            "modes: weights of a mode ignored": (
                "if weights is None:",
                "if weights is not None:",
            ),
            "modes: a name taken twice": (
                "taken is not None and _address(taken) != _address(function)",
                "False",
            ),
        },
    )
)
