from __future__ import annotations

from types import SimpleNamespace as Thing

import pytest
from mmengine.model import MMDistributedDataParallel
from torch import nn

from mmctl.engine import NumClassesHook
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


def test_a_run_stops_before_its_first_batch(tmp_path):
    runner = tiny_runner(tmp_path, custom_hooks=[{"type": "NumClassesHook"}])
    runner.model.head = nn.Identity()
    runner.model.head.num_classes = 3
    with pytest.raises(ValueError, match="'tiny' has 4"):
        runner.train()
    assert runner.iter == 0
