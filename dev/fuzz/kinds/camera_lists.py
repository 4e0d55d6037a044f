"""The list of cameras that a user writes for track_video.py."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any, ClassVar

import yaml

from dev.fuzz.case import Change, Effect, Files, Kind, edit_text, not_a_file
from dev.fuzz.changed_json import (
    anything,
    broken_json,
    missing_key,
    renamed_key,
    to_json,
    unknown_key,
    wrong_type,
    wrong_value,
)
from mmctl.apis.video_tracking.camera_list import parse_start, read_camera_list
from mmctl.datasets.listings.frame_origins import MAX_ID

_NO_TIMES = ("2024-05-31", "2024-05-31T12:00:00", "2024-02-30T12:00:00Z", "noon", "", "12:30Z")


class _PlainDumper(yaml.SafeDumper):
    """Writes equal values each by itself."""

    def ignore_aliases(self, data: Any) -> bool:
        """Return true: no value refers to another."""
        return True


class CameraLists(Kind):
    """JSON lists of videos with camera, start and tracks."""

    name = "camera-lists"
    changes: ClassVar[Sequence[Change]] = (
        wrong_type("", list),
        wrong_type("[0-9]+", dict),
        wrong_type("[0-9]+/video", str),
        wrong_value("[0-9]+/video", "", " ", "a\0b"),
        wrong_type("[0-9]+/camera", int),
        wrong_value("[0-9]+/camera", -1, 2**63, 10**30),
        wrong_type("[0-9]+/(start|tracks)", str, type(None)),
        wrong_value("[0-9]+/start", *_NO_TIMES, "2024-05-31T12:00:00+25:00"),
        missing_key("[0-9]+/(video|camera)"),
        missing_key("[0-9]+/(start|tracks)", Effect.SAME),
        renamed_key("[0-9]+/[^/]+"),
        unknown_key("[0-9]+"),
        anything(),
    )
    edits: ClassVar[Sequence[Change]] = (*broken_json(), not_a_file(".json"))

    def make(self, rng: random.Random) -> Any:
        """Draw some cameras."""
        starts = ("2024-05-31T12:30:00Z", "2024-05-31 12:30-05:30", "2024-05-31T12:30:00.5+02:00")
        videos = []
        for _ in range(rng.randint(1, 4)):
            video: dict[str, Any] = {
                "video": rng.choice(("a.mp4", "b/c d.avi", "/e/\u00e4.mkv", "frames"))
            }
            video["camera"] = rng.choice((0, 1, 7, MAX_ID))
            if rng.random() < 0.6:
                video["start"] = rng.choice((*starts, None))
            if rng.random() < 0.4:
                video["tracks"] = rng.choice(("a.txt", "labels", None))
            videos.append(video)
        return videos

    def render(self, rng: random.Random, content: Any) -> Files:
        """Write the file."""
        return {"cameras.json": to_json(rng, content)}

    def meaning(self, content: Any) -> Any:
        """Return the values of each video."""
        return [[v.get(key) for key in ("video", "camera", "start", "tracks")] for v in content]

    def read(self, folder: Path) -> Any:
        """Read the list."""
        return self.read_list(folder / "cameras.json")

    def read_list(self, path: Path) -> Any:
        """Read a list; paths start from its folder."""
        folder = path.parent
        found = [list(astuple(camera)) for camera in read_camera_list(path)]
        for values in found:
            for index in (0, 3):
                if values[index] is not None:
                    values[index] = values[index].removeprefix(f"{folder}/")
        return found

    def check(self, meaning: Any) -> None:
        """Assert what holds for every list."""
        assert meaning, "a list without videos"
        for video, camera, start, _ in meaning:
            assert video, "a video without name"
            assert 0 <= camera <= MAX_ID, f"camera {camera}"
            assert start is None or parse_start(start, "start").tzinfo is not None


class YamlCameraLists(CameraLists):
    """The same lists in YAML."""

    name = "yaml-camera-lists"
    edits: ClassVar[Sequence[Change]] = (
        edit_text(
            "a key twice", Effect.REFUSED, ".yaml", lambda _, text: f"{text}  <<: 1\n  <<: 1\n"
        ),
        edit_text("a reference", Effect.REFUSED, ".yaml", lambda _, text: f"{text}- *other\n"),
        edit_text("two documents", Effect.REFUSED, ".yaml", lambda _, text: f"{text}---\n{text}"),
        edit_text("an object", Effect.REFUSED, ".yaml", lambda _, text: f"- !!set {{a}}\n{text}"),
        edit_text("a comment", Effect.SAME, ".yaml", lambda _, text: f"# note\n{text}# note\n"),
        not_a_file(".yaml"),
    )

    def render(self, rng: random.Random, content: Any) -> Files:
        """Write the file, videos in blocks or in a line each."""
        flow = rng.choice((None, False))
        text = yaml.dump(content, Dumper=_PlainDumper, default_flow_style=flow, width=10**6)
        return {"cameras.yaml": text.encode()}

    def read(self, folder: Path) -> Any:
        """Read the list."""
        return self.read_list(folder / "cameras.yaml")
