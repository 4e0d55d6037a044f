from __future__ import annotations

import dataclasses

from mmctl.datasets.synthetic import DrawnSettings, plan_tracklets
from mmctl.datasets.synthetic.plan import choose_queries, identity_of, pid_name, pids_of


def test_the_splits_share_no_person() -> None:
    settings = DrawnSettings(num_train_pids=7, num_test_pids=9)
    train, test = (set(pids_of(settings, split)) for split in ("train", "test"))
    assert len(train) == 7
    assert len(test) == 9
    assert not train & test
    assert min(train | test) == 1


def test_the_splits_share_no_confuser_group(tiny: DrawnSettings) -> None:
    groups = [
        {identity_of(tiny, split, pid).group for pid in pids_of(tiny, split)}
        for split in ("train", "test")
    ]
    assert groups == [{0, 1}, {2}]


def test_test_tracklets_are_junk_then_distractors_then_people(tiny: DrawnSettings) -> None:
    settings = dataclasses.replace(tiny, tracklets_per_camera=2)
    keys = [(item.pid, item.camid, item.number) for item in plan_tracklets(settings, "test")]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
    assert [pid for pid, _, _ in keys].count(-1) == 2
    assert [pid for pid, _, _ in keys].count(0) == 3
    assert len(keys) == 2 + 3 + 4 * 2 * 2


def test_lengths_fill_their_range_and_rows_follow_on(tiny: DrawnSettings) -> None:
    plan = plan_tracklets(tiny, "train")
    assert {item.num_frames for item in plan} == {3, 4, 5, 6}
    row = 0
    for item in plan:
        assert item.first_row == row
        row += item.num_frames


def test_names_are_those_of_mars(tiny: DrawnSettings) -> None:
    first = plan_tracklets(tiny, "train")[0]
    assert first.frame_names[0] == "0001C1T0001F001.jpg"
    junk = plan_tracklets(tiny, "test")[0]
    assert junk.frame_names[1] == "00-1C1T0001F002.jpg"
    assert [pid_name(pid) for pid in (-1, 0, 37)] == ["00-1", "0000", "0037"]


def test_each_person_has_one_query_per_camera_and_not_always_the_first() -> None:
    settings = DrawnSettings(num_train_pids=1, num_test_pids=10, tracklets_per_camera=3)
    test = plan_tracklets(settings, "test")
    queries = [test[row] for row in choose_queries(settings, test)]
    keys = [(item.pid, item.camid) for item in queries]
    assert keys == [(pid, camid) for pid in pids_of(settings, "test") for camid in (1, 2, 3, 4)]
    assert {item.number for item in queries} == {1, 2, 3}
