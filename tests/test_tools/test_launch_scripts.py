"""What the launch scripts start, on one machine and on several."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

NODES = {"NNODES": "2", "NODE_RANK": "1", "MASTER_ADDR": "10.0.0.1", "PORT": "29511"}


def started(command: list[str], tmp_path: Path, **variables: str) -> list[str]:
    """Return the words of the command that a script would run."""
    srun = tmp_path / "srun"
    python = tmp_path / "python"
    for program in (srun, python):
        program.write_text('#!/bin/sh\necho "$@" "PYTHONPATH=$PYTHONPATH"\n')
        program.chmod(0o755)
    names = (*NODES, "GPUS", "GPUS_PER_NODE", "CPUS_PER_TASK", "SRUN_ARGS", "STOP_SECONDS")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    environment |= {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHON": str(python), **variables}
    script, *arguments = command
    return subprocess.run(
        ["bash", str(ROOT / "tools" / script), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()


@pytest.mark.parametrize(
    ("script", "arguments"), [("train", ["c.py"]), ("test", ["c.py", "epoch_1.pth"])]
)
def test_a_machine_starts_its_share_of_the_processes(
    tmp_path: Path, script: str, arguments: list[str]
) -> None:
    command = [f"dist_{script}.sh", *arguments, "4", "--resume"]
    words = started(command, tmp_path, **NODES)
    for option in ("--nnodes=2", "--node_rank=1", "--master_addr=10.0.0.1", "--master_port=29511"):
        assert option in words
    assert "--nproc_per_node=4" in words
    tool = words.index(str(ROOT / "tools" / f"{script}.py"))
    assert words[tool + 1 : -1] == [*arguments, "--launcher", "pytorch", "--resume"]
    alone = started(command, tmp_path)
    assert {"--nnodes=1", "--node_rank=0", "--master_addr=127.0.0.1"} <= set(alone)


@pytest.mark.parametrize(("gpus", "per_node"), [("4", "4"), ("16", "8")])
def test_slurm_spreads_the_processes_over_nodes(tmp_path: Path, gpus: str, per_node: str) -> None:
    command = ["slurm_train.sh", "part", "job", "c.py", "work", "--resume"]
    words = started(command, tmp_path, GPUS=gpus, SRUN_ARGS="--requeue --time=60")
    wanted = {f"--ntasks={gpus}", f"--ntasks-per-node={per_node}", f"--gres=gpu:{per_node}"}
    assert wanted | {"--kill-on-bad-exit=1", "--signal=USR1@120", "--requeue"} <= set(words)
    assert words[-7:-1] == ["c.py", "--work-dir", "work", "--launcher", "slurm", "--resume"]


@pytest.mark.parametrize(
    "command",
    [
        ["dist_train.sh", "c.py", "2"],
        ["dist_test.sh", "c.py", "epoch_1.pth", "2"],
        ["slurm_train.sh", "part", "job", "c.py", "work"],
    ],
    ids=lambda command: command[0],
)
def test_processes_find_this_checkout_first_and_then_the_user_s_modules(
    tmp_path: Path, command: list[str]
) -> None:
    words = started(command, tmp_path, PYTHONPATH="/mine:/others")
    assert words[-1] == f"PYTHONPATH={ROOT}/tools/..:/mine:/others"
    # An empty place is the folder in which the user started.
    assert started(command, tmp_path, PYTHONPATH="")[-1] == f"PYTHONPATH={ROOT}/tools/..:"


@pytest.mark.parametrize("script", ["dist_train.sh", "dist_test.sh", "slurm_train.sh"])
def test_too_few_arguments_are_answered_with_the_usage(tmp_path: Path, script: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as error:
        started([script, "c.py"], tmp_path)
    assert error.value.returncode == 2
    assert f"usage: bash tools/{script} " in error.value.stderr
