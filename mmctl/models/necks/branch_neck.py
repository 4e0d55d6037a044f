"""From the maps of a clip to the clip features that a BranchHead trains."""

from __future__ import annotations

from typing import Any, cast

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmctl.models.build_component import build_component
from mmctl.registry import MODELS

POOLS = ("avg", "max")


@MODELS.register_module()
class BranchNeck(BaseModule):
    """Make one feature per clip in every branch.

    A branch is any registered module with ``out_channels`` that turns the maps of a clip,
    (B, T, C, H, W), into its feature, (B, out_channels), or into several of them in a list. One
    with ``needs_pose`` gets what the model's source of poses makes beside the maps.

    Args:
        channels: Channels of the backbone's maps, C; every branch gets them.
        branches: Configs of the branches by name, :class:`PooledBranch` where one has no type.
            ``maps`` in one names which of the maps of a backbone's tail it reads.
        init_cfg: MMEngine's initialisation config.

    Raises:
        KeyError: If a type is not registered.
        TypeError: If a branch does not take what it is given.
        ValueError: If there is no branch.
    """

    def __init__(
        self, channels: int, branches: dict[str, dict[str, Any]], init_cfg: dict | None = None
    ) -> None:
        super().__init__(init_cfg)
        if not branches:
            raise ValueError("neck.branches must have at least one branch, got none")
        self.channels = channels
        self.reads = {name: dict(cfg).get("maps") for name, cfg in branches.items()}
        self.branches = nn.ModuleDict()
        for name, cfg in branches.items():
            own = {key: value for key, value in cfg.items() if key != "maps"}
            self.branches[name] = build_component(
                f"neck.branches.{name}", own, "mmctl.PooledBranch", channels=channels
            )

    @property
    def needs_pose(self) -> bool:
        """Whether a branch reads poses."""
        return any(getattr(branch, "needs_pose", False) for branch in self.branches.values())

    @property
    def out_channels(self) -> dict[str, int]:
        """Channels of each clip feature by name."""
        return {name: cast(Any, branch).out_channels for name, branch in self.branches.items()}

    def forward(
        self,
        features: Tensor | dict[str, Tensor],
        heatmaps: Tensor | None,
        num_frames: int,
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Compute the features of every clip.

        Args:
            features: Maps (B * T, C, H, W), or those of a tail by name, (B, T', C, H, W).
            heatmaps: What branches with ``needs_pose`` read, (B * T, ...).
            num_frames: Frames per clip, T.

        Returns:
            Clip features by name, (B, out_channels), further ones of a branch as ``name.1``, ...,
            those of its frames, (B, T, out_channels), as ``name.frames``; and no nodes.

        Raises:
            ValueError: If a branch reads maps that there are not.
        """
        poses = None if heatmaps is None else heatmaps.unflatten(0, (-1, num_frames))
        clips: dict[str, Tensor] = {}
        for name, branch in self.branches.items():
            given = (poses,) if getattr(branch, "needs_pose", False) else ()
            made = branch(self._maps_of(name, features, num_frames), *given)
            if isinstance(made, dict):
                clips[f"{name}.frames"], made = made["frames"], made["clip"]
            first, *more = [made] if isinstance(made, Tensor) else made
            clips[name] = first
            clips |= {f"{name}.{index}": own for index, own in enumerate(more, start=1)}
        return clips, {}

    def _maps_of(self, name: str, given: Tensor | dict[str, Tensor], num_frames: int) -> Tensor:
        wanted = self.reads[name]
        if isinstance(given, Tensor) and wanted is None:
            return given.unflatten(0, (-1, num_frames))
        if isinstance(given, dict) and wanted in given:
            return given[wanted]
        there = ", ".join(map(repr, given)) if isinstance(given, dict) else "those without a name"
        raise ValueError(
            f"neck.branches.{name}.maps must name maps of the backbone, {there}, got {wanted!r}"
        )


@MODELS.register_module()
class PooledBranch(nn.Module):
    """Pool the places of each frame, then the frames, and with ``unit_norm`` bring to one scale.

    Args:
        channels: Channels of the maps, C.
        pool: ``'avg'`` or ``'max'`` over the places.
        temporal: Config of the pooling over frames, :class:`MeanPool` where it has no type. It gets
            ``channels``.
        unit_norm: Give the feature length one, rectify it and put it through a batch norm (MGH).
        frames: Give the features of the frames in training, too, for a loss that reads them.

    Raises:
        ValueError: If ``pool`` is unknown.
    """

    def __init__(
        self,
        channels: int,
        pool: str = "avg",
        temporal: dict[str, Any] | None = None,
        unit_norm: bool = False,
        frames: bool = False,
    ) -> None:
        super().__init__()
        if pool not in POOLS:
            raise ValueError(f"PooledBranch's pool must be one of {POOLS}, got {pool!r}")
        self.pool, self.frames = pool, frames
        self.temporal: Any = build_component(
            "temporal", temporal, "mmctl.MeanPool", channels=channels
        )
        width = cast(int, self.temporal.out_channels)
        self.out_channels = width
        self.norm = nn.BatchNorm1d(width) if unit_norm else None

    def forward(self, maps: Tensor) -> Tensor | dict[str, Tensor]:
        """Return the clip's feature, (B, out_channels).

        Args:
            maps: (B, T, C, H, W).

        Returns:
            The feature; with ``frames`` in training it and those of the frames, (B, T, C), by the
            names ``clip`` and ``frames``.
        """
        places = maps.flatten(3)
        features = places.mean(dim=3) if self.pool == "avg" else places.amax(dim=3)
        feature = self.temporal(features, maps)
        if self.norm is not None:
            feature = self.norm(F.relu(F.normalize(feature, dim=1)))
        return {"clip": feature, "frames": features} if self.frames and self.training else feature
