"""HRNet with a heatmap head from mmpretrain's parts, for machines without mmpose."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.model import BaseModel
from torch import Tensor, nn

from mmctl.registry import MODELS
from mmctl.structures import NUM_KEYPOINTS


@MODELS.register_module()
class HRNetHeatmaps(BaseModel):
    """The top-down HRNet of mmpose: same keys, same weights, same heatmaps.

    mmpose's ``HeatmapHead`` is one 1x1 convolution on the branch of highest resolution, so
    mmpretrain's backbone and that convolution take mmpose's published checkpoints. To be used as
    ``estimator`` of :class:`FrozenPoseEstimator`; it has no loss.

    Args:
        arch: Name in mmpretrain's ``HRNet`` ('w32', 'w48', ...), or a dict of its stages, which
            mmpose calls ``extra``.
        mean: Per channel in the order of the network, in 0 .. 255; default mmpose's COCO configs.
        std: Per channel in the order of the network, in 0 .. 255.
        bgr_to_rgb: Whether the network sees RGB, as in mmpose, whose images are BGR.
        shift_heatmap: Whether a flip test moves the flipped maps by a pixel, which the published
            weights need except for the UDP ones.
        init_cfg: MMEngine's initialisation config.

    Raises:
        ValueError: If ``arch`` is an unknown name.
    """

    def __init__(
        self,
        arch: str | dict = "w32",
        mean: Sequence[float] = (123.675, 116.28, 103.53),
        std: Sequence[float] = (58.395, 57.12, 57.375),
        bgr_to_rgb: bool = True,
        shift_heatmap: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        normalization = {"mean": list(mean), "std": list(std), "bgr_to_rgb": bgr_to_rgb}
        super().__init__({"type": "mmengine.ImgDataPreprocessor", **normalization}, init_cfg)
        known = MODELS.get("mmpretrain.HRNet").arch_zoo
        if not isinstance(arch, dict) and arch not in known:
            raise ValueError(f"arch must be one of {sorted(known)} or a dict, got {arch!r}")
        stages = {"extra": arch} if isinstance(arch, dict) else {"arch": arch}
        # With several outputs mmpretrain also builds fusions that mmpose's checkpoints lack.
        backbone = {"type": "mmpretrain.HRNet", "multiscale_output": False, **stages}
        self.backbone = MODELS.build(backbone)
        width = self.backbone.extra["stage4"]["num_channels"][0]
        self.head = nn.ModuleDict({"final_layer": nn.Conv2d(width, NUM_KEYPOINTS, 1)})
        self.test_cfg = {"flip_mode": "heatmap", "shift_heatmap": shift_heatmap}

    def forward(
        self,
        inputs: Tensor,
        data_samples: list | None = None,  # noqa: ARG002
        mode: str = "tensor",
    ) -> Tensor:
        """Return the heatmaps of normalised frames.

        Args:
            inputs: Frames normalised with ``mean`` and ``std``, (M, 3, H, W); H and W multiples
                of 32.
            data_samples: Not used.
            mode: ``'tensor'``.

        Returns:
            Raw heatmaps, (M, 17, H / 4, W / 4).

        Raises:
            ValueError: If another mode is asked for.
        """
        if mode != "tensor":
            raise ValueError(f"HRNetHeatmaps has mode 'tensor' only, got {mode!r}")
        return self.head["final_layer"](self.backbone(inputs)[0])
