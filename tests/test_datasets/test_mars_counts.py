"""The protocol's counts of the official MARS, on drawn metadata with the same counts and quirks."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest

from mmctl.datasets import MARS
from mmctl.datasets.checks.dataset_check import check_splits, read_split
from mmctl.datasets.checks.dataset_summary import read_infos
from mmctl.evaluation import Protocol, TrackletFeatures
from tests import mars_counts
from tests.test_datasets.mars_info import write_info


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    test, queries = mars_counts.tested_tracklets()
    folder = tmp_path_factory.mktemp("mars")
    return write_info(folder, mars_counts.train_tracklets(), test, queries)


@pytest.fixture(scope="module")
def test_infos(root):
    return read_infos(MARS(str(root), split="test"))


def test_training_tracklets_are_those_of_625_persons(root):
    dataset = MARS(str(root))
    infos = read_infos(dataset)
    assert len(infos) == 8298
    assert dataset.metainfo["num_pids"] == 625
    assert {info["gt_label"] for info in infos} == set(range(625))
    counts = Counter(info["pid"] for info in infos)
    cameras = defaultdict(set)
    for info in infos:
        cameras[info["pid"]].add(info["camid"])
    assert sum(count == 1 for count in counts.values()) == 1
    assert sum(count < 4 for count in counts.values()) == 45
    assert sum(len(seen) == 1 for seen in cameras.values()) == 6
    lengths = [len(info["frame_paths"]) for info in infos]
    assert sum(length == 5 for length in lengths) == 1
    assert max(lengths) == 900


def test_every_test_tracklet_is_listed_once(test_infos):
    assert len(test_infos) == 12180
    assert sum(info["pid"] == -1 for info in test_infos) == 870
    assert sum(info["pid"] == 0 for info in test_infos) == 3248
    persons = [info["pid"] for info in test_infos if info["pid"] > 0]
    assert (len(persons), len(set(persons))) == (8062, 634)
    queries = {(info["pid"], info["camid"]) for info in test_infos if info["split"] == "query"}
    assert len(queries) == sum(info["split"] == "query" for info in test_infos) == 1980
    assert len({pid for pid, _ in queries}) == 626


@pytest.mark.parametrize(
    ("protocol", "scored", "gallery"),
    [
        ("query-in-gallery", 1980, 11310),
        ("mars-official", 1980, 11310),
        ("query-excluded", 1840, 9330),
    ],
)
def test_a_protocol_scores_and_ranks_what_the_official_one_does(
    test_infos, protocol, scored, gallery
):
    generator = np.random.default_rng(0)
    tracklets = TrackletFeatures(
        features=generator.standard_normal((len(test_infos), 4)).astype(np.float32),
        frame_paths=np.array([""] * len(test_infos)),
        **{
            f"{key}s": np.array([info[key] for info in test_infos])
            for key in ("pid", "camid", "tracklet_id", "split")
        },
    )
    evaluation = tracklets.evaluate(Protocol.named(protocol), distance="cosine")
    assert len(evaluation.query_rows) == 1980
    assert evaluation.ranking.num_queries == scored
    pids = tracklets.pids[evaluation.gallery_rows]
    assert (pids != -1).sum() == gallery


def test_the_check_finds_the_official_counts_but_not_the_official_lengths(root):
    config = {"type": "MARS", "data_root": str(root)}
    report = check_splits([read_split(config, split) for split in ("train", "test")], "none")
    assert report.subsets["train"].expected == ["frames 509,914", "shortest 5", "median 36"]
    assert report.subsets["test"].expected == ["frames 681,089"]
    others = {
        name: report.subsets[name].mark for name in ("query", "gallery", "junk", "distractors")
    }
    assert set(others.values()) == {"OK"}, others
    assert {part.mark for part in report.protocols.values()} == {"OK"}
    assert report.protocols["query-excluded"].counts["scored"] == 1980 - 140
