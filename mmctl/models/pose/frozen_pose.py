"""Heatmaps from a pose estimator that runs on the frames and never changes."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from mmengine.logging import print_log
from mmengine.model import BaseModel, BaseModule
from torch import Tensor, nn

from mmctl.models.pose.heatmap_source import check_heatmaps
from mmctl.models.pose.pose_estimator import build_estimator, is_remote, load_weights
from mmctl.registry import MODELS
from mmctl.structures import FLIP_ORDER


@MODELS.register_module()
class FrozenPoseEstimator(BaseModule):
    """Run a top-down estimator on the frames, in eval mode and without gradients for good.

    The estimator lies in the attribute ``estimator`` but is no child module: the initialisation,
    the optimizer, EMA, synchronised batch norm and the averaging of buffers over processes all
    walk through a model's children, and none of them may touch it.

    Args:
        estimator: What :func:`~mmctl.models.pose.pose_estimator.build_estimator` takes: a model
            config, the path of an mmpose config or an ``'mmpose::...'`` name.
        checkpoint: Weights of the estimator, as mmpose publishes them. A file is loaded at once,
            an address when the model is initialised or first used. Without it the weights are
            random, or those of a checkpoint of the whole model that has them.
        input_size: (H, W) to which the frames are resized; ``None`` takes them as they are.
        flip_test: Average with the heatmaps of the mirrored frames, as the estimator's
            ``test_cfg`` says.
        frames_per_chunk: Most frames that run at once: bounds the memory.
        save_weights: Write the estimator's weights into every checkpoint of the model.

    Raises:
        FileNotFoundError: If the config or the checkpoint is a file that does not exist.
        ValueError: If the estimator gives no 17 heatmaps, needs mmpose where it is missing, or its
            checkpoint does not fit; or a value is out of range.
    """

    reads = "frames"
    estimator: BaseModel

    def __init__(
        self,
        estimator: Mapping[str, Any] | str,
        checkpoint: str | None = None,
        input_size: Sequence[int] | None = None,
        flip_test: bool = False,
        frames_per_chunk: int = 64,
        save_weights: bool = False,
    ) -> None:
        super().__init__()
        if input_size is not None and (len(input_size) != 2 or min(input_size) < 1):
            raise ValueError(f"input_size must be (height, width) or None, got {input_size!r}")
        if frames_per_chunk < 1:
            raise ValueError(f"frames_per_chunk must be at least 1, got {frames_per_chunk}")
        self.checkpoint = checkpoint
        self.input_size = None if input_size is None else (input_size[0], input_size[1])
        self.flip_test = flip_test
        self.frames_per_chunk = frames_per_chunk
        self.save_weights = save_weights
        self._is_loaded = False
        model = build_estimator(estimator)
        if checkpoint is None and "Pretrained" in str(model.init_cfg):
            raise ValueError(
                "the weights of an estimator must be given as checkpoint, because nothing reads "
                f"its init_cfg, got init_cfg={model.init_cfg}"
            )
        model.eval()  # no chaining: mmpose's HRNet returns None
        self.__dict__["estimator"] = model.requires_grad_(False)
        if checkpoint is not None and not is_remote(checkpoint):
            self.load_once()
        self._check_flip_test()

    def _check_flip_test(self) -> None:
        mode = (getattr(self.estimator, "test_cfg", None) or {}).get("flip_mode", "heatmap")
        if self.flip_test and mode != "heatmap":
            raise ValueError(
                "flip_test must be False for an estimator whose test_cfg.flip_mode is not "
                f"'heatmap', because its maps are no plain heatmaps, got {mode!r}"
            )

    def load_once(self) -> None:
        """Load the checkpoint, unless that has been done or there is none.

        Raises:
            FileNotFoundError: If it does not exist.
            ValueError: If it does not fit.
        """
        if not self._is_loaded and self.checkpoint is not None:
            load_weights(self.estimator, self.checkpoint)
            self._is_loaded = True

    def init_weights(self) -> None:
        """Load the checkpoint, if that has not been done; nothing else initialises an estimator."""
        if self.checkpoint is None:
            print_log(
                "the pose estimator has no checkpoint: unless load_from or --resume brings its "
                "weights, its heatmaps are those of random weights",
                logger="current",
                level=logging.WARNING,
            )
        self.load_once()
        self._is_init = True

    def from_clip(self, frames: Tensor, stored: Tensor | None) -> Tensor:  # noqa: ARG002
        """Return the heatmaps of clips; a source of heatmaps does."""
        return self(frames)

    @torch.no_grad()
    def forward(self, frames: Tensor) -> Tensor:
        """Estimate the heatmaps of every frame.

        Args:
            frames: RGB in 0 .. 255, (M, 3, H, W).

        Returns:
            Raw heatmaps, (M, 17, h, w), float32; with HRNet h and w are a quarter of the input's.

        Raises:
            ValueError: If the frames have another shape, the estimator cannot take their size, or
                its maps are not 17 per frame.
        """
        if frames.dim() != 4 or frames.shape[1] != 3:
            raise ValueError(f"frames must be (M, 3, H, W), got {tuple(frames.shape)}")
        self.load_once()
        heatmaps = [self.estimate(chunk) for chunk in frames.split(self.frames_per_chunk)]
        return torch.cat(heatmaps)

    def estimate(self, frames: Tensor) -> Tensor:
        """Return what ``forward`` does, all frames at once and with the weights as they are."""
        if self.input_size is not None and frames.shape[2:] != self.input_size:
            frames = F.interpolate(frames, self.input_size, mode="bilinear", align_corners=False)
        inputs = self._normalize(frames)
        heatmaps = self._run(inputs)
        if not self.flip_test:
            return heatmaps
        flipped = self._run(inputs.flip(-1)).flip(-1)[:, FLIP_ORDER]
        if (getattr(self.estimator, "test_cfg", None) or {}).get("shift_heatmap", False):
            # Mirroring maps of an even stride is off by a pixel of theirs.
            flipped[..., 1:] = flipped[..., :-1].clone()
        return (heatmaps + flipped) * 0.5

    def _normalize(self, frames: Tensor) -> Tensor:
        """Return what the estimator's preprocessor makes of the same frames as BGR images."""
        preprocessor = cast(Any, self.estimator.data_preprocessor)
        # mmpose reads images as BGR: with either of its two swaps the network sees RGB.
        inputs = frames.float() if preprocessor._channel_conversion else frames.flip(1).float()
        if preprocessor._enable_normalize:
            inputs = (inputs - preprocessor.mean) / preprocessor.std
        return inputs

    def _run(self, inputs: Tensor) -> Tensor:
        try:
            heatmaps = self.estimator(inputs, None, mode="tensor")
        except RuntimeError as error:
            if "must match" not in str(error):
                raise
            raise ValueError(
                f"the estimator cannot take frames of {tuple(inputs.shape[2:])}: height and width "
                "must be multiples of its largest stride, 32 for HRNet, because its branches are "
                f"added; set input_size ({error})"
            ) from error
        if isinstance(heatmaps, (list, tuple)):
            heatmaps = heatmaps[-1]  # of the last stage
        check_heatmaps(heatmaps, "the maps of the estimator")
        return heatmaps.float()

    def weights_hash(self) -> str:
        """Return the SHA-256 of the estimator's weights: names, types, shapes and values.

        Raises:
            ValueError: If the checkpoint is not loaded yet and does not fit.
        """
        self.load_once()
        digest = hashlib.sha256()
        for name, value in sorted(self.estimator.state_dict().items()):
            array = value.cpu().contiguous()
            digest.update(f"{name} {array.dtype} {tuple(array.shape)}\n".encode())
            digest.update(array.reshape(-1).view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()

    def train(self, mode: bool = True) -> FrozenPoseEstimator:  # noqa: ARG002
        """Stay in eval mode: batch norm uses the statistics of the checkpoint."""
        return super().train(False)

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]:
        """Yield the estimator's parameters, which the model around it does not list.

        Args:
            recurse: As for :meth:`torch.nn.Module.parameters`.
        """
        return self.estimator.parameters(recurse)

    @property
    def has_weights(self) -> bool:
        """Whether the estimator has other weights than random ones, or gets them when needed."""
        return self._is_loaded or self.checkpoint is not None

    def optional_state(self) -> dict[str, Tensor]:
        """Return what a checkpoint may hold beyond ``state_dict()``: the estimator's weights."""
        return {f"estimator.{key}": v for key, v in self.estimator.state_dict().items()}

    def _apply(self, fn: Callable, recurse: bool = True) -> FrozenPoseEstimator:
        """Move the estimator with the model."""
        self.estimator._apply(fn, recurse)
        return super()._apply(fn, recurse)

    def _save_to_state_dict(
        self, destination: dict[str, Any], prefix: str, keep_vars: bool
    ) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if self.save_weights:
            self.estimator.state_dict(
                destination=destination, prefix=f"{prefix}estimator.", keep_vars=keep_vars
            )

    def _load_from_state_dict(
        self,
        state_dict: Mapping[str, Any],
        prefix: str,
        local_metadata: Mapping[str, Any],  # noqa: ARG002
        strict: bool,  # noqa: ARG002
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Take the estimator's weights where the state has them; they may be missing unless asked.

        Arguments are those of :meth:`torch.nn.Module._load_from_state_dict`.
        """
        prefix = f"{prefix}estimator."
        weights = {
            key.removeprefix(prefix): value
            for key, value in state_dict.items()
            if key.startswith(prefix)
        }
        if not weights and not self.save_weights:
            return
        try:
            missing, unexpected = self.estimator.load_state_dict(weights, strict=False)
        except RuntimeError as error:
            error_msgs.append(str(error))
            return
        missing_keys += [prefix + key for key in missing]
        unexpected_keys += [prefix + key for key in unexpected]
        self._is_loaded = self._is_loaded or not missing
