"""A data set as it lies on the disk against what it should hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from mmengine.config import ConfigDict

from mmctl.datasets.checks.dataset_report import CountReport, DatasetReport
from mmctl.datasets.checks.dataset_summary import (
    Infos,
    count_protocols,
    count_subsets,
    find_shared_pids,
    read_infos,
)
from mmctl.datasets.checks.folder_check import FolderReport, check_folders
from mmctl.datasets.checks.frame_check import FrameReport, check_frames, sample_sizes
from mmctl.datasets.checks.keypoint_check import KeypointReport, check_keypoints
from mmctl.datasets.checks.official_counts import OFFICIAL_COUNTS, OFFICIAL_PROTOCOLS, compare
from mmctl.datasets.fixed_layout_dataset import FixedLayoutDataset
from mmctl.datasets.synthetic.drawing_state import begun_marker, finished_marker
from mmctl.datasets.tracklet_dataset import EmptySplitError, TrackletDataset
from mmctl.registry import DATASETS, type_name

UNLABELLED = "unlabelled"
"""In the place of a split: the tracklets that have none."""

_KEYPOINTS = "info/keypoints.npy"


@dataclass
class SplitOnDisk:
    """A split of a data set.

    Attributes:
        config: What builds it.
        infos: Data infos of its tracklets.
        has_official_counts: Whether it claims to be a published data set.
        folders: What lies beside its frames, where they are found by listing folders.
    """

    config: dict[str, Any]
    infos: Infos
    has_official_counts: bool
    folders: FolderReport

    @property
    def name(self) -> str:
        """Class name of the data set, without a scope."""
        return type_name(self.config["type"])

    @property
    def paths(self) -> list[str]:
        """Paths of all frames."""
        return [path for info in self.infos for path in info["frame_paths"]]


def read_split(config: dict[str, Any], split: str, is_own: bool = False) -> SplitOnDisk:
    """Build a split without its pipeline and list its tracklets.

    Args:
        config: Config of a data set of tracklets; its split and pipeline are replaced.
        split: ``'train'``, ``'test'`` or ``'unlabelled'``.
        is_own: Whether it is data of the user's own, whatever its layout. Drawn data are.

    Raises:
        FileNotFoundError: If the data set lacks a file.
        ValueError: If the data set is malformed, or the config is one of a wrapper.
    """
    if "dataset" in config or "datasets" in config:
        raise _not_one_set(config["type"])
    is_unlabelled = split == UNLABELLED
    config = {**config, "split": "all" if is_unlabelled else split, "pipeline": []}
    keypoint_file = config.pop("keypoint_file", None)
    config.pop("heatmap_file", None)
    dataset = DATASETS.build(ConfigDict(config))
    if not isinstance(dataset, TrackletDataset):
        raise _not_one_set(type(dataset).__name__)
    root = Path(config.get("data_root", ""))
    if keypoint_file is None and (root / _KEYPOINTS).is_file():
        keypoint_file = _KEYPOINTS
    is_drawn = finished_marker(root).exists() or begun_marker(root).exists()
    config["keypoint_file"] = keypoint_file
    infos = _select(read_infos(dataset), config)
    if not infos:
        raise EmptySplitError(f"{dataset.listing}: no tracklet is unlabelled")
    return SplitOnDisk(config, infos, not (is_own or is_drawn), _check_folders(dataset, infos))


def _select(infos: Infos, config: Mapping[str, Any]) -> Infos:
    """Return the infos that are looked at: of all splits together those of none."""
    return [info for info in infos if config["split"] != "all" or "split" not in info]


def _not_one_set(kind: Any) -> ValueError:
    return ValueError(
        "the data set to check must be one data set of tracklets, because wrappers repeat or mix "
        f"the files of others, got {kind}; --dataset and --data-root name one"
    )


def read_splits(
    configs: Mapping[str, dict[str, Any]], is_own: bool = False, *, must_exist: bool = True
) -> tuple[list[SplitOnDisk], list[str]]:
    """Read the splits of a data set, of which one may be missing.

    Args:
        configs: Config of each split.
        is_own: As in :func:`read_split`.
        must_exist: Whether a split without tracklets of its own is an error.

    Returns:
        The splits, and what is not there, in words.

    Raises:
        FileNotFoundError, ValueError: As in :func:`read_split`, or if all splits are missing.
    """
    splits: list[SplitOnDisk] = []
    missing: list[tuple[str, EmptySplitError]] = []
    for split, config in configs.items():
        try:
            splits.append(read_split(config, split, is_own))
        except EmptySplitError as error:
            if must_exist:
                raise
            missing.append((split, error))
    if not splits:
        raise missing[0][1]
    # That everybody is known is nothing to tell.
    labelled = [(split, error) for split, error in missing if split != UNLABELLED]
    if set(configs) - {split for split, _ in labelled} == {UNLABELLED}:
        return splits, [f"{' and '.join(split for split, _ in labelled)}: nobody is labelled yet"]
    return splits, [str(error) for _, error in labelled]


def check_splits(
    splits: list[SplitOnDisk],
    mode: str,
    workers: int = 1,
    progress: Callable[[int], None] | None = None,
) -> DatasetReport:
    """Count, compare, and look at frames and keypoints.

    Args:
        splits: The training split, the test split, or both.
        mode: How closely frames are looked at, one of
            :data:`mmctl.datasets.checks.frame_check.MODES`.
        workers: Processes that look at frames.
        progress: Called with numbers of frames looked at.
    """
    subsets, protocols = {}, {}
    for split in splits:
        for name, counts in count_subsets(split.infos).items():
            subsets[name] = _compare(split, counts.to_dict(), OFFICIAL_COUNTS, name)
        if any(info.get("split") == "query" for info in split.infos):
            for name, counted in count_protocols(split.infos).items():
                protocols[name] = _compare(split, counted, OFFICIAL_PROTOCOLS, name)
    frames = check_frames(
        [path for split in splits for path in split.paths], mode, workers, progress
    )
    shared = []
    labelled = [split for split in splits if split.config["split"] != "all"]
    if len({split.config.get("data_root") for split in labelled}) == 1 and len(labelled) == 2:
        shared = find_shared_pids(labelled[0].infos, labelled[1].infos)
    # Both splits may lie in the same folders.
    folders = FolderReport(
        *(
            list(dict.fromkeys(item for split in splits for item in getattr(split.folders, name)))
            for name in ("faults", "notes")
        )
    )
    keypoints = _check_all_keypoints(splits, frames, mode)
    return DatasetReport(subsets, protocols, shared, frames, keypoints, folders)


def tracklet_lengths(splits: list[SplitOnDisk]) -> dict[str, npt.NDArray[np.int64]]:
    """Return the lengths of the tracklets of each split, and of those that have none."""
    infos = [info for split in splits for info in split.infos]
    lengths = {
        name: np.array(
            [len(i["frame_paths"]) for i in infos if i.get("split", UNLABELLED) == name], np.int64
        )
        for name in ("train", "query", "gallery", UNLABELLED)
    }
    return {name: values for name, values in lengths.items() if len(values)}


def frame_sizes(splits: list[SplitOnDisk], frames: FrameReport) -> npt.NDArray[np.int32]:
    """Return heights and widths, (n, 2): of the frames checked, or else of all first frames.

    Frames that cannot be read are left out.
    """
    sizes = frames.sizes
    if not sizes.any():
        firsts = [info["frame_paths"][0] for split in splits for info in split.infos]
        sizes = check_frames(firsts, "header").sizes
    return sizes[sizes.all(axis=1)]


def _check_folders(dataset: TrackletDataset, infos: Infos) -> FolderReport:
    if not isinstance(dataset, FixedLayoutDataset) or not dataset.SUFFIXES:
        return FolderReport()
    return check_folders(
        Path(dataset.data_root),
        [info["frame_paths"] for info in infos],
        dataset.SUFFIXES,
        dataset.FRAME_NUMBER,
    )


def _compare(
    split: SplitOnDisk,
    found: Mapping[str, float],
    official: Mapping[str, Mapping[str, Mapping[str, float]]],
    subset: str,
) -> CountReport:
    if not split.has_official_counts:
        return CountReport(dict(found), "", [])
    return CountReport(dict(found), *compare(found, official.get(split.name, {}).get(subset, {})))


def _check_all_keypoints(
    splits: list[SplitOnDisk], frames: FrameReport, mode: str
) -> list[KeypointReport]:
    reports, first = [], 0
    for split in splits:
        paths = split.paths
        # Broken frames leave zeros, which are skipped.
        sizes = frames.sizes[first : first + len(paths)] if mode != "none" else None
        first += len(paths)
        if split.config["keypoint_file"] is not None:
            if mode == "exist":
                sizes = sample_sizes(paths, np.arange(len(paths)))
            reports.append(_check_keypoints(split, sizes))
    return reports


def _check_keypoints(split: SplitOnDisk, sizes: npt.NDArray[np.int32] | None) -> KeypointReport:
    try:
        infos = _select(read_infos(DATASETS.build(ConfigDict(split.config))), split.config)
        rows = np.concatenate([info["keypoint_rows"] for info in infos])
        return check_keypoints(infos[0]["keypoint_file"], rows, sizes)
    except (FileNotFoundError, ValueError) as error:
        return KeypointReport(str(split.config["keypoint_file"]), faults=[str(error)])
