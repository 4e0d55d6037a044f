from __future__ import annotations

import re

import h5py
import numpy as np
import pytest
from scipy.io import savemat
from scipy.sparse import csc_matrix

from mmctl.datasets.listings.mat_file import read_integer_array, read_query_numbers

TABLE = np.array([[1, 2, 3], [4, 5, 6]])


def write(path, kind, **arrays):
    if kind == "5":
        savemat(path, arrays)
        return
    with h5py.File(path, "w", userblock_size=512 if kind == "7.3" else 0) as file:
        for name, array in arrays.items():
            file[name] = array.T  # MATLAB counts along columns first


@pytest.mark.parametrize("kind", ["5", "7.3", "plain HDF5"])
@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float64])
def test_an_array_is_as_matlab_shows_it(tmp_path, kind, dtype):
    write(tmp_path / "a.mat", kind, table=TABLE.astype(dtype), other=np.zeros((1, 1)))
    found = read_integer_array(tmp_path / "a.mat", "table")
    np.testing.assert_array_equal(found, TABLE)
    assert found.dtype == np.int64


@pytest.mark.parametrize("kind", ["5", "7.3"])
def test_a_missing_array_is_named_with_those_there(tmp_path, kind):
    write(tmp_path / "a.mat", kind, table=TABLE)
    with pytest.raises(
        ValueError, match=r"a\.mat must hold the array 'rows', it holds \['table'\]"
    ):
        read_integer_array(tmp_path / "a.mat", "rows")


@pytest.mark.parametrize("kind", ["5", "7.3"])
def test_fractions_are_refused(tmp_path, kind):
    write(tmp_path / "a.mat", kind, table=TABLE / 2)
    with pytest.raises(ValueError, match=r"'table' must hold whole numbers, got float64 \(2, 3\)"):
        read_integer_array(tmp_path / "a.mat", "table")


def test_a_sparse_array_is_refused(tmp_path):
    savemat(tmp_path / "a.mat", {"table": csc_matrix(TABLE.astype(np.float64))})
    with pytest.raises(
        ValueError, match=r"a\.mat .*'table' .* full array .* got a sparse array \(2, 3\)"
    ):
        read_integer_array(tmp_path / "a.mat", "table")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 1e300, 2.0**63])
def test_numbers_beyond_64_bits_are_refused(tmp_path, value):
    write(tmp_path / "a.mat", "5", table=np.array([[1.0, value]]))
    shown = re.escape(str(value))
    with pytest.raises(
        ValueError, match=rf"a\.mat: 'table' .* with {shown}, which is none of 64 bits"
    ):
        read_integer_array(tmp_path / "a.mat", "table")


def test_a_file_that_is_cut_short_is_refused(tmp_path):
    write(tmp_path / "a.mat", "7.3", table=TABLE)
    content = (tmp_path / "a.mat").read_bytes()
    (tmp_path / "a.mat").write_bytes(content[:900])
    with pytest.raises(ValueError, match=r"a\.mat is not a readable HDF5 file"):
        read_integer_array(tmp_path / "a.mat", "table")


@pytest.mark.parametrize("kind", ["5", "7.3"])
@pytest.mark.parametrize("shape", [(1, 3), (3, 1)])
def test_queries_are_positions_from_0_in_the_order_of_the_file(tmp_path, kind, shape):
    write(tmp_path / "a.mat", kind, query=np.array([4, 1, 3], np.uint16).reshape(shape))
    pids = np.array([7, -1, 7, 8])
    assert read_query_numbers(tmp_path / "a.mat", "query", pids).tolist() == [3, 0, 2]


def test_nobody_can_be_no_query(tmp_path):
    write(tmp_path / "a.mat", "5", query=np.array([[2]]))
    with pytest.raises(ValueError, match=r"a query must be a person .* tracklet 2 has pid -1"):
        read_query_numbers(tmp_path / "a.mat", "query", np.array([7, -1]))
