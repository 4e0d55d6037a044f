"""Which splits the folds of a work folder come from, so that no mean mixes two kinds."""

from __future__ import annotations

import json
from pathlib import Path

from mmctl.files import write_whole

SplitRecord = dict[str, dict[str, str]]
"""Of each part (``train``, ``val``, ``test``) its split ``file`` and a ``hash`` of what it says."""


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
    if not path.is_file():
        work_dir.mkdir(parents=True, exist_ok=True)
        write_whole(path, (json.dumps(splits, indent=1) + "\n").encode())
        return
    try:
        there = json.loads(path.read_text(encoding="utf-8"))
        before = {part: (item["file"], item["hash"]) for part, item in there.items()}
        now = {part: (item["file"], item["hash"]) for part, item in splits.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"{path} and the results beside it must say which splits the folds come from, but one "
            f"is damaged ({error!r}): choose another --work-dir or remove {work_dir}"
        ) from error
    for part in sorted(before.keys() | now.keys()):
        (old_file, old_hash), (file, digest) = (
            record.get(part, ("none", "none")) for record in (before, now)
        )
        if digest != old_hash:
            raise ValueError(
                f"{work_dir} holds folds of other splits, and their mean would mix both: {part} "
                f"splits were those of {old_file} ({old_hash}), now they are those of {file} "
                f"({digest}). {hint}Put the former file back, choose another --work-dir or remove "
                "that folder"
            )
