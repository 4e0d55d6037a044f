"""Text that matplotlib draws as it is, and that finds room."""

from __future__ import annotations


def plain(text: str) -> str:
    """Return a text whose dollar signs begin no formula, as in the name of a folder.

    Args:
        text: What a user named.
    """
    return text.replace("$", r"\$")


def shorten_name(name: str, room: int = 36) -> str:
    """Return a name without its middle, because names of tracklets differ at both ends.

    Args:
        name: What a user or a data set named.
        room: Most letters.
    """
    return name if len(name) <= room else f"{name[: room // 3]}…{name[room // 3 + 1 - room :]}"
