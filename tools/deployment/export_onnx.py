"""Export a trained model as an ONNX graph that is right for every batch and clip length.

``export_onnx.py CONFIG CHECKPOINT --out model.onnx`` writes a graph that takes frames (bytes, RGB)
and for CTL keypoints (pixels) of any number of clips of any length, and gives a feature of each.
Before anything is written, clips of 16 sizes run through the graph and through PyTorch. A model
whose estimator finds the keypoints in the frames gets a second file for that, model.pose.onnx.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmctl.apis import TrackletInferencer, get_model
from mmctl.apis.calibration_clips import CLIPS, load_calibration
from mmctl.apis.graph_export import Exported, ExportOptions, export_model
from mmctl.apis.model_zoo import find_config
from mmctl.deployment.exported_program import OPSET
from mmctl.deployment.packages import EXPORTING, check_packages
from mmctl.engine import CfgOptions, run_command
from mmctl.files import write_together
from mmctl.models.pose import FrozenPoseEstimator


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("config", help="config of the model")
    add("checkpoint", help="its weights: a file, or the work dir of a training")
    add("--out", type=Path, required=True, help="the file, NAME.onnx")
    text = "feature before or after the neck (default: as the config says, the paper's: before)"
    add("--feature", choices=["before", "after"], help=text)
    add("--opset", type=int, default=OPSET, help="version of the operators (default: %(default)s)")
    precision = parser.add_mutually_exclusive_group()
    precision.add_argument("--fp16", action="store_true", help="weights and network in 16 bits")
    precision.add_argument("--int8", action="store_true", help="weights and products in 8 bits")
    text = "for --int8: folder or data set whose clips give the ranges of the activations"
    add("--calibration", metavar="DATA", help=text)
    add("--calibration-clips", type=int, default=CLIPS, help="of them (default: %(default)s)")
    add("--keypoints", help="for --calibration: .npy file of keypoints, a row per frame")
    text = "write this estimator beside a model that reads keypoints: config or mmpose:: name"
    add("--estimator", metavar="CONFIG", help=text)
    add("--estimator-checkpoint", metavar="FILE", help="its weights")
    add("--cfg-options", nargs="+", action=CfgOptions, help="overrides, as in key.sub=value")
    add("--pt2", action="store_true", help="keep the program of torch.export, too, as NAME.pt2")
    return parser.parse_args()


def check_args(args: argparse.Namespace) -> None:
    """Refuse what contradicts itself before any work begins.

    Raises:
        ValueError: If it does.
    """
    if args.out.suffix != ".onnx":
        raise ValueError(f"--out must be a file NAME.onnx, got {args.out}")
    if not args.out.expanduser().absolute().parent.is_dir():
        raise ValueError(f"--out must be in a folder that exists, got {args.out}")
    if args.int8 != (args.calibration is not None):
        raise ValueError(
            "--int8 and --calibration go together, because the ranges of 8-bit activations are "
            f"those of given clips, got --calibration {args.calibration}"
        )
    if args.calibration_clips < 1:
        raise ValueError(f"--calibration-clips must be at least 1, got {args.calibration_clips}")
    if (args.estimator is None) != (args.estimator_checkpoint is None):
        raise ValueError(
            "--estimator and --estimator-checkpoint go together, because random weights find no "
            f"joints, got {args.estimator} and {args.estimator_checkpoint}"
        )


def export(args: argparse.Namespace) -> Exported:
    """Build the model and make its files."""
    cfg, _ = find_config(args.config)
    cfg.merge_from_dict(args.cfg_options or {})
    model = get_model(cfg, args.checkpoint, "cpu")
    estimator = None
    if args.estimator is not None:
        estimator = FrozenPoseEstimator(args.estimator, args.estimator_checkpoint)
    calibration = []
    if args.int8:
        inferencer = TrackletInferencer(model, device="cpu", num_workers=0, show_progress=False)
        calibration = load_calibration(
            inferencer, args.calibration, args.calibration_clips, args.keypoints
        )
    options = ExportOptions(
        args.feature,
        "fp16" if args.fp16 else "int8" if args.int8 else "fp32",
        args.opset,
        args.pt2,
        estimator,
        calibration,
    )
    return export_model(model, args.out.stem, args.checkpoint, options)


def main() -> None:
    args = parse_args()
    check_args(args)
    check_packages(EXPORTING, "exporting")
    exported = export(args)
    target = args.out.expanduser()
    files = {target.with_name(target.stem + end): data for end, data in exported.files.items()}
    write_together(files)
    card, report = exported.card, exported.report
    for path, data in files.items():
        print(f"{path}: {len(data) / 1e6:.1f} MB")
    size = f"{card.height}x{card.width}"
    print(f"  frames uint8 (B, T, 3, {size}) {card.channel_order}, {card.reads or 'nothing else'}")
    print(
        f"  feature {card.feature}, {card.channels} channels, {card.precision}, model {card.model}"
    )
    checked = f"{report.pairs} sizes of clips from PyTorch's features"
    if card.precision == "int8":
        checked = f"{report.pairs} batches of the calibration from the features in float32"
    print(f"  at most {report.largest:.1e} away over {checked} (two clips: {report.apart:.1e})")


if __name__ == "__main__":
    run_command(main)
