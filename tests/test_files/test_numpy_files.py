from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from mmctl.files import map_npy, read_npz

ARRAYS = {
    "numbers": np.arange(6, dtype=np.float16).reshape(2, 3),
    "columns": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "text": np.array(["a", "bcd"]),
    "scalar": np.array("x"),
    "empty": np.zeros((0, 4), np.float32),
}


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["numbers", "columns", "empty"])
def test_an_array_is_mapped_as_numpy_reads_it(tmp_path, name):
    np.save(tmp_path / "a.npy", ARRAYS[name])
    found = map_npy(tmp_path / "a.npy", "array")
    np.testing.assert_array_equal(found, ARRAYS[name])
    assert found.dtype == ARRAYS[name].dtype
    assert isinstance(found, np.memmap) or not found.size


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_archive_is_read_as_numpy_reads_it(tmp_path, save):
    save(tmp_path / "a.npz", **ARRAYS)
    found = read_npz(tmp_path / "a.npz", "archive")
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


def test_only_the_arrays_that_are_asked_for_are_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("good.npy", npy(np.arange(3)))
        archive.writestr("pickled.npy", npy(np.arange(3)).replace(b"'<i8'", b"'|O' "))
    found = read_npz(tmp_path / "a.npz", "archive", ("good", "absent"))
    assert list(found) == ["good"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a whole .npy array"),
        (b"PK\x03\x04" + bytes(50), "is not a whole .npy array: the magic string"),
        (npy(np.arange(3))[:70], "is not a whole .npy array"),
        (npy(np.arange(3))[:-1], r"must have the 152 bytes .* got 151"),
        (npy(np.arange(3)) + b"x", r"must have the 152 bytes .* got 153"),
        (npy(np.arange(3)).replace(b"(3,)", b"(-3,)"), "whole"),
        (npy(np.arange(3)).replace(b"(3,), ", b"(-3,),"), "lengths of 0 or more"),
        (npy(np.arange(3)).replace(b"(3,)", b"(9**"), "is not a whole .npy array"),
        (npy(np.arange(3)).replace(b"'<i8'", b"'|O' "), "numbers or text, got object"),
        (npy(np.zeros(3, "i4,i4")), "must hold numbers or text, got"),
        (npy(np.arange(3)).replace(b"(3,), }" + b" " * 21, b"(9" + b"9" * 22 + b",), }"), "bytes"),
    ],
)
def test_what_is_no_whole_array_is_refused(tmp_path, content, message):
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        map_npy(tmp_path / "a.npy", "array")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("b.npy", content)
    with pytest.raises(
        ValueError, match=r"^archive \S+ is not a whole .npz archive of arrays: .*b"
    ):
        read_npz(tmp_path / "a.npz", "archive")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_stands_twice_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        for array in (np.zeros(3), np.ones(3)):
            archive.writestr("b.npy", npy(array))
    with pytest.raises(ValueError, match="it has the array 'b' twice"):
        read_npz(tmp_path / "a.npz", "archive")


def test_a_damaged_archive_is_refused(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", numbers=np.arange(1000))
    whole = (tmp_path / "a.npz").read_bytes()
    refused = 0
    for position in range(0, len(whole), 7):
        changed = bytearray(whole)
        changed[position] ^= 0x20
        (tmp_path / "a.npz").write_bytes(changed)
        try:
            found = read_npz(tmp_path / "a.npz", "archive")
        except ValueError:
            refused += 1
            continue
        for array in found.values():  # a byte of the date, say, or of the name
            np.testing.assert_array_equal(array, np.arange(1000))
    assert refused > len(whole) / 7 / 2


def test_a_name_that_the_list_of_files_has_otherwise_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", features=np.zeros(3), tracklet_ids=np.zeros(3))
    content = (tmp_path / "a.npz").read_bytes()
    start = content.rindex(b"tracklet_ids")  # no checksum covers the list at the end
    (tmp_path / "a.npz").write_bytes(content[:start] + b"tracklet_idz" + content[start + 12 :])
    with pytest.raises(ValueError, match=r"'tracklet_idz.npy' and header .*tracklet_ids.* differ"):
        read_npz(tmp_path / "a.npz", "archive", ("features", "tracklet_ids"))


def test_the_message_about_a_long_name_is_short(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy" * 2000, b"no array")
    with pytest.raises(ValueError, match=r"^[^\n]{1,900}$"):
        read_npz(tmp_path / "a.npz", "file")
