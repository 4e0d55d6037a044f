"""tools/quickstart.py at tiny size: every step, every file, and nothing twice."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from tests.conftest import ROOT, load_tool


def quickstart(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "tools/quickstart.py", "--tiny"]
    command += ["--data-root", str(folder / "data"), "--work-dir", str(folder / "work")]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_the_quickstart_leaves_table_pictures_and_checkpoint(tmp_path: Path) -> None:
    first = quickstart(tmp_path)
    assert first.returncode == 0, first.stdout[-3000:] + first.stderr[-3000:]
    work_dir = tmp_path / "work"
    rows = json.loads((work_dir / "summary.json").read_text())
    assert [row["name"] for row in rows] == ["untrained", "baseline", "ctl"]
    for row in rows:
        assert row.keys() == {
            *("name", "R1", "R5", "R20", "mAP", "num_queries", "num_gallery"),
            *("protocol", "seconds"),
        }
        assert row["num_queries"] == 6 * 4  # people x cameras
        assert row["num_gallery"] > row["num_queries"]  # distractors
        assert 0 < row["mAP"] <= 100
        assert row["seconds"] > 0
        assert row["protocol"] in first.stdout
    for picture in ("learning_curve.png", "ranking_sheet.png"):
        image = cv2.imread(str(work_dir / picture))
        assert image is not None, picture
        assert image.std() > 10, picture
    assert (work_dir / "ctl" / "epoch_1.pth").exists()
    assert "tools/test.py" in first.stdout
    assert "extract_keypoints.py" in first.stdout

    second = quickstart(tmp_path)
    assert second.returncode == 0, second.stdout[-3000:] + second.stderr[-3000:]
    assert second.stdout.count("finished earlier") == 3
    assert "Epoch" not in second.stdout
    assert json.loads((work_dir / "summary.json").read_text()) == rows


def test_a_step_that_fails_names_its_log(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "notes.txt").write_text("somebody's folder")
    result = quickstart(tmp_path)
    assert result.returncode != 0
    assert str(tmp_path / "data") in result.stdout + result.stderr
    assert (tmp_path / "data" / "notes.txt").exists()
    assert not (tmp_path / "work" / "summary.json").exists()


@pytest.fixture
def noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a function that runs the quickstart with steps that only leave their files.

    It returns the steps' commands; the keypoint array's header says ``found``.
    """

    def call(*arguments: str, found: str = "{}", keeps_pointer: bool = False) -> list[list[str]]:
        tool, commands = load_tool("quickstart.py"), []

        def step(_title: str, command: list[str], _log: Path) -> None:
            commands.append(command)

            def after(option: str) -> Path:
                return Path(command[command.index(option) + 1])

            if command[0] == "tools/train.py":
                (after("--work-dir") / "epoch_20.pth").touch()
                if not keeps_pointer:
                    (after("--work-dir") / "last_checkpoint").write_text("epoch_20.pth")
            elif command[0] == "tools/test.py":
                numbers = dict.fromkeys((*tool.SCORES, *tool.POSE_SCORES), 0.5)
                numbers |= {"num_queries": 3, "num_gallery": 4}
                after("--metrics-file").write_text(json.dumps({**numbers, "protocol": "p"}))
            elif "extract" in command[0]:
                after("--out").with_suffix(".json").write_text(found)

        def draw(args) -> None:
            (Path(args.data_root) / "info").mkdir(parents=True, exist_ok=True)
            (Path(args.data_root) / "info" / "drawn.json").write_text("{}")

        monkeypatch.setattr(tool, "run", step)
        monkeypatch.setattr(tool, "draw", draw)
        monkeypatch.setattr(tool, "find_spec", lambda _: True)  # no step runs
        monkeypatch.chdir(ROOT)
        places = ["--data-root", str(tmp_path / "data"), "--work-dir", str(tmp_path / "work")]
        monkeypatch.setattr(sys, "argv", ["quickstart.py", *places, *arguments])
        tool.main()
        return [command for command in commands if "plot" not in command[0]]

    return call


def summary(folder: Path, name: str) -> list[dict]:
    return json.loads((folder / "work" / f"{name}.json").read_text())


def test_learned_keypoints_come_after_the_plain_rows_and_leave_them_alone(
    noted, tmp_path: Path
) -> None:
    plain = noted()
    rows = summary(tmp_path, "summary")
    assert not (tmp_path / "work" / "summary_learned.json").exists()
    assert not [command for command in plain if "configs/pose" in " ".join(command)]
    more = noted("--learned-keypoints")
    assert summary(tmp_path, "summary") == rows
    assert [row["name"] for row in summary(tmp_path, "summary_learned")] == [
        *("untrained", "baseline", "ctl", "ctl-learned")
    ]
    tools = [Path(command[0]).stem for command in more if "visualization" not in command[0]]
    assert tools == [
        *("export_coco_keypoints", "train", "test", "extract_keypoints", "train", "test")
    ]
    pose, learned = more[1][1], more[4][1]
    assert pose.startswith("configs/pose/")
    assert learned == "configs/quickstart/ctl_r18_learned_keypoints.py"
    for path in (pose, learned):
        assert (ROOT / path).is_file()
    extract = more[3]
    assert extract[extract.index("--estimator") + 1] == pose
    assert extract[extract.index("--checkpoint") + 1] == str(
        tmp_path.joinpath("work", "pose", "epoch_20.pth")
    )
    assert extract[1] == learned


def test_a_damaged_row_is_tested_again_and_not_shown(noted, tmp_path: Path) -> None:
    noted()
    path = tmp_path / "work" / "ctl" / "row.json"
    row = path.read_text()
    for content in ("{", row.replace("0.5", '"abc"', 1), row.replace("0.5", "NaN", 1), "[1]"):
        path.write_text(content)
        commands = [Path(command[0]).stem for command in noted()]
        assert commands == ["train", "test", "draw_ranking_sheet"]
        assert json.loads(path.read_text())["R1"] == 0.5
    assert [command[0] for command in noted() if "test" in command[0]] == []


def test_ctl_is_trained_anew_on_keypoints_of_another_estimator(noted) -> None:
    noted("--learned-keypoints")
    again = noted("--learned-keypoints")
    assert [Path(command[0]).stem for command in again if "sheet" not in command[0]] == [
        "extract_keypoints"
    ]
    other = noted("--learned-keypoints", found='{"weights": "other"}')
    assert [Path(command[0]).stem for command in other if "sheet" not in command[0]] == [
        *("extract_keypoints", "train", "test")
    ]


def test_a_tiny_estimator_has_no_classes(noted) -> None:
    commands = noted("--tiny", "--learned-keypoints")
    pose = next(command for command in commands if "configs/pose" in command[1])
    assert not [option for option in pose if "num_classes" in option]
    assert "train_cfg.max_epochs=1" in pose
    last = [command for command in commands if command[0] == "tools/train.py"][-1]
    assert "model.head.num_classes=8" in last


def test_a_work_folder_that_was_copied_tests_its_own_checkpoint(noted, tmp_path: Path) -> None:
    noted()
    work, elsewhere = tmp_path / "work", tmp_path / "elsewhere"
    shutil.copytree(work, elsewhere)
    for name in ("baseline", "ctl"):
        (work / name / "row.json").unlink()
        # As a training leaves it that is complete: the path of the folder before.
        (work / name / "last_checkpoint").write_text(str(elsewhere / name / "epoch_20.pth"))
    again = noted(keeps_pointer=True)
    tested = [command[2] for command in again if command[0] == "tools/test.py"]
    assert tested == [str(work / name / "epoch_20.pth") for name in ("baseline", "ctl")]


def test_keypoints_are_not_learned_without_mmpose(monkeypatch, capsys) -> None:
    tool = load_tool("quickstart.py")
    monkeypatch.setattr(tool, "find_spec", lambda name: None if name == "mmpose" else True)
    monkeypatch.setattr(sys, "argv", ["quickstart.py", "--learned-keypoints"])
    with pytest.raises(SystemExit):
        tool.main()
    assert "needs mmpose" in capsys.readouterr().err
