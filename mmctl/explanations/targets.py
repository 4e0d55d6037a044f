"""What a gradient is taken of: functions of the terms of a tracklet's feature."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from mmctl.explanations.readings import read_feature
from mmctl.explanations.tracklet_terms import TrackletTerms
from mmctl.explanations.undisturbed_model import head_of
from mmctl.functional.similarity import affine_terms, split_cosine
from mmctl.models.video_reid import VideoReID

Target = Callable[[Tensor], Tensor]
"""From the terms of a tracklet, parts first and the global feature last, (N + 1, C) float64, to
one number."""


def similarity_target(
    model: VideoReID, other: TrackletTerms, part: int | None = None, reading: str | None = None
) -> Target:
    """Return the cosine similarity with another tracklet, or the share of one part in it.

    The shares of all parts and the global feature, and that of the constant behind a neck, add up
    to the similarity, and so do their maps before they are rectified.

    Args:
        model: The model.
        other: Terms of the other tracklet.
        part: Index of the part; N is the global feature.
        reading: Feature before or after the neck; ``None``: as the model is tested.

    Raises:
        ValueError: If the reading does not exist.
    """
    affine = read_feature(head_of(model), reading)
    fixed = affine_terms(other.total(), *affine).sum(dim=0, keepdim=True)

    def similarity(terms: Tensor) -> Tensor:
        shares = split_cosine(affine_terms(terms, *affine), fixed).squeeze(1)
        return shares.sum() if part is None else shares[part]

    return similarity


def feature_target(model: VideoReID, part: int | None = None, reading: str | None = None) -> Target:
    """Return the length of the feature, or what one part adds to it: what the feature is made of.

    The direction is that of the feature itself and is held fixed, so that the parts add up here,
    too.

    Args:
        model: The model.
        part: Index of the part; N is the global feature.
        reading: Feature before or after the neck; ``None``: as the model is tested.

    Raises:
        ValueError: If the reading does not exist.
    """
    affine = read_feature(head_of(model), reading)

    def length(terms: Tensor) -> Tensor:
        read = affine_terms(terms, *affine)
        direction = torch.nn.functional.normalize(read.detach().sum(dim=0), dim=0)
        lengths = read @ direction
        return lengths.sum() if part is None else lengths[part]

    return length


def identity_target(model: VideoReID, identity: int) -> Target:
    """Return the logit of one identity of the training set, of the feature for retrieval.

    Args:
        model: The model.
        identity: Its training label.

    Raises:
        ValueError: If the model has no classifier, or not so many identities.
    """
    head = head_of(model)
    if head.test_branch not in head.classifiers:
        raise ValueError(
            "the logit of an identity needs a model with classifiers, but no loss of this one "
            "reads logits"
        )
    if not 0 <= identity < head.num_classes:
        raise ValueError(
            f"identity must be a training label of the model, from 0 to {head.num_classes - 1}, "
            f"got {identity}"
        )
    place = next(head.classifiers.parameters())

    def logit(terms: Tensor) -> Tensor:
        feature = terms.sum(dim=0, keepdim=True).to(place)
        label = torch.tensor([identity], device=place.device)
        return head.classify(head.test_branch, feature, label)[0, identity].double().cpu()

    return logit
