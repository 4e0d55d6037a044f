"""Show where a network looks in a tracklet: Grad-CAM of its clips, as a strip and an animation.

``vis_cam.py INPUTS CONFIG CHECKPOINT --against 12 --save-path cam.png`` maps what makes tracklet 0
of the inputs similar to tracklet 12, and writes cam.png and cam.gif. Other targets: --part, one
body part of CTL; --target-category, an identity of the training set; none of these: the feature
itself. All frames have one colour scale.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmctl.apis.explained_inputs import ExplainedInputs, add_against_options, add_explained_options
from mmctl.engine import run_command
from mmctl.explanations import CamSettings
from mmctl.explanations.clip_maps import BACKBONE
from mmctl.explanations.part_names import find_part, part_names
from mmctl.functional.grad_cam import METHODS, UNITS
from mmctl.models import VideoReID
from mmctl.visualization.cam_strip import draw_cam_strip, write_cam_gif


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_explained_options(parser)
    add_against_options(parser, required=False)
    add = parser.add_argument
    add("--target-category", type=int, metavar="IDENTITY", help="a training label: map its logit")
    add("--part", help="body part by name ('left arm') or index, or 'global'")
    text = "names of layers (default: the last map of the backbone)"
    add("--target-layers", nargs="+", default=[BACKBONE], metavar="LAYER", help=text)
    add("--preview-model", action="store_true", help="list the layers and end")
    add("--method", default=METHODS[0], help=f"{', '.join(METHODS)} (default: %(default)s)")
    add("--weights-per", default="clip", choices=UNITS, help="what a channel has one weight for")
    add("--eigen-smooth", action="store_true", help="first principal component of the channels")
    text = "map the tracklet as a mirror shows it: its maps should be mirrored, too"
    add("--flip", action="store_true", help=text)
    add("--num-extra-tokens", type=int, help="tokens of a transformer without a place")
    text = "PNG or GIF file: both are written (default: %(default)s)"
    add("--save-path", type=Path, default=Path("vis_cam.png"), help=text)
    return parser.parse_args()


def describe_target(args: argparse.Namespace, model: VideoReID) -> str:
    """Return what is mapped, in words."""
    if args.target_category is not None:
        return f"what speaks for identity {args.target_category}"
    names = part_names(model)
    part = "" if args.part is None else names[find_part(model, args.part)]
    if args.against is None:
        return f"what the feature is made of{f', {part} alone' if part else ''}"
    whose = f"tracklet {args.against}" if args.against.isdecimal() else args.against
    whose = f"{whose}, seen in a mirror" if args.flip else whose
    return f"what {f'the {part} adds to the similarity' if part else 'makes it similar'} to {whose}"


def main() -> None:
    args = parse_args()
    if args.save_path.suffix.lower() not in (".png", ".gif"):
        raise ValueError(
            f"--save-path must end with .png or .gif, which are written, got {args.save_path}"
        )
    settings = CamSettings(args.method, args.weights_per, args.eigen_smooth, args.num_extra_tokens)
    inputs = ExplainedInputs(args)
    explainer = inputs.explainer
    if args.preview_model:
        for name, module in explainer.model.named_modules():
            print(f"{name or '(the model)'}: {type(module).__name__}")
        return
    tracklet = inputs.load()
    tracklet = tracklet.mirrored() if args.flip else tracklet
    found = explainer.map(
        tracklet, against=inputs.load_other(), identity=args.target_category, part=args.part,
        feature=args.feature, layers=args.target_layers, settings=settings,
    )  # fmt: skip
    numbers, frames = tracklet.distinct()
    maps = {layer.layer: layer.in_time_order()[1] for layer in found}
    title = f"{args.method}: {describe_target(args, explainer.model)}"
    note = f"{tracklet.name}; value of the target {found[0].value:.4g}"
    strip, animation = args.save_path.with_suffix(".png"), args.save_path.with_suffix(".gif")
    draw_cam_strip(frames, maps, numbers.tolist(), strip, title=title, note=note)
    write_cam_gif(frames, maps, animation)
    for name in (name for name, values in maps.items() if not values.any()):
        print(f"warning: no place of {name} speaks for the target: its maps are 0 everywhere")
    print(f"{title} ({found[0].value:.4g})\nStrip: {strip}\nAnimation: {animation}")


if __name__ == "__main__":
    run_command(main)
