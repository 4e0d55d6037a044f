"""The model: a backbone, body parts, graphs and a fusion head, assembled by config."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from torch import Tensor

from mmctl.registry import MODELS
from mmctl.structures import TrackletSample


@MODELS.register_module()
class VideoReID(BaseModel):
    """Video person re-identification: clips in, one feature per tracklet out.

    With ``pose`` and ``graph_head`` it is CTL; without them the plain baseline, temporal average
    pooling of the backbone's features.

    Args:
        data_preprocessor: Config of :class:`ClipDataPreprocessor`.
        backbone: Config of a backbone that returns a tuple of feature maps; the last is used.
        neck: Config of :class:`PosePartNeck`.
        head: Config of :class:`FusionHead`.
        pose: Config of a source of heatmaps.
        graph_head: Config of :class:`PartGraphHead`.
        frames_per_chunk: Most frames that ``predict`` sends through the network at once, at least
            one clip: bounds the memory of long tracklets.
        init_cfg: MMEngine's initialisation config.

    Raises:
        ValueError: If only one of ``pose`` and ``graph_head`` is given.
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
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(MODELS.build(data_preprocessor), init_cfg)
        if (pose is None) != (graph_head is None):
            raise ValueError(
                "pose and graph_head must be given together (CTL) or both left out (baseline), "
                f"got pose={pose!r}, graph_head={graph_head!r}"
            )
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck)
        self.head = MODELS.build(head)
        self.pose = None if pose is None else MODELS.build(pose)
        self.graph_head = None if graph_head is None else MODELS.build(graph_head)
        self.frames_per_chunk = frames_per_chunk
        self._check_parts()

    def _check_parts(self) -> None:
        """Compare what the parts of the model must agree on."""
        if self.frames_per_chunk < 1:
            raise ValueError(f"frames_per_chunk must be at least 1, got {self.frames_per_chunk}")
        if self.graph_head is None:
            return
        for name, giver in (("channels", self.head), ("body", self.neck)):
            ours, theirs = getattr(self.graph_head, name, None), getattr(giver, name, None)
            if None not in (ours, theirs) and ours != theirs:
                raise ValueError(
                    f"graph_head.{name} must be that of {type(giver).__name__}, because both work "
                    f"on the same nodes, got {ours} and {theirs}"
                )
        missing = set(getattr(self.graph_head, "scales", ())) - set(
            getattr(self.neck, "scales", ("s1", "s2", "s3"))
        )
        if missing:
            raise ValueError(
                f"neck.scales must hold those of graph_head.scales, got {self.neck.scales} without "
                f"{sorted(missing)}"
            )

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
            keypoints = None if data_samples is None else _stack_keypoints(data_samples)
            return self.head.predict(*self.extract(inputs, keypoints))
        raise ValueError(f"mode must be 'loss', 'predict' or 'tensor', got {mode!r}")

    def extract(
        self, inputs: Tensor, keypoints: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Compute the features that the head fuses.

        Args:
            inputs: Normalised clips, (B, T, 3, H, W).
            keypoints: Stored keypoints, (B, T, 17, 3), in pixels of the inputs.

        Returns:
            V_g (B, T, C) and V_p (B, T, 5, C), the latter ``None`` for the baseline.
        """
        num_frames, size = inputs.shape[1], (inputs.shape[3], inputs.shape[4])
        features = self.backbone(inputs.flatten(0, 1))[-1]
        channels = getattr(self.head, "channels", features.shape[1])
        if features.shape[1] != channels:
            raise ValueError(
                "head.channels (and graph_head.channels) must be those of the backbone's last map, "
                f"{features.shape[1]}, got {channels}"
            )
        if self.pose is None or self.graph_head is None:
            return self.neck(features, None, num_frames)[0], None
        if keypoints is None:
            raise ValueError(
                "the model draws its heatmaps from stored keypoints, but the samples have none: "
                "give the data set a keypoint_file and put LoadKeypoints into its pipeline"
            )
        heatmaps = self.pose(keypoints.flatten(0, 1), size)
        global_features, nodes = self.neck(features, heatmaps, num_frames)
        return global_features, self.graph_head(nodes)

    def loss(self, inputs: Tensor, data_samples: list[TrackletSample]) -> dict[str, Tensor]:
        """Compute the losses of a training batch, one clip per tracklet.

        Args:
            inputs: Normalised clips, (B, T, 3, H, W).
            data_samples: B samples with ``gt_label``.

        Returns:
            Loss terms by name, and ``clamped_degrees``: the fraction of graph degrees that the
            normalisation had to raise.
        """
        if not all("gt_label" in sample for sample in data_samples):
            raise ValueError("the loss needs gt_label in every sample; is this a training split?")
        labels = torch.tensor([s.gt_label for s in data_samples], device=inputs.device)
        losses = self.head.loss(*self.extract(inputs, _stack_keypoints(data_samples)), labels)
        clamped = getattr(self.graph_head, "clamped_degrees", None)
        if clamped is not None:
            losses["clamped_degrees"] = clamped
        return losses

    def predict(self, inputs: Tensor, data_samples: list[TrackletSample]) -> list[TrackletSample]:
        """Put one feature per tracklet into its sample.

        Args:
            inputs: Normalised clips of all tracklets, (sum of M_i, T, 3, H, W).
            data_samples: One per tracklet, with ``clip_weights`` (M_i,); where no sample has any,
                every tracklet is one clip.

        Returns:
            The samples with ``feature`` (C,): the mean over the tracklet's clips, weighted by
            their real frames, L2-normalised.
        """
        keypoints = _stack_keypoints(data_samples)
        step = max(1, self.frames_per_chunk // inputs.shape[1])
        chunks = []
        for start in range(0, len(inputs), step):
            rows = slice(start, start + step)
            features = self.extract(inputs[rows], None if keypoints is None else keypoints[rows])
            chunks.append(self.head.predict(*features).float())
        features_of_clips = torch.cat(chunks)
        all_weights = _clip_weights(data_samples, features_of_clips)
        counts = [len(weights) for weights in all_weights]
        for sample, weights, clips in zip(
            data_samples, all_weights, features_of_clips.split(counts), strict=True
        ):
            # No matrix product: autocast would round the feature to half precision.
            mean = (weights.unsqueeze(-1) * clips).sum(dim=0) / weights.sum()
            sample.feature = F.normalize(mean, dim=0)
        return data_samples


def _stack_keypoints(data_samples: list[TrackletSample]) -> Tensor | None:
    """Return the keypoints of all clips, (B, T, 17, 3), or ``None`` where none are stored."""
    if not all("keypoints" in sample for sample in data_samples):
        return None
    return torch.cat([sample.keypoints for sample in data_samples])


def _clip_weights(data_samples: list[TrackletSample], clips: Tensor) -> list[Tensor]:
    """Return the weights of each tracklet's clips, (M_i,) each, like ``clips`` (all M, C)."""
    if not any("clip_weights" in sample for sample in data_samples):
        weights = [clips.new_ones(1) for _ in data_samples]
    elif all("clip_weights" in sample for sample in data_samples):
        weights = [sample.clip_weights.to(clips) for sample in data_samples]
    else:
        raise ValueError("clip_weights must be in all samples of a batch or in none")
    if sum(map(len, weights)) != len(clips):
        raise ValueError(
            "the clip_weights of all tracklets must be as many as the clips, "
            f"{len(clips)}, got {sum(map(len, weights))}"
        )
    return weights
