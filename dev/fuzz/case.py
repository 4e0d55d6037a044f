"""What a case of the fuzzer is, and how one is drawn."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar

from dev.fuzz.changed_bytes import damage

Files = dict[str, bytes]
"""Content by path below the folder of the case."""


class NoFile(bytes):
    """Stands in the place of a file's content where there is no regular file."""


FIFO, FOLDER, LOOP = NoFile(b"a named pipe"), NoFile(b"a folder"), NoFile(b"a link to itself")

_TRIES = 40


class Effect(Enum):
    """What a change does to the meaning of a sample, and so what its reader must do."""

    SAME = "must be read right"
    REFUSED = "must be refused"
    SAME_OR_REFUSED = "must be read right or refused"
    EITHER = "must keep the rules of its kind, or be refused"


class DoesNotApplyError(Exception):
    """A change that this sample has no place for."""


@dataclass(frozen=True)
class Change:
    """One way to change a sample.

    Attributes:
        name: What it does, in words.
        effect: What the reader must do then.
        apply: Changes the content, or the files, in place, or returns others.
    """

    name: str
    effect: Effect
    apply: Callable[[random.Random, Any], Any]


@dataclass(frozen=True)
class Case:
    """Files for a reader.

    Attributes:
        files: The files.
        change: What was done to the sample.
        effect: What the reader must do.
        meaning: What it must return where it must read right.
    """

    files: Files
    change: str
    effect: Effect
    meaning: Any


class Kind(ABC):
    """A reader with everything that is needed to fuzz it.

    Attributes:
        name: As ``--kind`` takes it.
        changes: Changes of the content. Those of effect ``SAME`` may change the meaning, too, which
            is taken from the content after them.
        edits: Changes of the files.
        damage: What changes of single bytes do.
        damaged: Endings of the files whose bytes are changed.
        lists_faults: Whether a refusal may list several faults, one in each line.
    """

    name: ClassVar[str]
    changes: ClassVar[Sequence[Change]] = ()
    edits: ClassVar[Sequence[Change]] = ()
    damage: ClassVar[Effect] = Effect.EITHER
    damaged: ClassVar[tuple[str, ...]] = ("",)
    lists_faults: ClassVar[bool] = False

    @abstractmethod
    def make(self, rng: random.Random) -> Any:
        """Draw the content of a valid sample."""

    @abstractmethod
    def render(self, rng: random.Random, content: Any) -> Files:
        """Write the content in one of the ways that mean the same."""

    @abstractmethod
    def meaning(self, content: Any) -> Any:
        """Return what the reader must return, worked out from the content."""

    @abstractmethod
    def read(self, folder: Path) -> Any:
        """Read the files; ``ValueError`` and ``FileNotFoundError`` are refusals."""

    def check(self, meaning: Any) -> None:  # noqa: B027 (most have rules, some have none)
        """Assert the rules that whatever was read must keep."""

    def is_named(self, message: str, folder: Path, case: Case) -> bool:
        """Return whether a refusal names one of the files or what lies in them.

        Args:
            message: The refusal.
            folder: Where the files lie.
            case: The case.
        """
        return str(folder) in message or any(Path(name).name in message for name in case.files)


def draw_case(kind: Kind, seed: int, number: int) -> Case:
    """Draw a case, the same one in every call and on every machine.

    Args:
        kind: What to draw.
        seed: Seed of the campaign.
        number: Number of the case.
    """
    rng = random.Random(f"{kind.name}/{seed}/{number}")
    for _ in range(_TRIES):
        content = kind.make(rng)
        try:
            return _change(rng, kind, content)
        except DoesNotApplyError:
            continue
    return Case(kind.render(rng, content), "none", Effect.SAME, kind.meaning(content))


def _change(rng: random.Random, kind: Kind, content: Any) -> Case:
    where = rng.choices(
        ["nowhere", "content", "files", "bytes"],
        [2, 8 * bool(kind.changes), 4 * bool(kind.edits), 5 * bool(kind.damaged)],
    )[0]
    if where == "content":
        change = rng.choice(kind.changes)
        content = _applied(change, rng, content)
        is_known = change.effect in (Effect.SAME, Effect.SAME_OR_REFUSED)
        meaning = kind.meaning(content) if is_known else None
        return Case(kind.render(rng, content), change.name, change.effect, meaning)
    files, meaning = kind.render(rng, content), kind.meaning(content)
    if where == "files":
        change = rng.choice(kind.edits)
        files = _applied(change, rng, files)
        return Case(files, change.name, change.effect, meaning)
    if where == "bytes":
        name = pick(rng, [name for name in sorted(files) if name.endswith(kind.damaged)])
        words, changed = damage(rng, files[name])
        if changed == files[name]:
            raise DoesNotApplyError
        files = {**files, name: changed}
        return Case(files, f"{name}: {words}", kind.damage, meaning)
    return Case(files, "none", Effect.SAME, meaning)


def _applied(change: Change, rng: random.Random, target: Any) -> Any:
    found = change.apply(rng, target)
    return target if found is None else found


def pick(rng: random.Random, items: Sequence[Any]) -> Any:
    """Return one of some items.

    Raises:
        DoesNotApplyError: If there is none.
    """
    if not items:
        raise DoesNotApplyError
    return rng.choice(items)


def not_a_file(*suffixes: str, is_needed: bool = True) -> Change:
    """Return the edit that puts something else in the place of a file, or nothing.

    Args:
        suffixes: Endings of the names of the files.
        is_needed: Whether they must be there.
    """

    def apply(rng: random.Random, files: Files) -> None:
        name = pick(rng, [name for name in sorted(files) if name.endswith(suffixes)])
        found = rng.choice((FIFO, FOLDER, LOOP, None) if is_needed else (FIFO, FOLDER))
        if found is None:
            del files[name]
        else:
            files[name] = found

    return Change("no regular file", Effect.REFUSED, apply)


def edit_text(name: str, effect: Effect, suffix: str, edit: Callable[..., str]) -> Change:
    """Return the edit of a text file.

    Args:
        name: What it does, in words.
        effect: What the reader must do.
        suffix: Ending of the file's name.
        edit: Takes the generator and the text, and returns another text.
    """

    def apply(rng: random.Random, files: Files) -> None:
        found = pick(rng, [key for key in sorted(files) if key.endswith(suffix)])
        text = files[found].decode("utf-8", "surrogatepass")
        files[found] = edit(rng, text).encode("utf-8", "surrogatepass")

    return Change(name, effect, apply)


def edit_lines(name: str, effect: Effect, suffix: str, edit: Callable[..., None]) -> Change:
    """Return the edit of the lines of a text file, which changes a list of them in place."""

    def change(rng: random.Random, text: str) -> str:
        lines = text.splitlines()
        edit(rng, pick(rng, [lines]))
        return "".join(f"{line}\n" for line in lines)

    return edit_text(name, effect, suffix, change)
