"""Show which body parts and frames made two tracklets similar: an exact split, no approximation.

``vis_similarity.py INPUTS CONFIG CHECKPOINT --tracklet 0 --against 12 --save-path similarity.png``
prints the share of every part and draws it beside the two people. The shares of the parts, the
global feature and the constant of a neck add up to the cosine similarity; so do those of the
frames.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmctl.apis.explained_inputs import ExplainedInputs, add_against_options, add_explained_options
from mmctl.engine import run_command
from mmctl.explanations import SimilaritySplit, TrackletClips
from mmctl.visualization.similarity_picture import Person, draw_similarity


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_explained_options(parser)
    add_against_options(parser, required=True)
    text = "compare parts with the average person of so many tracklets of the inputs (default: 0)"
    parser.add_argument("--average", type=int, default=0, metavar="TRACKLETS", help=text)
    text = "PNG file (default: %(default)s)"
    parser.add_argument("--save-path", type=Path, default=Path("similarity.png"), help=text)
    return parser.parse_args()


def to_person(tracklet: TrackletClips) -> Person:
    _, frames = tracklet.distinct()
    return Person(tracklet.name, frames, tracklet.stored_per_frame("keypoints"))


def print_split(split: SimilaritySplit) -> None:
    print(f"cosine similarity {split.similarity:.6f}")
    print(f"{'':22} {'first':>10} {'second':>10}")
    sides = (split.first, split.second)
    rows = [
        *((name, [side.parts[i] for side in sides]) for i, name in enumerate(split.names[:-1])),
        ("global feature", [side.global_feature for side in sides]),
        ("constant", [side.constant for side in sides]),
    ]
    for name, values in rows:
        print(f"{name:22} {values[0]:+10.6f} {values[1]:+10.6f}")


def main() -> None:
    args = parse_args()
    if args.save_path.suffix.lower() != ".png":
        raise ValueError(f"--save-path must end with .png, which is written, got {args.save_path}")
    inputs = ExplainedInputs(args)
    first, second = inputs.load(), inputs.load_other()
    assert second is not None
    explainer = inputs.explainer
    average = inputs.load_average(args.average)
    split = explainer.split(first, second, args.feature, average)
    print_split(split)
    body = getattr(explainer.model.graph_head, "body", None)
    parts = body.s3 if body is not None else ()
    draw_similarity(split, to_person(first), to_person(second), parts, args.save_path)
    print(f"Picture: {args.save_path}")


if __name__ == "__main__":
    run_command(main)
