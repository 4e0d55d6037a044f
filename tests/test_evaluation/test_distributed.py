"""Evaluation gives identical numbers on 1, 2 and 3 processes with uneven splits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mmctl.evaluation import TrackletFeatures
from tests.conftest import ROOT
from tests.test_evaluation.drawn_split import drawn_tracklets

WORLD_SIZES = (1, 2, 3)
# Neither divides by 2 or 3: the samplers of all ranks but the first repeat tracklets, and the
# last batches of 4 are uneven.
NUM_TRACKLETS = 79


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders named after the number of processes, with the numbers of each rank and a dump."""
    out = tmp_path_factory.mktemp("distributed")
    module = "tests.test_evaluation.evaluating_processes"
    run = subprocess.run(
        [sys.executable, "-m", module, str(NUM_TRACKLETS), str(out), *map(str, WORLD_SIZES)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    return out


def test_every_rank_of_every_number_of_processes_has_the_same_numbers(results: Path) -> None:
    numbers = [
        json.loads((results / str(size) / f"rank{rank}.json").read_text())
        for size in WORLD_SIZES
        for rank in range(size)
    ]
    assert len(numbers) == 6
    assert all(number == numbers[0] for number in numbers)
    assert numbers[0]["reid/num_queries"] > 10


@pytest.mark.parametrize("size", WORLD_SIZES)
def test_every_tracklet_is_gathered_once(results: Path, size: int) -> None:
    tracklets = TrackletFeatures.load(results / str(size) / "features.npz")
    assert tracklets.tracklet_ids.tolist() == list(range(NUM_TRACKLETS))
    expected = drawn_tracklets(num_tracklets=NUM_TRACKLETS)
    np.testing.assert_array_equal(tracklets.features, expected.features)
    np.testing.assert_array_equal(tracklets.pids, expected.pids)
