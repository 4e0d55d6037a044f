"""Any image network of stages made one of clips, with the names of its weights kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmctl.models.build_component import build_component
from mmctl.registry import MODELS

Maps = Tensor | dict[str, Tensor]


@MODELS.register_module()
class ClipBackbone(BaseModule):
    """Run the frames of clips through an image network whose layers may see other frames, too.

    Nothing of the image network is renamed: its weights are those of ``backbone.backbone`` and load
    from where they always did. What is added lies in ``plugins`` by place (``layer3_1``), in
    children of the convolutions that are replaced, and in ``tail``.

    Args:
        backbone: Config of a ResNet of mmpretrain or one built like it (``SEResNet``, ``ResNeXt``).
        convs: Configs of convolutions that take the place of the second one of blocks, each with
            ``stage`` (1 is ``layer1``) and ``blocks`` (from 0) beside its own keys. They get the
            sizes and the weight of what they replace.
        plugins: Configs of modules (B, T, C, H, W) -> the same, each with ``stage`` and ``after``,
            the blocks (from 0) behind which they stand. They get ``channels``.
        tail: Config of what stands for the last stage; it gets that stage. It returns maps by
            name, which :class:`BranchNeck` reads.
        stem_relu: Leave out the rectifier of the stem where ``False``: the public code of MGH and
            NVAN has none, so their weights need it.
        stem_padding: Pad the stem's maxima by one place; ``False`` is the public code of SINet,
            whose maps have a row and a column less up to the second stage.
        norms: Configs of norms that take the place of the first one of every block of a ``stage``,
            beside their own keys. They get ``channels``, and no weight of what they replace.
        init_cfg: MMEngine's initialisation config.

    Raises:
        KeyError: If a type is not registered.
        TypeError: If a module does not take what it is given, or the backbone has no stages.
        ValueError: If a place does not exist or is given twice.
    """

    needs_clips = True
    """Its ``forward`` wants to know the frames per clip."""

    def __init__(
        self,
        backbone: dict,
        convs: Sequence[dict[str, Any]] = (),
        plugins: Sequence[dict[str, Any]] = (),
        tail: dict[str, Any] | None = None,
        stem_relu: bool = True,
        stem_padding: bool = True,
        norms: Sequence[dict[str, Any]] = (),
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.backbone: Any = MODELS.build(backbone)
        if not hasattr(self.backbone, "res_layers"):
            raise TypeError(
                "ClipBackbone needs a backbone with stages of blocks as mmpretrain's ResNet has "
                f"them (layer1, layer2, ...), got {type(self.backbone).__name__}"
            )
        self.stem_relu = stem_relu
        if not stem_padding:
            self.backbone.maxpool.padding = 0
        for name, configs in (("convs", convs), ("norms", norms), ("plugins", plugins)):
            if isinstance(configs, Mapping):
                raise TypeError(f"ClipBackbone's {name} must be a list of configs, got {configs!r}")
        for index, cfg in enumerate(norms):
            path = f"norms[{index}]"
            for block in self._stages()[self._stage(path, cfg, "stage")]:
                self._replace_norm(path, dict(cfg), cast(Any, block))
        image_weights = self.backbone.state_dict().keys()
        self._operators: list[Any] = [
            self._replace(f"convs[{index}]", dict(cfg), place)
            for index, cfg in enumerate(convs)
            for place in self._places(f"convs[{index}]", cfg, "blocks")
        ]
        # No file of the image network has them; its initialiser lets them keep their first values.
        self.backbone.added_weights = tuple(self.backbone.state_dict().keys() - image_weights)
        self.plugins = nn.ModuleDict()
        for index, cfg in enumerate(plugins):
            for place in self._places(f"plugins[{index}]", cfg, "after"):
                self._plug_in(f"plugins[{index}]", dict(cfg), place)
        self.tail: Any = None
        if tail is not None:
            given = {"last_stage": self._stages()[-1]}
            self.tail = build_component("backbone.tail", tail, tail["type"], **given)

    def _stages(self) -> list[nn.Sequential]:
        return [getattr(self.backbone, name) for name in self.backbone.res_layers]

    def _places(self, path: str, cfg: Mapping[str, Any], key: str) -> list[tuple[int, int]]:
        """Return stage and block of each place that a config names, both from 0."""
        stage = self._stage(path, cfg, "stage", key)
        size = len(self._stages()[stage])
        for block in cfg[key]:
            if block not in range(size):
                raise ValueError(
                    f"backbone.{path}.{key} must be blocks of stage {stage + 1}, from 0 to "
                    f"{size - 1}, got {block!r}"
                )
        return [(stage, block) for block in cfg[key]]

    def _stage(self, path: str, cfg: Mapping[str, Any], *keys: str) -> int:
        """Return the stage that a config names, from 0."""
        if not set(keys) <= cfg.keys():
            raise ValueError(
                f"backbone.{path} must have {' and '.join(keys)} to say where it stands, got "
                f"{', '.join(cfg)}"
            )
        number, stage = len(self._stages()), cfg["stage"]
        if stage not in range(1, number + 1):
            raise ValueError(
                f"backbone.{path}.stage must be from 1 to {number}, the stages of the "
                f"backbone, got {stage!r}"
            )
        return stage - 1

    def _replace(self, path: str, cfg: dict[str, Any], place: tuple[int, int]) -> nn.Module:
        """Put a convolution in the place of the second one of a block."""
        block = cast(Any, self._stages()[place[0]][place[1]])
        old: nn.Conv2d = block.conv2
        if type(old) is not nn.Conv2d or old.groups != 1 or max(old.dilation) > 1:
            raise ValueError(
                f"backbone.{path} can replace a plain convolution once, without groups and "
                f"dilation, got {old} in layer{place[0] + 1}.{place[1]}"
            )
        given = {
            name: getattr(old, name)
            for name in ("in_channels", "out_channels", "kernel_size", "stride", "padding")
        }
        own = {key: value for key, value in cfg.items() if key not in ("stage", "blocks")}
        new = cast(nn.Conv2d, build_component(f"backbone.{path}", own, own["type"], **given))
        with torch.no_grad():
            new.weight.copy_(old.weight)
        block.conv2 = new
        return new

    def _replace_norm(self, path: str, cfg: dict[str, Any], block: Any) -> None:
        """Put a norm in the place of the first one of a block."""
        own = {key: value for key, value in cfg.items() if key != "stage"}
        if type(block.norm1) is not nn.BatchNorm2d:
            raise ValueError(
                f"backbone.{path} can replace a plain batch norm once, got a "
                f"{type(block.norm1).__name__} in stage {cfg['stage']}"
            )
        given = {"channels": block.norm1.num_features}
        new = build_component(f"backbone.{path}", own, own["type"], **given)
        setattr(block, block.norm1_name, new)

    def _plug_in(self, path: str, cfg: dict[str, Any], place: tuple[int, int]) -> None:
        """Put a module behind a block."""
        stage, block = place
        name = f"layer{stage + 1}_{block}"
        if name in self.plugins:
            raise ValueError(f"backbone.{path} stands where another plug-in does, {name}")
        own = {key: value for key, value in cfg.items() if key not in ("stage", "after")}
        channels = cast(Any, self._stages()[stage][block]).out_channels
        self.plugins[name] = build_component(
            f"backbone.{path}", own, own["type"], channels=channels
        )

    def init_weights(self) -> None:
        """Load or draw the weights; what the tail copies of the last stage follows."""
        super().init_weights()
        if self.tail is not None:
            self.tail.copy_from(self._stages()[-1])

    def forward(self, frames: Tensor, num_frames: int = 1) -> tuple[Maps, ...]:
        """Return the maps of the stages that the backbone puts out.

        Args:
            frames: (B * T, 3, H, W).
            num_frames: Frames per clip, T.

        Returns:
            (B * T, C, h, w) each; with a tail the last is its dict of maps (B, T', C, h, w).
        """
        for operator in self._operators:
            operator.num_frames = num_frames
        maps = self._run_stem(frames)
        stages = self._stages()
        outputs: list[Maps] = []
        for index, stage in enumerate(stages):
            if self.tail is not None and index == len(stages) - 1:
                outputs.append(self.tail(maps.unflatten(0, (-1, num_frames)), stage))
                break
            for number, block in enumerate(stage):
                maps = block(maps)
                name = f"layer{index + 1}_{number}"
                if name in self.plugins:
                    clips = maps.unflatten(0, (-1, num_frames))
                    maps = self.plugins[name](clips).flatten(0, 1)
            if index in self.backbone.out_indices:
                outputs.append(maps)
        return tuple(outputs)

    def _run_stem(self, frames: Tensor) -> Tensor:
        net = self.backbone
        if net.deep_stem:
            return net.maxpool(net.stem(frames))
        maps = net.norm1(net.conv1(frames))
        return net.maxpool(net.relu(maps) if self.stem_relu else maps)
