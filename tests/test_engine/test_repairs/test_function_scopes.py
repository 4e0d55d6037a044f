"""Functions of a dataloader can be called when a config of another package is a base."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from torch.utils.data import DataLoader

import mmctl.engine  # noqa: F401 (mends MMEngine)
from mmctl.datasets.batches.worker_seed import seed_worker

BASE = """
collate = dict(type='pseudo_collate')
train_dataloader = dict(
    batch_size=1,
    collate_fn=collate,
    dataset=dict(type='BaseDataset'),
    sampler=dict(type='DefaultSampler', shuffle=False),
    worker_init_fn=dict(type='mmctl.seed_worker'),
)
"""


@pytest.fixture
def loader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Return the dataloader of a config whose base lies in a package."""
    package = tmp_path / "mmpretrain"
    (package / ".mim" / "configs" / "own").mkdir(parents=True)
    (package / ".mim" / "configs" / "own" / "base.py").write_text(BASE)
    config = sys.modules["mmengine.config.config"]
    monkeypatch.setattr(config, "get_installed_path", lambda _: str(package))
    monkeypatch.setattr(config, "is_installed", lambda _: True)
    monkeypatch.setattr(config, "_get_external_cfg_path", _no_metafile)
    (tmp_path / "mine.py").write_text(
        "_base_ = 'mmpretrain::own/base.py'\ntrain_dataloader = dict(num_workers=0)\n"
    )
    return Config.fromfile(str(tmp_path / "mine.py")).train_dataloader


def _no_metafile(*_: str) -> str:
    raise ValueError


def test_components_know_their_package_and_functions_are_not_given_it(loader: Config) -> None:
    assert loader.collate_fn == {"type": "pseudo_collate"}
    assert loader.worker_init_fn == {"type": "mmctl.seed_worker"}
    assert loader.dataset["_scope_"] == "mmpretrain"


def test_a_dataloader_of_such_a_base_can_be_built(loader: Config) -> None:
    own = {"num_workers": 1, "dataset": [1, 2]}
    built = Runner.build_dataloader({**loader.to_dict(), **own}, seed=1)
    assert isinstance(built, DataLoader)
    function = built.worker_init_fn
    assert isinstance(function, partial)
    assert function.func is seed_worker
    assert "_scope_" not in function.keywords
