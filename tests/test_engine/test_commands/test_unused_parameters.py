"""Distributed training with parameters that get no gradient names them."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from mmctl.engine.commands.unused_parameters import explain_unused_parameters
from tests.test_engine.forked_ranks import run_ranks


class HalfUsed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.frozen = nn.Linear(2, 2).requires_grad_(False)
        self.idle = nn.Linear(2, 2)
        self.also_idle = nn.Linear(2, 2)
        self.used = nn.Linear(2, 2)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.used(rows).sum()


def test_they_are_named_with_the_way_out(tmp_path):
    def main(_: int) -> None:
        model = DistributedDataParallel(HalfUsed())
        for _ in range(2):
            model(torch.ones(3, 2)).backward()

    for status, output in run_ranks(main, tmp_path):
        assert status == 2
        assert "4 of 6 got none: idle.weight, idle.bias, also_idle.weight and 1 more." in output
        assert "find_unused_parameters=True at the top of the config" in output
        assert "Traceback" not in output


def test_other_errors_are_not_explained():
    assert explain_unused_parameters(ValueError("did not receive grad for rank 0: 1")) is None
    assert explain_unused_parameters(RuntimeError("did not receive grad for rank 0: 1 2")) is None
