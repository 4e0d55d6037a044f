"""A deliberate mistake in one file, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """One change that makes the package wrong, and the tests that should turn red.

    Attributes:
        name: The mistake in words, unique.
        file: Path of the changed file from the root of the checkout.
        old: Text that occurs exactly once in ``file``.
        new: What takes its place.
        tests: Test files or node ids, the narrowest that should notice.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def apply(self, source: str) -> str:
        """Return ``source`` with the mistake in it.

        Raises:
            ValueError: If ``old`` does not occur exactly once.
        """
        count = source.count(self.old)
        if count != 1:
            raise ValueError(
                f"{self.name!r}: the text to replace must occur once in {self.file}, because "
                f"otherwise the mistake is another one, got {count} times {self.old!r}"
            )
        return source.replace(self.old, self.new)


def mistakes_in(
    file: str, tests: Sequence[str], changes: Mapping[str, tuple[str, str]]
) -> tuple[Mutation, ...]:
    """Return the mutations of one file.

    Args:
        file: Path from the root of the checkout.
        tests: What should notice each of them.
        changes: Old and new text by the mistake's name.
    """
    return tuple(Mutation(name, file, *change, tuple(tests)) for name, change in changes.items())
