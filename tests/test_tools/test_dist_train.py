"""tools/dist_train.sh with two gloo processes on CPUs."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import torch

from tests.conftest import ROOT, data_options


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


CONFIG = """
_base_ = '{root}/configs/quickstart/ctl_r18_quickstart.py'
custom_imports = dict(imports=[*_base_.custom_imports.imports, 'own_module'])
"""
OWN_MODULE = """
import pathlib
import mmctl
pathlib.Path(__file__).with_name('origin.txt').write_text(mmctl.__file__)
"""


def test_two_processes_train_and_test_an_epoch(drawn_mars: Path, tmp_path: Path) -> None:
    work_dir, config = tmp_path / "run", tmp_path / "config.py"
    config.write_text(CONFIG.format(root=ROOT))
    (tmp_path / "own_module.py").write_text(OWN_MODULE)
    options = [
        *data_options(drawn_mars),
        "train_dataloader.batch_size=4",
        "train_dataloader.sampler.num_pids=2",
        "train_cfg.max_epochs=1",
        "train_cfg.val_interval=1",
        "default_hooks.checkpoint.interval=1",
    ]
    command = ["bash", "tools/dist_train.sh", str(config), "2"]
    environment = os.environ | {
        "PYTHON": sys.executable,
        "PORT": str(free_port()),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(tmp_path),
    }
    result = subprocess.run(
        [*command, "--work-dir", str(work_dir), "--cfg-options", *options],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert Path((tmp_path / "origin.txt").read_text()).resolve() == ROOT / "mmctl/__init__.py"
    log = next(work_dir.glob("*/*.log")).read_text()
    # 8 people x 2 tracklets in pairs are 8 pairs: two steps of 2 pairs on each of 2 ranks.
    assert re.search(r"Epoch\(val\) \[1\].*reid/num_queries: 8\b", log)
    assert "gloo" in log or "Distributed training: True" in log
    weights = torch.load(work_dir / "epoch_1.pth", weights_only=False)["state_dict"]
    assert all(value.isfinite().all() for value in weights.values())
    assert not any(key.startswith("module.") for key in weights)
