"""The table of ablations, without the trainings and tests."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from mmctl.engine import read_config
from tests.conftest import ROOT, load_tool

BASE = "configs/quickstart/ctl_r18_quickstart.py"
STEPS = [f"configs/ctl_plus/steps/{name}.py" for name in ("after_neck", "logit_scale")]


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The tool, with trainings and tests that note what they are asked for.

    There is one scored query of each of three people; the third is found first after the neck.
    """
    monkeypatch.syspath_prepend(str(ROOT / "tools" / "analysis_tools"))
    module = load_tool("analysis_tools/run_ablations.py")
    module.calls = []

    def train(_config: Path, folder: Path, _options: list[str], _flags: list[str]) -> str:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "epoch_1.pth").exists():
            module.calls.append("train")
            (folder / "epoch_1.pth").touch()
        return str(folder / "epoch_1.pth")

    def test(config: Path, _folder: Path, metrics: Path, _options: list[str], *flags: str) -> dict:
        if not metrics.exists():
            module.calls.append("test")
            is_after = read_config(config).model.head.test_feature == "after"
            first = np.array([0, 3, 0 if is_after else 1])
            arrays = {"pids": np.arange(1, 4), "tracklet_ids": np.arange(3), "first_match": first}
            np.savez(flags[1], **arrays, average_precision=1 / (1.0 + first))
            scores = {"R1": (first == 0).mean(), "mAP": (1 / (1.0 + first)).mean()}
            numbers = {name: 100 * float(value) for name, value in scores.items()}
            numbers |= {"num_queries": 3, "num_gallery": 4, "protocol": "query-in-gallery"}
            metrics.write_text(json.dumps(numbers))
        return json.loads(metrics.read_text())

    monkeypatch.setattr(module, "train", train)
    monkeypatch.setattr(module, "test", test)
    monkeypatch.chdir(ROOT)
    return module


def run(tool: ModuleType, monkeypatch: pytest.MonkeyPatch, work: Path, *more: str) -> list[str]:
    arguments = [*STEPS, "--base", BASE, "--work-dir", str(work), "--seeds", "0", "1", *more]
    monkeypatch.setattr(sys, "argv", ["run_ablations.py", *arguments])
    tool.main()
    return (work / "table.md").read_text().splitlines()


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")[1:-1]]


def test_rows_are_compared_query_by_query_and_share_what_they_train(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    lines = run(tool, monkeypatch, work)
    base, after, scaled = (cells(line) for line in lines[2:])
    assert base[0] == "CTL made small for a first run on two CPU cores"
    assert base[3:7] == ["33.3 ± 0.0", "58.3 ± 0.0", "-", "-"]
    assert after[0] == "Retrieve with the feature after the neck"
    # One of three queries is better by 100 and by 50; by none where others are drawn.
    assert after[3:7] == ["66.7 ± 0.0", "75.0 ± 0.0", "+33.3 [+0.0, +100.0]", "+16.7 [+0.0, +50.0]"]
    assert scaled[5:] == ["+0.0 [+0.0, +0.0]", "+0.0 [+0.0, +0.0]", "2", "query-in-gallery"]
    # The feature is chosen in the test, so its row trains nothing of its own.
    assert (tool.calls.count("train"), tool.calls.count("test")) == (4, 6)
    assert run(tool, monkeypatch, work) == lines
    assert len(tool.calls) == 10


def test_a_run_whose_queries_are_lost_is_tested_again(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    lines = run(tool, monkeypatch, work)
    lost = sorted(work.glob("*/seed0/*.npz"))[0]
    lost.unlink()
    shown = run(tool, monkeypatch, work, "--table-only")
    assert sum(cells(line)[7] == "1" for line in shown) == 1
    assert run(tool, monkeypatch, work) == lines
    assert lost.exists()


def test_other_configs_are_rows_and_the_reference_can_be_one(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = "configs/quickstart/baseline_r18_quickstart.py"
    more = ("--whole", plain, "--reference", plain)
    lines = run(tool, monkeypatch, tmp_path / "work", *more)
    rows = [cells(line) for line in lines[2:]]
    assert rows[1][0] == "The plain baseline beside `ctl_r18_quickstart.py`"
    assert [row[5] for row in rows] == [
        *("+0.0 [+0.0, +0.0]", "-", "+33.3 [+0.0, +100.0]", "+0.0 [+0.0, +0.0]")
    ]


def test_overrides_are_part_of_what_a_run_is(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    run(tool, monkeypatch, work)
    count = len(tool.calls)
    run(tool, monkeypatch, work, "--cfg-options", "train_cfg.max_epochs=2")
    assert len(tool.calls) == 2 * count
    # What changes the test alone trains nothing.
    run(tool, monkeypatch, work, "--cfg-options", "test_evaluator.distance=euclidean")
    assert tool.calls[2 * count :] == ["test"] * 6


def test_ablations_of_one_file_name_stay_apart(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = []
    for weight in (1, 2):
        steps.append(tmp_path / str(weight) / "mine.py")
        steps[-1].parent.mkdir()
        change = f"model = dict(head=dict(part_weight={weight}))"
        steps[-1].write_text(f"_base_ = './base.py'\n{change}\n")
    files = [tool.merge(path, Path(BASE), tmp_path / "configs") for path in steps]
    weights = [read_config(file).model.head.part_weight for file in files]
    assert weights == [1, 2]


def test_rows_of_other_queries_are_listed_without_a_difference(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, out = tmp_path / "work", tmp_path / "new" / "table.md"
    run(tool, monkeypatch, work)
    after = next(
        path for path in work.glob("*/seed0/*.npz") if np.load(path)["first_match"][2] == 0
    )
    arrays = dict(np.load(after))
    np.savez(after, **arrays | {"first_match": np.array([-1, 3, 0])})
    run(tool, monkeypatch, work, "--table-only", "--out", str(out))
    rows = [cells(line) for line in out.read_text().splitlines()[2:]]
    assert [row[5] for row in rows] == ["-", "-", "+0.0 [+0.0, +0.0]"]


def test_the_numbers_of_the_paper_are_read_from_the_docstring(tool: ModuleType) -> None:
    path = ROOT / "configs/ctl/ctl_r50_1xb32-240e_mars-256x128.py"
    assert tool.describe(path, path, []).paper == ("91.4", "86.7")
