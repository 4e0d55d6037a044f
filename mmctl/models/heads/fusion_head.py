"""The fusion block, its losses and the feature for retrieval."""

from __future__ import annotations

from typing import Any

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmctl.functional import fusion
from mmctl.models.watched_values import watch, watching
from mmctl.registry import MODELS

PAPER_LOSSES: dict[str, Any] = {
    "triplet": {"type": "mmctl.BatchHardTripletLoss", "margin": 0.3},
    "identity": {"type": "mmpretrain.LabelSmoothLoss", "label_smooth_val": 0.1},
    "diversity": {"type": "mmctl.DiversityLoss"},
}
"""The terms of eq. 9, all with weight 1."""


@MODELS.register_module()
class FusionHead(BaseModule):
    """Fuse global and part features into three clip features and train each (section 3.5).

    ``global``: V_f^g = mean_t V_g. ``sum``: V_f^a = mean_t(sum_n V_p[n] + V_g), the feature for
    retrieval. ``concat``: V_f^c = mean_t(concat_n g_n(V_p[n]) + V_g). Without parts only
    ``global`` exists and serves for retrieval: the plain baseline.

    Args:
        channels: Channels of V_g and of every part, C.
        num_classes: Identities of the training set.
        num_parts: Parts of V_p; 0 for the plain baseline.
        losses: Changes to :data:`PAPER_LOSSES`: configs of ``triplet`` and ``identity``, one term
            per clip feature, and ``diversity``; ``None`` in the place of a config leaves the term
            out. The classifiers belong to ``identity``.
        neck: ``'bnneck'`` (a batch norm before each classifier; the triplet loss sees the feature
            before it) or ``'none'``.
        test_feature: Retrieve with the feature ``'before'`` or ``'after'`` the neck.
        init_cfg: MMEngine's initialisation config.

    Raises:
        ValueError: If an argument is unknown or contradicts another.
    """

    def __init__(
        self,
        channels: int,
        num_classes: int,
        num_parts: int = 5,
        losses: dict[str, dict[str, Any] | None] | None = None,
        neck: str = "bnneck",
        test_feature: str = "before",
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        losses = {**PAPER_LOSSES, **(losses or {})} if num_parts else _without_parts(losses)
        self._check(channels, num_parts, neck, test_feature, losses)
        self.channels = channels
        self.num_classes = num_classes
        self.num_parts = num_parts
        self.test_feature = test_feature
        self.branches = ("global", "sum", "concat") if num_parts else ("global",)
        self.test_branch = "sum" if num_parts else "global"
        terms = {name: MODELS.build(cfg) for name, cfg in losses.items() if cfg is not None}
        self.losses = nn.ModuleDict(terms)
        self.necks = nn.ModuleDict()
        if neck == "bnneck":
            self.necks.update({name: _bn_neck(channels) for name in self.branches})
        self.classifiers = nn.ModuleDict()
        if "identity" in self.losses:
            self.classifiers.update(
                {name: _classifier(channels, num_classes) for name in self.branches}
            )
        self.reduce = nn.ModuleList(
            nn.Linear(channels, width) for width in _split_width(channels, num_parts)
        )

    @staticmethod
    def _check(
        channels: int, num_parts: int, neck: str, test_feature: str, losses: dict[str, Any]
    ) -> None:
        if neck not in ("bnneck", "none"):
            raise ValueError(f"neck must be 'bnneck' or 'none', got {neck!r}")
        if test_feature not in ("before", "after"):
            raise ValueError(f"test_feature must be 'before' or 'after', got {test_feature!r}")
        if (neck, test_feature) == ("none", "after"):
            raise ValueError("test_feature='after' needs a neck to come after, got neck='none'")
        if not 0 <= num_parts <= channels:
            raise ValueError(f"num_parts must be from 0 to channels={channels}, got {num_parts}")
        unknown = set(losses) - {"triplet", "identity", "diversity"}
        if unknown:
            raise ValueError(
                f"losses must be among triplet, identity and diversity, got {sorted(unknown)}"
            )
        if not num_parts and losses.get("diversity") is not None:
            raise ValueError("losses.diversity needs parts, got num_parts=0: set it to None")
        if neck == "bnneck" and losses["identity"] is None:
            raise ValueError(
                "neck='bnneck' needs losses.identity, got None: the neck would never see a "
                "gradient; set neck='none'"
            )

    def fuse(self, branch: str, global_features: Tensor, parts: Tensor | None) -> Tensor:
        """Return one clip feature.

        Args:
            branch: 'global', 'sum' or 'concat'.
            global_features: V_g, (B, T, C).
            parts: V_p, (B, T, num_parts, C); unused by 'global'.

        Returns:
            V_f of the branch, (B, C).

        Raises:
            ValueError: If there are not ``num_parts`` parts.
        """
        given = 0 if parts is None else parts.shape[2]
        if given != self.num_parts:
            raise ValueError(
                f"the head was built for num_parts={self.num_parts} and got {given} parts: with a "
                "graph head num_parts is the number of s3 parts, without one 0"
            )
        if branch == "global" or parts is None:
            return fusion.fuse_global(global_features)
        if branch == "sum":
            return fusion.fuse_sum(global_features, parts)
        reduced = [layer(parts[:, :, index]) for index, layer in enumerate(self.reduce)]
        return fusion.fuse_concat(global_features, reduced)

    def loss(
        self, global_features: Tensor, parts: Tensor | None, labels: Tensor
    ) -> dict[str, Tensor]:
        """Compute the terms of eq. 9.

        Args:
            global_features: V_g, (B, T, C).
            parts: V_p, (B, T, num_parts, C), or ``None`` for the baseline.
            labels: Training labels, (B,).

        Returns:
            Scalars by name: ``loss_triplet_<branch>``, ``loss_identity_<branch>``,
            ``loss_diversity``. Watched are what the triplet loss watches, by branch.
        """
        terms = {}
        for branch in self.branches:
            feature = self.fuse(branch, global_features, parts)
            if "triplet" in self.losses:
                with watching() as watched:
                    terms[f"loss_triplet_{branch}"] = self.losses["triplet"](feature, labels)
                for name, value in watched.items():
                    watch(f"{name}_{branch}", value)
            if "identity" in self.losses:
                logits = self.classifiers[branch](self._after_neck(branch, feature))
                terms[f"loss_identity_{branch}"] = self.losses["identity"](logits, labels)
        if "diversity" in self.losses and parts is not None:
            terms["loss_diversity"] = self.losses["diversity"](parts.mean(dim=1))
        return terms

    def _after_neck(self, branch: str, feature: Tensor) -> Tensor:
        return self.necks[branch](feature) if branch in self.necks else feature

    def predict(self, global_features: Tensor, parts: Tensor | None) -> Tensor:
        """Return the feature for retrieval of each clip; the other branches are not computed.

        Args:
            global_features: V_g, (B, T, C).
            parts: V_p, (B, T, num_parts, C), or ``None`` for the baseline.

        Returns:
            V_f^a (V_f^g for the baseline), before or after the neck, (B, C).
        """
        feature = self.fuse(self.test_branch, global_features, parts)
        if self.test_feature == "after":
            return self._after_neck(self.test_branch, feature)
        return feature


def _without_parts(losses: dict[str, Any] | None) -> dict[str, Any]:
    """Return the losses of the plain baseline: the paper's but for the diversity of parts."""
    return {**PAPER_LOSSES, "diversity": None, **(losses or {})}


def _split_width(channels: int, num_parts: int) -> list[int]:
    """Split ``channels`` into near-equal widths, wider ones first: 2048 is no multiple of 5."""
    if not num_parts:
        return []
    width, wider = divmod(channels, num_parts)
    return [width + (index < wider) for index in range(num_parts)]


def _bn_neck(channels: int) -> nn.BatchNorm1d:
    """Return a batch norm whose shift is fixed at zero (Luo et al. 2019)."""
    norm = nn.BatchNorm1d(channels)
    norm.bias.requires_grad_(False)
    return norm


def _classifier(channels: int, num_classes: int) -> nn.Linear:
    classifier = nn.Linear(channels, num_classes, bias=False)
    nn.init.normal_(classifier.weight, std=0.001)
    return classifier
