"""Tell whether the file of a checkpoint is as torch wrote it."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import torch

_IS_FOLDER = 0x10  # the flag of MS-DOS in a zip's list of files


def check_archive(path: Path) -> None:
    """Compare the checksums of what torch reads from a file, which torch does not.

    Args:
        path: A file that ``torch.save`` has written.

    Raises:
        OSError: If the file cannot be read.
        zipfile.BadZipFile: If a checksum is wrong, or a part missing, renamed or misplaced.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            records = {info.filename.partition("/")[2]: info for info in archive.infolist()}
            for info in archive.infolist():
                archive.open(info).close()  # compares its name in the list with that before it
        reader = torch._C.PyTorchFileReader(str(path))
        known = set(reader.get_all_records())
        # Torch returns memory as it happens to be for a part that is marked as a folder.
        broken = known ^ {n for n, info in records.items() if not info.external_attr & _IS_FOLDER}
        for name in sorted(known - broken):
            if zlib.crc32(reader.get_record(name)) != records[name].CRC:
                raise zipfile.BadZipFile(f"its part {name} has another checksum")
    except OSError:
        raise
    # zipfile and torch raise any type where bytes were changed.
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise zipfile.BadZipFile(reason or type(error).__name__) from error
    if broken:
        raise zipfile.BadZipFile(f"its parts {sorted(broken)} are not listed as torch does it")
