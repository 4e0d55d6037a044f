"""Person 1 of one data set is not person 1 of another."""

from __future__ import annotations

import json
import pickle
from collections import defaultdict
from pathlib import Path

import mmengine.dataset
import numpy as np
import pytest
from mmengine.registry import init_default_scope
from torch.utils.data import Subset

from mmctl.datasets import (
    ConcatDataset,
    IdentitySampler,
    JointDataset,
    TrackletDataset,
    TrackletPieces,
)
from mmctl.datasets.batches.numbered_items import NumberedItems
from mmctl.datasets.joint_dataset import refuse_mixed_persons
from mmctl.registry import DATASETS

STREET = [(1, 5), (1, 6), (2, 5), (2, 9), (9, 6)]
"""Person and camera of each tracklet; the other set has the same numbers for others."""
STATION = [(2, 5), (1, 5), (2, 6)]


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope("mmctl")


def config(folder: Path, name: str, labels=STREET, split="train", **arguments) -> dict:
    root = folder / name
    root.mkdir(exist_ok=True)
    entries = [
        {"pid": pid, "camid": camid, "split": part, "frames": [f"{part}{i}.png"]}
        for part in ("train", "query")
        for i, (pid, camid) in enumerate(labels)
    ]
    content = {"metainfo": {"dataset_name": name}, "tracklets": entries}
    (root / "annotations.json").write_text(json.dumps(content))
    return {"type": "TrackletDataset", "data_root": str(root), "split": split, **arguments}


def joint(folder: Path) -> JointDataset:
    return JointDataset([config(folder, "street"), config(folder, "station", STATION)])


def labels_of(dataset, *keys) -> list:
    infos = [dataset.get_data_info(index) for index in range(len(dataset))]
    return [tuple(info[key] for key in keys) for info in infos]


def test_persons_cameras_and_tracklets_of_both_sets_are_counted_on(tmp_path):
    dataset = joint(tmp_path)
    assert labels_of(dataset, "source", "gt_label", "pid", "camid", "tracklet_id") == [
        (0, 0, 1, 0, 0),
        (0, 0, 1, 1, 1),
        (0, 1, 2, 0, 2),
        (0, 1, 2, 2, 3),
        (0, 2, 3, 1, 4),
        (1, 4, 5, 3, 5),  # person 2 of the station, the second of two
        (1, 3, 4, 3, 6),
        (1, 4, 5, 4, 7),
    ]
    assert dataset.metainfo == {
        "dataset_name": "street + station",
        "num_pids": 5,
        "sources": [
            {"dataset_name": "street", "num_pids": 3},
            {"dataset_name": "station", "num_pids": 2},
        ],
    }


def test_an_index_may_count_from_the_end(tmp_path):
    dataset = joint(tmp_path)
    for index in range(1, len(dataset) + 1):
        assert dataset.get_data_info(-index) == dataset.get_data_info(len(dataset) - index)
    for index in (8, -9):
        with pytest.raises(IndexError, match=r"index must be below 8"):
            dataset.get_data_info(index)


def test_items_carry_the_same_numbers_as_the_list(tmp_path):
    seen = []
    parts = [
        config(tmp_path, name, pipeline=[lambda info: seen.append(info) or info])
        for name in ("street", "station")
    ]
    dataset = JointDataset(parts)
    for index in range(len(dataset)):
        item = dataset[index]
        assert item == {**dataset.get_data_info(index)}
    assert len(seen) == 10


def test_workers_get_the_numbers(tmp_path):
    dataset = joint(tmp_path)
    copied = pickle.loads(pickle.dumps(dataset))
    keys = ("gt_label", "pid", "camid")
    assert labels_of(copied, *keys) == labels_of(dataset, *keys)


def test_a_batch_never_takes_persons_of_two_sets_for_one(tmp_path):
    dataset = NumberedItems(joint(tmp_path))
    sampler = IdentitySampler(dataset, num_pids=2, num_clips=2, seed=3)
    sources = defaultdict(set)
    assert len(sampler.tracklets) == 5
    for start in range(0, len(sampler), 4):
        batch = list(sampler)[start : start + 4]
        for index in batch:
            info = dataset.get_data_info(index)
            sources[info["pid"]].add(info["source"])
        assert batch[0] // 5 == batch[1] // 5
        assert batch[2] // 5 == batch[3] // 5
    assert all(len(found) == 1 for found in sources.values())


@pytest.mark.parametrize("wrapper", ["RepeatDataset", "ClassBalancedDataset", "JointDataset"])
def test_wrappers_within_and_around_keep_the_numbers(tmp_path, wrapper):
    street, station = config(tmp_path, "street"), config(tmp_path, "station", STATION)
    arguments = {
        "RepeatDataset": {"times": 2},
        "ClassBalancedDataset": {"oversample_thr": 0.5},
        "JointDataset": {},
    }[wrapper]

    def wrapped(dataset):
        inner = {"datasets": [dataset]} if wrapper == "JointDataset" else {"dataset": dataset}
        return {"type": wrapper, **inner, **arguments}

    pairs = {1: 0, 2: 0, 3: 0, 4: 1, 5: 1}
    both = {"type": "JointDataset", "datasets": [street, station]}
    for config_ in (
        {"type": "JointDataset", "datasets": [wrapped(street), wrapped(station)]},
        {"type": "JointDataset", "datasets": [street, wrapped(station)]},
        wrapped(both),
    ):
        dataset = DATASETS.build(config_)
        labels = labels_of(dataset, "pid", "source", "gt_label")
        assert {pid: source for pid, source, _ in labels} == pairs
        assert all(label == pid - 1 for pid, _, label in labels)
        assert dataset.metainfo["num_pids"] == 5


def test_a_class_balanced_set_repeats_the_rare_person(tmp_path):
    inner = config(tmp_path, "street")
    dataset = DATASETS.build(
        {"type": "ClassBalancedDataset", "dataset": inner, "oversample_thr": 0.4}
    )
    assert [label for (label,) in labels_of(dataset, "gt_label")] == [0, 0, 1, 1, 2, 2]


def test_subsets_keep_ids_apart(tmp_path):
    dataset = JointDataset(
        [config(tmp_path, "street", indices=[4]), config(tmp_path, "station", STATION)]
    )
    assert labels_of(dataset, "tracklet_id", "gt_label") == [(4, 2), (5, 4), (6, 3), (7, 4)]
    assert dataset.metainfo["num_pids"] == 5


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({"split": "test"}, "joins training sets.*evaluate them one by one.*split='test'"),
        ({"keypoint_file": "k.npy"}, "keypoint_file must be given for all .* street of street, st"),
    ],
)
def test_sets_that_do_not_go_together_are_refused(tmp_path, second, message):
    np.save(tmp_path / "k.npy", np.zeros((6, 17, 3), np.float32))
    second = {**config(tmp_path, "station", STATION), **second}
    if "keypoint_file" in second:
        second["keypoint_file"] = str(tmp_path / "k.npy")
    with pytest.raises(ValueError, match=message):
        JointDataset([config(tmp_path, "street"), second])


def test_a_set_that_is_given_twice_is_refused(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "street")
    first = config(tmp_path, "street")
    for second in (first, {**first, "data_root": str(tmp_path / "link")}):
        with pytest.raises(
            ValueError, match=r"data sets 0 and 1 both have the one .*street/train0"
        ):
            JointDataset([first, second])
    built = TrackletDataset(data_root=str(tmp_path / "street"))
    with pytest.raises(ValueError, match=r"no tracklet in common|both have"):
        JointDataset([built, built, config(tmp_path, "station")])


class Plain(mmengine.dataset.BaseDataset):
    def load_data_list(self):
        return [{"x": 1}, {"x": 2}]


@pytest.fixture
def plain() -> dict[str, str]:
    DATASETS.register_module(module=Plain)
    return {"type": "mmctl.Plain"}


def test_what_is_no_set_of_tracklets_is_refused(plain):
    for datasets in ([], [plain]):
        with pytest.raises(ValueError, match=r"needs at least one|joins data sets of trac.*, got"):
            JointDataset(datasets)


@pytest.mark.parametrize("labels", [[(3, 1), (4, 2), (5, 2)], STATION])
@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("changes", [{}, {"ignore_keys": ["num_pids", "dataset_name"]}])
def test_concatenated_tracklets_are_refused_with_what_to_take(tmp_path, labels, split, changes):
    datasets = [
        config(tmp_path, "street", split=split),
        config(tmp_path, "station", labels, split=split),
    ]
    names = rf"street with 3, station with {len({pid for pid, _ in labels})} people"
    with pytest.raises(ValueError, match=f"take JointDataset with the same datasets.*{names}"):
        DATASETS.build({"type": "ConcatDataset", "datasets": datasets, **changes})


def test_other_data_are_concatenated_as_ever(plain):
    dataset = ConcatDataset([plain, plain])
    assert [dataset.get_data_info(index)["x"] for index in range(4)] == [1, 2, 1, 2]


def test_mmengine_s_own_wrapper_is_refused_where_persons_matter(tmp_path):
    sets = [
        TrackletDataset(data_root=config(tmp_path, name)["data_root"])
        for name in ("street", "station")
    ]
    merged = mmengine.dataset.ConcatDataset(sets, ignore_keys="dataset_name")
    for dataset in (merged, Subset(merged, [0, 7])):
        with pytest.raises(ValueError, match="take JointDataset"):
            refuse_mixed_persons(dataset)
        with pytest.raises(ValueError, match="take JointDataset"):
            IdentitySampler(dataset, 2, 2, seed=0)
    with pytest.raises(ValueError, match="take JointDataset"):
        NumberedItems(merged)
    refuse_mixed_persons(mmengine.dataset.ConcatDataset(sets[:1]))
    with pytest.raises(ValueError, match=r"cut the tracklets of one data set.*got a ConcatDataset"):
        TrackletPieces(merged)
