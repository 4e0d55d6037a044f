"""What a drawn street is made of."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

MAX_CAMERAS = 6
"""As many views as the people of drawn data sets are seen from."""


def _option(default: Any, text: str) -> Any:
    """Declare a field with the line that a command's ``--help`` shows."""
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True)
class StreetSettings:
    """Everything that decides the frames and the truth of a drawn street.

    Raises:
        ValueError: If a value is outside its range; the message names the limit and the reason.
    """

    people: int = _option(24, "people who walk along the street, in groups of look-alikes")
    cameras: int = _option(3, "cameras that they pass, each with a video")
    seconds: float = _option(60.0, "length of every video")
    fps: float = _option(25.0, "frames per second")
    size: tuple[int, int] = _option((360, 640), "height and width of a frame in pixels, even")
    rest: float = _option(20.0, "mean seconds until somebody who has left comes back")
    difficulty: float = _option(0.6, "strength of colour casts, exposure and blur, 0 to 2")
    things: int = _option(2, "posts and planters that stand in the way of each camera")
    seed: int = _option(0, "every frame follows from it")

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", tuple(self.size))
        _check("people", self.people, (1, 4999), "each is drawn by its number")
        _check("cameras", self.cameras, (1, MAX_CAMERAS), "there are as many views")
        _check("seconds", self.seconds, (0.04, 86400.0), "a video is of a day at most")
        _check("fps", self.fps, (1.0, 120.0), "people would leap, or hardly move")
        _check("rest", self.rest, (1.0, 86400.0), "nobody turns at once")
        _check("difficulty", self.difficulty, (0.0, 2.0), "colours clip beyond")
        _check("things", self.things, (0, 8), "a view must remain")
        _check("seed", self.seed, (0, 2**32 - 1), "it is a 32-bit number")
        if len(self.size) != 2:
            raise ValueError(f"size must be (height, width), got {self.size}")
        for side in self.size:
            _check("size", side, (96, 2160), "a person must be recognisable, and fit memory")
            if side % 2:
                raise ValueError(f"size must be even, because videos halve colours, got {side}")
        if not 0.5 <= self.size[1] / self.size[0] <= 4:
            raise ValueError(
                "size must be at most twice as high and four times as wide as the other side, "
                f"because paths cross the view, got {self.size}"
            )

    @property
    def num_frames(self) -> int:
        """Frames of each video."""
        return max(1, math.floor(self.seconds * self.fps + 1e-6))

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON keeps them (lists for tuples)."""
        return {**asdict(self), "size": list(self.size)}


def _check(name: str, value: Any, limits: tuple[float, float], reason: str) -> None:
    whole = isinstance(limits[0], int)
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise ValueError(f"{name} must be a {'whole ' if whole else ''}number, got {value!r}")
    if not limits[0] <= value <= limits[1]:
        raise ValueError(
            f"{name} must be {limits[0]:g} to {limits[1]:g}, because {reason}; got {value}"
        )
