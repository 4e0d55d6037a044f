"""Signs that a number is not what its protocol says: printed loudly, never silently put right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

import numpy as np

from mmctl.datasets.checks.official_counts import OFFICIAL_PROTOCOLS
from mmctl.evaluation.tracklet_features import Evaluation, TrackletFeatures

_ALIKE = 1e-4
_MANY_CAMERAS = 32
# Galleries this many times smaller than the official one are drawn or reduced on purpose.
_DRAWN = 2
# 0001C1T0001F001.jpg, 00-1C2T0003F004.jpg, 0001C6F0099X30823.jpg, 0001_C6_F0099_X30823.jpg
_CAMERA_IN_NAME = re.compile(r"^(?:\d{4}|00-1)_?C(\d+)[_TF]")


def find_oddities(
    tracklets: TrackletFeatures, evaluation: Evaluation, dataset_name: str | None = None
) -> list[str]:
    """Return what looks wrong with features, labels or counts, one sentence each.

    Args:
        tracklets: The features with their labels.
        evaluation: Their evaluation.
        dataset_name: The data set's name; official counts are known for some. A set of less than
            half the official gallery is a drawn or reduced one and is not compared.
    """
    return [
        *_odd_counts(evaluation, dataset_name),
        *_odd_features(tracklets, evaluation),
        *_odd_cameras(tracklets, evaluation),
        *_odd_matches(tracklets, evaluation),
        *_repeated_tracklets(tracklets),
    ]


def _odd_counts(evaluation: Evaluation, dataset_name: str | None) -> Iterator[str]:
    num_queries, num_scored = len(evaluation.query_rows), evaluation.ranking.num_queries
    if num_scored < num_queries:
        yield (
            f"{num_queries - num_scored} of {num_queries} queries have no match under another "
            "camera and are not scored"
        )
    found = {"scored": num_scored, "gallery": len(evaluation.gallery_rows)}
    name = evaluation.protocol.name
    official = OFFICIAL_PROTOCOLS.get(dataset_name or "", {}).get(name, found)
    if found != official and _DRAWN * found["gallery"] >= official["gallery"]:
        yield (
            f"{dataset_name} under {name} scores {official['scored']} queries against a gallery of "
            f"{official['gallery']}, got {found['scored']} against {found['gallery']}: the number "
            "cannot be compared with published ones; are pids, camids and queries the official "
            "ones?"
        )


def _odd_features(tracklets: TrackletFeatures, evaluation: Evaluation) -> Iterator[str]:
    features = tracklets.features
    # Extremes and hashes, because a second copy of all features may not fit.
    spread = np.linalg.norm(features.max(axis=0) - features.min(axis=0))
    if spread <= _ALIKE * np.sqrt(np.einsum("nc,nc->n", features, features).max()):
        yield "all features are alike: the ranking is the order of the data set"
        return
    in_gallery: dict[tuple[int, int], set[int]] = {}
    for row in evaluation.gallery_rows:
        cameras = in_gallery.setdefault(_person_and_feature(tracklets, row), set())
        cameras.add(int(tracklets.camids[row]))
    num_own = sum(
        bool(
            in_gallery.get(_person_and_feature(tracklets, row), set())
            - {int(tracklets.camids[row])}
        )
        for row in evaluation.query_rows
    )
    if num_own:
        yield (
            f"{num_own} queries match a gallery tracklet of another camera with exactly the same "
            "feature: probably themselves under a wrong camid, which raises every number"
        )


def _person_and_feature(tracklets: TrackletFeatures, row: int) -> tuple[int, int]:
    return int(tracklets.pids[row]), hash(tracklets.features[row].tobytes())


def _odd_cameras(tracklets: TrackletFeatures, evaluation: Evaluation) -> Iterator[str]:
    used = np.union1d(evaluation.query_rows, evaluation.gallery_rows)
    num_cameras = len(np.unique(tracklets.camids[used]))
    if num_cameras > max(_MANY_CAMERAS, len(used) // 8):
        yield (
            f"camids have {num_cameras} different values for {len(used)} tracklets: are they "
            "camera ids, and not those of frames or tracklets?"
        )
    cameras, counts = np.unique(tracklets.camids, return_counts=True)
    alone = cameras[counts == 1]
    if evaluation.refinement.centre_cameras and len(alone):
        yield (
            f"{len(alone)} cameras, as {alone[0]}, have one tracklet each, of which centre_cameras "
            "leaves nothing: it is as far from every other"
        )
    named = [_CAMERA_IN_NAME.match(PurePath(str(path)).name) for path in tracklets.frame_paths]
    if all(named):
        cameras = np.array([int(match[1]) for match in named if match is not None])
        wrong = np.flatnonzero(cameras != tracklets.camids)
        if len(wrong):
            row = wrong[0]
            yield (
                f"{len(wrong)} of {len(named)} camids are not the camera that the frame names, as "
                f"in {tracklets.frame_paths[row]} with camid {tracklets.camids[row]}: are labels "
                "of frames paired with features of tracklets?"
            )


def _odd_matches(tracklets: TrackletFeatures, evaluation: Evaluation) -> Iterator[str]:
    if not evaluation.protocol.single_match:
        return
    num_matches = evaluation.ranking.num_matches
    num_other = int(np.count_nonzero(num_matches != 1))
    if num_other:
        yield (
            f"{evaluation.protocol.name} gives every query exactly one match, but {num_other} of "
            f"{len(num_matches)} queries have another number (up to {num_matches.max()})"
        )
    shared = np.intersect1d(
        tracklets.camids[evaluation.query_rows], tracklets.camids[evaluation.gallery_rows]
    )
    if len(shared):
        yield (
            f"{evaluation.protocol.name} ranks one camera's tracklets for those of another, but "
            f"camera {shared[0]} is in the query and in the gallery"
        )


def _repeated_tracklets(tracklets: TrackletFeatures) -> Iterator[str]:
    ids = tracklets.tracklet_ids[tracklets.tracklet_ids >= 0]
    num_repeated = len(ids) - len(np.unique(ids))
    if num_repeated:
        yield (
            f"{num_repeated} tracklet ids come more than once: a sampler repeated tracklets, or "
            "several data sets were joined"
        )
