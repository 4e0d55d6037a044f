"""Our strict reader against SciPy's, on files of SciPy's writer and on bytes made here."""

from __future__ import annotations

import io
import struct
import zlib

import h5py
import numpy as np
import pytest
from scipy.io import loadmat, savemat
from scipy.sparse import csc_matrix

from mmctl.files import hdf5_process, mat_files, read_mat

DTYPES = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]


def mat(compress=False, **arrays):
    buffer = io.BytesIO()
    savemat(buffer, arrays, do_compression=compress)
    return buffer.getvalue()


def read(tmp_path, content, names=None):
    (tmp_path / "a.mat").write_bytes(content)
    return read_mat(tmp_path / "a.mat", "file", names)


def element(order, kind, content):
    padding = b"" if kind == 15 else bytes(-len(content) % 8)
    return struct.pack(f"{order}II", kind, len(content)) + content + padding


def matlab(order="<", kind=2, values=b"\x01\x02\x03", shape=(1, 3), flags=6, name=b"x"):
    """Return the file of one array, stored as MATLAB does: doubles as the shortest integers."""
    parts = [
        element(order, 6, struct.pack(f"{order}II", flags, 0)),
        element(order, 5, struct.pack(f"{order}{len(shape)}i", *shape)),
        element(order, 1, name),
        element(order, kind, values),
    ]
    head = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack(f"{order}H", 0x0100)
    mark = b"IM" if order == "<" else b"MI"
    return head + mark + element(order, 14, b"".join(parts))


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (0, 3), (2, 3, 4), (1, 700)])
def test_arrays_are_as_scipy_reads_them(tmp_path, dtype, shape, compress):
    generator = np.random.default_rng(0)
    array = generator.integers(0, 100, shape).astype(dtype)
    content = mat(compress, first=np.arange(5.0), second=array, y=array[:1])
    found = read(tmp_path, content)
    expected = loadmat(io.BytesIO(content))
    assert list(found) == ["first", "second", "y"]
    for name, values in found.items():
        np.testing.assert_array_equal(values, expected[name])
        assert values.dtype == expected[name].dtype.newbyteorder("=")


@pytest.mark.parametrize("order", ["<", ">"])
def test_doubles_that_matlab_stores_as_bytes_are_doubles(tmp_path, order):
    content = matlab(order)
    found = read(tmp_path, content)["x"]
    np.testing.assert_array_equal(found, loadmat(io.BytesIO(content))["x"])
    assert found.dtype == np.float64
    assert found.tolist() == [[1, 2, 3]]


def test_only_the_arrays_that_are_asked_for_are_looked_at(tmp_path):
    content = mat(True, cell=np.array([{}, 1], object), text="abc", good=np.arange(3))
    assert list(read(tmp_path, content, ("good", "absent"))) == ["good"]
    assert list(read(tmp_path, content)) == ["good"]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (csc_matrix(np.eye(3)), "a sparse array"),
        (np.array([1j]), "complex numbers"),
        ("text", "text"),
        ({"a": 1}, "a struct"),
        (np.array([{}, 1], object), "a cell array"),
    ],
)
def test_other_things_than_full_real_arrays_are_refused_by_name(tmp_path, value, found):
    with pytest.raises(ValueError, match=rf"'x' must be a full array of real numbers, got {found}"):
        read(tmp_path, mat(x=value), ("x",))


PACKED = mat(x=np.arange(3.0))[:128]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must say version 0x0100"),
        (PACKED[:126] + b"XX", "must say version 0x0100"),
        (mat(x=np.arange(30.0))[:-8], "bytes stands in"),
        (mat(x=np.arange(30.0)) + b"x", "ends in the midst"),
        (mat(x=np.arange(3.0)) + mat(x=np.arange(3.0))[128:], "the array 'x' twice"),
        (matlab(shape=(2, 3)), r"as many numbers as \(2, 3\), got 3"),
        (matlab(shape=(3,)), "as many numbers as"),
        (matlab(shape=(-1, -3)), "as many numbers as"),
        (matlab(shape=(2**31 - 1,) * 9), "as many numbers as"),
        (matlab(kind=16), "one block of numbers, got type 16"),
        (matlab(flags=8, values=b"\xff\x00\x01"), "do not fit into its own type int8"),
        (PACKED + element("<", 15, b"junk"), "incorrect header"),
        (
            PACKED + element("<", 15, zlib.compress(struct.pack("<II", 14, 2**31) + bytes(64))),
            "bytes is declared in",
        ),
        (
            PACKED + element("<", 15, zlib.compress(matlab()[128:] + bytes(8))),
            "a packed array must have",
        ),
    ],
)
def test_damaged_files_are_refused_with_the_reason(tmp_path, content, message):
    with pytest.raises(
        ValueError, match=rf"^file \S+a.mat is not a readable MATLAB 5 file: .*{message}"
    ):
        read(tmp_path, content)


@pytest.mark.parametrize("compress", [False, True])
def test_no_change_of_a_bit_ends_in_another_error(tmp_path, compress):
    whole = mat(compress, first=np.arange(5), second=np.arange(40.0).reshape(8, 5))
    refused = 0
    for position in range(124, len(whole)):
        for bit in (0x01, 0x80):
            changed = bytearray(whole)
            changed[position] ^= bit
            try:
                read(tmp_path, bytes(changed))
            except ValueError:
                refused += 1
    assert refused > 100


def test_hdf5_is_read_as_matlab_shows_it(tmp_path):
    array = np.arange(6, dtype=np.uint16).reshape(2, 3)
    with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
        file["x"] = array.T
        file["text"] = np.array([97, 98], np.uint16)
        file["text"].attrs["MATLAB_class"] = np.bytes_("char")
        file.create_group("sparse")
    found = read_mat(tmp_path / "a.mat", "file")
    assert list(found) == ["x"]
    np.testing.assert_array_equal(found["x"], array)
    for name in ("text", "sparse"):
        with pytest.raises(ValueError, match=rf"'{name}' must be a full array of real numbers"):
            read_mat(tmp_path / "a.mat", "file", (name,))


def test_an_hdf5_value_without_dimensions_is_refused(tmp_path):
    for value in (np.uint16(24), h5py.Empty("f8")):
        with h5py.File(tmp_path / "a.mat", "w") as file:
            file["x"] = value
        with pytest.raises(ValueError, match="'x' must be an array, got a single value or none"):
            read_mat(tmp_path / "a.mat", "file")


def test_an_hdf5_array_that_is_declared_but_not_there_is_refused(tmp_path):
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file.create_dataset("x", (10**6, 10**6), chunks=True, dtype="f8")
    with pytest.raises(ValueError, match=r"'x' of 8,000,000,000,000 bytes is declared in"):
        read_mat(tmp_path / "a.mat", "file")


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "ended with status -11"),
        ("import time; time.sleep(60)", "did not end within 0.5 s"),
    ],
    ids=["crash", "hang"],
)
def test_a_library_that_crashes_or_never_ends_is_a_refusal(tmp_path, monkeypatch, program, message):
    (tmp_path / "program.py").write_text(program)
    monkeypatch.setattr(hdf5_process, "__file__", str(tmp_path / "program.py"))
    monkeypatch.setattr(mat_files, "_HDF5_SECONDS", 5 if "status" in message else 0.5)
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file["x"] = np.ones((2, 3))
    with pytest.raises(ValueError, match=rf"a\.mat is not a readable HDF5 file: .*{message}"):
        read_mat(tmp_path / "a.mat", "file")
