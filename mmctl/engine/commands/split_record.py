"""Which splits the folds of a work folder come from, so that no mean mixes two kinds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmctl.files import read_json, to_record, write_whole

SplitRecord = dict[str, dict[str, str]]
"""Of ``train``, ``val`` and ``test`` the split ``file`` and a ``hash`` of what it says."""


@dataclass
class SplitFile:
    """The split file of a loader.

    Attributes:
        file: Its path.
        hash: A hash of what it says.
    """

    file: str
    hash: str


def claim_splits(work_dir: Path, splits: SplitRecord, hint: str = "") -> None:
    """Keep the splits as ``splits.json`` in a work folder, or compare them with those there.

    Args:
        work_dir: Folder of the folds; it is made if it does not exist.
        splits: The splits. Files of other names that say the same are the same splits.
        hint: What the message says before its advice.

    Raises:
        ValueError: If other splits are there, or a damaged file.
    """
    path = work_dir / "splits.json"
    if not path.exists():
        work_dir.mkdir(parents=True, exist_ok=True)
        write_whole(path, (json.dumps(splits, indent=1) + "\n").encode())
        return
    try:
        before = _to_files(read_json(path, "record of the splits"))
    except ValueError as error:
        raise ValueError(
            f"{path} must say which splits the folds come from, but it is damaged ({error}): "
            f"choose another --work-dir or remove {work_dir}"
        ) from error
    now, none = _to_files(splits), SplitFile("none", "none")
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name, none), now.get(name, none)
        if new.hash != old.hash:
            raise ValueError(
                f"{work_dir} holds folds of other splits, and their mean would mix both: "
                f"{name[:80]} splits were those of {_describe(old)}, now they are those of "
                f"{_describe(new)}. {hint}Put the former file back, choose another --work-dir or "
                "remove that folder"
            )


def _describe(split: SplitFile) -> str:
    return f"{split.file[:200]} ({split.hash[:80]})"


@dataclass
class _Splits:
    splits: dict[str, SplitFile]


def _to_files(splits: Any) -> dict[str, SplitFile]:
    return to_record(_Splits, {"splits": splits}, "record of the splits").splits
