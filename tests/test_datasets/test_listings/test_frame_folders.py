import pytest

from mmctl.datasets.keypoints.pose_json import list_frame_files
from mmctl.datasets.listings.frame_folders import is_hidden, list_folders, list_names, listed_path


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("._0001.jpg", True),
        (".DS_Store", True),
        ("Thumbs.db", True),
        ("__MACOSX", True),
        ("0001.jpg", False),
        ("a.b", False),
    ],
)
def test_what_a_system_leaves_is_hidden(name, expected):
    assert is_hidden(name) == expected


def test_hidden_files_and_folders_are_in_no_list(tmp_path):
    for name in ("0002.jpg", "0001.jpg", "._0001.jpg", ".DS_Store", "Thumbs.db", "0001.png"):
        (tmp_path / name).touch()
    for name in ("person002", "person001", ".AppleDouble", "__MACOSX"):
        (tmp_path / name).mkdir()
    assert list_names(tmp_path, (".jpg",)) == ["0001.jpg", "0002.jpg"]
    assert list_folders(tmp_path) == ["person001", "person002"]


def test_hidden_files_are_no_poses(tmp_path):
    for name in ("0001.json", "._0001.json"):
        (tmp_path / name).touch()
    assert list_frame_files(tmp_path) == [tmp_path / "0001.json"]


def test_backslashes_of_a_list_are_slashes():
    assert listed_path("a\\b/0001.jpg") == "a/b/0001.jpg"
