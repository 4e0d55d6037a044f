"""Every line of code in docs/en/inference.md runs."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from mmctl.engine import run_command
from tests.conftest import ROOT, load_tool
from tests.test_apis.conftest import checkpoints, crops
from tests.test_datasets.test_tracking.conftest import tracks, video

__all__ = ["checkpoints", "crops", "tracks", "video"]  # fixtures

PAGE = (ROOT / "docs" / "en" / "inference.md").read_text()


@pytest.fixture
def place(checkpoints, crops, drawn_mars, video, tracks, tmp_path, monkeypatch) -> Path:
    """A folder that has all the files of the page."""
    crops("person1", 3)
    crops("person2", 2)
    for name, target in (
        ("epoch_20.pth", checkpoints["ctl"]),
        ("baseline/epoch_20.pth", checkpoints["baseline"]),
        ("data/quickstart", drawn_mars),
        ("street.avi", video),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).symlink_to(target)
    street = tmp_path / "data" / "street"
    street.mkdir()
    entry = '{"camid": 1, "frames": ["../../crops/person1/1.jpg"]}'.replace("../..", str(tmp_path))
    (street / "annotations.json").write_text(f'{{"tracklets": [{entry}]}}')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_python_of_the_page_runs(place: Path) -> None:
    source = "\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
    names: dict = {}
    exec(compile(source, "inference.md", "exec"), names)
    assert len(names["predictions"]) == 13
    assert -1 <= names["similarity"] <= 1


def test_the_commands_of_the_page_run(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    commands = [shlex.split(line) for line in block.splitlines()]
    assert len(commands) == 3
    for python, tool, *arguments in commands:
        assert python == "python"
        monkeypatch.setattr(sys, "argv", [tool, *arguments])
        run_command(load_tool(tool.removeprefix("tools/")).main)
        out = Path(arguments[arguments.index("--out") + 1])
        assert (place / out / "features.npz").is_file()
        assert (place / out / "tracks.csv").is_file()


def test_every_key_of_a_prediction_is_on_the_page(place: Path) -> None:
    from mmctl.apis import TrackletInferencer

    (prediction,) = TrackletInferencer(weights="baseline/epoch_20.pth", device="cpu")(
        "crops/person1"
    )["predictions"]
    table = PAGE.partition("| key of a prediction")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", table)) >= prediction.keys()
