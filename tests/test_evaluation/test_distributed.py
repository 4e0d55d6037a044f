"""Evaluation gives identical numbers on 1, 2 and 3 processes with uneven splits."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mmctl.evaluation import TrackletFeatures
from tests.conftest import ROOT
from tests.test_evaluation.drawn_split import drawn_tracklets


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def evaluate_in(world_size: int, batch: int, num_tracklets: int, out: Path) -> dict[str, float]:
    """Run the processes at once and return the numbers, which all of them must have."""
    out.mkdir()
    shared = map(str, (world_size, free_port(), batch, num_tracklets, out))
    arguments = list(shared)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    module = "tests.test_evaluation.evaluating_process"
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", module, str(rank), *arguments],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(world_size)
    ]
    for process in processes:
        log, _ = process.communicate(timeout=240)
        assert process.returncode == 0, log[-3000:]
    numbers = [json.loads((out / f"rank{rank}.json").read_text()) for rank in range(world_size)]
    assert all(number == numbers[0] for number in numbers)
    return numbers[0]


@pytest.mark.parametrize(("num_tracklets", "batch"), [(79, 4)])
def test_numbers_and_features_do_not_depend_on_the_number_of_processes(
    num_tracklets: int, batch: int, tmp_path: Path
) -> None:
    # 79 = 2 * 40 - 1 = 3 * 27 - 2: both samplers repeat tracklets, the last batches are uneven.
    numbers = {}
    for world_size in (1, 2, 3):
        out = tmp_path / str(world_size)
        numbers[world_size] = evaluate_in(world_size, batch, num_tracklets, out)
        tracklets = TrackletFeatures.load(out / "features.npz")
        assert tracklets.tracklet_ids.tolist() == list(range(num_tracklets))
        expected = drawn_tracklets(num_tracklets=num_tracklets)
        np.testing.assert_array_equal(tracklets.features, expected.features)
    assert numbers[1] == numbers[2] == numbers[3]
    assert numbers[1]["reid/num_queries"] > 10
