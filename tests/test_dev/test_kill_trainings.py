"""Real kills of real trainings: a handful here, fifty by the tool on its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT


def test_killed_trainings_end_as_the_uninterrupted_one(tmp_path: Path) -> None:
    # A process of its own, because a process that has trained cannot fork one that trains.
    result = subprocess.run(
        [sys.executable, "-m", "dev.kill_trainings", "--kills=3", f"--keep={tmp_path}"],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert result.stdout.endswith("3 of 3 equal\n")
    for moment in ("at any time", "while writing", "while drawing"):
        assert moment in result.stdout
    assert re.search(r"\d (epoch|snapshot|start)", result.stdout)
    assert not list(tmp_path.glob("killed_*"))
