"""Clip features by name, each trained with its terms, and the feature for retrieval."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from keyword import iskeyword
from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmctl.models.clip_average import scale_branches
from mmctl.models.heads.branch_layers import build_classifier, build_norm
from mmctl.models.heads.loss_terms import LossTerm, build_term, check_names
from mmctl.models.heads.retrieval import Retrieval
from mmctl.models.watched_values import watch, watching
from mmctl.registry import MODELS

BRANCH_LOSSES: dict[str, Any] = {
    "triplet": {"type": "mmctl.BatchHardTripletLoss", "margin": 0.3},
    "identity": {"type": "mmpretrain.LabelSmoothLoss", "label_smooth_val": 0.1},
}
"""The terms of every branch where a config does not say otherwise."""

FRAMES = ".frames"
"""Behind the name of a branch: what it gives of its frames, which is no clip feature."""

NECKS, PLACES = ("bn", "bnneck", "none"), ("before", "after")


@MODELS.register_module()
class BranchHead(BaseModule):
    """Train named clip features and join them to the one for retrieval.

    Each branch has a batch norm and a classifier of its own. A feature named ``graph.1`` is one
    more of the branch ``graph``: it is trained through the same two and is no part of what is
    retrieved with.

    Args:
        branches: Channels of each clip feature by name.
        num_classes: Identities of the training set.
        losses: Changes to :data:`BRANCH_LOSSES`, as those of
            :class:`~mmctl.models.heads.fusion_head.FusionHead`. What a term reads, ``reads`` in
            its config, may be ``'normalized'`` (the features after the neck) in the place of
            ``'features'`` (before it), or ``'concat'``: all branches before the neck in one, or
            ``'frames'``: those of a branch with ``frames=True``.
        neck: A batch norm before each classifier: ``'bnneck'`` (its shift stays at zero), ``'bn'``
            (its shift is trained, too) or ``'none'``.
        classifier: Config of each classifier, which gets ``channels`` and ``num_classes``,
            :class:`LinearClassifier` where it has no type.
        reduce: ``'sum'`` or ``'mean'`` of a term over the features that it is computed of.
        retrieve: ``branches`` (all where it does not say), ``at`` (``'after'`` the neck or
            ``'before'``) and ``normalize_each`` (whether each gets length one before they are
            joined) of the feature for retrieval.
        init_cfg: MMEngine's initialisation config.

    Raises:
        KeyError: If a type is not registered.
        TypeError: If a loss or classifier does not take what the head gives it.
        ValueError: If an argument is unknown or contradicts another.
    """

    def __init__(
        self,
        branches: Mapping[str, int],
        num_classes: int,
        losses: dict[str, dict[str, Any] | None] | None = None,
        neck: str = "bnneck",
        classifier: dict[str, Any] | None = None,
        reduce: str = "sum",
        retrieve: dict[str, Any] | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if not branches or not all(
            name.isidentifier() and not iskeyword(name) for name in branches
        ):
            raise ValueError(
                "branches must have at least one name, and those that Python takes, as configs are "
                f"written in it, got {', '.join(branches) or 'none'}"
            )
        if reduce not in ("sum", "mean"):
            raise ValueError(f"reduce must be 'sum' or 'mean', got {reduce!r}")
        self.widths = dict(branches)
        self.num_classes = num_classes
        self.reduction = reduce
        self.retrieval = Retrieval.read(retrieve, self.widths)
        self._build({**BRANCH_LOSSES, **(losses or {})}, BRANCH_LOSSES, neck, classifier)
        self.choose_test_feature("before" if neck == "none" else self.retrieval.at)

    def _build(
        self,
        losses: Mapping[str, Any],
        known: Mapping[str, Any],
        neck: str,
        classifier: dict[str, Any] | None,
    ) -> None:
        """Build terms, necks and classifiers of the branches in ``self.widths``."""
        if neck not in NECKS:
            raise ValueError(f"neck must be one of {NECKS}, got {neck!r}")
        check_names(losses, known)
        self._known = known
        sizes = {"num_classes": self.num_classes}
        if len(set(self.widths.values())) == 1:
            sizes["channels"] = next(iter(self.widths.values()))
        built = [
            build_term(name, cfg, tuple(self.widths), **sizes)
            for name, cfg in losses.items()
            if cfg is not None
        ]
        self.terms = tuple(term for term, _ in built)
        self.losses = nn.ModuleDict({term.name: module for term, module in built})
        reads_logits = any("logits" in term.reads for term in self.terms)
        self._check_terms(neck, reads_logits)
        self.necks, self.classifiers = nn.ModuleDict(), nn.ModuleDict()
        for name, width in self.widths.items():
            if neck != "none":
                self.necks[name] = build_norm(neck, width)
            if reads_logits:
                self.classifiers[name] = build_classifier(classifier, width, self.num_classes)
        self._logits_need_labels = any(
            "labels" in inspect.signature(module.forward).parameters
            for module in self.classifiers.values()
        )

    def _check_terms(self, neck: str, reads_logits: bool) -> None:
        for term in self.terms:
            self._check_reads(term, neck)
        keys = [key for term in self.terms for key in self._keys(term)]
        twice = [key for key in keys if keys.count(key) > 1]
        if twice:
            raise ValueError(
                "losses must be called differently in the log, where a term per clip feature "
                f"has its name behind its own, got {twice[0]} twice"
            )
        if neck != "none" and not reads_logits and not self._read("normalized"):
            raise ValueError(
                f"neck={neck!r} needs losses.identity, got None and no other term that reads "
                "logits: the neck would never see a gradient; set neck='none'"
            )

    def _check_reads(self, term: LossTerm, neck: str) -> None:
        if "parts" in term.reads:
            raise ValueError(
                f"losses.{term.name} needs parts, which a {type(self).__name__} does not have"
            )
        if "normalized" in term.reads and neck == "none":
            raise ValueError(
                f"losses.{term.name} reads features after the neck, got neck='none': let it read "
                "'features'"
            )

    def _read(self, name: str) -> bool:
        return any(name in term.reads for term in self.terms)

    def _keys(self, term: LossTerm) -> list[str]:
        """Return the names of a term in the log."""
        if term.is_per_branch:
            return [f"loss_{term.name}_{branch}" for branch in self.widths]
        return [f"loss_{term.name}"]

    def choose_test_feature(self, test_feature: str) -> None:
        """Retrieve with another feature from now on; the weights stay as they are.

        Args:
            test_feature: ``'before'`` or ``'after'`` the neck.

        Raises:
            ValueError: If it is neither, or there is no neck to come after.
        """
        if test_feature not in PLACES:
            raise ValueError(f"test_feature must be 'before' or 'after', got {test_feature!r}")
        if test_feature == "after" and not len(self.necks):
            raise ValueError("test_feature='after' needs a neck to come after, got neck='none'")
        self.test_feature = test_feature

    def loss(
        self, features: Mapping[str, Tensor], parts: None, labels: Tensor
    ) -> dict[str, Tensor]:
        """Compute the terms.

        Args:
            features: Clip features by name, (B, channels) each.
            parts: ``None``: the features are all there is.
            labels: Training labels, (B,).

        Returns:
            Scalars by name, ``loss_<term>_<feature>``, or ``loss_<term>`` of a term that reads
            ``concat`` alone. Watched are what the losses watch, by feature.
        """
        return self._compute_all(features, parts, labels)

    def _compute_all(
        self, features: Mapping[str, Tensor], parts: Tensor | None, labels: Tensor
    ) -> dict[str, Tensor]:
        values: dict[str, Tensor] = {}
        common = {"labels": labels} if parts is None else {"labels": labels, "parts": parts}
        if self._read("concat"):
            common["concat"] = torch.cat([features[name] for name in self.widths], dim=1)
        clips = {name: own for name, own in features.items() if not name.endswith(FRAMES)}
        for name, feature in clips.items():
            branch = name.partition(".")[0]
            given = {**common, "features": feature}
            for term in self.terms:
                if not term.is_per_branch:
                    continue
                # When a term asks for it: gradients are added up in the reverse order, and sums
                # of floats depend on theirs.
                if {"normalized", "logits"} & set(term.reads) and "normalized" not in given:
                    given["normalized"] = self._after_neck(branch, feature)
                if "logits" in term.reads and "logits" not in given:
                    given["logits"] = self._classify(branch, given["normalized"], labels)
                if "frames" in term.reads and "frames" not in given:
                    given["frames"] = self._frames(term, branch, features)
                value = self._compute(term, given, name)
                share = value / len(clips) if self.reduction == "mean" else value
                values[f"loss_{term.name}_{name}"] = share
        for term in self.terms:
            if not term.is_per_branch and set(term.reads) <= set(common):
                values[f"loss_{term.name}"] = self._compute(term, common)
        return values

    def _frames(self, term: LossTerm, branch: str, features: Mapping[str, Tensor]) -> Tensor:
        if branch + FRAMES not in features:
            raise ValueError(
                f"losses.{term.name} reads frames, which neck.branches.{branch} does not give: set "
                "its frames=True"
            )
        # Once more through the same batch norm, which counts them as it counts clips.
        return self._after_neck(branch, features[branch + FRAMES].mT).mT

    def _compute(self, term: LossTerm, given: Mapping[str, Tensor], name: str = "") -> Tensor:
        module = self.losses[term.name]
        if isinstance(module, nn.ModuleDict):
            module = module[name.partition(".")[0]]
        with watching() as watched:
            value = term.compute(module, given)
        own_name = "" if term.name in self._known else term.name
        for watched_name, number in watched.items():
            watch("_".join(filter(None, (watched_name, own_name, name))), number)
        return value

    def classify(self, branch: str, feature: Tensor, labels: Tensor) -> Tensor:
        """Return the logits of one clip feature.

        Args:
            branch: Name of the branch.
            feature: Its feature, before the neck, (B, C).
            labels: Training labels, (B,), which a classifier with a margin needs.

        Returns:
            (B, num_classes).

        Raises:
            ValueError: If the classifier returns another shape.
        """
        return self._classify(branch, self._after_neck(branch, feature), labels)

    def _classify(self, branch: str, normalized: Tensor, labels: Tensor) -> Tensor:
        classifier = self.classifiers[branch]
        logits = classifier(normalized, **({"labels": labels} if self._logits_need_labels else {}))
        if logits.shape != (len(normalized), self.num_classes):
            raise ValueError(
                f"head.classifier: {type(classifier).__name__} must return logits (clips, "
                f"num_classes), ({len(normalized)}, {self.num_classes}), got {tuple(logits.shape)}"
            )
        return logits

    def _after_neck(self, branch: str, feature: Tensor) -> Tensor:
        return self.necks[branch](feature) if branch in self.necks else feature

    def predict(self, features: Any, parts: None) -> Tensor:  # noqa: ARG002
        """Return the feature for retrieval of each clip, before :meth:`finish`.

        Args:
            features: Clip features by name, (B, channels) each.
            parts: ``None``.

        Returns:
            The branches that are retrieved with, one behind the other, (B, sum of channels).
        """
        chosen = {name: features[name] for name in self.retrieval.widths}
        if self.test_feature == "after":
            chosen = {name: self._after_neck(name, own) for name, own in chosen.items()}
        return torch.cat(list(chosen.values()), dim=1)

    def finish(self, feature: Tensor) -> Tensor:
        """Return the feature of a tracklet, (C,): every branch at length one if ``normalize_each``.

        Args:
            feature: Mean of what :meth:`predict` returned for its clips, (C,).
        """
        return scale_branches(feature[None], self.unit_widths)[0]

    @property
    def unit_widths(self) -> tuple[int, ...]:
        """Channels of the branches that :meth:`finish` gives length one; none: nothing changes."""
        return self.retrieval.unit_widths
