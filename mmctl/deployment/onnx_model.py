"""A graph in the place of a model: the inferencer cannot tell them apart."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor

from mmctl.deployment.graph_card import GraphCard
from mmctl.deployment.onnx_session import open_session, run_session
from mmctl.models.clip_average import average_clips, scale_branches
from mmctl.structures import TrackletSample

SUFFIX = ".onnx"
FRAMES_PER_CHUNK = 256
"""Frames that go through the graph at once, at least one clip: bounds the memory."""


def is_graph(model: Any) -> bool:
    """Return whether something is the path of an exported graph, or one that is open already."""
    is_path = isinstance(model, (str, os.PathLike)) and os.fspath(model).endswith(SUFFIX)
    return is_path or isinstance(model, OnnxModel)


class OnnxModel:
    """Runs a file of ``tools/deployment/export_onnx.py`` as if it were the model it was made of.

    Args:
        path: The file. Where it takes the heatmaps of an estimator, the file of that lies beside.
        providers: Execution providers by name in the order of preference, as ``['cuda']``; None:
            the CPU.
        num_threads: Of one operator on the CPU; 0: as many as there are cores.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If onnxruntime is not installed.
        ValueError: If it is another kind of file, or a provider is unknown or does not start.

    Attributes:
        card: What the file says of itself.
        cfg: A config with the test's transforms, all that the inferencer reads.
        providers: Those that run it.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        providers: str | Sequence[str] | None = None,
        num_threads: int = 0,
    ) -> None:
        self.path = Path(path).expanduser()
        self._session = open_session(self.path, providers, num_threads)
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.card = GraphCard.from_metadata(metadata, str(self.path))
        self.providers = self._session.get_providers()
        self._pose = None
        if self.card.pose_file:
            beside = self.path.with_name(self.card.pose_file)
            self._pose = open_session(beside, providers, num_threads)
        dataset = {"pipeline": self.card.steps}
        self.cfg = Config({"model": {}, "test_dataloader": {"dataset": dataset}})

    @property
    def reads(self) -> str | None:
        """What a sample must have: ``'keypoints'``, ``'heatmaps'`` or None, or else ``'frames'``.

        The latter is said where an estimator in a file of its own makes the heatmaps.
        """
        return "frames" if self._pose is not None else self.card.reads or None

    def describe(self) -> dict[str, str]:
        """Return what files of features say of the model."""
        return {"model": self.card.model, "feature": self.card.feature}

    def choose_test_feature(self, test_feature: str) -> None:
        """Refuse a feature that the graph does not give.

        Raises:
            ValueError: If it is another one.
        """
        if test_feature != self.card.feature:
            raise ValueError(
                f"{self.path} gives the feature {self.card.feature or 'of its head'}, which was "
                f"chosen when it was exported, got {test_feature!r}: export another file with "
                f"--feature {test_feature}"
            )

    def run(self, frames: Tensor, stored: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Compute the features of clips.

        Args:
            frames: RGB bytes, (B, T, 3, H, W).
            stored: What :attr:`reads` names, (B, T, ...).

        Returns:
            Unit vectors and the same before they are scaled, (B, C) each.

        Raises:
            ValueError: If the frames have another size than the graph's, or it needs keypoints.
        """
        size = (self.card.height, self.card.width)
        if tuple(frames.shape[3:]) != size:
            raise ValueError(
                f"frames must be of {size[0]}x{size[1]}, for which {self.path} was exported, got "
                f"{frames.shape[3]}x{frames.shape[4]}"
            )
        inputs = [np.ascontiguousarray(frames.numpy())]
        if self._pose is not None:
            inputs.append(run_session(self._pose, inputs)[0])
        elif self.card.reads and stored is None:
            raise ValueError(f"{self.path} takes {self.card.reads} beside the frames, got none")
        elif stored is not None and self.card.reads:
            inputs.append(np.ascontiguousarray(stored.float().numpy()))
        units, raws = run_session(self._session, inputs)
        return torch.from_numpy(units), torch.from_numpy(raws)

    def test_step(self, data: dict[str, Any]) -> list[TrackletSample]:
        """Put one feature per tracklet into its sample, as ``VideoReID.predict`` does.

        Args:
            data: ``inputs``, clips of each tracklet (M_i, T, 3, H, W) uint8, and their samples.
        """
        samples: list[TrackletSample] = data["data_samples"]
        frames = torch.cat(list(data["inputs"]))
        stored = None
        if self.card.reads and self._pose is None:
            stored = torch.cat([getattr(sample, self.card.reads) for sample in samples])
        step = max(1, FRAMES_PER_CHUNK // frames.shape[1])
        raws = []
        for start in range(0, len(frames), step):
            rows = slice(start, start + step)
            raws.append(self.run(frames[rows], None if stored is None else stored[rows])[1])
        means = torch.stack(average_clips(torch.cat(raws), samples))
        finished = scale_branches(means, self.card.widths)
        for sample, mean, feature in zip(samples, means, finished, strict=True):
            sample.feature = torch.nn.functional.normalize(feature, dim=0)
            sample.feature_norm = feature.norm()
            sample.clip_mean, sample.unit_widths = mean, tuple(self.card.widths)
        return samples
