"""The ground under every reader and writer: whole files or none, foreign files read strictly."""

from mmctl.files.folder_lock import FolderLock
from mmctl.files.free_space import check_free_space
from mmctl.files.json_files import parse_json, read_json
from mmctl.files.json_records import to_record
from mmctl.files.mat_files import read_mat
from mmctl.files.numpy_files import map_npy, read_npz
from mmctl.files.regular_files import (
    check_regular,
    read_bytes,
    read_lines,
    read_text,
)
from mmctl.files.shortened import shorten
from mmctl.files.whole_files import (
    FULL_DISK_CODES,
    TEMPORARY_SUFFIX,
    DiskFullError,
    open_atomically,
    remove_temporary_files,
    write_together,
    write_whole,
)

__all__ = [
    "FULL_DISK_CODES",
    "TEMPORARY_SUFFIX",
    "DiskFullError",
    "FolderLock",
    "check_free_space",
    "check_regular",
    "map_npy",
    "open_atomically",
    "parse_json",
    "read_bytes",
    "read_json",
    "read_lines",
    "read_mat",
    "read_npz",
    "read_text",
    "remove_temporary_files",
    "shorten",
    "to_record",
    "write_together",
    "write_whole",
]
