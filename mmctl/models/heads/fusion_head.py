"""The fusion block, its losses and the feature for retrieval."""

from __future__ import annotations

import inspect
from typing import Any

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmctl.functional import fusion
from mmctl.models.build_component import build_component
from mmctl.models.heads.loss_terms import LossTerm, build_term, check_names
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
            out. Any other name is a further term. It reads what the parameters of its ``forward``
            are named after, or what ``reads`` in its config says, of
            :data:`~mmctl.models.heads.loss_terms.READABLE`, and is computed for each clip feature
            if it reads ``features`` or ``logits``.
        neck: ``'bnneck'`` (a batch norm before each classifier; features that losses read are
            those before it) or ``'none'``.
        test_feature: Retrieve with the feature ``'before'`` or ``'after'`` the neck.
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
        classifier: dict[str, Any] | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        losses = {**PAPER_LOSSES, **(losses or {})} if num_parts else _without_parts(losses)
        self._check(channels, num_parts, neck, test_feature)
        check_names(losses, PAPER_LOSSES)
        self.channels = channels
        self.num_classes = num_classes
        self.num_parts = num_parts
        self.test_feature = test_feature
        self.branches = ("global", "sum", "concat") if num_parts else ("global",)
        self.test_branch = "sum" if num_parts else "global"
        sizes = {"channels": channels, "num_classes": num_classes}
        built = [
            build_term(name, cfg, self.branches, **sizes)
            for name, cfg in losses.items()
            if cfg is not None
        ]
        self.terms = tuple(term for term, _ in built)
        self.losses = nn.ModuleDict({term.name: module for term, module in built})
        reads_logits = any("logits" in term.reads for term in self.terms)
        self._check_terms(neck, reads_logits)
        self.necks = nn.ModuleDict()
        if neck == "bnneck":
            self.necks.update({name: _bn_neck(channels) for name in self.branches})
        self.classifiers = nn.ModuleDict()
        if reads_logits:
            self.classifiers.update(
                {name: _classifier(classifier, channels, num_classes) for name in self.branches}
            )
        self._logits_need_labels = any(
            "labels" in inspect.signature(module.forward).parameters
            for module in self.classifiers.values()
        )
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

    def choose_test_feature(self, test_feature: str) -> None:
        """Retrieve with another feature from now on; the weights stay as they are.

        Args:
            test_feature: ``'before'`` or ``'after'`` the neck.

        Raises:
            ValueError: If it is neither, or there is no neck to come after.
        """
        neck = "bnneck" if len(self.necks) else "none"
        self._check(self.channels, self.num_parts, neck, test_feature)
        self.test_feature = test_feature

    def _check_terms(self, neck: str, reads_logits: bool) -> None:
        for term in self.terms:
            if "parts" in term.reads and not self.num_parts:
                raise ValueError(f"losses.{term.name} needs parts, got num_parts=0: set it to None")
        keys = [key for term in self.terms for key in self._keys(term)]
        for key in keys:
            if keys.count(key) > 1:
                raise ValueError(
                    "losses must be called differently in the log, where a term per clip feature "
                    f"has its name behind its own, got {key} twice"
                )
        if neck == "bnneck" and not reads_logits:
            raise ValueError(
                "neck='bnneck' needs losses.identity, got None and no other term that reads "
                "logits: the neck would never see a gradient; set neck='none'"
            )

    def _keys(self, term: LossTerm) -> list[str]:
        """Return the names of a term in the log."""
        if term.is_per_branch:
            return [f"loss_{term.name}_{branch}" for branch in self.branches]
        return [f"loss_{term.name}"]

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
            ``loss_diversity``, and further terms likewise. Watched are what the losses watch, by
            branch, and what further terms watch by their name, too.
        """
        values: dict[str, Tensor] = {}
        per_branch = [term for term in self.terms if term.is_per_branch]
        for branch in self.branches:
            feature = self.fuse(branch, global_features, parts)
            given = {"features": feature, "labels": labels}
            for term in per_branch:
                # When a term asks for it: gradients are added up in the reverse order, and sums
                # of floats depend on theirs.
                if "logits" in term.reads and "logits" not in given:
                    given["logits"] = self.classify(branch, feature, labels)
                if parts is not None and "parts" in term.reads and "parts" not in given:
                    given["parts"] = parts.mean(dim=1)
                values[f"loss_{term.name}_{branch}"] = self._compute(term, given, branch)
        if parts is not None:
            given = {"parts": parts.mean(dim=1), "labels": labels}
            for term in self.terms:
                if not term.is_per_branch:
                    values[f"loss_{term.name}"] = self._compute(term, given)
        return values

    def _compute(self, term: LossTerm, given: dict[str, Tensor], branch: str = "") -> Tensor:
        module = self.losses[term.name]
        with watching() as watched:
            value = term.compute(
                module[branch] if isinstance(module, nn.ModuleDict) else module, given
            )
        own_name = "" if term.name in PAPER_LOSSES else term.name
        for name, number in watched.items():
            watch("_".join(filter(None, (name, own_name, branch))), number)
        return value

    def classify(self, branch: str, feature: Tensor, labels: Tensor) -> Tensor:
        """Return the logits of one clip feature.

        Args:
            branch: 'global', 'sum' or 'concat'.
            feature: V_f of the branch, before the neck, (B, C).
            labels: Training labels, (B,), which a classifier with a margin needs.

        Returns:
            (B, num_classes).

        Raises:
            ValueError: If the classifier returns another shape.
        """
        classifier, feature = self.classifiers[branch], self._after_neck(branch, feature)
        extra = {"labels": labels} if self._logits_need_labels else {}
        logits = classifier(feature, **extra)
        if logits.shape != (len(feature), self.num_classes):
            raise ValueError(
                f"head.classifier: {type(classifier).__name__} must return logits (clips, "
                f"num_classes), ({len(feature)}, {self.num_classes}), got {tuple(logits.shape)}"
            )
        return logits

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


def _classifier(cfg: dict[str, Any] | None, channels: int, num_classes: int) -> nn.Module:
    default = "mmctl.LinearClassifier"
    return build_component(
        "head.classifier", cfg, default, channels=channels, num_classes=num_classes
    )
