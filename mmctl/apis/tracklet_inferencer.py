"""From tracklets of any kind to one feature each, in three lines."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.infer import BaseInferencer
from mmengine.runner.amp import autocast
from torch import nn

from mmctl.apis.inference.clip_pipeline import ClipPipeline, LoadedPiece, test_pipeline
from mmctl.apis.inference.feature_sums import PieceJob, TrackletSum, sum_features, to_sample
from mmctl.apis.inference.given_model import find_given, find_reads, open_graph
from mmctl.apis.inference.loading_queue import load_ahead
from mmctl.apis.inference.model_identity import describe_model
from mmctl.apis.inference.read_inputs import InputOptions, Inputs
from mmctl.apis.inference.tracklet_item import TrackletItem
from mmctl.apis.model_zoo import SCOPE, check_device, list_models
from mmctl.datasets.frame_quality import FrameChoice
from mmctl.deployment.onnx_model import OnnxModel
from mmctl.engine.commands.rated_progress import rated_progress
from mmctl.structures import TrackletSample

Prediction = dict[str, Any]
Pictures = list[np.ndarray]

_AHEAD = 4
"""Pieces of tracklets that are loaded before they are wanted, per thread."""


class TrackletInferencer(BaseInferencer):
    """Computes features of tracklets as ``tools/test.py`` does: same clips, weights, normalisation.

    Args:
        model: Config file, ``mmctl::NAME``, name of ``list_models()``, config, dict, or a model of
            ``get_model``. None: the config in the checkpoint. Or a graph that
            ``tools/deployment/export_onnx.py`` wrote, ``NAME.onnx``, or an ``OnnxModel`` of one.
        weights: Checkpoint file, work dir or address. None: what the model's metafile names, or
            random weights after a warning.
        device: Where it runs; None: the GPU if there is one, else the CPU.
        amp: Mixed precision; None: as the config's ``test_cfg`` says.
        num_workers: Threads that load frames ahead; 0: none.
        show_progress: Whether a call shows how far it is.
        providers: Execution providers of a graph by name, the preferred first; None: the CPU.

    Attributes:
        model: The model in eval mode, or the graph; its config is ``model.cfg``.

    Raises:
        FileNotFoundError: If a file does not exist.
        ImportError: If a graph is given and onnxruntime is not installed.
        TypeError: If ``model`` is of another kind.
        ValueError: If there is no such model or device, the weights do not fit, or the config has
            no test pipeline.
    """

    preprocess_kwargs = {  # noqa: RUF012 (MMEngine's class attributes)
        *("channel_order", "keypoints", "tracks", "camera", "track_settings", "frame_choice")
    }
    visualize_kwargs = {"show", "out_dir"}  # noqa: RUF012

    def __init__(
        self,
        model: str | os.PathLike | Mapping[str, Any] | Config | nn.Module | OnnxModel | None = None,
        weights: str | os.PathLike | None = None,
        device: str | torch.device | None = None,
        amp: bool | None = None,
        num_workers: int = 2,
        show_progress: bool = True,
        providers: str | Sequence[str] | None = None,
    ) -> None:
        if num_workers < 0:
            raise ValueError(f"num_workers must be 0 or more threads, got {num_workers}")
        self.num_workers = num_workers
        graph = open_graph(model, weights, device, amp, providers)
        self.device = check_device(device if graph is None else "cpu")
        self._given = find_given(model, weights, graph)
        cfg = self._given.cfg
        with self._given.naming_checkpoint():
            super().__init__(cfg, None, str(self.device), SCOPE, show_progress)
        wanted = (cfg.get("test_cfg") or {}).get("fp16", False) if amp is None else amp
        self.amp = bool(wanted)

    def _init_model(self, cfg: Any, weights: str | None, device: str = "cpu") -> Any:  # noqa: ARG002
        return self._given.start(device)

    def _init_pipeline(self, cfg: Any) -> ClipPipeline:
        return ClipPipeline(test_pipeline(cfg), self.reads)

    def _init_collate(self, cfg: Any) -> Any:  # noqa: ARG002 (pieces are batched by sum_features)
        return pseudo_collate

    def _init_visualizer(self, cfg: Any) -> None:  # noqa: ARG002 (strips need none)
        return None

    @property
    def reads(self) -> str | None:
        """What the model takes beside frames: ``'keypoints'``, ``'heatmaps'`` or None."""
        return None if self._finds_keypoints else find_reads(self.model)

    def __call__(
        self,
        inputs: Any,
        batch_size: int = 8,
        out_dir: str | os.PathLike | None = None,
        show: bool = False,
        return_datasamples: bool = False,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Compute the features of all tracklets.

        Args:
            inputs: Any of the kinds of docs/en/inference.md.
            batch_size: Clips that go through the network at once, whichever tracklets they are of.
            out_dir: Folder that gets ``features.npz``, ``tracks.csv`` and ``visualizations/``.
            show: Whether to show a strip of each tracklet in a window.
            return_datasamples: Whether predictions are ``TrackletSample``, not dicts.
            **kwargs: Those of :meth:`stream`.

        Returns:
            ``predictions`` in the order of the inputs, and ``visualization``, their strips where
            ``show`` or ``out_dir`` asks for them, else an empty list.
        """
        preprocess, _, visualize, _ = self._dispatch_kwargs(show=show, out_dir=out_dir, **kwargs)
        read = self._read(inputs, preprocess)
        drawn = bool(show or out_dir)
        sums: list[TrackletSum] = []
        predictions: list[Prediction] = []
        with rated_progress("tracklets", disable=not self.show_progress) as progress:
            bar = progress.add_task("tracklets", total=read.total)
            for tracklet in self._predict(read, batch_size, preprocess, drawn):
                predictions.append(tracklet.finish())
                sums.append(tracklet) if drawn else None
                progress.advance(bar)
        visualization = self.visualize(sums, predictions, **visualize)
        return self.postprocess(predictions, visualization, return_datasamples)

    def stream(self, inputs: Any, batch_size: int = 8, **kwargs: Any) -> Iterator[Prediction]:
        """Yield the predictions one by one, in the order of the inputs.

        Neither all inputs nor all results are ever in memory: videos may have any length.

        Args:
            inputs: As for a call, and iterators of such, which may never end.
            batch_size: As for a call.
            **kwargs: ``channel_order`` of arrays (``'rgb'`` or ``'bgr'``); ``keypoints`` of the
                call; ``tracks``, the track file of a video, and ``track_settings``, what is kept of
                it; ``camera``, where the input says none; ``frame_choice``, a
                :class:`~mmctl.datasets.frame_quality.FrameChoice` or its dict.

        Returns:
            An iterator of dicts: ``feature`` (C,) float32, a unit vector; ``feature_norm``;
            ``num_frames`` used of ``num_given``, ``dropped`` by reason; ``quality`` of those used,
            0 to 1; their ``keypoints`` (num_frames, 17, 3) and ``keypoint_origin``; ``name``,
            ``camera``, ``pid``, ``split``, ``video``, ``track``, ``first_frame``, ``last_frame``,
            ``first_time``, ``last_time``, ``start``, None where unknown.
        """
        preprocess, _, others, _ = self._dispatch_kwargs(**kwargs)
        if others:
            raise ValueError(f"stream() draws nothing: leave {sorted(others)} out")
        read = self._read(inputs, preprocess)
        return (tracklet.finish() for tracklet in self._predict(read, batch_size, preprocess))

    def _read(self, inputs: Any, arguments: Mapping[str, Any]) -> Inputs:
        options = {key: value for key, value in arguments.items() if key != "frame_choice"}
        return Inputs(inputs, InputOptions(reads=self.reads, **options))

    def _predict(
        self, inputs: Inputs, batch_size: int, arguments: Mapping[str, Any], drawn: bool = False
    ) -> Iterator[TrackletSum]:
        return self.sum_items(inputs.items(), batch_size, arguments.get("frame_choice"), drawn)

    def sum_items(
        self,
        items: Iterator[TrackletItem],
        batch_size: int = 8,
        frame_choice: FrameChoice | Mapping[str, Any] | None = None,
        with_pictures: bool = False,
        block: int = 0,
    ) -> Iterator[TrackletSum]:
        """Yield what becomes of tracklets, in order.

        Args:
            items: The tracklets.
            batch_size: Clips of a batch.
            frame_choice: Which frames are used; None: all alike.
            with_pictures: Whether a few frames of each tracklet are kept.
            block: No batch has clips of two blocks of so many tracklets, so that the features of a
                block are the same bits whatever was done before; 0: all are one block.

        Raises:
            ValueError: If ``batch_size`` is not positive.
        """
        check_batch_size(batch_size)
        choice = frame_choice or FrameChoice()
        chosen = choice if isinstance(choice, FrameChoice) else FrameChoice(**choice)
        pieces = load_ahead(
            self.preprocess(items, chosen, block),
            self._load,
            self.num_workers,
            _AHEAD * max(1, self.num_workers),
        )
        return sum_features(pieces, self.forward, batch_size, with_pictures)

    def preprocess(
        self, inputs: Iterator[TrackletItem], frame_choice: FrameChoice, block: int = 0
    ) -> Iterator[PieceJob]:
        """Yield the pieces in which each tracklet is loaded."""
        for number, item in enumerate(inputs, start=1):
            if self._finds_keypoints:
                item = replace(item, keypoint_origin="model")
            if not frame_choice.is_default:
                item = self._rate(item).choose(frame_choice)
            num_pieces = self.pipeline.count_pieces(item)
            for piece in range(num_pieces):
                is_last = piece + 1 == num_pieces and bool(block) and number % block == 0
                yield PieceJob(item, piece, num_pieces, is_last)

    @property
    def _finds_keypoints(self) -> bool:
        return find_reads(self.model) == "frames"

    def _rate(self, item: TrackletItem) -> TrackletItem:
        """Return the item with the quality of its frames, for which each is read once."""
        if item.quality is not None:
            return item
        seen = [self.pipeline.see(item.frames[i], name) for i, name in enumerate(item.names)]
        return replace(item, quality=item.rate(np.array(seen), item.keypoints))

    def _load(self, job: PieceJob) -> tuple[PieceJob, LoadedPiece]:
        return job, self.pipeline.load(job.item, job.piece, job.num_pieces)

    @torch.no_grad()
    def forward(self, inputs: dict, **kwargs: Any) -> list[TrackletSample]:  # noqa: ARG002
        """Run a batch through the model."""
        with autocast(device_type=self.device.type, enabled=self.amp):
            return self.model.test_step(inputs)

    def visualize(
        self,
        inputs: Sequence[TrackletSum],
        preds: Sequence[Prediction],
        show: bool = False,
        out_dir: str | os.PathLike | None = None,
    ) -> Pictures:
        """Draw a strip of each tracklet, and write and show what is asked for."""
        if not inputs:
            return []
        # Draws with matplotlib's company, which most calls need not wait for.
        from mmctl.apis.inference import outputs

        pictures = [tracklet.pictures() for tracklet in inputs]
        strips = outputs.draw_strips(pictures, preds)
        if out_dir is not None:
            outputs.write_outputs(Path(out_dir).expanduser(), preds, strips, self.describe_model())
        if show:
            outputs.show_strips(strips, preds)
        return strips

    def postprocess(
        self, preds: list[Prediction], visualization: Pictures, return_datasample: bool = False
    ) -> dict[str, Any]:
        """Return predictions and pictures, the former as samples if asked."""
        results = [to_sample(pred) for pred in preds] if return_datasample else preds
        return {"predictions": results, "visualization": visualization}

    def model_hash(self) -> str:
        """Return the SHA-256 of all that makes features differ."""
        return self.describe_model()["model"]

    def describe_model(self) -> dict[str, str]:
        """Return what files of features say of the model."""
        if isinstance(self.model, OnnxModel):
            return self.model.describe()
        return describe_model(self.model, self.cfg.model, self.pipeline.configs, self.amp)

    @staticmethod
    def list_models(pattern: str | None = None) -> list[str]:
        """Return the names of models, as :func:`mmctl.apis.list_models`."""
        return list_models(pattern)


def check_batch_size(batch_size: int) -> None:
    """Raise a ValueError unless there is a clip in a batch."""
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1 clip, got {batch_size}")
