"""A drawn street as two videos, and its tracks."""

from __future__ import annotations

import pytest

from tests.test_apis.test_video_tracking.drawn_scene import Scene, write_tracks, write_video


@pytest.fixture(scope="session")
def street(tmp_path_factory):
    """Two videos of one scene, and its tracks."""
    folder, scene = tmp_path_factory.mktemp("street"), Scene()
    write_video(folder / "a.mp4", scene.frames)
    write_video(folder / "b.avi", scene.frames)
    write_tracks(folder / "a.txt", scene)
    return folder
