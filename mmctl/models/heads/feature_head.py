"""A classification head of another project that also gives the feature for retrieval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmctl.registry import MODELS


@MODELS.register_module()
class FeatureHead(BaseModule):
    """Put the feature into each sample that a head predicts, and train it with further losses.

    The feature is what the head classifies: its ``pre_logits``, or without such a method the last
    input, averaged over places and time; where several clips or frames belong to a sample,
    averaged over them. Takes the place of the ``head`` of an image classifier of MMPretrain and of
    the ``cls_head`` of a recognizer of MMAction2. Loads checkpoints of a model with the head alone.

    Args:
        head: Config of the head.
        losses: Configs of losses of features (B, C) and labels (B,) by name, as in
            ``dict(triplet=dict(type='mmctl.BatchHardTripletLoss'))``; the labels are ``gt_label``.
        field: Where a sample gets its feature (C,), which ``ReIDMetric`` reads.
        init_cfg: MMEngine's initialisation config.
    """

    def __init__(
        self,
        head: dict,
        losses: dict[str, dict] | None = None,
        field: str = "feature",
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.head: Any = head if isinstance(head, nn.Module) else MODELS.build(head)
        self.losses = nn.ModuleDict(
            {name: MODELS.build(config) for name, config in (losses or {}).items()}
        )
        self.field = field
        self._register_load_state_dict_pre_hook(self._take_plain_head)

    def pre_logits(self, feats: Any) -> Tensor:
        """Return one feature per row of the inputs, (rows, C).

        Args:
            feats: What the head takes: a tensor, or a tuple of which the last is used.

        Raises:
            ValueError: If it is neither a vector nor a map per row.
        """
        if hasattr(self.head, "pre_logits"):
            feats = self.head.pre_logits(feats)
        if isinstance(feats, Sequence):
            feats = feats[-1]
        if not isinstance(feats, Tensor) or feats.dim() not in (2, 4, 5):
            shape = tuple(feats.shape) if isinstance(feats, Tensor) else type(feats).__name__
            raise ValueError(
                "FeatureHead takes vectors (B, C) or maps (B, C, H, W) or (B, C, T, H, W) as "
                f"features, got {shape} from {type(self.head).__name__}"
            )
        return feats if feats.dim() == 2 else feats.flatten(2).mean(dim=2)

    def forward(self, feats: Any, **arguments: Any) -> Any:
        """Return what the head returns."""
        return self.head(feats, **arguments)

    def loss(self, feats: Any, data_samples: list, **arguments: Any) -> dict[str, Tensor]:
        """Return the losses of the head, and ``loss_<name>`` of each further one.

        Args:
            feats: What the head takes.
            data_samples: One per item, with ``gt_label``.
            **arguments: Handed on to the head.

        Raises:
            ValueError: If a sample has no single label, as after Mixup, or a name comes twice.
        """
        terms = self.head.loss(feats, data_samples, **arguments)
        if not self.losses:
            return terms
        features, labels = self._per_sample(feats, len(data_samples)), _stack_labels(data_samples)
        for name, loss in self.losses.items():
            if f"loss_{name}" in terms:
                raise ValueError(
                    f"losses must have names that {type(self.head).__name__} does not use, got "
                    f"{name!r}"
                )
            terms[f"loss_{name}"] = loss(features, labels.to(features.device))
        return terms

    def predict(self, feats: Any, data_samples: list | None = None, **arguments: Any) -> list:
        """Return the samples that the head returns, with their features.

        Args:
            feats: What the head takes.
            data_samples: One per item, or None for new ones.
            **arguments: Handed on to the head.
        """
        predicted = self.head.predict(feats, data_samples, **arguments)
        features = self._per_sample(feats, len(predicted))
        for sample, feature in zip(predicted, features, strict=True):
            sample.set_field(feature, self.field)
        return predicted

    def _per_sample(self, feats: Any, num_samples: int) -> Tensor:
        """Average the rows of each sample, which follow each other, (num_samples, C)."""
        rows = self.pre_logits(feats)
        if not num_samples or len(rows) % num_samples:
            raise ValueError(
                "FeatureHead needs as many features for each sample, got "
                f"{len(rows)} for {num_samples} samples"
            )
        return rows.unflatten(0, (num_samples, -1)).mean(dim=1)

    def _take_plain_head(self, state: dict[str, Any], prefix: str, *_: Any) -> None:
        """Let weights of the head alone, ``fc.weight``, be those of ``head.fc.weight``."""
        for key in self.head.state_dict():
            plain, own = f"{prefix}{key}", f"{prefix}head.{key}"
            if plain in state and own not in state:
                state[own] = state.pop(plain)


def _stack_labels(data_samples: Sequence[Any]) -> Tensor:
    """Return the labels of the samples, (B,)."""
    labels = [sample.get("gt_label") for sample in data_samples]
    for label in labels:
        if not isinstance(label, Tensor) or label.numel() != 1:
            raise ValueError(
                "the losses of FeatureHead need one gt_label per sample, since mixed images and "
                f"several labels name no single identity, got {label!r:.80}"
            )
    return torch.cat([label.flatten() for label in labels])
