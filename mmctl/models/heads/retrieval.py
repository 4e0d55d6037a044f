"""Which clip features are retrieved with, and how they are joined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KEYS = ("branches", "at", "normalize_each")


@dataclass(frozen=True)
class Retrieval:
    """How the feature for retrieval is made.

    Attributes:
        widths: Channels of each branch that is retrieved with, by name, in this order.
        at: ``'before'`` or ``'after'`` the neck.
        normalize_each: Whether each branch gets length one before they are joined.
    """

    widths: dict[str, int]
    at: str
    normalize_each: bool

    @classmethod
    def read(cls, cfg: Mapping[str, Any] | None, widths: Mapping[str, int]) -> Retrieval:
        """Read the ``retrieve`` of a head's config.

        Args:
            cfg: The config; all branches after the neck where it does not say.
            widths: Channels of all branches by name.

        Raises:
            ValueError: If a key or a branch is unknown.
        """
        values = {"branches": tuple(widths), "at": "after", "normalize_each": False, **(cfg or {})}
        unknown = [key for key in values if key not in KEYS]
        if unknown:
            raise ValueError(f"retrieve knows {', '.join(KEYS)}, got {unknown[0]!r}")
        chosen = values["branches"]
        if not chosen or isinstance(chosen, str) or not set(chosen) <= set(widths):
            raise ValueError(
                f"the branches to retrieve with must be some of {', '.join(widths)}, got {chosen!r}"
            )
        picked = {name: widths[name] for name in chosen}
        return cls(picked, values["at"], bool(values["normalize_each"]))

    @property
    def unit_widths(self) -> tuple[int, ...]:
        """Channels of the branches that get length one, in their order; none: the whole alone."""
        return tuple(self.widths.values()) if self.normalize_each else ()
