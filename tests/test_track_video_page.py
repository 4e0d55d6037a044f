"""What docs/en/track_video.md shows can be done as it stands there."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmctl.datasets import TrackletDataset
from mmctl.engine import run_command
from mmctl.registry import DETECTORS
from tests.conftest import ROOT, load_tool
from tests.test_apis.test_video_tracking.drawn_scene import Scene, write_tracks, write_video

PAGE = (ROOT / "docs" / "en" / "track_video.md").read_text()
FIND_PEOPLE = """

def find_people(frame):
    return np.array([[10.0, 5, 40, 90]]), np.array([0.9])
"""


@pytest.fixture
def place(tmp_path, monkeypatch) -> Iterator[Path]:
    """A folder with the files of the page."""
    scene = Scene()
    for name in ("gate.mp4", "hall.mp4"):
        write_video(tmp_path / name, scene.frames)
    for name in ("gate.txt", "hall.txt"):
        write_tracks(tmp_path / name, scene)
    (tmp_path / "cameras.json").write_text(blocks("json")[0])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    known = dict(DETECTORS.module_dict)
    yield tmp_path
    DETECTORS.module_dict.clear()
    DETECTORS.module_dict.update(known)
    sys.modules.pop("my_detector", None)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def run(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    python, tool, *arguments = shlex.split(command.replace("\\\n", " "))
    assert python == "python"
    monkeypatch.setattr(sys, "argv", [tool, *arguments])
    run_command(load_tool(tool.removeprefix("tools/")).main)


def find_command(words: str) -> str:
    """Return the command of the page that has some words."""
    lines = "\n".join(blocks("bash")).replace("\\\n", " ").splitlines()
    (found,) = [line for line in lines if words in line]
    return found


def test_a_detector_of_three_lines_is_used(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("trackers")
    (source,) = blocks("python")
    (place / "my_detector.py").write_text(source + FIND_PEOPLE)
    options = "--custom-imports my_detector --detector MyDetector"
    assert f"`{options}`" in PAGE
    run(monkeypatch, f"python tools/track_video.py gate.mp4 --out data/gate {options}")
    assert len(TrackletDataset(data_root="data/gate", split="all")) == 1


def test_boxes_of_another_program_are_labelled(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(monkeypatch, find_command("--detector MotFile"))
    assert len(TrackletDataset(data_root="data/gate", split="all")) == 2
    cameras = (
        (place / "cameras.json")
        .read_text()
        .replace('"start": ', '"tracks": "gate.txt", "start": ', 1)
    )
    (place / "cameras.json").write_text(cameras)
    run(
        monkeypatch,
        "python tools/track_video.py --camera-list cameras.json --out data/street "
        "--detector MotFile",
    )
    (place / "persons.csv").write_text("camera,track_id,pid\n1,1,1\n2,1,1\n1,2,2\n2,2,2\n")
    run(monkeypatch, find_command("label_tracklets.py"))
    for split in ("train", "test"):
        assert len(TrackletDataset(data_root="data/street", split=split)) == 2


@pytest.mark.parametrize("words", ["--starts", "model=retinanet", "--weights own.pth"])
def test_other_commands_have_options_that_exist(
    place: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    """Their weights are not here, so that they are parsed alone."""
    command = find_command(words).split()
    monkeypatch.setattr(sys, "argv", command[1:])
    args = load_tool("track_video.py").parse_args()
    assert args.videos
    assert args.out.parts[0] == "data"
