"""What docs/en/your_own_videos.md shows runs, in a short street and with a detector of one step."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

from mmctl.apis.street_truth import read_street
from mmctl.datasets import TrackletDataset
from mmctl.engine import run_command
from mmctl.models.detectors import TorchvisionKeypointRCNN
from mmctl.structures import Detections
from tests.conftest import ROOT, load_tool
from tests.test_apis.conftest import checkpoints

__all__ = ["checkpoints"]  # fixture

PAGE = (ROOT / "docs" / "en" / "your_own_videos.md").read_text()
COMMANDS = [
    line
    for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    for line in block.replace("\\\n", " ").splitlines()
]
QUICKSTART = "bash tools/quickstart.sh"
SHORTER = {  # options that come last count
    "draw_street.py": "--seconds 14 --people 4 --fps 5 --workers 1",
    "train_street_detector.py": "--streets 1 --frames 1 --steps 1 --batch-size 1 --workers 1",
    "check_dataset.py": "--workers 1",
}
"""Each of the four is in both cameras."""


@pytest.fixture
def place(checkpoints, tmp_path, monkeypatch) -> Path:
    """A folder in which the quickstart has run."""
    weights = tmp_path / "work_dirs" / "quickstart" / "ctl" / "epoch_20.pth"
    weights.parent.mkdir(parents=True)
    weights.symlink_to(checkpoints["ctl"])
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def seeing(monkeypatch) -> None:
    """Let the network, which one step taught nothing, find what is true."""

    def start(self, source, tracks):
        cameras = read_street(Path("data/street"))
        (self.truth,) = (c for c in cameras if c.video.resolve() == Path(source.path).resolve())
        return []

    def detect(self, frames, positions):
        tracks, found = self.truth.tracks, []
        for position in positions:
            rows = (tracks.frames == position) & ~tracks.is_ignored
            joints = self.truth.keypoints[rows].astype(np.float32)
            joints[..., 2] = joints[..., 2] > 0
            scores = np.linspace(1, 0.9, int(rows.sum()))
            found.append(Detections(tracks.boxes[rows], scores, joints))
        return found

    monkeypatch.setattr(TorchvisionKeypointRCNN, "start", start)
    monkeypatch.setattr(TorchvisionKeypointRCNN, "detect", detect)


def run(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    python, tool, *arguments = shlex.split(command)
    assert python == "python"
    more = SHORTER.get(Path(tool).name, "").split()
    monkeypatch.setattr(sys, "argv", [tool, *arguments, *more])
    main = load_tool(tool.removeprefix("tools/")).main
    if "check_dataset" in tool:
        with pytest.raises(SystemExit, match="0"):
            run_command(main)
    else:
        run_command(main)


def test_the_commands_of_the_page_run(place, seeing, monkeypatch, capsys):
    for package in ("trackers", "motmetrics"):
        pytest.importorskip(package)
    assert COMMANDS.count(QUICKSTART) == 1
    commands = [command for command in COMMANDS if command != QUICKSTART]
    (measure,) = (command for command in commands if "--features" in command)
    assert len(commands) == 14
    for command in commands:
        run(command, monkeypatch)
        if command is measure:
            measured = capsys.readouterr().out
    rows = ("AP at an overlap of 0.5, %", "joints nearer", "IDF1, %", "MOTA, %", "Rank-1", "mAP, %")
    assert all(row in measured for row in rows)
    assert "100.0" in measured  # of a detector that finds what is true
    columns = Path("work_dirs/street/who_is_who.csv").read_text().splitlines()[0].split(",")
    assert {"rank", "distance", "mutual", "pid"} <= set(columns)
    labelled = TrackletDataset(data_root="data/tracked", split="test")
    people = [labelled.get_data_info(index)["pid"] for index in range(len(labelled))]
    assert len(people) > len(set(people)) > 1
    assert set(people) <= {1, 2, 3, 4}
    for name in ("who_is_who.png", "tracks.csv"):
        assert Path("work_dirs/street", name).is_file()
    assert Path("work_dirs/ranking.html").is_file()
