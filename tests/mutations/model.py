"""Mistakes in what puts the layers together: heads, the model, its configs."""

from __future__ import annotations

from tests.mutations.mutation import mistakes_in

_MODELS = "mmctl/models"
_TESTS = "tests/test_models"

PART_GRAPH_HEAD = mistakes_in(
    f"{_MODELS}/heads/part_graph_head.py",
    (f"{_TESTS}/test_heads/test_part_graph_head.py",),
    {
        "shortcut: around the first layer too": (
            "updated if layer == 0 else current[scale] + updated",
            "current[scale] + updated",
        ),
        "shortcut: around no layer": (
            "updated if layer == 0 else current[scale] + updated",
            "updated",
        ),
        "graphs: built anew for every layer": (
            "for _ in range(self.num_layers if per_layer else 1)",
            "for _ in range(self.num_layers)",
        ),
        "graphs: degree_eps not passed on": (
            "normalize_adjacency(raw, eps=self.degree_eps)",
            "normalize_adjacency(raw)",
        ),
        "graphs: clamped fraction inverted": (
            "degrees(adjacency.detach()) < self.degree_eps",
            "degrees(adjacency.detach()) >= self.degree_eps",
        ),
        "transfer: source and target exchanged": (
            "transfers[source](nodes[source], nodes[TARGET])",
            "transfers[source](nodes[TARGET], nodes[source])[:, :, :5]",
        ),
        "transfer: after every layer": (
            "if str(layer + 1) in self.transfers:\n"
            "                current[TARGET] = self._transfer(current, str(layer + 1))",
            "if self.transfers:\n"
            "                current[TARGET] = self._transfer(current, list(self.transfers)[-1])",
        ),
        "transfer: M = 2 shares its weights": (
            "self._transfer(current, str(layer + 1))",
            "self._transfer(current, list(self.transfers)[-1])",
        ),
        "transfer: unused layers built": (
            "for layer in sorted(set(self.cross_scale_after)) if self.sources else ():",
            "for layer in range(1, self.num_layers + 1) if self.sources else ():",
        ),
        "transfer: balance not passed on": (
            "for source in self.sources]\n        return fuse_scales(nodes[TARGET], sent, "
            "balance=self.balance)",
            "for source in self.sources]\n        return fuse_scales(nodes[TARGET], sent)",
        ),
        "addition: balance not passed on": (
            "for s in self.sources]\n        return fuse_scales(nodes[TARGET], sent, "
            "balance=self.balance)",
            "for s in self.sources]\n        return fuse_scales(nodes[TARGET], sent)",
        ),
    },
)

_REDUCED = "layer(parts[:, :, index]) for index, layer in enumerate(self.reduce)"

FUSION_HEAD = (
    mistakes_in(
        f"{_MODELS}/heads/fusion_head.py",
        (f"{_TESTS}/test_heads/test_fusion_head.py",),
        {
            "fusion: every g_n sees the first part": (
                "layer(parts[:, :, index])",
                "layer(parts[:, :, 0])",
            ),
            "fusion: one g_n for all parts": (
                _REDUCED,
                "self.reduce[0](parts[:, :, index])[..., : layer.out_features]\n"
                "            for index, layer in enumerate(self.reduce)",
            ),
            "fusion: narrow g_n first": (
                "width + (index < wider)",
                "width + (index >= num_parts - wider)",
            ),
            "fusion: retrieval by the concatenation": (
                '["sum"] if num_parts else ["global"]',
                '["concat"] if num_parts else ["global"]',
            ),
            "fusion: another number of parts accepted": (
                "if given != self.num_parts:",
                "if False:",
            ),
            "diversity: before the temporal mean": (
                "parts.mean(dim=1)",
                "parts.flatten(0, 1)",
            ),
            "neck: test feature on its other side": (
                'if self.test_feature == "after" else feature',
                'if self.test_feature == "before" else feature',
            ),
            "losses: no label smoothing": ('"label_smooth_val": 0.1', '"label_smooth_val": 0.0'),
        },
    )
    + mistakes_in(
        f"{_MODELS}/heads/branch_head.py",
        (f"{_TESTS}/test_heads/test_fusion_head.py",),
        {
            "neck: triplet after it": (
                'given = {**common, "features": feature}',
                'given = {**common, "features": self._after_neck(branch, feature)}',
            ),
            "neck: classifier before it": (
                'self._classify(branch, given["normalized"], labels)',
                "self._classify(branch, feature, labels)",
            ),
        },
    )
    + mistakes_in(
        f"{_MODELS}/heads/branch_layers.py",
        (f"{_TESTS}/test_heads/test_fusion_head.py",),
        {"neck: shift is trained": ('requires_grad_(neck == "bn")', "requires_grad_(True)")},
    )
)

PREPROCESSOR = mistakes_in(
    f"{_MODELS}/data_preprocessor.py",
    (f"{_TESTS}/test_data_preprocessor.py",),
    {
        "preprocessor: frames reordered": (
            "place.copy_(clips)",
            "place.copy_(clips.flip(1))",
        ),
        "preprocessor: channels reordered": (
            "place.copy_(clips)",
            "place.copy_(clips.flip(2))",
        ),
        "preprocessor: mean ignored": (
            ".sub_(self.mean)",
            "",
        ),
    },
)

VIDEO_REID = (
    mistakes_in(
        f"{_MODELS}/video_reid.py",
        (f"{_TESTS}/test_video_reid.py",),
        {
            "model: clips normalised before their mean": (
                "chunks.append(self.head.predict(*features).float())",
                "chunks.append(torch.nn.functional.normalize(self.head.predict(*features).float()))",
            ),
            "model: keypoints of the first chunk for all": (
                "None if stored is None else stored[rows]",
                "None if stored is None else stored[: len(inputs[rows])]",
            ),
            "model: chunks of clips, not of frames": (
                "max(1, self.frames_per_chunk // inputs.shape[1])",
                "max(1, self.frames_per_chunk)",
            ),
            "model: labels from pids": ("s.gt_label for s", "s.pid for s"),
        },
    )
    + mistakes_in(
        f"{_MODELS}/clip_average.py",
        (f"{_TESTS}/test_video_reid.py",),
        {
            "model: weights of clips ignored": (
                "weights = [sample.clip_weights.to(clips) for",
                "weights = [clips.new_ones(len(sample.clip_weights)) for",
            ),
            "model: mean of clips under autocast": (
                "(weights.unsqueeze(-1) * own).sum(dim=0)",
                "(weights @ own)",
            ),
            "model: clips dealt to the wrong tracklets": ("split(counts)", "split(counts[::-1])"),
        },
    )
    + mistakes_in(
        f"{_MODELS}/pose/keypoint_heatmaps.py",
        (f"{_TESTS}/test_video_reid.py",),
        {
            "model: heatmaps of a lying frame": (
                "(frames.shape[2], frames.shape[3])",
                "(frames.shape[3], frames.shape[2])",
            ),
        },
    )
)

CONFIGS = mistakes_in(
    "configs/_base_/default_runtime.py",
    ("tests/test_configs.py::test_batch_norm_statistics_are_averaged_over_ranks",),
    {"config: batch norm statistics drift apart": ("    dict(type='SyncBuffersHook'),\n", "")},
) + mistakes_in(
    "configs/_base_/models/ctl_r50.py",
    ("tests/test_configs.py::test_the_mars_config_is_the_papers_recipe",),
    {"config: last stride 2": ("strides=(1, 2, 2, 1)", "strides=(1, 2, 2, 2)")},
)

PACKAGE = mistakes_in(
    "mmctl/functional/losses.py",
    ("tests/test_architecture.py",),
    {"package: the core imports MMEngine": ("import torch\n", "import torch\nimport mmengine\n")},
) + mistakes_in(
    "mmctl/engine/cpu_amp_optim_wrapper.py",
    ("tests/test_engine/test_cpu_amp_optim_wrapper.py",),
    {
        "mixed precision: forward pass in float32": (
            'torch.autocast("cpu", dtype=torch.bfloat16)',
            'torch.autocast("cpu", enabled=False)',
        )
    },
)

MODEL = (
    *PART_GRAPH_HEAD,
    *FUSION_HEAD,
    *PREPROCESSOR,
    *VIDEO_REID,
    *CONFIGS,
    *PACKAGE,
)
