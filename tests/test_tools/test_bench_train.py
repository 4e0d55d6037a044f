"""tools/benchmarks/bench_train.py runs every knob of the step, and each does what it says."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "tools" / "benchmarks"))

from bench_train import KNOBS, build, draw_batch, make_step

TINY = """
_base_ = '{root}/configs/quickstart/ctl_r18_quickstart.py'
model = dict(
    backbone=dict(base_channels=8, stem_channels=8),
    graph_head=dict(channels=64, cross_scale=dict(dim=4)),
    head=dict(channels=64),
)
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bench") / "tiny.py"
    path.write_text(TINY.format(root=ROOT))
    return path


def test_the_command_prints_every_knob(
    config: Path, run_tool: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["bfloat16", "channels_last", "bfloat16+channels_last", "micro_batch", "accumulation"]
    sizes = ["--clips", "4", "--repeats", "1"]
    run_tool("benchmarks/bench_train.py", "--config", str(config), *sizes, "--knobs", *names)
    printed = capsys.readouterr().out
    assert "4 clips of 4 frames of 128x64" in " ".join(printed.split())
    for row in ("plain", *names):
        assert f"│ {row} " in printed, row
    rows = [line for line in printed.splitlines() if line.startswith("│ plain")]
    assert rows[0].count("1.00") == 3


def test_a_knob_is_seen_by_the_network_and_gone_in_the_next_step(config: Path) -> None:
    cfg = Config.fromfile(config)
    torch.manual_seed(0)
    model, batch = build(cfg, "cpu"), draw_batch(cfg, 4)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    seen: list[tuple[int, torch.dtype, bool]] = []

    def note(_: torch.nn.Module, frames: tuple, maps: tuple) -> None:
        last = frames[0].is_contiguous(memory_format=torch.channels_last)
        seen.append((len(frames[0]) // 4, maps[-1].dtype, last))

    model.backbone.register_forward_hook(note)
    found = {}
    for name in ("micro_batch", "accumulation", "channels_last", "bfloat16", "plain"):
        before = model.head.classifiers["sum"].weight.clone()
        make_step(KNOBS[name], model, optimizer, batch, "cpu")()
        assert not torch.equal(before, model.head.classifiers["sum"].weight), name
        found[name] = list(seen)
        seen.clear()
    assert found == {
        "micro_batch": 4 * [(2, torch.float32, False)],  # the backward runs both once more
        "accumulation": 2 * [(2, torch.float32, False)],
        "channels_last": [(4, torch.float32, True)],
        "bfloat16": [(4, torch.bfloat16, False)],
        "plain": [(4, torch.float32, False)],
    }


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (["--clips", "3"], "clips must be even and at least 4"),
        (["--repeats", "0"], "clips must be even and at least 4"),
        (["--knobs", "float16"], "float16 needs --device cuda"),
    ],
)
def test_a_wrong_option_is_named(
    run_tool: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    wrong: list[str],
    message: str,
) -> None:
    with pytest.raises(SystemExit):
        run_tool("benchmarks/bench_train.py", *wrong)
    assert message in capsys.readouterr().err
