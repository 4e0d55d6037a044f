"""Gaps, other files and dangling links in folders of frames."""

from __future__ import annotations

import re

import pytest

from mmctl.datasets.checks.folder_check import check_folders

LAST = re.compile(r"(\d+)$")


def add(root, folder, numbers):
    (root / folder).mkdir(parents=True)
    paths = [root / folder / f"c1_{number:04d}.jpg" for number in numbers]
    for path in paths:
        path.touch()
    return [str(path) for path in paths]


def check(root, *tracklets):
    return check_folders(root, tracklets, (".jpg",), LAST)


@pytest.mark.parametrize(
    ("numbers", "gap"),
    [
        ([7, 9], "8"),
        ([1, 2, 5, 6], "3 to 4"),
        ([3, 5, 6, 9], "4, 7 to 8"),
        ([1, 3, 5, 7, 9, 10], "2, 4, 6, ..."),
    ],
)
def test_missing_numbers_are_named(tmp_path, numbers, gap):
    whole = add(tmp_path, "a", range(20, 40))
    report = check(tmp_path, whole, add(tmp_path, "b", numbers))
    names = f"c1_{numbers[0]:04d}.jpg to c1_{numbers[-1]:04d}.jpg"
    assert report.notes == [(str(tmp_path / "b"), f"{names} lack the frames {gap}")]
    assert report.faults == []


@pytest.mark.parametrize("numbers", [[5], [12, 24, 36, 48], [2, 4, 6], [0, 1, 2]])
def test_a_start_or_a_step_of_its_own_is_no_gap(tmp_path, numbers):
    whole = add(tmp_path, "a", range(20, 40))
    assert check(tmp_path, whole, add(tmp_path, "b", numbers)).notes == []


def test_a_gap_is_measured_in_the_steps_of_the_data_set(tmp_path):
    whole = add(tmp_path, "a", range(12, 240, 12))
    report = check(tmp_path, whole, add(tmp_path, "b", [24, 36, 72, 85]))
    assert [text for _, text in report.notes] == [
        "c1_0024.jpg to c1_0085.jpg lack the frames 48 to 60"
    ]


def test_other_files_are_counted_and_hidden_ones_are_not(tmp_path):
    frames = add(tmp_path, "a", [1, 2])
    for name in ("c1_0003.jpg.tmp", "c1_0004.JPG", ".hidden", "Thumbs.db", "x", "y"):
        (tmp_path / "a" / name).touch()
    text = "4 passed over, not ending with .jpg: c1_0003.jpg.tmp, c1_0004.JPG, x, ..."
    assert check(tmp_path, frames).notes == [(str(tmp_path / "a"), text)]


def test_links_that_lead_nowhere_are_found_up_to_the_root(tmp_path):
    frames = add(tmp_path, "train/0001/0002", [1, 2])
    (tmp_path / "real").mkdir()
    links = {"train/0002": "gone", "train/0001/0003": "0003", "train/0001/0002/x.jpg": "no.jpg"}
    for link, target in links.items():
        (tmp_path / link).symlink_to(target)
    (tmp_path / "train" / "0003").symlink_to(tmp_path / "real")
    (tmp_path / "train/0001/0002/.#x.jpg").symlink_to("an editor's lock")
    (tmp_path / "elsewhere").symlink_to("not of the data set")
    found = dict(check(tmp_path, frames).faults)
    assert found == {
        str(tmp_path / link): f"is a link to {target}, which is not there"
        for link, target in links.items()
    }
