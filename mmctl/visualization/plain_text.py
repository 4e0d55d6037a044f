"""Text that matplotlib draws as it is."""

from __future__ import annotations


def plain(text: str) -> str:
    """Return a text whose dollar signs begin no formula, as in the name of a folder.

    Args:
        text: What a user named.
    """
    return text.replace("$", r"\$")
