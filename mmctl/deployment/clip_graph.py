"""What an exported file computes: modules whose inputs are bytes and whose outputs are features."""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmctl.functional.keypoints import decode_heatmaps
from mmctl.models.clip_average import scale_branches
from mmctl.models.data_preprocessor import ClipDataPreprocessor
from mmctl.models.heads.branch_head import BranchHead
from mmctl.models.heads.fusion_head import FusionHead
from mmctl.models.layers.context_block import ContextBlock
from mmctl.models.pose import FrozenPoseEstimator, StoredHeatmaps
from mmctl.models.video_reid import VideoReID


class ClipGraph(nn.Module):
    """Clips in, features out: normalisation, heatmaps, network, fusion and the length of a vector.

    Works on a copy of the model without what only training needs. A neck of the head is kept under
    another name, because ``necks['global']`` would become an attribute called as a keyword of
    Python, which the exporter's generated code cannot have.

    Args:
        model: The model, in eval mode.

    Raises:
        ValueError: If a component cannot be exported.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.network = _check_model(copy.deepcopy(model))
        if getattr(self.network.pose, "reads", None) == "frames":
            self.network.pose = StoredHeatmaps()  # those that the second file gives
        self.test_norms = nn.ModuleList()
        self.widths: dict[str, int] = {}
        self.normalizes_each = False
        if isinstance(self.network.head, BranchHead):
            self._strip(self.network.head)
        self.eval()

    def _strip(self, head: BranchHead) -> None:
        self.widths = head.retrieval.widths
        self.normalizes_each = head.retrieval.normalize_each
        if isinstance(head, FusionHead) and "concat" not in self.widths:
            head.reduce = nn.ModuleList()
        if head.test_feature == "after":
            self.test_norms.extend(head.necks[name] for name in self.widths)
        head.test_feature = "before"
        head.necks, head.classifiers, head.losses = (
            nn.ModuleDict(),
            nn.ModuleDict(),
            nn.ModuleDict(),
        )

    @property
    def reads(self) -> str | None:
        """The second input: ``'keypoints'``, ``'heatmaps'`` or None."""
        return None if self.network.pose is None else str(self.network.pose.reads)

    @property
    def channels(self) -> int:
        """Length of a feature, C."""
        return sum(self.widths.values()) if self.widths else int(self.network.head.channels)

    @property
    def pieces(self) -> tuple[int, ...]:
        """Channels of the pieces of a mean of raw features that get length 1; none: it alone."""
        return tuple(self.widths.values()) if self.normalizes_each else ()

    def forward(self, frames: Tensor, stored: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Compute the features of clips.

        Args:
            frames: RGB bytes, (B, T, 3, H, W).
            stored: Keypoints in pixels of the frames, (B, T, 17, 3), or heatmaps (B, T, 17, h, w).

        Returns:
            The features, unit vectors, (B, C), and the same before they are scaled, (B, C), which
            the mean over the clips of a tracklet takes.
        """
        network = self.network
        clips = (frames.float() - network.data_preprocessor.mean) / network.data_preprocessor.std
        if stored is not None:
            # B and T of the frames, or the program would be guarded against clips of one frame.
            stored = stored.reshape(*frames.shape[:2], *stored.shape[2:])
        raw: Tensor = network.head.predict(*network.extract(clips, stored))
        if len(self.test_norms):
            parts = raw.split(list(self.widths.values()), dim=1)
            norms = zip(self.test_norms, parts, strict=True)
            raw = torch.cat([norm(part) for norm, part in norms], dim=1)
        return F.normalize(scale_branches(raw, self.pieces), dim=1), raw


class PoseGraph(nn.Module):
    """Clips in, heatmaps and keypoints out: the estimator of a model as a graph of its own.

    Args:
        source: The estimator with its weights.
        udp: Whether the corner cells of its maps mean the corner pixels, see
            :func:`~mmctl.functional.keypoints.decode_heatmaps`.
    """

    source: FrozenPoseEstimator

    def __init__(self, source: FrozenPoseEstimator, udp: bool = False) -> None:
        super().__init__()
        own = copy.deepcopy(source)
        own.load_once()
        self.estimator = own.estimator  # a child here: its weights belong to the graph
        self.__dict__["source"] = own
        self.udp = udp
        self.eval()

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Find the joints of every frame.

        Args:
            frames: RGB bytes, (B, T, 3, H, W).

        Returns:
            Raw heatmaps, (B, T, 17, h, w), and x, y and score in pixels of the frames,
            (B, T, 17, 3).
        """
        flat = frames.flatten(0, 1).float()
        num_frames, size = frames.shape[1], (frames.shape[3], frames.shape[4])
        heatmaps = self.source.estimate(flat)
        network_size = self.source.input_size or size
        sizes = heatmaps.new_tensor([size]).expand(heatmaps.shape[0], 2)
        keypoints = decode_heatmaps(heatmaps, sizes, network_size, udp=self.udp)
        clips = (-1, num_frames)
        return heatmaps.unflatten(0, clips), keypoints.unflatten(0, clips)


def _check_model(model: Any) -> VideoReID:
    if not isinstance(model, VideoReID):
        raise ValueError(
            "a model must be a VideoReID to be exported, because the graph takes clips and gives "
            f"one feature of each, got a {type(model).__name__}"
        )
    if not isinstance(model.data_preprocessor, ClipDataPreprocessor):
        raise ValueError(
            "model.data_preprocessor must be a ClipDataPreprocessor to be exported, because its "
            f"mean and std go into the graph, got a {type(model.data_preprocessor).__name__}"
        )
    for name, module in model.named_modules():
        rule = getattr(module, "clip_rule", None)
        if rule is not None:
            raise ValueError(
                f"model.{name} cannot be exported: a graph takes clips of any length, and "
                f"{type(module).__name__} does not: {rule}"
            )
        if isinstance(module, ContextBlock):
            raise ValueError(
                f"model.{name} cannot be exported: a graph takes clips of any length, and "
                f"{type(module).__name__} (graph='frame' with context) was built for "
                f"num_frames={module.num_frames}; take graph='window'"
            )
    return model
