"""What a set of drawn pedestrians is made of, and the limits of its layout."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

MAX_CAMERAS = 6
"""MARS has six cameras and one digit for them in a frame's name."""

MAX_PIDS = 4999
"""Training pids are odd and test pids even, and a frame's name has four digits for them."""

MAX_FRAMES = 999
"""A frame's name has three digits for its number."""

MAX_TRACKLETS = 9999
"""A frame's name has four digits for its tracklet."""

MAX_TEST_TRACKLETS = 65535
"""``query_IDX`` counts test tracklets in uint16."""


def _option(default: Any, text: str) -> Any:
    """Declare a field with the line that a command's ``--help`` shows."""
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True)
class DrawnSettings:
    """Everything that decides the bytes of a drawn data set.

    ``difficulty``, ``occlusion`` and ``jitter`` were calibrated at their defaults: a small CTL
    learns to tell unseen people apart within minutes, and is far from perfect.

    Raises:
        ValueError: If a value is outside its range; the message names the limit and the reason.
    """

    num_train_pids: int = _option(96, "people of the training split")
    num_test_pids: int = _option(40, "people of the test split, all of them new")
    num_cameras: int = _option(4, "cameras that see every person")
    tracklets_per_camera: int = _option(1, "tracklets of each person in each camera")
    frames: tuple[int, int] = _option((8, 8), "frames of a tracklet: a number, or least and most")
    size: tuple[int, int] = _option((128, 64), "height and width of a frame in pixels")
    difficulty: float = _option(0.6, "strength of colour casts, exposure and blur, 0 to 2")
    occlusion: float = _option(0.3, "share of tracklets with something in the way, 0 to 1")
    jitter: float = _option(0.05, "spread of the boxes, in box sizes, 0 to 0.3")
    jpeg_quality: int = _option(90, "quality of the frames, 1 to 100")
    num_junk: int = _option(12, "tracklets of bad boxes (pid -1)")
    num_distractors: int = _option(24, "tracklets of people of neither split (pid 0)")
    seed: int = _option(0, "every picture follows from it")
    camera_shift: float = _option(
        0.0, "how far the test split's cameras are from those of training, 0 (the same) to 1"
    )
    keypoint_mistakes: float = _option(
        0.0, "mistakes in the stored keypoints: 0 exact, 1 as of an estimator, up to 3"
    )

    def __post_init__(self) -> None:
        frames = (self.frames,) if isinstance(self.frames, int) else tuple(self.frames)
        if len(frames) == 1:
            frames = frames * 2
        object.__setattr__(self, "frames", frames)
        object.__setattr__(self, "size", tuple(self.size))
        self._check_counts()
        self._check_frames()
        self._check_amounts()

    def _check_counts(self) -> None:
        naming = "the names of MARS have no more digits"
        _check_range("num_train_pids", self.num_train_pids, (1, MAX_PIDS), naming)
        _check_range("num_test_pids", self.num_test_pids, (1, MAX_PIDS), naming)
        matches = "a match is the same person in another camera, and MARS has six"
        _check_range("num_cameras", self.num_cameras, (2, MAX_CAMERAS), matches)
        per_camera = self.tracklets_per_camera
        _check_range("tracklets_per_camera", per_camera, (1, MAX_TRACKLETS), naming)
        most = MAX_TRACKLETS * self.num_cameras
        _check_range("num_junk", self.num_junk, (0, most), naming)
        _check_range("num_distractors", self.num_distractors, (0, most), naming)
        _check_range("seed", self.seed, (0, 2**32 - 1), "it is a 32-bit number")
        named = self.num_test_pids * self.num_cameras * per_camera
        total = named + self.num_junk + self.num_distractors
        if total > MAX_TEST_TRACKLETS:
            raise ValueError(
                f"the test split must have at most {MAX_TEST_TRACKLETS} tracklets, because "
                f"query_IDX of MARS counts them in uint16, got {total}"
            )

    def _check_frames(self) -> None:
        if len(self.frames) != 2 or self.frames[0] > self.frames[1]:
            raise ValueError(
                f"frames must be one number or (least, most) with least <= most, got {self.frames}"
            )
        for count in self.frames:
            _check_range("frames", count, (1, MAX_FRAMES), "names have three digits for a frame")
        if len(self.size) != 2:
            raise ValueError(f"size must be (height, width), got {self.size}")
        for side in self.size:
            _check_range("size", side, (32, 1024), "a person must be recognisable, and fit memory")

    def _check_amounts(self) -> None:
        _check_range("difficulty", self.difficulty, (0, 2), "colours clip beyond")
        _check_range("occlusion", self.occlusion, (0, 1), "it is a probability")
        _check_range("jitter", self.jitter, (0, 0.3), "people would leave their boxes")
        _check_range("jpeg_quality", self.jpeg_quality, (1, 100), "JPEG has no other")
        _check_range("camera_shift", self.camera_shift, (0, 1), "1 is another set of cameras")
        _check_range("keypoint_mistakes", self.keypoint_mistakes, (0, 3), "joints leave the frame")

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON keeps them (lists for tuples)."""
        pairs = asdict(self).items()
        return {name: list(value) if isinstance(value, tuple) else value for name, value in pairs}


_AMOUNTS = ("difficulty", "occlusion", "jitter", "camera_shift", "keypoint_mistakes")
"""Settings that are numbers and no counts."""


def _check_range(name: str, value: float, limits: tuple[float, float], reason: str) -> None:
    whole = name not in _AMOUNTS
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        kind = "a whole number" if whole else "a number"
        raise ValueError(f"{name} must be {kind}, got {value!r}")
    if not limits[0] <= value <= limits[1]:
        raise ValueError(
            f"{name} must be {limits[0]} to {limits[1]}, because {reason}; got {value}"
        )
