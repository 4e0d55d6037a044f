"""Queries that cannot have a match are found before the first batch."""

from __future__ import annotations

from types import SimpleNamespace as Thing

import pytest
from mmengine.evaluator import Evaluator
from torch.utils.data import Dataset

from mmctl.engine import QueryMatchHook
from mmctl.engine.hooks import query_match_hook
from mmctl.evaluation import ReIDMetric


class Labels(Dataset):
    def __init__(self, *labels) -> None:
        self.labels = labels

    def __len__(self) -> int:
        return len(self.labels)

    def get_data_info(self, index: int) -> dict:
        return dict(zip(("pid", "camid", "split"), self.labels[index], strict=True))

    def __getitem__(self, index: int) -> None:
        raise AssertionError("no frame is needed")


def runner_of(*labels, **metric) -> Thing:
    loop = Thing(
        evaluator=Evaluator([ReIDMetric(**metric)]), dataloader=Thing(dataset=Labels(*labels))
    )
    return Thing(val_loop=loop, test_loop=loop)


ONE_CAMERA = [(1, 0, "query"), (1, 0, "gallery"), (2, 0, "query"), (2, 0, "gallery")]
TWO_QUERIES = [(1, 1, "query"), (1, 2, "query"), (2, 2, "gallery")]


def test_data_of_one_camera_are_refused_before_training_and_test():
    runner = runner_of(*ONE_CAMERA)
    text = "none of the 2 queries has one: all 4 tracklets are of camera 0"
    with pytest.raises(ValueError, match=f"val_dataloader: at least one query must.*{text}"):
        QueryMatchHook().before_train(runner)
    with pytest.raises(ValueError, match=f"test_dataloader: at least one query must.*{text}"):
        QueryMatchHook().before_test(runner)


@pytest.mark.parametrize(
    "labels",
    [
        [(1, 1, "query"), (2, 2, "gallery"), (0, 2, "gallery"), (-1, 2, "gallery")],
        [(1, 1, "query"), (1, 1, "gallery"), (2, 2, "gallery")],
        [(1, 1, "gallery"), (1, 2, "gallery")],
    ],
)
def test_persons_without_another_camera_are_refused(labels):
    with pytest.raises(ValueError, match="no person of theirs is seen by another of the 2 cam"):
        QueryMatchHook().before_train(runner_of(*labels))


def test_the_protocol_says_whether_a_query_is_a_match():
    QueryMatchHook().before_train(runner_of(*TWO_QUERIES))
    with pytest.raises(ValueError, match="under the protocol cross-camera"):
        QueryMatchHook().before_train(runner_of(*TWO_QUERIES, protocol="cross-camera"))


def test_one_query_with_a_match_is_enough():
    QueryMatchHook().before_train(runner_of(*ONE_CAMERA, (2, 3, "gallery")))


def test_features_that_are_wanted_in_any_case_are_computed(tmp_path):
    QueryMatchHook().before_test(runner_of(*ONE_CAMERA, dump_file=str(tmp_path / "f.npz")))


def test_persons_of_several_test_sets_are_not_mixed(tmp_path, monkeypatch):
    def refuse(dataset):
        raise ValueError(f"{len(dataset)} mixed")

    monkeypatch.setattr(query_match_hook, "refuse_mixed_persons", refuse)
    runner = runner_of(*TWO_QUERIES, dump_file=str(tmp_path / "f.npz"))
    for look in (QueryMatchHook().before_train, QueryMatchHook().before_test):
        with pytest.raises(ValueError, match="3 mixed"):
            look(runner)


def test_what_is_no_re_identification_is_left_alone():
    QueryMatchHook().before_train(Thing(val_loop=None))
    runner = runner_of()
    runner.val_loop.dataloader.dataset = [1, 2, 3]
    QueryMatchHook().before_train(runner)
    other = runner_of(*ONE_CAMERA)
    other.val_loop.evaluator = Evaluator([])
    QueryMatchHook().before_train(other)
