"""tools/benchmarks/bench_pose.py prints every figure, and its counts are those of the networks."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

import pytest
import torch

from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "tools" / "benchmarks"))

from bench_pose import allowed_ratio


def test_the_command_prints_every_figure(
    run_tool: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = ["--clips", "4", "--frames", "1", "--channels", "256", "--size", "32", "32"]
    run_tool("benchmarks/bench_pose.py", *sizes, "--arch", "w18", "--repeats", "1")
    printed = capsys.readouterr().out
    assert "4 clips of 1 frames of 32x32, HRNet w18, C=256" in printed
    for row in ("online", "stored keypoints", "frames/s", "seconds", "processor seconds"):
        assert row in printed, row
    # 17 keypoints of three float32; 17 maps of 2 x 2 cells in float16.
    assert "bytes per stored frame: keypoints 204, heatmaps 136" in printed
    pose, rest, ratio = (
        float(number)
        for number in re.search(
            r"counted: ([\d.]+) GMAC .* estimator, ([\d.]+) for the .* allow ([\d.]+)",
            printed.replace("\n", " "),
        ).groups()
    )
    assert pose > 0.05
    assert ratio == pytest.approx(1 + pose / rest, abs=0.15)
    assert ratio > 1.2


def test_a_backward_counts_as_two_forwards() -> None:
    weight, shared = torch.rand(10, 30), torch.rand(1, 10)
    losses = {"online": lambda: shared @ weight @ weight.T, "stored": lambda: shared @ weight}
    pose, trained, ratio = allowed_ratio(losses, 2)
    assert (pose, trained, ratio) == pytest.approx((150e-9, 450e-9, 4 / 3))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (["--clips", "3"], "clips must be even and at least 4"),
        (["--repeats", "0"], "clips must be even and at least 4"),
        (["--size", "100", "64"], "size must be multiples of 32"),
    ],
)
def test_a_wrong_option_is_named(
    run_tool: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    wrong: list[str],
    message: str,
) -> None:
    with pytest.raises(SystemExit):
        run_tool("benchmarks/bench_pose.py", *wrong)
    assert message in capsys.readouterr().err
