"""Whatever ends a training, its process ends, and its workers with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, wait_until


def train(folder: Path, end: str, num_ranks: int = 1) -> subprocess.CompletedProcess[str]:
    """Run a training to its end; its workers hold its output open for as long as they live."""
    command = ["-m", "tests.test_engine.persistent_training", str(folder), end]
    if num_ranks > 1:
        launch = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={num_ranks}"]
        command = [*launch, *command]
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("end", "status", "said"),
    [
        ("success", 0, ""),
        ("signal", 85, "stopped by SIGTERM: "),
        ("error", 2, "frame 7 cannot be read"),
    ],
)
def test_a_training_with_persistent_workers_ends(tmp_path, end, status, said):
    result = train(tmp_path, end)
    assert result.returncode == status, result.stderr
    assert said in result.stderr
    if end == "signal":
        assert Path((tmp_path / "last_checkpoint").read_text()).name == "snapshot_6.pth"


@pytest.mark.parametrize(("end", "said"), [("success", ""), ("error", "frame 7 cannot be read")])
def test_two_processes_with_persistent_workers_end(tmp_path, end, said):
    result = train(tmp_path, end, num_ranks=2)
    assert (result.returncode == 0) == (end == "success"), result.stderr
    assert said in result.stderr


def test_workers_end_with_a_main_process_that_is_killed(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert result.returncode == -9
    worker = int((tmp_path / "worker").read_text())
    # Torch's workers look for their main process every few seconds.
    wait_until(lambda: state_of(worker) == "Z")


def state_of(process: int) -> str:
    """Return the state of a process as Linux tells it, Z for one that nobody waits for."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "Z"


KILLED = """
import os, signal, sys, pathlib
from torch.utils.data import DataLoader
from mmctl.engine.resume.stop_signals import spare_workers
loader = DataLoader(range(100), num_workers=1, persistent_workers=True)
spare_workers(loader)
batches = iter(loader)
next(batches)
pathlib.Path(sys.argv[1], "worker").write_text(str(batches._workers[0].pid))
os.kill(os.getpid(), signal.SIGKILL)
"""
