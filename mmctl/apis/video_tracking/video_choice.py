"""The videos that a command line names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmctl.apis.video_tracking.camera_list import CameraVideo, check_once, read_camera_list
from mmctl.datasets.tracking.frame_source import open_source


def choose_videos(
    videos: Sequence[str],
    cameras: Sequence[int] | None,
    starts: Sequence[str] | None,
    tracks: Sequence[str] | None,
    camera_list: Path | None,
) -> list[CameraVideo]:
    """Return the videos with what is known of each.

    Args:
        videos: Their paths.
        cameras: The camera of each; None counts from 1.
        starts: When each began.
        tracks: The track file of each.
        camera_list: A file that says all of that.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If there is no video, a file and flags, a flag has another number of values, a
            camera or video is there twice, or a video cannot be opened.
    """
    chosen = _name_videos(videos, cameras, starts, tracks, camera_list)
    check_once(chosen)
    for camera in chosen:
        open_source(Path(camera.video))  # before anything that takes long
    return chosen


def _name_videos(
    videos: Sequence[str],
    cameras: Sequence[int] | None,
    starts: Sequence[str] | None,
    tracks: Sequence[str] | None,
    camera_list: Path | None,
) -> list[CameraVideo]:
    flags = {"--cameras": cameras, "--starts": starts, "--tracks": tracks}
    if camera_list is not None:
        named = [flag for flag, values in flags.items() if values is not None]
        if videos or named:
            raise ValueError(
                f"--camera-list says which videos there are, so leave out "
                f"{named[0] if named else videos[0]}"
            )
        return read_camera_list(camera_list)
    if not videos:
        raise ValueError("at least one video must be given, or a --camera-list, got none")
    for flag, values in flags.items():
        if values is not None and len(values) != len(videos):
            raise ValueError(
                f"{flag} must have a value for each video ({len(videos)}), got {len(values)}"
            )
    unknown = [None] * len(videos)
    return [
        CameraVideo(*values)
        for values in zip(
            videos,
            cameras or range(1, len(videos) + 1),
            starts or unknown,
            tracks or unknown,
            strict=True,
        )
    ]
