"""What an exported file says of itself: enough to feed it and to tell its features from others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

FORMAT = "mmctl-clip-graph-1"


@dataclass(frozen=True)
class GraphCard:
    """The metadata of a file, all of it text there.

    Attributes:
        model: SHA-256 of all that makes features differ, see
            :func:`mmctl.apis.inference.model_identity.hash_model`: that of the checkpoint where
            the graph computes in float32, so that one gallery takes features of both; another one
            for every other precision.
        feature: ``before`` or ``after`` the neck; '' where the head has one feature.
        precision: ``fp32``, ``fp16`` or ``int8``.
        reads: Second input: ``keypoints``, ``heatmaps`` or ''.
        height: Of the frames in pixels.
        width: Of the frames in pixels.
        channel_order: Of the frames, ``RGB``.
        channels: Length of a feature, C.
        pieces: Channels of the pieces of a mean of raw features that get length 1 before the whole
            does, as JSON; ``[]``: the whole alone.
        clip_length: Frames of the clips of the training; 0 where its config does not say.
        pipeline: Configs of the test's transforms, as JSON.
        pose_file: Name of the file beside this one that makes the heatmaps; '' for none.
        checkpoint: Name of the weights' file.
        opset: Version of ONNX's operators.
        version: Of mmctl.
        largest_difference: Of a number from PyTorch's, in features of length 1, over the sizes
            that were run.
        format: What the file is.
    """

    model: str
    feature: str
    precision: str
    reads: str
    height: int
    width: int
    channels: int
    clip_length: int
    pipeline: str
    pose_file: str
    checkpoint: str
    opset: int
    version: str
    largest_difference: float = 0.0
    pieces: str = "[]"
    channel_order: str = "RGB"
    format: str = FORMAT

    def to_metadata(self) -> dict[str, str]:
        """Return the card as a file has it."""
        return {name: str(value) for name, value in asdict(self).items()}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], name: str) -> GraphCard:
        """Read the card of a file.

        Args:
            metadata: What the file says.
            name: Of the file, for the message.

        Raises:
            ValueError: If it is not of a graph that ``export_onnx.py`` wrote, or is damaged.
        """
        if metadata.get("format") != FORMAT:
            raise ValueError(
                f"{name} must be a graph that tools/deployment/export_onnx.py wrote, whose "
                f"metadata say format={FORMAT}, got {metadata.get('format', 'none')!r:.80}"
            )
        kinds: dict[str, Any] = {"int": int, "float": float, "str": str}
        try:
            values = {
                field.name: kinds[str(field.type)](metadata[field.name]) for field in fields(cls)
            }
            steps = json.loads(values["pipeline"])
            is_whole = isinstance(steps, list) and all(isinstance(step, dict) for step in steps)
            if sum(map(int, json.loads(values["pieces"]))) not in (0, values["channels"]):
                raise ValueError(f"pieces={values['pieces']} are not the feature")
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise ValueError(
                f"{name} must have whole metadata, as tools/deployment/export_onnx.py writes them, "
                f"got {type(error).__name__}: {error!s:.80}"
            ) from error
        if not is_whole:
            raise ValueError(f"{name} must name its pipeline as a list of transforms, got others")
        return cls(**values)

    @property
    def widths(self) -> list[int]:
        """Channels of the pieces that get length 1."""
        return list(json.loads(self.pieces))

    @property
    def steps(self) -> list[dict[str, Any]]:
        """Configs of the test's transforms."""
        return list(json.loads(self.pipeline))
