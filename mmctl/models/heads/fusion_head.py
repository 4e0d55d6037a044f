"""The fusion block, its losses and the feature for retrieval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmctl.functional import fusion
from mmctl.models.heads.branch_head import BranchHead
from mmctl.models.heads.loss_terms import LossTerm
from mmctl.models.heads.retrieval import Retrieval
from mmctl.registry import MODELS

PAPER_LOSSES: dict[str, Any] = {
    "triplet": {"type": "mmctl.BatchHardTripletLoss", "margin": 0.3},
    "identity": {"type": "mmpretrain.LabelSmoothLoss", "label_smooth_val": 0.1},
    "diversity": {"type": "mmctl.DiversityLoss"},
}
"""The terms of eq. 9, all with weight 1."""


@MODELS.register_module()
class FusionHead(BranchHead):
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
            out. Any other name is a further term. It reads what the parameters of its ``forward``
            are named after, or what ``reads`` in its config says, of
            :data:`~mmctl.models.heads.loss_terms.READABLE`, and is computed for each clip feature
            if it reads ``features`` or ``logits``.
        neck: ``'bnneck'`` (a batch norm before each classifier; features that losses read are
            those before it) or ``'none'``.
        test_feature: Retrieve with the feature ``'before'`` or ``'after'`` the neck.
        test_branches: Clip features to retrieve with, of 'global', 'sum' and 'concat'; several are
            joined, each at length one. ``None``: the paper's, ``sum`` (``global`` without parts).
        part_weight: Factor on the parts in V_f^a. The paper's is 1: five parts to one V_g; at
            ``1 / num_parts`` their mean counts as much as V_g.
        classifier: Config of the classifier of each clip feature, which gets ``channels`` and
            ``num_classes``, :class:`LinearClassifier` where it has no type. One whose ``forward``
            has a parameter ``labels`` gets those, too. Built where a term reads ``logits``.
        init_cfg: MMEngine's initialisation config.

    Raises:
        KeyError: If a type is not registered.
        TypeError: If a loss or classifier does not take what the head gives it.
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
        test_branches: Sequence[str] | None = None,
        part_weight: float = 1.0,
        classifier: dict[str, Any] | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        BaseModule.__init__(self, init_cfg)
        losses = {**PAPER_LOSSES, **(losses or {})} if num_parts else _without_parts(losses)
        self._check(channels, num_parts, neck, test_feature)
        if part_weight <= 0:
            raise ValueError(f"part_weight must be positive, got {part_weight}")
        self.channels = channels
        self.num_classes = num_classes
        self.num_parts = num_parts
        self.reduction = "sum"
        self.test_feature = test_feature
        self.part_weight = part_weight
        self.branches = ("global", "sum", "concat") if num_parts else ("global",)
        self.widths = dict.fromkeys(self.branches, channels)
        chosen = test_branches or (["sum"] if num_parts else ["global"])
        retrieve = {"branches": chosen, "normalize_each": len(chosen) > 1}
        self.retrieval = Retrieval.read(retrieve, self.widths)
        self.test_branch = next(iter(self.retrieval.widths))
        self._build(losses, PAPER_LOSSES, neck, classifier)
        self.reduce = nn.ModuleList(
            nn.Linear(channels, width) for width in _split_width(channels, num_parts)
        )

    @staticmethod
    def _check(channels: int, num_parts: int, neck: str, test_feature: str) -> None:
        if neck not in ("bnneck", "none"):
            raise ValueError(f"neck must be 'bnneck' or 'none', got {neck!r}")
        if test_feature not in ("before", "after"):
            raise ValueError(f"test_feature must be 'before' or 'after', got {test_feature!r}")
        if (neck, test_feature) == ("none", "after"):
            raise ValueError("test_feature='after' needs a neck to come after, got neck='none'")
        if not 0 <= num_parts <= channels:
            raise ValueError(f"num_parts must be from 0 to channels={channels}, got {num_parts}")

    def _check_reads(self, term: LossTerm, neck: str) -> None:
        if "frames" in term.reads:
            raise ValueError(f"losses.{term.name} reads frames, which only a BranchHead has")
        if "parts" not in term.reads:
            super()._check_reads(term, neck)
        elif not self.num_parts:
            raise ValueError(f"losses.{term.name} needs parts, got num_parts=0: set it to None")

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
            return fusion.fuse_sum(global_features, self.weigh_parts(parts))
        reduced = [layer(parts[:, :, index]) for index, layer in enumerate(self.reduce)]
        return fusion.fuse_concat(global_features, reduced)

    def weigh_parts(self, parts: Tensor) -> Tensor:
        """Return the parts as V_f^a adds them up, of the same shape."""
        return parts if self.part_weight == 1 else self.part_weight * parts

    def loss(  # type: ignore[override]
        self, global_features: Tensor, parts: Tensor | None, labels: Tensor
    ) -> dict[str, Tensor]:
        """Compute the terms of eq. 9.

        Args:
            global_features: V_g, (B, T, C).
            parts: V_p, (B, T, num_parts, C), or ``None`` for the baseline.
            labels: Training labels, (B,).

        Returns:
            Scalars by name: ``loss_triplet_<branch>``, ``loss_identity_<branch>``,
            ``loss_diversity``, and further terms likewise. Watched are what the losses watch, by
            branch, and what further terms watch by their name, too.
        """
        features = {name: self.fuse(name, global_features, parts) for name in self.branches}
        means = None if parts is None else parts.mean(dim=1)
        return self._compute_all(features, means, labels)

    def predict(self, global_features: Tensor, parts: Tensor | None) -> Tensor:
        """Return the feature for retrieval of each clip, before :meth:`finish`.

        Branches that are not retrieved with are not computed.

        Args:
            global_features: V_g, (B, T, C).
            parts: V_p, (B, T, num_parts, C), or ``None`` for the baseline.

        Returns:
            V_f^a (V_f^g for the baseline), before or after the neck, (B, C); of several branches
            one behind the other, (B, C times their number).
        """
        chosen = []
        for name in self.retrieval.widths:
            feature = self.fuse(name, global_features, parts)
            chosen.append(
                self._after_neck(name, feature) if self.test_feature == "after" else feature
            )
        return chosen[0] if len(chosen) == 1 else torch.cat(chosen, dim=1)


def _without_parts(losses: dict[str, Any] | None) -> dict[str, Any]:
    """Return the losses of the plain baseline: the paper's but for the diversity of parts."""
    return {**PAPER_LOSSES, "diversity": None, **(losses or {})}


def _split_width(channels: int, num_parts: int) -> list[int]:
    """Split ``channels`` into near-equal widths, wider ones first: 2048 is no multiple of 5."""
    if not num_parts:
        return []
    width, wider = divmod(channels, num_parts)
    return [width + (index < wider) for index in range(num_parts)]
