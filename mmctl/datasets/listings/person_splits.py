"""Train/test splits of persons: the official .mat of iLIDS-VID, our own JSON, and drawn ones."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from mmctl.datasets.listings.mat_file import read_integer_array
from mmctl.files import check_regular, read_json, shorten, to_record, write_whole

Splits = list[dict[str, list[str]]]
"""One dict per fold: the names of the persons under ``'train'`` and ``'test'``."""

_SEED = 0


@dataclass
class _Fold:
    train: list[str]
    test: list[str]


def read_splits(path: Path, persons: list[str]) -> Splits:
    """Read a split file, ``.mat`` or ``.json`` by its ending.

    Args:
        path: The file.
        persons: The sorted names of all persons.

    Returns:
        The splits.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If its content does not fit the persons; file, fold, rule and value are named.
    """
    check_regular(path, "split file")
    return (read_mat_splits if path.suffix == ".mat" else read_json_splits)(path, persons)


def read_mat_splits(path: Path, persons: list[str]) -> Splits:
    """Read ``ls_set`` (folds, persons): numbers from 1 into the sorted persons, test half first.

    Args:
        path: The official ``.mat`` file.
        persons: The sorted names of all persons.

    Returns:
        The splits.

    Raises:
        ValueError: If a row is no permutation of the persons' numbers.
    """
    numbers = read_integer_array(path, "ls_set")
    if numbers.ndim != 2 or numbers.shape[1] != len(persons):
        raise ValueError(
            f"{path}: 'ls_set' must be (folds, persons) with the {len(persons)} persons that have "
            f"a folder, got {numbers.shape}"
        )
    for fold, row in enumerate(numbers):
        if not np.array_equal(np.sort(row), np.arange(1, len(persons) + 1)):
            raise ValueError(
                f"{path}: row {fold + 1} of 'ls_set' must have each number 1..{len(persons)} "
                f"once, got {row[:5].tolist()}..."
            )
    return [_halve([persons[number - 1] for number in row]) for row in numbers.tolist()]


def read_json_splits(path: Path, persons: list[str]) -> Splits:
    """Read splits by name: a list of folds, or an object with that list under ``'splits'``.

    The first is how the splits of PRID-2011 are published, the second what :func:`save_splits`
    writes.

    Args:
        path: The ``.json`` file.
        persons: The sorted names of all persons.

    Returns:
        The splits.

    Raises:
        ValueError: If it is not such a file, or names persons twice or unknown ones.
    """
    content = read_json(path, "split file")
    splits = content.get("splits") if isinstance(content, dict) else content
    if not isinstance(splits, list) or not splits:
        raise ValueError(
            f'{path} must be like [{{"train": ["person001"], "test": ["person002"]}}] or like '
            f'{{"splits": [...]}}, at least one object per fold, got {shorten(content)}'
        )
    folds = [to_record(_Fold, fold, f"{path}: fold {i}") for i, fold in enumerate(splits)]
    for number, fold in enumerate(folds):
        _check_fold(f"{path}: fold {number}", fold, persons)
    return [asdict(fold) for fold in folds]


def hash_splits(splits: Splits) -> str:
    """Return a hash of who trains and who is tested in which fold, whatever file says it.

    Args:
        splits: The splits.
    """
    halves = [[sorted(fold["train"]), sorted(fold["test"])] for fold in splits]
    return hashlib.sha256(json.dumps(halves).encode()).hexdigest()[:12]


def draw_splits(persons: list[str], num_folds: int) -> Splits:
    """Halve the persons at random, the same way in every call.

    Args:
        persons: The sorted names of all persons.
        num_folds: Number of splits.

    Returns:
        The splits; a person left over trains.
    """
    generator = np.random.default_rng(_SEED)
    return [
        _halve([persons[index] for index in generator.permutation(len(persons))])
        for _ in range(num_folds)
    ]


def save_splits(path: Path, splits: Splits) -> bool:
    """Write splits as JSON, whole or not at all.

    Args:
        path: The file to write.
        splits: The splits.

    Returns:
        False where the folder cannot be written to: drawn splits are the same in every call.
    """
    content = json.dumps({"splits": splits}, indent=1)
    # Every rank of a distributed run comes here at once; the last one's file stays.
    try:
        write_whole(path, f"{content}\n".encode())
    except OSError:
        return False
    return True


def _halve(order: list[str]) -> dict[str, list[str]]:
    num_test = len(order) // 2
    return {"train": sorted(order[num_test:]), "test": sorted(order[:num_test])}


def _check_fold(place: str, fold: _Fold, persons: list[str]) -> None:
    names = fold.train + fold.test
    unknown = sorted(set(names) - set(persons))
    if unknown:
        raise ValueError(
            f"{place} names {unknown[0][:80]!r}, which has no folder among the sequences"
        )
    twice = [name for name, number in Counter(names).items() if number > 1]
    if twice:
        raise ValueError(
            f"{place} must have each person once, because test persons are not trained on, but "
            f"has {twice[0]} twice"
        )
