"""Trainings of milliseconds need no disk that outlasts a power cut."""

from __future__ import annotations

import os
from collections.abc import Iterator

import mmengine.runner.runner
import pytest


@pytest.fixture(scope="package", autouse=True)
def _fast_saving() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        # A process of git for every checkpoint.
        patch.setattr(mmengine.runner.runner, "get_git_hash", lambda: "")
        yield
