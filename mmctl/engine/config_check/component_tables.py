"""What the check of components knows of keys: which kind of component stands under them."""

from __future__ import annotations

from collections.abc import Callable

from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.registry import (
    DATA_SAMPLERS,
    DATASETS,
    FUNCTIONS,
    OPTIMIZERS,
    TRANSFORMS,
    VISBACKENDS,
    Registry,
)
from torch import nn
from torch.nn.utils import clip_grad_norm_

NESTED_REGISTRIES: dict[str, Registry] = {
    "dataset": DATASETS,
    "datasets": DATASETS,
    "sampler": DATA_SAMPLERS,
    "batch_sampler": DATA_SAMPLERS,
    "collate_fn": FUNCTIONS,
    "worker_init_fn": FUNCTIONS,
    "pipeline": TRANSFORMS,
    "transforms": TRANSFORMS,
    "optimizer": OPTIMIZERS,
    "vis_backends": VISBACKENDS,
}
"""Where a key always holds a component of one kind; elsewhere it is that of the parent."""

OPAQUE_KEYS = frozenset({"estimator", "codec", "decoder", "metainfo"})
"""Keys whose values another library builds in its own way; so are those that end with ``_cfg``."""

MAX_SHOWN = 20

PLAIN_SECTIONS: dict[str, frozenset[str]] = {
    "randomness": frozenset({"seed", "diff_rank_seed", "deterministic"}),
    "env_cfg": frozenset({"cudnn_benchmark", "mp_cfg", "dist_cfg", "resource_limit"}),
    "auto_scale_lr": frozenset({"base_batch_size", "enable"}),
}


DEFAULT_HOOKS = frozenset(
    {"runtime_info", "timer", "sampler_seed", "logger", "param_scheduler", "checkpoint"}
)
"""The hooks that every Runner has, by their name in ``default_hooks``."""

KEYWORDS: dict[tuple[str, str], tuple[str | Callable, frozenset[str]]] = {
    ("PartGraphHead", "topology"): (
        "ContextTopology",
        frozenset({"channels", "num_nodes", "edges", "window", "num_frames"}),
    ),
    ("PartGraphHead", "cross_scale"): ("CrossScaleConv", frozenset({"channels"})),
    ("PartGraphHead", "graph_conv"): ("GraphConv3d", frozenset({"channels", "window"})),
    ("BranchHead", "classifier"): ("LinearClassifier", frozenset({"channels", "num_classes"})),
    ("FusionHead", "classifier"): ("LinearClassifier", frozenset({"channels", "num_classes"})),
    ("OptimWrapper", "clip_grad"): (clip_grad_norm_, frozenset({"parameters"})),
}
"""Whose keywords a dict without ``type`` holds, by class and key: a model of ours or a function,
and the keywords that the class gives itself."""

MODEL_KEYS: dict[str, frozenset[str]] = {
    "VideoReID": frozenset({"data_preprocessor", "backbone", "neck", "head", "pose", "graph_head"}),
    "BranchHead": frozenset({"losses", "classifier"}),
    "BranchNeck": frozenset({"branches"}),
    "ClipBackbone": frozenset({"backbone", "convs", "norms", "plugins", "tail"}),
    "FusionHead": frozenset({"losses", "classifier"}),
    "PooledBranch": frozenset({"temporal"}),
    "StripeBranch": frozenset({"layers"}),
    "PartGraphHead": frozenset({"topology", "graph_conv", "cross_scale"}),
}
"""Where our models have models under a key, by class."""

EXTRA_KEYS: dict[tuple[str, str], frozenset[str]] = {
    ("BranchHead", "losses"): frozenset({"reads", "loss_weight"}),
    ("BranchNeck", "branches"): frozenset({"maps"}),
    ("ClipBackbone", "convs"): frozenset({"stage", "blocks"}),
    ("ClipBackbone", "norms"): frozenset({"stage"}),
    ("ClipBackbone", "plugins"): frozenset({"stage", "after"}),
    ("FusionHead", "losses"): frozenset({"reads", "loss_weight"}),
}
"""Keys of a component that its owner takes out of the config, by class and key of the owner."""

BASES: dict[str, tuple[type, str]] = {
    "model": (nn.Module, "its parameters are trained and saved"),
    "hook": (Hook, "the Runner calls its methods"),
    "metric": (BaseMetric, "the Evaluator calls its methods"),
}
"""What a class of a kind must be a subclass of, and why."""
