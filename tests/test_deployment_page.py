"""Every command, line of Python and the script of docs/en/deployment.md run."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from mmctl.apis import TrackletInferencer
from mmctl.deployment.exported_program import MOST_CLIPS, OPSET, OPSETS
from mmctl.deployment.graph_card import GraphCard
from mmctl.deployment.graph_check import GRID, TOLERANCES
from mmctl.engine import run_command
from tests.conftest import ROOT, load_tool
from tests.test_apis.conftest import crops
from tests.test_apis.exported_graphs import CHANNELS, graph_config
from tests.test_apis.tiny_checkpoint import CONFIGS

__all__ = ["crops"]  # a fixture

PAGE = (ROOT / "docs" / "en" / "deployment.md").read_text()
SCRIPT, *_ = [s for s in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "embed.py" in s]
WITHOUT = ("torch", "torchvision", "mmctl", "mmengine", "mmcv", "mmpretrain", "onnx", "scipy")


@pytest.fixture
def place(graph_weights, drawn_mars, tmp_path, monkeypatch) -> Path:
    """A folder that has all the files of the page."""
    for name, config in CONFIGS.items():
        target = tmp_path / "work_dirs" / "quickstart" / name / "epoch_20.pth"
        target.parent.mkdir(parents=True)
        target.symlink_to(graph_weights[name])
        (tmp_path / config).parent.mkdir(parents=True, exist_ok=True)
        graph_config(name, drawn_mars).dump(tmp_path / config)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "quickstart").symlink_to(drawn_mars)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_commands_and_the_code_of_the_page_run(place, few_sizes, monkeypatch, capsys):
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package)
    blocks = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    commands = [shlex.split(line) for line in lines]
    assert len(commands) == 8
    for python, tool, *arguments in commands:
        assert python == "python"
        monkeypatch.setattr(sys, "argv", [tool, *arguments])
        run_command(load_tool(tool.removeprefix("tools/")).main)
    said = capsys.readouterr().out
    assert {path.name for path in place.glob("*.*")} == {
        *("ctl.onnx", "baseline.onnx", "baseline.pt2", "small.onnx")
    }
    assert "int8, model" in said
    assert "13 new, 0 replaced" in said
    code = next(s for s in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if s != SCRIPT)
    names: dict = {}
    exec(compile(code, "deployment.md", "exec"), names)
    assert len(names["predictions"]) == 13


@pytest.mark.parametrize("name", ["ctl", "baseline"])
def test_the_script_needs_neither_torch_nor_us(name, graphs, crops, tmp_path):
    assert len(SCRIPT.splitlines()) <= 30
    folder, size = crops("a", 6), np.array([64, 32, 1])
    keypoints = (np.random.default_rng(0).random((6, 17, 3)) * size).astype(np.float32)
    given = {"keypoints": [keypoints]} if name == "ctl" else {}
    (tmp_path / "embed.py").write_text(SCRIPT)
    np.save(tmp_path / "keypoints.npy", keypoints)
    graph = graphs / f"{name}.onnx"
    expected = TrackletInferencer(graph, num_workers=0, show_progress=False)([folder], **given)
    arguments = [str(graph), str(folder), *(["keypoints.npy"] if given else [])]
    code = (
        f"import sys; sys.modules |= dict.fromkeys({WITHOUT}); sys.argv[1:] = {arguments}\n"
        "exec(compile(open('embed.py').read(), 'embed.py', 'exec'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert f"6 frames {CHANNELS} channels" in done.stdout
    found = np.load(tmp_path / "feature.npy")
    assert np.abs(found - expected["predictions"][0]["feature"]).max() < 1e-6


def test_the_page_names_what_the_code_has():
    metadata = PAGE.partition("## Metadata")[2].partition("## ")[0]
    assert {field.name for field in fields(GraphCard)} <= set(re.findall(r"`(\w+)`", metadata))
    assert f"{len(GRID)} pairs of batch" in PAGE
    assert TOLERANCES == {"fp32": 1e-4, "fp16": 1e-3}
    assert f"{OPSETS.start} to {OPSETS.stop - 1} (default: {OPSET})" in PAGE
    assert f"1 to {MOST_CLIPS}" in PAGE
    help_text = (ROOT / "tools" / "deployment" / "export_onnx.py").read_text()
    for option in re.findall(r'add\(\s*"(--[\w-]+)"', help_text):
        assert option in PAGE, option
