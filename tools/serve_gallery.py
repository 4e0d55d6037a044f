"""Look through a gallery in the browser: search, play, confirm, reject, delete.

``python tools/serve_gallery.py work_dirs/gallery`` prints the address to open. With a
``--checkpoint`` crops that are not in the gallery can be searched for, too. Only this machine can
open it, unless ``--host`` names another address; a token is asked for then.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from mmctl.engine import run_command
from mmctl.gallery import Gallery


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("gallery", type=Path, help="folder of the gallery")
    add("--checkpoint", help="weights that the gallery's features were made with")
    add("--config", help="config of the model (default: the one in the checkpoint)")
    text = "feature before or after the neck, as the gallery's (default: as the config says)"
    add("--feature", choices=["before", "after"], help=text)
    add("--device", help="of the model (default: the GPU if there is one, else the CPU)")
    add("--calibration", type=Path, metavar="JSON", help="what calibrate.py measured")
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=int, default=8000, help="its port (default: %(default)s)")
    args = parser.parse_args()
    if not 1 <= args.port <= 65535:
        raise ValueError(f"--port must be within 1 and 65535, got {args.port}")
    if args.checkpoint is None and (args.config or args.feature or args.device):
        raise ValueError("--config, --feature and --device are of the model of a --checkpoint")
    return args


def main() -> None:
    args = parse_args()
    from mmctl.serving.access import TOKEN_VARIABLE
    from mmctl.serving.gallery_server import ServedModel, make_desk, serve

    model = None
    if args.checkpoint is not None:
        model = ServedModel(args.checkpoint, args.config, args.feature, args.device)
    with Gallery(args.gallery) as gallery:
        desk, warnings = make_desk(gallery, model, args.calibration)
        for line in warnings:
            print(f"WARNING: {line}", file=sys.stderr)
        serve(desk, args.host, args.port, os.environ.get(TOKEN_VARIABLE))


if __name__ == "__main__":
    run_command(main)
