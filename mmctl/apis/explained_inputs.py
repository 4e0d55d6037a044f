"""The model and the tracklets that a tool explains, as its command line names them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from torch import Tensor

from mmctl.apis.tracklet_explainer import TrackletExplainer
from mmctl.apis.tracklet_inferencer import TrackletInferencer
from mmctl.engine import CfgOptions, prepare_config
from mmctl.explanations import TrackletClips


def add_explained_options(parser: argparse.ArgumentParser) -> None:
    """Add the model, the inputs and which tracklet of them.

    Args:
        parser: Gets the options.
    """
    add = parser.add_argument
    text = "folder of crops or of a data set, or a config: the data set of its test"
    add("inputs", help=text)
    add("config", help="config of the model")
    add("checkpoint", help="weights: a file, or the work dir of a training")
    add("--tracklet", type=int, default=0, help="which one of the inputs, from 0 (default: 0)")
    add("--keypoints", help=".npy file of keypoints, a row per frame of the inputs")
    add("--dataset", help="class of the data set whose folder is given, as MARS")
    add("--split", default="test", help="of --dataset (default: %(default)s)")
    add("--device", help="default: the GPU if there is one, else the CPU")
    add("--cfg-options", nargs="+", action=CfgOptions, help="overrides, as in key.sub=value")


def add_against_options(parser: argparse.ArgumentParser, required: bool) -> None:
    """Add the options that name the other tracklet of a pair.

    Args:
        parser: Gets the options.
        required: Whether there must be one.
    """
    add = parser.add_argument
    text = "the other tracklet: a number in the same inputs, or a folder of crops"
    add("--against", required=required, help=text)
    add("--against-keypoints", help=".npy file of keypoints of the folder of --against")
    add(
        "--feature",
        choices=("before", "after"),
        help="compare features before or after the neck (default: as the model is tested)",
    )


class ExplainedInputs:
    """What the command line of a tool that explains names.

    Args:
        args: The parsed arguments.

    Raises:
        FileNotFoundError: If a file does not exist.
        ValueError: If the model, its weights or an option is wrong.

    Attributes:
        explainer: The model.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        cfg = prepare_config(args.config, args.cfg_options)
        inferencer = TrackletInferencer(cfg, args.checkpoint, args.device, False, 0, False)
        self.explainer = TrackletExplainer(inferencer)

    def load(self) -> TrackletClips:
        """Load the tracklet that is explained.

        Raises:
            FileNotFoundError: If a file does not exist.
            ValueError: If there is no such tracklet, or something is wrong with it.
        """
        return self.explainer.load(
            self._inputs(), self.args.tracklet, **_keypoints(self.args.keypoints)
        )

    def load_other(self) -> TrackletClips | None:
        """Load the tracklet of ``--against``, if there is one.

        Raises:
            FileNotFoundError: If a file does not exist.
            ValueError: If there is no such tracklet, or something is wrong with it.
        """
        given = self.args.against
        if given is None:
            if self.args.against_keypoints:
                raise ValueError(
                    "--against-keypoints are of the folder of --against, got no folder"
                )
            return None
        if given.isdecimal() and not Path(given).exists():
            if self.args.against_keypoints:
                raise ValueError(
                    "--against-keypoints are of a folder, but --against is tracklet "
                    f"{given} of the same inputs, whose keypoints are those of --keypoints"
                )
            keypoints = _keypoints(self.args.keypoints)
            return self.explainer.load(self._inputs(), int(given), **keypoints)
        return self.explainer.load(given, 0, **_keypoints(self.args.against_keypoints))

    def load_average(self, count: int) -> Tensor | None:
        """Return the terms of the average of ``count`` tracklets of the inputs; None for 0.

        Raises:
            ValueError: If the count is negative, or something is wrong with the inputs.
        """
        if not count:
            return None
        return self.explainer.average(self._inputs(), count, **_keypoints(self.args.keypoints))

    def _inputs(self) -> Any:
        args = self.args
        if args.dataset is not None:
            return {"type": args.dataset, "data_root": args.inputs, "split": args.split}
        if Path(args.inputs).resolve() == Path(args.config).resolve():
            return self.explainer.inferencer.cfg  # with the overrides of the command line
        return args.inputs


def _keypoints(path: str | None) -> dict[str, Any]:
    return {} if path is None else {"keypoints": path}
