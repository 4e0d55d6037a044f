"""Drawn miniatures of every layout: read by the data set that they imitate, whole or not at all."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import loadmat

from mmctl.datasets.synthetic import WRITERS, DrawnSettings, clear_folder, draw_planned
from mmctl.registry import DATASETS
from tests.drawn_sets import tiny_settings

from .conftest import digest_files

TYPES = {
    "ilids-vid": "ILIDSVID",
    "prid2011": "PRID2011",
    "dukemtmc-videoreid": "DukeMTMCVideoReID",
    "ls-vid": "LSVID",
}
LAYOUTS = [*TYPES]
PEOPLE = {"num_train_pids": 3, "num_test_pids": 3}


def settings_of(layout: str, **others: object) -> DrawnSettings:
    return tiny_settings(layout, **{**PEOPLE, "frames": (1, 2), **others})


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a folder per layout; read only."""
    root = tmp_path_factory.mktemp("layouts")
    for layout in LAYOUTS:
        WRITERS[layout](root / layout, settings_of(layout)).write()
    return {layout: root / layout for layout in LAYOUTS}


def read(root: Path, layout: str, split: str, **others: object) -> list[dict]:
    config = {"type": TYPES[layout], "data_root": str(root), "split": split, **others}
    dataset = DATASETS.build({**config, "keypoint_file": "info/keypoints.npy"})
    return [dataset.get_data_info(index) for index in range(len(dataset))]


def test_every_layout_has_a_writer() -> None:
    assert list(WRITERS) == ["mars", *LAYOUTS]


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_data_set_finds_the_tracklets_as_they_were_planned(
    layout: str, split: str, drawn: dict[str, Path]
) -> None:
    planned = WRITERS[layout](drawn[layout], settings_of(layout)).plan[split]
    wanted = {
        tuple(str(item.folder(drawn[layout]) / name) for name in item.frame_names): item
        for item in planned
    }
    found = read(drawn[layout], layout, split)
    keypoints = np.load(drawn[layout] / "info" / "keypoints.npy")
    for info in found:
        item = wanted.pop(tuple(info["frame_paths"]))
        assert info["camid"] == item.camid
        assert info["pid"] == item.pid or (layout == "dukemtmc-videoreid" and item.pid == 0)
        exact = draw_planned(settings_of(layout), item)
        np.testing.assert_array_equal(keypoints[info["keypoint_rows"]], exact.keypoints)
    # Only the people of one camera are no part of PRID-2011.
    assert {item.pid for item in wanted.values()} <= {0}
    assert bool(wanted) == (layout == "prid2011" and split == "test")


@pytest.mark.parametrize("layout", ["ilids-vid", "prid2011"])
def test_frames_of_png_layouts_are_the_drawn_pictures(layout: str, drawn: dict[str, Path]) -> None:
    settings = settings_of(layout)
    item = WRITERS[layout](drawn[layout], settings).plan["train"][0]
    pictures = [cv2.imread(str(item.folder(drawn[layout]) / name)) for name in item.frame_names]
    np.testing.assert_array_equal(
        np.stack(pictures)[..., ::-1], draw_planned(settings, item).frames
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_opencv_has_nothing_to_complain_of(
    layout: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    WRITERS[layout](tmp_path, settings_of(layout)).write()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_query_has_a_match_in_another_camera(layout: str, drawn: dict[str, Path]) -> None:
    test = read(drawn[layout], layout, "test")
    gallery = [info for info in test if info["split"] == "gallery"]
    queries = [info for info in test if info["split"] == "query"]
    assert sorted(info["pid"] for info in queries) == [2, 4, 6]
    for query in queries:
        matches = [info for info in gallery if info["pid"] == query["pid"]]
        assert any(info["camid"] != query["camid"] for info in matches)


@pytest.mark.parametrize("layout", ["ilids-vid", "prid2011"])
def test_ten_folds_halve_the_people_and_the_first_is_as_planned(
    layout: str, drawn: dict[str, Path]
) -> None:
    tests = []
    for fold in range(10):
        pids = {
            split: {info["pid"] for info in read(drawn[layout], layout, split, fold=fold)}
            for split in ("train", "test")
        }
        assert pids["train"] | pids["test"] == {1, 2, 3, 4, 5, 6}
        assert len(pids["test"]) == len(pids["train"]) == 3
        tests.append(tuple(sorted(pids["test"])))
    assert tests[0] == (2, 4, 6)
    assert len(set(tests)) > 3


def test_split_files_are_as_the_published_ones(drawn: dict[str, Path]) -> None:
    folder = drawn["ilids-vid"] / "train-test people splits"
    numbers = loadmat(str(folder / "train_test_splits_ilidsvid.mat"))["ls_set"]
    assert numbers.shape == (10, 6)
    # The first half tests; pids 1..6 are numbers 1..6.
    assert numbers[0].tolist() == [2, 4, 6, 1, 3, 5]
    folds = json.loads((drawn["prid2011"] / "splits_prid2011.json").read_text())
    assert len(folds) == 10
    assert folds[0]["test"] == ["person_0002", "person_0004", "person_0006"]


def test_equal_numbers_beyond_200_are_other_people(drawn: dict[str, Path]) -> None:
    cameras = drawn["prid2011"] / "prid_2011" / "multi_shot"
    first, second = (
        cv2.imread(str(cameras / f"cam_{name}" / "person_0201" / "0001.png")) for name in "ab"
    )
    assert first is not None
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_nothing_but_the_data_set_is_left(layout: str, drawn: dict[str, Path]) -> None:
    files = WRITERS[layout].files
    tops = {Path(name).parts[0] for name in (*files.frame_folders, *files.files)}
    found = {path.name for path in drawn[layout].iterdir()}
    assert found == {*tops, "info", "contact_sheet.png", "keypoint_sheet.png"}
    info = {path.name for path in (drawn[layout] / "info").iterdir()}
    assert info == {"keypoints.npy", "keypoints.json", "drawn.json"}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_lost_files_are_drawn_again_to_the_byte(
    layout: str, drawn: dict[str, Path], tmp_path: Path
) -> None:
    writer = WRITERS[layout](tmp_path / "set", settings_of(layout), workers=2)
    writer.write()
    before = digest_files(tmp_path / "set")
    assert before == digest_files(drawn[layout])
    item = writer.plan["train"][-1]
    frame = item.folder(tmp_path / "set") / item.frame_names[0]
    frame.write_bytes(frame.read_bytes()[:-1])
    (tmp_path / "set" / writer.files.files[0]).unlink()
    assert not writer.is_finished()
    writer.write()
    assert digest_files(tmp_path / "set") == before
    assert writer.is_finished()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_set_of_another_layout_is_refused_and_can_be_cleared(layout: str, tmp_path: Path) -> None:
    least = {"num_train_pids": 1, "num_test_pids": 1, "frames": 1}
    settings = dataclasses.replace(settings_of(layout), **least)
    WRITERS[layout](tmp_path, settings).write()
    other = WRITERS["mars"](tmp_path, settings)
    with pytest.raises(ValueError, match=rf"layout {layout} there, mars asked for.*--force"):
        other.write()
    clear_folder(tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("layout", "others", "message"),
    [
        ("ilids-vid", {"num_cameras": 3}, "num_cameras must be 2, because the layout ilids-vid"),
        ("ilids-vid", {"num_distractors": 1}, "num_distractors must be 0"),
        ("ilids-vid", {"num_test_pids": 2}, "must be equal, because a split of ilids-vid halves"),
        ("prid2011", {"tracklets_per_camera": 2}, "tracklets_per_camera must be 1"),
        ("prid2011", {"num_train_pids": 101, "num_test_pids": 101}, "and 100 at most, got 101"),
        ("dukemtmc-videoreid", {"num_junk": 1}, "num_junk must be 0"),
        ("ls-vid", {"num_distractors": 3}, "num_distractors must be 0"),
    ],
)
def test_settings_without_a_place_in_the_layout_are_refused(
    layout: str, others: dict, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        WRITERS[layout](tmp_path, settings_of(layout, **others))
