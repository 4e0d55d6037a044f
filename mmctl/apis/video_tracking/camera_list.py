"""Which video is of which camera, and when it was taken: flags or a small file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from mmctl.datasets.listings.frame_origins import MAX_ID
from mmctl.files import read_json, shorten, to_record
from mmctl.files.yaml_files import read_yaml

_EXAMPLE = '[{"video": "gate.mp4", "camera": 1, "start": "2024-05-31T12:30:00+02:00"}]'

_YAML = (".yaml", ".yml")

_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?([.][0-9]{1,6})?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})"
)


@dataclass(frozen=True)
class CameraVideo:
    """A video and what is known of it.

    Attributes:
        video: The video file, or a folder of numbered frames.
        camera: Number of the camera.
        start: When its first frame was taken, ISO 8601 with its distance from UTC.
        tracks: A tracker's file, or folder of labels, of this video (for ``MotFile``).

    Raises:
        ValueError: If a value is out of range.
    """

    video: str
    camera: int
    start: str | None = None
    tracks: str | None = None

    def __post_init__(self) -> None:
        for name in ("video", "tracks"):
            text = getattr(self, name)
            if text is not None and (not text.strip() or "\0" in text):
                raise ValueError(f"{name} must be the name of a file, got {shorten(text)}")
        if not 0 <= self.camera <= MAX_ID:
            raise ValueError(
                f"the camera of {self.video} must be a number from 0 to {MAX_ID}, got "
                f"{shorten(self.camera)}"
            )
        if self.start is not None:
            parse_start(self.start, f"the start of {self.video}")

    @property
    def moment(self) -> datetime | None:
        """When its first frame was taken, in UTC."""
        return None if self.start is None else parse_start(self.start, "start")


def read_camera_list(path: Path) -> list[CameraVideo]:
    """Read a list of videos, JSON or YAML; paths in it start from its folder.

    Args:
        path: The file, YAML if it ends with .yaml or .yml.

    Raises:
        FileNotFoundError: If it does not exist.
        ValueError: If it breaks a rule; place, key, rule and value are named.
    """
    read = read_yaml if path.suffix.lower() in _YAML else read_json
    content = read(path, "camera list", f"it should look like {_EXAMPLE}")
    if not isinstance(content, list) or not content:
        raise ValueError(
            f"camera list {path} must be a list of at least one video, like {_EXAMPLE}, got "
            f"{shorten(content)}"
        )
    cameras = []
    for number, item in enumerate(content):
        place = f"camera list {path}: video {number}"
        try:
            camera = to_record(CameraVideo, item, place)
        except ValueError as error:
            text = str(error)
            raise ValueError(text if text.startswith(place) else f"{place}: {text}") from None
        names = {
            key: str(path.parent / value)
            for key in ("video", "tracks")
            if (value := getattr(camera, key)) is not None
        }
        cameras.append(CameraVideo(**{**asdict(camera), **names}))
    return cameras


def check_once(cameras: Sequence[CameraVideo]) -> None:
    """Refuse a camera or a video that is there twice.

    Args:
        cameras: The videos.

    Raises:
        ValueError: If one is.
    """
    twice = [camid for camid, n in Counter(c.camera for c in cameras).items() if n > 1]
    if twice:
        videos = " and ".join(c.video for c in cameras if c.camera == twice[0])
        raise ValueError(
            f"each camera must be given once, because its number and a track name a person of one "
            f"video, got camera {twice[0]} for {videos}"
        )
    paths = Counter(str(Path(camera.video).resolve()) for camera in cameras)
    again = [path for path, n in paths.items() if n > 1]
    if again:
        numbers = [c.camera for c in cameras if str(Path(c.video).resolve()) == again[0]]
        raise ValueError(
            f"each video must be of one camera, got {again[0]} for cameras "
            f"{' and '.join(map(str, numbers))}"
        )


def parse_start(text: str, place: str) -> datetime:
    """Return the moment that a text names, in UTC.

    Args:
        text: As ``2024-05-31T12:30:00Z`` or ``2024-05-31 14:30+02:00``.
        place: What it is, for the message.

    Raises:
        ValueError: If it is no time, or does not say how far from UTC its clock is.
    """
    found = _TIME.fullmatch(text.strip())
    try:
        if found is None:
            raise ValueError
        day, minute, second, fraction, zone = found.groups()
        local = datetime.strptime(f"{day}T{minute}{second or ':00'}", "%Y-%m-%dT%H:%M:%S")
        micro = int((fraction or ".")[1:].ljust(6, "0"))
        offset = timedelta(0)
        if zone != "Z":
            hours, minutes = int(zone[1:3]), int(zone[4:])
            if hours > 23 or minutes > 59:
                raise ValueError
            offset = timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1)
        return local.replace(microsecond=micro, tzinfo=timezone.utc) - offset
    except (ValueError, OverflowError):
        raise ValueError(
            f"{place} must be a time with its distance from UTC, as 2024-05-31T12:30:00Z or "
            f"2024-05-31T14:30:00+02:00, got {shorten(text)}"
        ) from None


def format_utc(moment: datetime) -> str:
    """Return a moment as lists keep it.

    Args:
        moment: In UTC.
    """
    text = moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return f"{text.rstrip('0').rstrip('.')}Z"
