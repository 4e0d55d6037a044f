"""Several training sets as one, their persons and cameras kept apart."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

from mmengine.dataset import ConcatDataset as MMEngineConcatDataset
from torch.utils.data import ConcatDataset as TorchConcatDataset
from torch.utils.data import Dataset

from mmctl.datasets.numbering import Numbering
from mmctl.datasets.tracklet_dataset import TrackletDataset
from mmctl.registry import DATASETS

_STORED = ("keypoint_file", "heatmap_file")


@DATASETS.register_module()
class JointDataset(TorchConcatDataset):
    """Training sets one after the other, whose persons are all different people.

    Person 1 of one set and person 1 of another have nothing in common but the number, and neither
    have their cameras. So both are numbered anew: ``gt_label`` goes on from set to set, ``pid`` is
    ``gt_label + 1``, ``camid`` and ``tracklet_id`` count through all sets, and ``source`` is the
    place of the set. ``metainfo`` has ``num_pids``, the persons of all, and ``sources``, the name
    and persons of each. The numbers inside the given sets change with it: do not use them elsewhere
    as well.

    Args:
        datasets: Configs of training sets (``TrackletDataset`` and its descendants), each with a
            pipeline of its own, or of MMEngine's ``RepeatDataset`` and ``ClassBalancedDataset``
            around one.

    Raises:
        ValueError: If there is none, one is not for training, some have stored keypoints or
            heatmaps and others not, or two have a tracklet in common.
    """

    def __init__(self, datasets: Sequence[dict | Dataset]) -> None:
        built = [DATASETS.build(item) if isinstance(item, dict) else item for item in datasets]
        self.sources = [source for dataset in built for source in _find_sources(dataset)]
        if not self.sources:
            raise ValueError("JointDataset needs at least one training set, got none")
        for dataset in (*self.sources, *built):
            if hasattr(dataset, "full_init"):
                dataset.full_init()
        _check_stored_arrays(self.sources)
        self._number()
        super().__init__(built)

    def _number(self) -> None:
        for source in self.sources:
            source.numbering = None
        infos = [[s.get_data_info(index) for index in range(len(s))] for s in self.sources]
        _refuse_common_tracklets(infos)
        label = camid = tracklet = 0
        for place, (source, own) in enumerate(zip(self.sources, infos, strict=True)):
            camids = sorted({info["camid"] for info in own})
            numbers = {given: camid + number for number, given in enumerate(camids)}
            source.numbering = Numbering(place, label, numbers, tracklet)
            label += source.metainfo["num_pids"]
            camid += len(camids)
            # A subset keeps the ids of the whole set.
            tracklet += max(info["tracklet_id"] for info in own) + 1

    @property
    def metainfo(self) -> dict[str, Any]:
        """What the sets are together."""
        infos = [source.metainfo for source in self.sources]
        counts = [{key: info[key] for key in ("dataset_name", "num_pids")} for info in infos]
        return {
            "dataset_name": " + ".join(str(info["dataset_name"]) for info in infos),
            "num_pids": sum(info["num_pids"] for info in infos),
            "sources": counts,
        }

    def full_init(self) -> None:
        """Do nothing: all is read, but MMEngine's wrappers call it."""

    def get_data_info(self, index: int) -> dict[str, Any]:
        """Return the labels and paths of a tracklet, numbered through all sets."""
        dataset, own = self._place(index)
        return dataset.get_data_info(own)

    def get_cat_ids(self, index: int) -> list[int]:
        """Return the label of a tracklet, for ``ClassBalancedDataset``."""
        return [self.get_data_info(index)["gt_label"]]

    def _place(self, index: int) -> tuple[Any, int]:
        """Return the data set of a tracklet, and its index there."""
        dataset: Any
        index += len(self) if index < 0 else 0
        for dataset, end in zip(self.datasets, self.cumulative_sizes, strict=True):
            if 0 <= index < end:
                return dataset, index - end + len(dataset)
        raise IndexError(f"index must be below {len(self)}, the number of tracklets, got {index}")


@DATASETS.register_module()
class ConcatDataset(MMEngineConcatDataset):
    """MMEngine's ``ConcatDataset``, which tells when it would mix the persons of several sets.

    Args:
        datasets: As for MMEngine's.
        lazy_init: As for MMEngine's.
        ignore_keys: As for MMEngine's.

    Raises:
        ValueError: If the data sets are of tracklets.
    """

    def __init__(
        self,
        datasets: Sequence[dict | Dataset],
        lazy_init: bool = False,
        ignore_keys: str | list[str] | None = None,
    ) -> None:
        try:
            super().__init__(datasets, lazy_init, ignore_keys)
        except (TypeError, ValueError):
            _refuse_tracklets(self.datasets)  # MMEngine stumbles over the counts of persons
            raise
        _refuse_tracklets(self.datasets)


def refuse_mixed_persons(dataset: Any) -> None:
    """Raise if the persons of several data sets would be taken for each other.

    Args:
        dataset: A data set, or wrappers around some.

    Raises:
        ValueError: If one of them joins several sets of tracklets and is no ``JointDataset``.
    """
    while dataset is not None and not isinstance(dataset, JointDataset):
        if isinstance(dataset, TorchConcatDataset):
            _refuse_tracklets(dataset.datasets)
        dataset = getattr(dataset, "dataset", None)


def _refuse_tracklets(datasets: Iterable[Any]) -> None:
    found = [dataset for dataset in datasets if _holds_tracklets(dataset)]
    if len(found) > 1:
        names = [
            f"{dataset.metainfo['dataset_name']} with {dataset.metainfo['num_pids']}"
            for dataset in found
            if hasattr(dataset, "metainfo")
        ]
        raise ValueError(
            "ConcatDataset must not join sets of tracklets, because person 1 of one would become "
            "person 1 of the other: for training take JointDataset with the same datasets (and as "
            "many classes as all have people); several test sets are evaluated one by one, each "
            f"with a config or --cfg-options of its own. Got {', '.join(names)} people"
        )


def _holds_tracklets(dataset: Any) -> bool:
    while not isinstance(dataset, (TrackletDataset, JointDataset)):
        if isinstance(dataset, TorchConcatDataset):
            return any(map(_holds_tracklets, dataset.datasets))
        dataset = getattr(dataset, "dataset", None)
        if dataset is None:
            return False
    return True


def _find_sources(dataset: Any) -> list[TrackletDataset]:
    """Return the sets of tracklets within wrappers that only repeat."""
    refuse_mixed_persons(dataset)
    outer = type(dataset).__name__
    while not isinstance(dataset, TrackletDataset):
        if isinstance(dataset, JointDataset):
            return dataset.sources
        dataset = getattr(dataset, "dataset", None)
        if dataset is None:
            raise ValueError(f"JointDataset joins data sets of tracklets, got {outer}")
    if dataset.split != "train":
        raise ValueError(
            "JointDataset joins training sets, because queries and galleries of different sets "
            "have nothing to do with each other: evaluate them one by one; got a "
            f"{type(dataset).__name__} with split={dataset.split!r}"
        )
    return [dataset]


def _check_stored_arrays(sources: Sequence[TrackletDataset]) -> None:
    for key in _STORED:
        have = [getattr(source, key) is not None for source in sources]
        if any(have) and not all(have):
            names = [str(source.metainfo["dataset_name"]) for source in sources]
            lacking = [name for name, has in zip(names, have, strict=True) if not has]
            raise ValueError(
                f"{key} must be given for all data sets of a JointDataset or for none, because a "
                f"batch holds tracklets of several, but {', '.join(lacking)} of {', '.join(names)} "
                "has none"
            )


def _refuse_common_tracklets(infos: Sequence[Sequence[dict[str, Any]]]) -> None:
    owners: dict[str, int] = {}
    for place, own in enumerate(infos):
        for info in own:
            frame = os.path.realpath(info["frame_paths"][0])
            if owners.setdefault(frame, place) != place:
                raise ValueError(
                    "the data sets of a JointDataset must have no tracklet in common, because its "
                    f"person would be two, but data sets {owners[frame]} and {place} both have the "
                    f"one that begins with {frame}; to repeat a data set take RepeatDataset"
                )
