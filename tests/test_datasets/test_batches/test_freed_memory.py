"""Freed memory is kept for the next batch."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import resource
import numpy as np
from mmctl.datasets.batches.freed_memory import keep_freed_memory

kept = {kept} and keep_freed_memory()

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    clips = [np.ones(590_000, np.uint8) for _ in range(32)]
    del clips
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
faults()
print(kept, faults())
"""


def run(kept: bool, **environment: str) -> list[str]:
    program = PROGRAM.format(kept=kept)
    command = [sys.executable, "-c", program]
    variables = {name: value for name, value in os.environ.items() if "MALLOC" not in name}
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=variables | environment
    )
    return done.stdout.split()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="page faults as Linux counts them")
def test_the_pages_of_a_freed_batch_are_those_of_the_next():
    kept, faults = run(True)
    if kept == "False":
        pytest.skip("a C library without mallopt")
    assert int(faults) < 100 < int(run(False)[1])


@pytest.mark.parametrize("name", ["MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"])
def test_what_the_environment_says_of_memory_is_left_alone(name):
    assert run(True, **{name: "0" if name.startswith("M") else ""})[0] == "False"
