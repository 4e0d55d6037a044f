import json
import re

import pytest

from mmctl.apis.video_tracking.camera_list import (
    CameraVideo,
    check_once,
    format_utc,
    parse_start,
    read_camera_list,
)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-05-31T12:30:00Z", "2024-05-31T12:30:00Z"),
        ("2024-05-31 14:30+02:00", "2024-05-31T12:30:00Z"),
        ("2024-12-31T20:00:00.25-05:30", "2025-01-01T01:30:00.25Z"),
        ("2024-02-29T00:00:00.000001+00:00", "2024-02-29T00:00:00.000001Z"),
    ],
)
def test_a_start_is_a_moment_in_utc(text, utc):
    assert format_utc(parse_start(text, "start")) == utc


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "2024-05-31",
        "2024-05-31T12:30:00",
        "2023-02-29T00:00:00Z",
        "2024-05-31T25:00:00Z",
        "2024-05-31T12:30:00+99:00",
        "0001-01-01T00:00:00+02:00",
        "12:30",
        "",
    ],
)
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(
        ValueError, match="start must be a time with its distance from UTC"
    ) as found:
        parse_start(text, "start")
    assert repr(text) in str(found.value)


def test_paths_of_a_list_start_from_its_folder(tmp_path):
    content = [
        {"video": "a.mp4", "camera": 1, "start": "2024-05-31T12:30:00Z"},
        {"video": "/else/b.mp4", "camera": 0, "tracks": "b.txt"},
    ]
    (tmp_path / "cameras.json").write_text(json.dumps(content))
    assert read_camera_list(tmp_path / "cameras.json") == [
        CameraVideo(str(tmp_path / "a.mp4"), 1, "2024-05-31T12:30:00Z"),
        CameraVideo("/else/b.mp4", 0, None, str(tmp_path / "b.txt")),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "must be a list of at least one video"),
        ({"video": "a"}, "must be a list of at least one video"),
        ([{"video": "a"}], "video 0 lacks the key 'camera'"),
        ([{"video": "a", "camera": "1"}], "video 0: 'camera' must be an integer, got '1'"),
        ([{"video": "a", "camera": -1}], "video 0: the camera of a must be a number from 0"),
        ([{"video": " ", "camera": 1}], "video 0: video must be the name of a file"),
        ([{"video": "a", "camera": 1, "begin": 0}], "video 0 has the unknown key 'begin'"),
        ([{"video": "a", "camera": 1, "start": "noon"}], "video 0: the start of a must be a time"),
    ],
)
def test_a_broken_list_is_named_with_place_and_rule(tmp_path, content, message):
    (tmp_path / "cameras.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=re.escape(message)) as found:
        read_camera_list(tmp_path / "cameras.json")
    assert "cameras.json" in str(found.value)
    assert "\n" not in str(found.value)


def test_a_camera_or_a_video_is_there_once():
    check_once([CameraVideo("a", 1), CameraVideo("b", 2)])
    with pytest.raises(ValueError, match="got camera 1 for a and b"):
        check_once([CameraVideo("a", 1), CameraVideo("b", 1)])
    with pytest.raises(ValueError, match=r"each video must be of one camera.*cameras 1 and 2"):
        check_once([CameraVideo("a", 1), CameraVideo("x/../a", 2)])


YAML = """\
# what each camera took
- video: a.mp4
  camera: 1
  start: 2024-05-31T14:30:00+02:00
- {video: /else/b.mp4, camera: 0, tracks: b.txt, start: null}
"""


@pytest.mark.parametrize("name", ["cameras.yaml", "cameras.YML"])
def test_a_list_may_be_yaml(tmp_path, name):
    (tmp_path / name).write_text(YAML)
    assert read_camera_list(tmp_path / name) == [
        CameraVideo(str(tmp_path / "a.mp4"), 1, "2024-05-31T14:30:00+02:00"),
        CameraVideo("/else/b.mp4", 0, None, str(tmp_path / "b.txt")),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must be a list of at least one video, like .*, got None"),
        ("- {video: a.mp4, camera: 010}", "video 0: 'camera' must be an integer, got '010'"),
        ("- {video: a.mp4, camera: yes}", "video 0: 'camera' must be an integer, got 'yes'"),
        ("- {video: 1, camera: 1}", "video 0: 'video' must be text, got 1"),
        ("- {video: a.mp4, camera: 1, start: 12:30}", "the start of a.mp4 must be a time with"),
        ("- {video: a.mp4, camera: 1, colour: red}", "video 0 has the unknown key 'colour'"),
    ],
)
def test_yaml_has_the_rules_of_json(tmp_path, text, message):
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(ValueError, match=rf"camera list .*c\.yaml.*{message}"):
        read_camera_list(tmp_path / "c.yaml")
