"""Which parts, and which frames, made two tracklets match: their similarity, split exactly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mmctl.explanations.part_names import part_names
from mmctl.explanations.readings import Affine, read_feature
from mmctl.explanations.tracklet_terms import TrackletTerms
from mmctl.explanations.undisturbed_model import check_model, head_of
from mmctl.functional.similarity import affine_terms, split_cosine

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Shares:
    """What the parts and frames of one of two tracklets add to their similarity.

    ``parts.sum() + global_feature + constant`` is the similarity, and so is
    ``frames.sum() + constant``.

    Attributes:
        parts: Of each body part, (N,); empty for the plain baseline.
        global_feature: Of V_g.
        constant: Of what belongs to no part and no frame: the neck's shift, and the average
            person where parts are compared with one; else 0.
        frames: Of each distinct frame, (S,).
        frame_numbers: Which frames of the tracklet these are, (S,).
        table: Of each frame the parts and, last, the global feature, (S, N + 1).
    """

    parts: FloatArray
    global_feature: float
    constant: float
    frames: FloatArray
    frame_numbers: npt.NDArray[np.int64]
    table: FloatArray


@dataclass(frozen=True)
class SimilaritySplit:
    """The cosine similarity of two tracklets, split.

    Attributes:
        similarity: The cosine.
        names: What the terms are called: the parts, then ``'global'``.
        first: Shares of the first tracklet's parts and frames.
        second: Shares of the second one's.
        pairs: Share of each pair of terms, (N + 2, N + 2), the first tracklet's down, the second
            one's across; the last row and column are the constant's. Adds up to the similarity.
    """

    similarity: float
    names: tuple[str, ...]
    first: Shares
    second: Shares
    pairs: FloatArray


def split_similarity(
    model: torch.nn.Module,
    first: TrackletTerms,
    second: TrackletTerms,
    reading: str | None = None,
    average: Tensor | None = None,
) -> SimilaritySplit:
    """Split the cosine similarity of two tracklets over body parts, frames and V_g.

    All sums are taken in float64; the similarity is that of the features that the model predicts,
    to the rounding of its own sums.

    Behind a batch norm the constant is large, because it takes away what all people have in
    common, and parts seem to speak against a match that do not. With ``average`` a part is what
    it has beyond that of the average person, whose own share goes to the constant: the same
    similarity, the same exactness.

    Args:
        model: The model whose terms these are.
        first: Terms of the first tracklet.
        second: Terms of the second one.
        reading: Feature ``'before'`` or ``'after'`` the neck; ``None``: as the model is tested.
        average: Mean of the terms of many tracklets, (N + 1, C), as :func:`average_terms` gives
            it; ``None``: parts are taken as they are.

    Raises:
        ValueError: If it is another kind of model, or the reading does not exist.
    """
    checked = check_model(model)
    scale, shift = read_feature(head_of(checked), reading)
    if average is None:
        average = torch.zeros(first.values.shape[2:], dtype=torch.float64)
    common = average.double().sum(dim=0) * (1.0 if scale is None else scale)
    affine = (scale, common if shift is None else shift + common)
    mine, other = (affine_terms(terms.total() - average, *affine) for terms in (first, second))
    pairs = split_cosine(mine, other)
    return SimilaritySplit(
        float(pairs.sum()),
        tuple(part_names(checked)),
        _shares(first, average, mine, other, affine),
        _shares(second, average, other, mine, affine),
        pairs.numpy(),
    )


def average_terms(tracklets: Iterable[TrackletTerms]) -> Tensor:
    """Return the mean of the terms of tracklets: the average person, (N + 1, C) float64.

    Args:
        tracklets: Terms of at least one.

    Raises:
        ValueError: If there is none.
    """
    totals = [terms.total() for terms in tracklets]
    if not totals:
        raise ValueError("the average person needs at least one tracklet, got none")
    return torch.stack(totals).mean(dim=0)


def _shares(
    terms: TrackletTerms, average: Tensor, own: Tensor, other: Tensor, affine: Affine
) -> Shares:
    """Return the shares of one tracklet, given the read terms of both, (N + 2, C) each."""
    numbers, weights, per_frame = terms.per_frame()
    beyond = per_frame - weights[:, None, None] * average
    read = affine_terms(beyond.flatten(0, 1), *affine)
    total = other.sum(dim=0, keepdim=True)
    shares = split_cosine(read, total).squeeze(1)
    table = shares[:-1].view(len(numbers), -1).numpy()
    by_term = split_cosine(own, total).squeeze(1).numpy()
    return Shares(
        by_term[:-2], float(by_term[-2]), float(by_term[-1]), table.sum(axis=1), numbers, table
    )
