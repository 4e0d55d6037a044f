"""Who is who in a finished data set of tracks: the list is written anew, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmctl.datasets.listings.annotation_file import read_annotation_file, write_annotation_file
from mmctl.datasets.tracking.identity_map import Identities
from mmctl.datasets.tracking.set_folder import ANNOTATIONS, TRACKS, track_table
from mmctl.datasets.tracking.split_choice import SplitChoice
from mmctl.files import FolderLock, write_whole

Entry = dict[str, Any]


@dataclass
class Labels:
    """What was done.

    Attributes:
        pids: Persons among the labelled tracklets, junk and distractors with them.
        splits: Tracklets of each split; ``'unlabelled'`` for those that have none.
        warnings: What looks wrong.
    """

    pids: set[int] = field(default_factory=set)
    splits: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)


def label_tracklets(
    folder: Path, identities: Identities | None, choice: SplitChoice | None
) -> Labels:
    """Give the tracklets of a data set their persons and splits.

    All tracklets stay in the list, in their order, so that stored keypoints stay theirs; those
    that the map lacks, and nobody's where all train, are unlabelled.

    Args:
        folder: The data set, as convert_mot.py or track_video.py made it.
        identities: Person of each track; None makes every track a person of its own.
        choice: Who trains and who is tested; None takes all labels away.

    Raises:
        FileNotFoundError: If the list does not exist.
        ValueError: If the list does not say which tracks its tracklets are, a query camera is in
            none of them, nobody is labelled, or no tested person has a query.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"folder {folder} does not exist; it must hold {ANNOTATIONS}")
    with FolderLock(folder):
        path = folder / ANNOTATIONS
        metainfo, entries, num_rows = read_annotation_file(str(path))
        _check_tracks(path, entries)
        for entry in entries:
            for key in ("pid", "split", *(["keypoint_rows"] if num_rows is not None else [])):
                entry.pop(key, None)
        labels = Labels()
        if choice is not None:
            _label(path, entries, identities, choice, labels)
        labels.splits.update(entry.get("split", "unlabelled") for entry in entries)
        labels.pids = {entry["pid"] for entry in entries if "pid" in entry}
        metainfo.pop("num_pids", None)  # it is counted
        ordered = [_in_order(entry) for entry in entries]
        if (folder / TRACKS).exists():
            write_whole(folder / TRACKS, track_table(ordered))
        write_annotation_file(path, metainfo, ordered)
    return labels


def _check_tracks(path: Path, entries: Sequence[Entry]) -> None:
    for number, entry in enumerate(entries):
        if "track" not in entry:
            raise ValueError(
                f"{path}: tracklet {number} must have the key 'track', because persons are named "
                f"by camera and track, but it has {', '.join(sorted(entry))}"
            )


def _label(
    path: Path,
    entries: Sequence[Entry],
    identities: Identities | None,
    choice: SplitChoice,
    labels: Labels,
) -> None:
    tracks = {(entry["camid"], entry["track"]) for entry in entries}
    camids = sorted({camid for camid, _ in tracks})
    unknown = sorted(set(choice.query_cameras) - set(camids))
    if unknown:
        raise ValueError(
            f"query_cameras must be cameras of {path}, {camids}, because their tracklets are the "
            f"queries, got {unknown[0]}"
        )
    if identities is None:
        identities = {key: number for number, key in enumerate(sorted(tracks), start=1)}
    strange = sorted(set(identities) - tracks)
    if strange:
        camid, track = strange[0]
        labels.warnings.append(
            f"{len(strange):,} of {len(identities):,} tracks in the identity map are in no "
            f"tracklet of {path}, the first one is track {track} of camera {camid}: "
            "was it made of other tracks?"
        )
    known = [entry for entry in entries if (entry["camid"], entry["track"]) in identities]
    pids = [identities[entry["camid"], entry["track"]] for entry in known]
    splits = choice.assign(
        pids, [entry["camid"] for entry in known], [len(entry["frames"]) for entry in known]
    )
    for entry, pid, split in zip(known, pids, splits, strict=True):
        if split is not None:
            entry |= {"pid": pid, "split": split}
    found = {split for split in splits if split is not None}
    needed = "train" if choice.mode == "train" else "query"
    if needed not in found:
        raise ValueError(
            f"at least one tracklet of {path} must have the split {needed!r} with this identity "
            f"map, got none among {len(known):,} of {len(entries):,} tracklets that it names"
        )


def _in_order(entry: Entry) -> Entry:
    """Return a tracklet with its labels before everything else, where people look for them."""
    first = {key: entry[key] for key in ("pid", "camid", "split") if key in entry}
    return first | entry
