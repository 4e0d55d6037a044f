"""What makes a training faster or better on average leaves a resumed one exact."""

from __future__ import annotations

import pytest
import torch

from tests.test_engine.drawing_runner import Killed, StopAt, drawing_runner, end_state, equal

EMA = {"type": "EMAHook", "momentum": 0.3, "update_buffers": True}


def train(folder, *hooks, **changes):
    drawing_runner(folder, *hooks, resume=True, **changes).train()


def stopped_and_resumed(folder, iteration, *hooks, **changes):
    with pytest.raises(Killed):
        train(folder, *hooks, StopAt("after_train_iter", iteration), **changes)
    train(folder, *hooks, **changes)


def assert_same_end(left, right):
    mine, other = end_state(left), end_state(right)
    for part in mine:
        assert equal(mine[part], other[part]), part


def test_averaged_weights_go_on_bit_by_bit(tmp_path):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    train(whole, dict(EMA))
    stopped_and_resumed(stopped, 5, dict(EMA))
    assert_same_end(whole, stopped)
    first, second = (
        torch.load(folder / "epoch_3.pth", weights_only=False) for folder in (whole, stopped)
    )
    assert equal(first["ema_state_dict"], second["ema_state_dict"])
    # MMEngine puts the averages in the place of the weights and the weights into theirs.
    name = "layers.0.weight"
    assert not torch.equal(first["state_dict"][name], first["ema_state_dict"][f"module.{name}"])


def test_workers_that_stay_draw_the_same(tmp_path):
    staying = {
        "dataset": {"type": "DrawnData"},
        "batch_size": 3,
        "num_workers": 2,
        "persistent_workers": True,
        "prefetch_factor": 3,
        "sampler": {"type": "DefaultSampler", "shuffle": True},
    }
    train(tmp_path / "without")
    stopped_and_resumed(tmp_path / "staying", 5, train_dataloader=staying)
    assert_same_end(tmp_path / "without", tmp_path / "staying")
