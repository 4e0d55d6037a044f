"""Several processes on CPUs, and the end of a process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from mmctl.engine import process_group
from mmctl.engine.process_group import init_cpu_distributed
from tests.conftest import ROOT
from tests.forked_processes import join_group
from tests.test_engine.tiny_runner import tiny_config


def test_nothing_is_prepared_without_launcher_or_with_a_gpu(tmp_path, monkeypatch):
    config = tiny_config(tmp_path)
    before = config.to_dict()
    init_cpu_distributed(config, "none")
    monkeypatch.setattr(process_group, "get_device", lambda: "cuda")
    init_cpu_distributed(config, "pytorch")
    assert config.to_dict().keys() == before.keys()
    assert not torch.distributed.is_initialized()


def test_what_cpus_cannot_do_in_several_processes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(process_group, "get_device", lambda: "cpu")
    with pytest.raises(ValueError, match=r"launcher must be 'pytorch'.*got 'slurm'"):
        init_cpu_distributed(tiny_config(tmp_path), "slurm")
    with pytest.raises(ValueError, match=r"sync_bn must be None.*got 'torch'"):
        init_cpu_distributed(tiny_config(tmp_path, sync_bn="torch"), "pytorch")


DISTRIBUTED = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from mmengine.runner import Runner
from mmctl.engine import init_cpu_distributed, run_command
from tests.test_engine.tiny_runner import tiny_config

def main():
    config = tiny_config(Path(sys.argv[1]), launcher="pytorch")
    config.experiment_name = "distributed"
    init_cpu_distributed(config, "pytorch")
    runner = Runner.from_cfg(config)
    runner.train()
    weight = runner.model.module.backbone.weight.detach()
    others = [torch.empty_like(weight) for _ in range(2)]
    torch.distributed.all_gather(others, weight)
    assert torch.equal(*others), others
    assert runner.iter == 1, runner.iter
    assert runner.model.broadcast_buffers is False
    print("ranks agree")

run_command(main)
"""


def test_two_processes_train_on_cpus(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(DISTRIBUTED)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    environment = {
        **os.environ,
        **{"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"},
    }
    done = subprocess.run(
        [*launcher, str(script), str(tmp_path / "work")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("ranks agree") == 2


def test_the_process_group_is_closed_at_the_end(tmp_path):
    assert not process_group.close_distributed()  # without a group there is nothing to do
    join_group(0, 1, tmp_path)
    assert process_group.close_distributed()
    assert not torch.distributed.is_initialized()


def test_a_process_ends_with_its_status_after_what_was_registered():
    code = """
import atexit
from mmctl.engine.process_group import end_process
atexit.register(print, "registered")
print("printed")
end_process(3)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "printed\nregistered\n")
