"""tools/test_splits.py: one real fold, and several with scripts in the place of the tools."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mmctl.engine import run_command
from tests.conftest import ROOT, data_options, load_tool
from tests.drawn_sets import draw_tiny
from tests.test_engine.test_commands.fold_runs import TEST, TRAIN
from tests.test_files.holder import held_elsewhere

BASELINE = "configs/quickstart/baseline_r18_quickstart.py"
Run = Callable[..., None]


@pytest.fixture(scope="module")
def drawn_ilids(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of drawn pedestrians in the layout of iLIDS-VID: 8 + 8 people."""
    people = {"num_train_pids": 8, "num_test_pids": 8}
    return draw_tiny(tmp_path_factory.mktemp("drawn") / "ilids", "ilids-vid", **people)


def ilids_options(root: Path) -> list[str]:
    return [
        *data_options(root),
        *(f"{part}_dataloader.dataset.type=ILIDSVID" for part in ("train", "val", "test")),
        *(f"{part}_evaluator.protocol=cross-camera" for part in ("val", "test")),
        "train_cfg.max_epochs=1",
        "default_hooks.checkpoint.interval=1",
    ]


@pytest.fixture
def run_splits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Call the tool with a work folder, scripts in the place of training and test."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "train.py").write_text(TRAIN)
    (tmp_path / "tools" / "test.py").write_text(TEST)

    def run(*arguments: str, tools: Path = tmp_path / "tools") -> None:
        module = load_tool("test_splits.py")
        monkeypatch.setattr(module, "TOOLS", tools)
        common = ["test_splits.py", "--work-dir", str(tmp_path / "run"), BASELINE]
        monkeypatch.chdir(ROOT)
        monkeypatch.setattr(sys, "argv", [*common, *arguments])
        run_command(module.main)

    return run


def test_one_fold_is_trained_and_tested_for_real(
    drawn_ilids: Path, tmp_path: Path, run_splits: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--cfg-options", *ilids_options(drawn_ilids)]
    run_splits("--folds", "4", *options, tools=ROOT / "tools")
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    (fold,) = summary["folds"]
    assert fold["fold"] == 4
    assert (fold["num_queries"], fold["num_gallery"]) == (8, 8)
    assert summary["protocol"] == "cross-camera"
    assert 0 < summary["mean"]["mAP"] <= 100
    for name in ("train.txt", "test.txt"):
        log = (tmp_path / "run" / "fold4" / name).read_text()
        assert "fold=4" in log
        assert "fold=0" not in log
    assert "cross-camera" in capsys.readouterr().out


def test_the_others_are_run_when_a_fold_fails_and_only_it_is_run_again(
    drawn_ilids: Path, tmp_path: Path, run_splits: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--folds", "0-2", "--cfg-options", *ilids_options(drawn_ilids)]
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "broken").touch()
    with pytest.raises(SystemExit) as ended:
        run_splits(*options)
    assert ended.value.code == 2
    output = capsys.readouterr()
    assert "fold 1 failed: " in output.out
    assert "out of memory" in output.out
    assert "error: folds [1] failed" in output.err
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert [fold["fold"] for fold in summary["folds"]] == [0, 2]
    assert summary["failed"] == [1]
    assert summary["mean"] == {"mAP": 51.0, "R1": 42.0}
    (tmp_path / "run" / "broken").unlink()
    run_splits(*options)
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert [fold["fold"] for fold in summary["folds"]] == [0, 1, 2]
    assert summary["failed"] == []
    assert summary["std"] == {"mAP": 1.0, "R1": 2.0}
    trained = (tmp_path / "run" / "calls.txt").read_text().count("train ")
    assert trained == 4
    output = capsys.readouterr().out
    assert all(text in output for text in ("cross-camera", "mean", "std", "51.00", "queries"))


def test_folds_of_other_splits_end_in_one_line(
    drawn_ilids: Path, tmp_path: Path, run_splits: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "data"
    shutil.copytree(drawn_ilids, root)
    options = ["--cfg-options", *ilids_options(root)]
    run_splits("--folds", "0-1", *options)
    (root / "train-test people splits" / "train_test_splits_ilidsvid.mat").unlink()
    with pytest.raises(SystemExit) as ended:
        run_splits("--folds", "0,2", *options)
    assert ended.value.code == 2
    assert "error: " in (error := capsys.readouterr().err)
    assert "holds folds of other splits" in error
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert [fold["fold"] for fold in summary["folds"]] == [0, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--folds", "0-10"], "fold must be below 10"),
        (["--folds", "x"], "folds must be numbers and ranges"),
        (["--cfg-options", "test_dataloader.dataset.fold=1"], "--folds says which folds to run"),
        (["--test-only", "nowhere.pth"], "checkpoint nowhere.pth of fold 0 does not exist"),
        (["--cfg-options", "model.backbone.dept=18"], "'depth'"),
        (["--cfg-options", "train_dataloader.dataset.type=MARS"], "MARS has no argument 'fold'"),
    ],
)
def test_a_wrong_argument_ends_in_one_line_before_any_run(
    arguments: list[str],
    message: str,
    drawn_ilids: Path,
    tmp_path: Path,
    run_splits: Run,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ilids_options(drawn_ilids)
    if arguments[0] == "--cfg-options":
        arguments = [*arguments[:1], *options, *arguments[1:]]
    else:
        arguments = [*arguments, "--cfg-options", *options]
    with pytest.raises(SystemExit) as ended:
        run_splits(*arguments)
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.count("error: ") == 1
    assert message in error
    assert not (tmp_path / "run").exists()


def test_a_folder_in_use_is_left_alone(
    drawn_ilids: Path, tmp_path: Path, run_splits: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    with held_elsewhere(folder), pytest.raises(SystemExit) as ended:
        run_splits("--folds", "4", "--cfg-options", *ilids_options(drawn_ilids))
    assert ended.value.code == 2
    assert f"error: {folder} is in use by another run" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == [".lock"]


def test_a_checkpoint_of_one_data_set_is_tested_on_another(
    drawn_mars: Path, drawn_ilids: Path, tmp_path: Path, run_tool: Run
) -> None:
    # Training as on MARS with its 8 people; the test set has other people and folds.
    own = [*data_options(drawn_mars), "train_cfg.max_epochs=1"]
    own += ["default_hooks.checkpoint.interval=1"]
    train = [BASELINE, "--work-dir", str(tmp_path / "run"), "--no-validate"]
    run_tool("train.py", *train, "--cfg-options", *own)
    config = tmp_path / "cross.py"
    cross = (ROOT / "configs" / "ctl" / "cross_mars_to_ilids-vid.py").read_text()
    base = "_base_ = './ctl_r50_1xb32-240e_mars-256x128.py'"
    assert base in cross
    config.write_text(cross.replace(base, f"_base_ = {str(ROOT / BASELINE)!r}"))
    run_tool(
        *("test.py", str(config), str(tmp_path / "run" / "epoch_1.pth")),
        *("--work-dir", str(tmp_path / "test"), "--metrics-file", str(tmp_path / "m.json")),
        *("--cfg-options", *own, f"test_dataloader.dataset.data_root={drawn_ilids}"),
    )
    numbers = json.loads((tmp_path / "m.json").read_text())
    assert numbers["protocol"] == "cross-camera"
    assert (numbers["num_queries"], numbers["num_gallery"]) == (8, 8)
    log = "".join(path.read_text() for path in (tmp_path / "test").glob("*/*.log"))
    assert "ILIDSVID, protocol cross-camera" in log
