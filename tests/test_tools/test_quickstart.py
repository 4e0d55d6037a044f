"""tools/quickstart.py at tiny size: every step, every file, and nothing twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from tests.conftest import ROOT


def quickstart(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "tools/quickstart.py", "--tiny"]
    command += ["--data-root", str(folder / "data"), "--work-dir", str(folder / "work")]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.timeout(900)  # eight programs one after the other
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
