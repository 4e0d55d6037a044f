"""The logged norm is that of the gradient which the optimizer gets."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper
from torch import nn

from mmctl.engine import GradNormHook
from tests.test_engine.tiny_runner import tiny_runner

LR = 0.1


class Moves(Hook):
    """Notes how far the weights have moved in each iteration."""

    def __init__(self):
        self.distances = []
        self.before = None

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.before = nn.utils.parameters_to_vector(runner.model.parameters()).clone()

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        now = nn.utils.parameters_to_vector(runner.model.parameters())
        self.distances.append((now - self.before).norm().item())


def run(folder, **wrapper):
    """Train two epochs of two batches with plain descent, whose steps are LR times the gradient."""
    optim_wrapper = {"optimizer": {"type": "SGD", "lr": LR}, **wrapper}
    hooks = [{"type": "GradNormHook"}]
    runner = tiny_runner(
        folder, epochs=2, optim_wrapper=optim_wrapper, custom_hooks=hooks, param_scheduler=None
    )
    moves = Moves()
    runner.register_hook(moves)
    runner.train()
    return moves.distances, runner.message_hub.get_scalar("train/grad_norm").data[0].tolist()


def test_every_step_is_logged_with_its_norm(tmp_path):
    distances, norms = run(tmp_path)
    assert len(norms) == 4
    assert norms == pytest.approx([distance / LR for distance in distances], rel=1e-3)


def test_accumulated_gradients_have_one_norm_per_step(tmp_path):
    distances, norms = run(tmp_path, accumulative_counts=2)
    assert distances[0] == distances[2] == 0
    assert norms == pytest.approx([distances[1] / LR, distances[3] / LR], rel=1e-3)


def test_where_mmengine_clips_it_logs_the_norm_itself_and_once(tmp_path):
    distances, norms = run(tmp_path, clip_grad={"max_norm": 0.01})
    assert len(norms) == 4
    assert distances == pytest.approx([0.01 * LR] * 4, rel=1e-2)
    assert min(norms) > 0.02


def test_gradients_that_are_clipped_by_value_are_logged_as_the_optimizer_gets_them(tmp_path):
    distances, norms = run(tmp_path, clip_grad={"type": "value", "clip_value": 0.003})
    assert norms == pytest.approx([distance / LR for distance in distances], rel=1e-3)


def scaled_step(optimizer, weight, factor=1.0):
    """Take a step from a scaled loss, as mixed precision does; return what was logged."""
    hook = GradNormHook()
    hub = MessageHub("grad-norm")
    runner = SimpleNamespace(optim_wrapper=OptimWrapper(optimizer), message_hub=hub)
    hook.before_train(runner)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    scaler.scale(factor * (weight * torch.tensor([3.0, 4.0])).sum()).backward()
    scaler.step(optimizer)
    hook.after_train_iter(runner, 0)
    return [history.current() for history in hub.log_scalars.values()]


@pytest.mark.parametrize("fused", [False, True])
def test_the_loss_scale_is_taken_out(fused):
    weight = nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.Adam([weight], lr=0.1, fused=fused)
    assert scaled_step(optimizer, weight) == [pytest.approx(5.0)]


def test_a_step_that_mixed_precision_skips_has_no_norm():
    weight = nn.Parameter(torch.zeros(2))
    assert scaled_step(torch.optim.SGD([weight], lr=0.1), weight, factor=torch.inf) == []
