"""The model: a backbone, body parts, graphs and a fusion head, assembled by config."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from torch import Tensor

from mmctl.models.backbone_check import check_backbone, check_width, run_backbone
from mmctl.models.clip_average import average_clips
from mmctl.models.component_agreement import check_agreement, map_channels
from mmctl.models.micro_batches import Features, run_in_micro_batches
from mmctl.models.pose.heatmap_source import make_heatmaps, stack_stored
from mmctl.models.watched_values import watching
from mmctl.registry import MODELS
from mmctl.structures import TrackletSample


@MODELS.register_module()
class VideoReID(BaseModel):
    """Video person re-identification: clips in, one feature per tracklet out.

    With ``pose`` and ``graph_head`` it is CTL; without them the plain baseline, temporal average
    pooling of the backbone's features, or with :class:`BranchNeck` and :class:`BranchHead` any
    system that makes clip features of a clip's maps.

    Args:
        data_preprocessor: Config of :class:`ClipDataPreprocessor`.
        backbone: Config of a backbone that returns a tuple of feature maps; the last is used.
        neck: Config of :class:`PosePartNeck`, or :class:`BranchNeck`.
        head: Config of :class:`FusionHead`, or with the latter :class:`BranchHead`.
        pose: Config of a source of heatmaps: :class:`FrozenPoseEstimator`,
            :class:`KeypointHeatmaps`, :class:`StoredHeatmaps`, or one's own
            :class:`~mmctl.models.pose.heatmap_source.HeatmapSource`.
        graph_head: Config of :class:`PartGraphHead`.
        frames_per_chunk: Most frames that ``predict`` sends through the network at once, at least
            one clip: bounds the memory of long tracklets.
        micro_batch: Most clips that ``loss`` sends through the network at once, see
            :func:`~mmctl.models.micro_batches.run_in_micro_batches`; the losses see the whole
            batch. ``None`` for all.
        init_cfg: MMEngine's initialisation config.

    Raises:
        ValueError: If only one of ``pose`` and ``graph_head`` is given, components disagree, or the
            backbone returns no feature map of the head's width.
    """

    def __init__(
        self,
        data_preprocessor: dict,
        backbone: dict,
        neck: dict,
        head: dict,
        pose: dict | None = None,
        graph_head: dict | None = None,
        frames_per_chunk: int = 256,
        micro_batch: int | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(MODELS.build(data_preprocessor), init_cfg)
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck)
        needs_pose = graph_head is not None or getattr(self.neck, "needs_pose", False)
        if needs_pose != (pose is not None):
            raise ValueError(
                "pose and graph_head must be given together (CTL) or both left out (baseline), and "
                "pose with a neck that needs it, "
                f"got pose={pose!r}, graph_head={graph_head!r}, neck={type(self.neck).__name__}"
            )
        self.head = MODELS.build(head)
        self.pose = None if pose is None else MODELS.build(pose)
        self.graph_head = None if graph_head is None else MODELS.build(graph_head)
        self.frames_per_chunk = frames_per_chunk
        if frames_per_chunk < 1:
            raise ValueError(f"frames_per_chunk must be at least 1, got {frames_per_chunk}")
        self.micro_batch = micro_batch
        if micro_batch is not None and micro_batch < 1:
            raise ValueError(f"micro_batch must be None or at least 1, got {micro_batch}")
        if self.pose is not None and self.graph_head is not None:
            check_agreement(self.neck, self.head, self.pose, self.graph_head)
        self.map_channels = map_channels(self.neck, self.head)
        check_backbone(self.backbone, self.map_channels)

    def forward(
        self, inputs: Tensor, data_samples: list[TrackletSample] | None = None, mode: str = "tensor"
    ) -> Tensor | dict[str, Tensor] | list[TrackletSample]:
        """Dispatch to the public method of each mode.

        Args:
            inputs: Normalised clips, (B, T, 3, H, W).
            data_samples: One per tracklet; tracklet i owns the next M_i clips.
            mode: ``'loss'``, ``'predict'`` or ``'tensor'``.

        Raises:
            ValueError: If ``mode`` is unknown, or needs samples and gets none.
        """
        if mode in ("loss", "predict"):
            if not data_samples:
                raise ValueError(f"mode={mode!r} needs one data sample per tracklet, got none")
            return getattr(self, mode)(inputs, data_samples)
        if mode == "tensor":
            stored = stack_stored(self.pose, data_samples)
            return self.head.predict(*self.extract(inputs, stored))
        raise ValueError(f"mode must be 'loss', 'predict' or 'tensor', got {mode!r}")

    def extract(self, inputs: Tensor, stored: Tensor | None = None) -> Features:
        """Compute the features that the head fuses.

        Args:
            inputs: Normalised clips, (B, T, 3, H, W).
            stored: What ``pose`` reads from the samples: keypoints in pixels of the inputs,
                (B, T, 17, 3), or heatmaps, (B, T, 17, h, w); ``None`` if it reads the frames.

        Returns:
            V_g (B, T, C) and V_p (B, T, 5, C), the latter ``None`` for the baseline; with a
            :class:`BranchNeck` the clip features by name and ``None``.

        Raises:
            ValueError: If the backbone returns no feature map, or one of another width than the
                head's.
        """
        num_frames, frames = inputs.shape[1], inputs.flatten(0, 1)
        features = run_backbone(self.backbone, frames, num_frames)
        check_width(features, self.map_channels)
        if self.pose is None:
            return self.neck(features, None, num_frames)[0], None
        heatmaps = make_heatmaps(self.pose, self.data_preprocessor, frames, stored)
        global_features, nodes = self.neck(features, heatmaps, num_frames)
        return global_features, None if self.graph_head is None else self.graph_head(nodes)

    def loss(self, inputs: Tensor, data_samples: list[TrackletSample]) -> dict[str, Tensor]:
        """Compute the losses of a training batch, one clip per tracklet.

        Args:
            inputs: Normalised clips, (B, T, 3, H, W).
            data_samples: B samples with ``gt_label``.

        Returns:
            Loss terms by name, and what was watched, whose names have no ``loss`` in them:
            MMEngine logs those and does not add them.
        """
        if not all("gt_label" in sample for sample in data_samples):
            raise ValueError("the loss needs gt_label in every sample; is this a training split?")
        labels = torch.tensor([s.gt_label for s in data_samples], device=inputs.device)
        stored = stack_stored(self.pose, data_samples)
        if len(inputs) != len(data_samples):
            raise ValueError(
                "training takes one clip per tracklet, because each has one label, got "
                f"{len(inputs)} clips of {len(data_samples)} tracklets; do SampleClip's mode or "
                "AddMirroredClips in train_pipeline make several?"
            )
        features, statistics = run_in_micro_batches(
            self._extract_and_watch, inputs, stored, self.micro_batch, self.modules
        )
        with watching() as watched:
            losses = self.head.loss(*features, labels)
        return {**losses, **statistics, **watched}

    def _extract_and_watch(
        self, inputs: Tensor, stored: Tensor | None
    ) -> tuple[Features, dict[str, Tensor]]:
        with watching() as watched:
            features = self.extract(inputs, stored)
        return features, watched

    def predict(self, inputs: Tensor, data_samples: list[TrackletSample]) -> list[TrackletSample]:
        """Put one feature per tracklet into its sample.

        Args:
            inputs: Normalised clips of all tracklets, (sum of M_i, T, 3, H, W).
            data_samples: One per tracklet, with ``clip_weights`` (M_i,); where no sample has any,
                every tracklet is one clip.

        Returns:
            The samples with ``feature`` (C,): the mean over the tracklet's clips, weighted by
            their real frames, L2-normalised; ``feature_norm`` is its length before, ``clip_mean``
            the mean before the head finished it, and ``unit_widths`` the branches that get length
            one then.
        """
        stored = stack_stored(self.pose, data_samples)
        step = max(1, self.frames_per_chunk // inputs.shape[1])
        chunks = []
        for start in range(0, len(inputs), step):
            rows = slice(start, start + step)
            features = self.extract(inputs[rows], None if stored is None else stored[rows])
            chunks.append(self.head.predict(*features).float())
        means = average_clips(torch.cat(chunks), data_samples)
        for sample, mean in zip(data_samples, means, strict=True):
            finished = self.head.finish(mean)
            sample.feature = F.normalize(finished, dim=0)
            sample.feature_norm = finished.norm()
            sample.clip_mean, sample.unit_widths = mean, self.head.unit_widths
        return data_samples
