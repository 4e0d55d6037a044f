from __future__ import annotations

import torch

from tests.test_engine.tiny_runner import tiny_runner


def test_the_forward_pass_runs_in_bfloat16_and_parameters_stay_float32(tmp_path):
    wrapper = {"type": "CpuAmpOptimWrapper", "optimizer": {"type": "Adam", "lr": 0.1}}
    runner = tiny_runner(tmp_path, optim_wrapper=wrapper)
    seen = set()
    runner.model.backbone.register_forward_hook(lambda *hooked: seen.add(hooked[2].dtype))
    before = runner.model.backbone.weight.clone()
    runner.train()
    assert seen == {torch.bfloat16}
    assert runner.model.backbone.weight.dtype == torch.float32
    assert not torch.equal(runner.model.backbone.weight, before)
    state = next(iter(runner.optim_wrapper.optimizer.state.values()))
    assert state["exp_avg"].dtype == torch.float32


def test_gradients_are_accumulated_and_clipped_as_without_it(tmp_path):
    wrapper = {
        "type": "mmctl.CpuAmpOptimWrapper",
        "optimizer": {"type": "SGD", "lr": 1.0},
        "clip_grad": {"max_norm": 1e-3},
        "accumulative_counts": 2,
    }
    runner = tiny_runner(tmp_path, optim_wrapper=wrapper, default_scope="mmengine")
    before = torch.cat([p.detach().flatten().clone() for p in runner.model.parameters()])
    runner.train()
    after = torch.cat([p.detach().flatten() for p in runner.model.parameters()])
    # Two batches make one step of length lr * max_norm.
    torch.testing.assert_close((after - before).norm().item(), 1e-3, rtol=0.02, atol=0.0)
