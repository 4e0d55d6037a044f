"""A drawn video of any length with its track file, streamed while memory is watched."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from resident_memory import read_bytes, start_peak

from mmctl.apis import TrackletInferencer
from mmctl.datasets.tracking import TrackSettings
from mmctl.structures import NUM_KEYPOINTS


def draw_video(folder: Path, minutes: float) -> tuple[str, str]:
    """Draw a video in which people pass and one stays to the end; return it and a track file."""
    height, width, rate = 360, 480, 25
    num_frames = round(minutes * 60 * rate)
    writer = cv2.VideoWriter(
        str(folder / "long.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), rate, (width, height)
    )
    noise = np.random.default_rng(0).integers(0, 256, (2 * height, width, 3), dtype=np.uint8)
    noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), 8))
    lines = []
    for number in range(num_frames):
        frame = noise[number % height :][:height].copy()
        boxes = [(0, 20, 200)] + [
            (1 + number // 250 * 2 + lane, (number % 250) * 2 - lane, 40 + 150 * lane)
            for lane in range(2)
        ]
        for track, x, top in boxes:
            left = min(max(x, 0), width - 60)
            cv2.rectangle(frame, (left, top), (left + 59, top + 129), (track * 40 % 256, 90, 0), -1)
            lines.append(f"{number + 1},{track},{left},{top},60,130,1,-1,-1,-1")
        writer.write(frame)
    writer.release()
    (folder / "long.txt").write_text("\n".join(lines) + "\n")
    return str(folder / "long.mp4"), str(folder / "long.txt")


def stream_video(inferencer: TrackletInferencer, minutes: float, stride: int = 5) -> None:
    """Stream a long video and print what it took.

    Args:
        inferencer: The model.
        minutes: Length of the video, 25 frames a second.
        stride: Every so-many-th frame is used.
    """
    settings = TrackSettings(stride=stride)
    with tempfile.TemporaryDirectory() as folder:
        video, tracks = draw_video(Path(folder), minutes)
        boxes = Path(tracks).read_text().count("\n")
        keypoints = np.ones((boxes, NUM_KEYPOINTS, 3), np.float32)
        resident, start = start_peak(), time.perf_counter()
        count = frames = longest = 0
        for prediction in inferencer.stream(
            video, tracks=tracks, keypoints=keypoints, track_settings=settings
        ):
            count, frames = count + 1, frames + prediction["num_frames"]
            longest = max(longest, prediction["num_frames"])
        print(
            f"{minutes:g} minutes of video, {count} tracklets, {frames:,} crops (every "
            f"{stride}. frame), the longest of {longest:,}, in "
            f"{time.perf_counter() - start:.0f} s: {resident / 2**20:.0f} MiB resident before, "
            f"at most {read_bytes('VmHWM') / 2**20:.0f} MiB"
        )
