from __future__ import annotations

from types import SimpleNamespace as Thing

import pytest
from mmengine.model import MMDistributedDataParallel
from torch import nn

from mmctl.engine import NumClassesHook
from mmctl.engine.hooks import num_classes_hook
from mmctl.models.losses import BatchHardTripletLoss
from tests.test_engine.tiny_runner import tiny_runner


def runner_of(num_classes=4, num_pids=4, batch_size=32, sampler=(8, 4)):
    return Thing(
        model=Thing(head=Thing(num_classes=num_classes)),
        train_dataloader=Thing(
            dataset=Thing(metainfo={"num_pids": num_pids, "dataset_name": "MARS"}),
            sampler=Thing(num_pids=sampler[0], num_clips=sampler[1]) if sampler else Thing(),
            batch_size=batch_size,
        ),
    )


def test_agreeing_values_pass():
    NumClassesHook().before_train(runner_of())


def test_another_number_of_classes_names_both_and_the_way_out():
    with pytest.raises(
        ValueError,
        match=r"num_classes must be .*'MARS' has 625 \(num_pids\), got 4; "
        r"add --cfg-options model\.head\.num_classes=625",
    ):
        NumClassesHook().before_train(runner_of(num_pids=625))


def test_the_head_of_a_wrapped_model_is_found():
    runner = runner_of(num_pids=5)
    wrapped = MMDistributedDataParallel.__new__(MMDistributedDataParallel)
    nn.Module.__init__(wrapped)
    wrapped.__dict__["module"] = runner.model
    runner.model = wrapped
    with pytest.raises(ValueError, match="has 5"):
        NumClassesHook().before_train(runner)


def test_a_batch_that_cuts_through_a_person_is_refused_with_all_three_numbers():
    with pytest.raises(ValueError, match=r"batch_size must be .*8 \* 4 = 32, got 30"):
        NumClassesHook().before_train(runner_of(batch_size=30))


def test_what_is_not_named_is_not_compared():
    NumClassesHook().before_train(runner_of(num_classes=None, sampler=None, batch_size=30))
    NumClassesHook().before_train(runner_of(batch_size=None))


def with_triplets(runner, **loss):
    runner.model = nn.Module()
    runner.model.triplet = BatchHardTripletLoss(**loss)
    return runner


@pytest.mark.parametrize(
    ("num_pids", "num_clips", "message"),
    [(8, 1, "num_clips must be at least 2"), (1, 8, "num_pids must be at least 2")],
)
def test_a_sampler_whose_batches_have_no_triplets_is_refused(num_pids, num_clips, message):
    runner = runner_of(batch_size=8, sampler=(num_pids, num_clips))
    NumClassesHook().before_train(runner)  # a model without the loss
    with pytest.raises(ValueError, match=f"{message} for BatchHardTripletLoss.*triplet=None"):
        NumClassesHook().before_train(with_triplets(runner))
    NumClassesHook().before_train(with_triplets(runner, loss_weight=0.0))


def test_one_person_per_process_is_enough_where_all_are_mined_together(monkeypatch):
    monkeypatch.setattr(num_classes_hook, "get_world_size", lambda: 2)
    runner = runner_of(batch_size=4, sampler=(1, 4))
    NumClassesHook().before_train(with_triplets(runner))
    with pytest.raises(ValueError, match="num_pids must be at least 2"):
        NumClassesHook().before_train(with_triplets(runner, mining="per-rank"))
    with pytest.raises(ValueError, match="num_clips must be at least 2"):
        NumClassesHook().before_train(with_triplets(runner_of(batch_size=4, sampler=(4, 1))))


def test_the_people_of_each_of_several_sets_are_named():
    runner = runner_of()
    sources = [{"num_pids": 3}, {"num_pids": 5}]
    runner.train_dataloader.dataset.metainfo |= {"num_pids": 8, "sources": sources}
    with pytest.raises(ValueError, match=r"has 8 \(num_pids: 3 \+ 5\), got 4"):
        NumClassesHook().before_train(runner)


def test_a_run_stops_before_its_first_batch(tmp_path):
    runner = tiny_runner(tmp_path, custom_hooks=[{"type": "NumClassesHook"}])
    runner.model.head = nn.Identity()
    runner.model.head.num_classes = 3
    with pytest.raises(ValueError, match="'tiny' has 4"):
        runner.train()
    assert runner.iter == 0
