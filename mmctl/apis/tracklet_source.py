"""The data set that a converter works on, as its command line names it."""

from __future__ import annotations

import argparse
from typing import Any

from mmengine.registry import init_default_scope

from mmctl.datasets import TrackletDataset
from mmctl.engine import read_config
from mmctl.registry import DATASETS

_PHASES = ("train", "test", "val")


def add_dataset_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--dataset``, ``--data-root`` and ``--ann-file``, which name a data set without config.

    Args:
        parser: Gets the options; it has ``config``, whose data set they change, itself.
    """
    parser.add_argument("--dataset", help="class of the data set, as MARS, in place of a config")
    parser.add_argument("--data-root", help="its folder; with a config: another one than its")
    parser.add_argument("--ann-file", help="annotation file of a TrackletDataset")


def build_dataset(args: argparse.Namespace) -> TrackletDataset:
    """Build a data set that lists its frames and nothing else.

    Its splits are not looked at, for they may lack training people or queries.

    Args:
        args: ``config``, ``dataset``, ``data_root`` and ``ann_file``.

    Raises:
        ValueError: If it is named twice or not at all, or does not list its frames.
    """
    if (args.config is None) == (args.dataset is None):
        raise ValueError(
            "name the data set by a config, or by --dataset and --data-root, and not by both"
        )
    init_default_scope("mmctl")
    cfg: dict[str, Any] = {"type": args.dataset}
    if args.config is not None:
        cfg = _read_dataset(args.config)
    cfg |= {"pipeline": [], "keypoint_file": None, "heatmap_file": None, "lazy_init": True}
    for key in ("data_root", "ann_file"):
        if getattr(args, key) is not None:
            cfg[key] = getattr(args, key)
    dataset = DATASETS.build(cfg)
    if not isinstance(dataset, TrackletDataset):
        raise ValueError(
            f"{type(dataset).__name__} must be a data set of tracklets, which can list its frames, "
            "and not one that wraps it: name the data set itself with --dataset"
        )
    return dataset


def _read_dataset(config: str) -> dict[str, Any]:
    """Return a config's data set for training, or else for testing or validation."""
    cfg = read_config(config)
    for phase in _PHASES:
        dataset = (cfg.get(f"{phase}_dataloader") or {}).get("dataset")
        if dataset is not None:
            return dataset.to_dict()
    raise ValueError(
        f"{config} must have a data set in its {_PHASES[0]}_dataloader, or else in that of "
        f"{' or '.join(_PHASES[1:])}, got none"
    )
