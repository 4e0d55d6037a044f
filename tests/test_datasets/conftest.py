"""What makes the tests of data sets quick, and an annotation file of a few tracklets."""

from __future__ import annotations

import gc
import json

import pytest

from mmctl.datasets import TrackletDataset
from tests.test_datasets.written_tracklets import entry


@pytest.fixture(autouse=True)
def _no_garbage_collection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the collection after each data set: it walks all that torch has in memory."""
    monkeypatch.setattr(gc, "collect", lambda *_: 0)


@pytest.fixture
def content():
    """The content of ``NUM_FRAMES`` frames, train and test."""
    return {
        "metainfo": {"dataset_name": "street"},
        "tracklets": [
            entry(40, 1, "train", 3),
            entry(7, 1, "query", 2),
            entry(12, 2, "train", 1),
            entry(7, 2, "gallery", 4),
            entry(40, 2, "train", 2),
            entry(-1, 1, "gallery", 1),
            entry(0, 2, "gallery", 1),
        ],
    }


@pytest.fixture
def build(tmp_path, content):
    """Write it, and build the data set."""

    def build_dataset(**arguments):
        (tmp_path / "annotations.json").write_text(json.dumps(content))
        return TrackletDataset(data_root=str(tmp_path), **arguments)

    return build_dataset
