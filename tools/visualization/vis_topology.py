"""Draw the graphs that a network makes of a tracklet: learned topology and cross-scale weights.

``vis_topology.py INPUTS CONFIG CHECKPOINT --tracklet 0 --save-path topology.png``
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmctl.apis.explained_inputs import ExplainedInputs, add_explained_options
from mmctl.engine import run_command
from mmctl.explanations.part_names import part_names
from mmctl.visualization.plain_text import shorten_name
from mmctl.visualization.topology_picture import draw_topology


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_explained_options(parser)
    text = "PNG file (default: %(default)s)"
    parser.add_argument("--save-path", type=Path, default=Path("topology.png"), help=text)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    if args.save_path.suffix.lower() != ".png":
        raise ValueError(f"--save-path must end with .png, which is written, got {args.save_path}")
    inputs = ExplainedInputs(args)
    tracklet = inputs.load()
    graphs = inputs.explainer.graphs(tracklet)
    names = part_names(inputs.explainer.model)[:-1]
    title = f"Learned graphs of {shorten_name(tracklet.name, 60)}"
    draw_topology(
        graphs.learned, graphs.cross_scale, graphs.body, names, args.save_path, title=title
    )
    print(f"Picture: {args.save_path}")


if __name__ == "__main__":
    run_command(main)
