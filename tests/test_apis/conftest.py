"""Checkpoints that several tests of inference share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mmctl.apis import TrackletInferencer
from tests.test_apis.tiny_checkpoint import save_checkpoint, small_config


@pytest.fixture(scope="session")
def checkpoints(drawn_mars: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Checkpoints of the quickstart's CTL and baseline, by name."""
    folder = tmp_path_factory.mktemp("checkpoints")
    return {
        name: save_checkpoint(folder / f"{name}.pth", small_config(name, drawn_mars))
        for name in ("ctl", "baseline")
    }


@pytest.fixture(scope="session")
def inferencers(checkpoints: dict[str, Path]) -> dict[str, TrackletInferencer]:
    """Inferencers of these, from the checkpoint alone."""
    return {
        name: TrackletInferencer(weights=path, device="cpu", num_workers=1, show_progress=False)
        for name, path in checkpoints.items()
    }


@pytest.fixture
def baseline(inferencers: dict[str, TrackletInferencer]) -> TrackletInferencer:
    """One that needs no keypoints."""
    return inferencers["baseline"]


@pytest.fixture
def ctl(inferencers: dict[str, TrackletInferencer]) -> TrackletInferencer:
    """One that does."""
    return inferencers["ctl"]


@pytest.fixture
def crops(drawn_mars: Path, tmp_path: Path) -> Callable[[str, int], Path]:
    """Make a folder of crops: ``crops('a', 3)`` has three drawn frames, 1.jpg to 3.jpg."""

    def make(name: str, count: int) -> Path:
        folder = tmp_path / "crops" / name
        folder.mkdir(parents=True)
        source = sorted((drawn_mars / "bbox_train").rglob("*.jpg"))
        for index, path in enumerate(source[:count]):
            (folder / f"{index + 1}.jpg").write_bytes(path.read_bytes())
        return folder

    return make
