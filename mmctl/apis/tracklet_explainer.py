"""Why a trained network finds tracklets alike, from inputs of any kind."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
from torch import Tensor

from mmctl.apis.inference.tracklet_item import TrackletItem
from mmctl.apis.tracklet_inferencer import TrackletInferencer
from mmctl.explanations import (
    CamSettings,
    ClipMaps,
    LearnedGraphs,
    SimilaritySplit,
    TrackletClips,
    TrackletTerms,
    average_terms,
    compute_terms,
    feature_target,
    identity_target,
    map_clips,
    read_graphs,
    similarity_target,
    split_similarity,
)
from mmctl.explanations.clip_maps import BACKBONE
from mmctl.explanations.part_names import find_part
from mmctl.explanations.targets import Target
from mmctl.explanations.undisturbed_model import check_model


class TrackletExplainer:
    """Explains what an inferencer's model makes of tracklets: same clips, same weights of clips.

    The model is left as it is: modes, gradients and hooks are afterwards as before. Everything is
    computed in float32, without mixed precision.

    Args:
        inferencer: The model with its test pipeline.

    Raises:
        ValueError: If its model is of another kind.
    """

    def __init__(self, inferencer: TrackletInferencer) -> None:
        self.inferencer = inferencer
        self.model = check_model(inferencer.model)

    def load(self, inputs: Any, index: int = 0, **kwargs: Any) -> TrackletClips:
        """Load all clips of one tracklet.

        Args:
            inputs: Any of the kinds of docs/en/inference.md.
            index: Which of its tracklets, from 0.
            **kwargs: ``keypoints`` of the call and what else tells how the inputs are read, as for
                :meth:`TrackletInferencer.stream`.

        Raises:
            FileNotFoundError: If a file does not exist.
            ValueError: If there is no such tracklet, or something is wrong with the inputs, for
                example no keypoints.
        """
        read = self.inferencer._read(inputs, kwargs)
        item = None
        if index >= 0 and (read.total is None or index < read.total):
            item = next(islice(read.items(index), 1), None)
        if item is None:
            last = "none is known" if read.total is None else f"0 to {read.total - 1}"
            raise ValueError(f"tracklet must be one of the inputs, {last}, got {index}")
        return self._load(item)

    def _load(self, item: TrackletItem) -> TrackletClips:
        loaded = self.inferencer.pipeline.load(item, 0, 1)
        return TrackletClips(item.name, loaded.inputs, loaded.sample, loaded.clip_indices)

    def terms(self, tracklet: TrackletClips) -> TrackletTerms:
        """Return the terms that a tracklet's feature is the sum of."""
        return compute_terms(self.model, tracklet)

    def map(
        self,
        tracklet: TrackletClips,
        *,
        against: TrackletClips | None = None,
        identity: int | None = None,
        part: str | int | None = None,
        feature: str | None = None,
        layers: Sequence[str] = (BACKBONE,),
        settings: CamSettings | None = None,
    ) -> list[ClipMaps]:
        """Map where the network looked (Grad-CAM).

        Args:
            tracklet: What is mapped.
            against: Map what makes it similar to this tracklet.
            identity: Map what speaks for an identity of the training set.
            part: Map the share of one body part, by name or index, or of ``'global'``, in the
                similarity, or without ``against`` in the feature itself.
            feature: ``'before'`` or ``'after'`` the neck; ``None``: as the model is tested.
            layers: Names of layers.
            settings: How maps are made.

        Returns:
            Maps of each layer.

        Raises:
            ValueError: If the target, the part or a layer does not exist.
        """
        target = self._target(against, identity, part, feature)
        return map_clips(self.model, tracklet, target, layers, settings)

    def _target(
        self,
        against: TrackletClips | None,
        identity: int | None,
        part: str | int | None,
        feature: str | None,
    ) -> Target:
        if identity is not None:
            others = {"another tracklet": against, "a part": part, "feature": feature}
            given = [name for name, value in others.items() if value is not None]
            if given:
                raise ValueError(
                    "the logit of an identity is a target of its own, of the whole feature, got "
                    f"{' and '.join(given)} beside it"
                )
            return identity_target(self.model, identity)
        place = None if part is None else find_part(self.model, part)
        if against is None:
            return feature_target(self.model, place, feature)
        return similarity_target(self.model, self.terms(against), place, feature)

    def average(self, inputs: Any, count: int, **kwargs: Any) -> Tensor:
        """Return the terms of the average person of some tracklets, for :meth:`split`.

        Args:
            inputs: As for :meth:`load`.
            count: How many of the tracklets, evenly spaced; all where there are fewer.
            **kwargs: As for :meth:`load`.

        Raises:
            ValueError: If ``count`` is not positive, or something is wrong with the inputs.
        """
        read = self.inferencer._read(inputs, kwargs)
        if count < 1 or not read.total:
            raise ValueError(
                "the average person needs at least 1 tracklet of inputs that can be counted, got "
                f"{count} of {read.total}"
            )
        places = set(np.linspace(0, read.total - 1, min(count, read.total)).round().astype(int))
        items = (item for place, item in enumerate(read.items()) if place in places)
        return average_terms(self.terms(self._load(item)) for item in items)

    def split(
        self,
        first: TrackletClips,
        second: TrackletClips,
        feature: str | None = None,
        average: Tensor | None = None,
    ) -> SimilaritySplit:
        """Split the similarity of two tracklets exactly over parts, frames and the global feature.

        Args:
            first: One tracklet.
            second: The other.
            feature: ``'before'`` or ``'after'`` the neck; ``None``: as the model is tested.
            average: Terms of an average person, from :meth:`average`, beyond whom parts count;
                ``None``: parts are taken as they are.

        Raises:
            ValueError: If the reading does not exist.
        """
        terms = self.terms(first), self.terms(second)
        return split_similarity(self.model, *terms, feature, average)

    def graphs(self, tracklet: TrackletClips) -> LearnedGraphs:
        """Return the learned topology and the cross-scale weights of a tracklet.

        Raises:
            ValueError: If the model has no graphs.
        """
        return read_graphs(self.model, tracklet)
