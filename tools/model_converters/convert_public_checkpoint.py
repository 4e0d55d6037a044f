"""Turn a checkpoint of a system's public code into one of ours, or ours into one of theirs.

``convert_public_checkpoint.py ap3d configs/zoo/ap3d/ap3d_r50_1xb32-240e_mars-256x128.py
checkpoint_ep240.pth.tar ap3d.pth``: all weights or none, and the config is written beside them, so
``tools/test.py`` and ``extract_features.py`` take the result as they take any other. ``--reverse``
writes what the public code loads.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from mmengine.config import Config, DictAction
from mmengine.registry import init_default_scope
from torch import Tensor, nn

from mmctl.checkpoints.checkpoint_reading import load_from_local_safely
from mmctl.checkpoints.public_code import SYSTEMS, from_public, to_public
from mmctl.checkpoints.weight_match import check_state_dict, read_weights
from mmctl.engine import read_config, run_command
from mmctl.files.whole_files import open_atomically
from mmctl.registry import MODELS


def build_model(cfg: Config) -> nn.Module:
    """Return the config's model with random weights."""
    init_default_scope(cfg.get("default_scope", "mmctl"))
    return MODELS.build(cfg.model)


def convert(system: str, cfg: Config, checkpoint: str, *, reverse: bool) -> dict:
    """Return what to save.

    Args:
        system: Name of the public code.
        cfg: Config of our model.
        checkpoint: File of the weights to convert.
        reverse: Whether they are ours.
    """
    model = build_model(cfg)
    content = load_from_local_safely(checkpoint, map_location="cpu")
    if reverse:
        check_state_dict(model, content, checkpoint)
        weights: dict[str, Tensor] = read_weights(content, checkpoint)
        return {"state_dict": to_public(system, {name: weights[name] for name in weights})}
    weights = read_weights(content, checkpoint)
    state = from_public(system, weights, model.state_dict(), checkpoint)
    return {"meta": {"cfg": cfg.pretty_text}, "state_dict": state}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    sources = ", ".join(f"{name} ({system.source})" for name, system in SYSTEMS.items())
    add("system", choices=list(SYSTEMS), help=f"public code: {sources}", metavar="SYSTEM")
    add("config", help="config of the model that loads the weights")
    add("checkpoint", help="weights to convert")
    add("out", type=Path, help="file of the result")
    add("--reverse", action="store_true", help="from ours to the public code's")
    add("--cfg-options", nargs="+", action=DictAction, help="changes of the config, as key=value")
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    cfg = read_config(args.config)
    cfg.merge_from_dict(args.cfg_options or {})
    content = convert(args.system, cfg, args.checkpoint, reverse=args.reverse)
    with open_atomically(args.out, "wb") as file:
        torch.save(content, file)
    print(f"{len(content['state_dict'])} weights in {args.out}")


if __name__ == "__main__":
    run_command(main)
