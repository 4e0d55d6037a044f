"""Foreign values in messages: a short text of them, without making the whole one first."""

from __future__ import annotations

import reprlib

_PLAIN = (str, bytes, bool, int, float, type(None))
_CONTAINERS = (list, tuple, dict, set, frozenset)


class _Shortened(reprlib.Repr):
    """Looks into the built-in containers alone: others' texts may be of any length."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 2

    def repr1(self, x: object, level: int) -> str:
        if type(x) in (str, bytes):
            return repr(x[:80])  # type: ignore[index]
        if type(x) is int and x.bit_length() > 10_000:
            return f"<int of {x.bit_length():,} bits>"
        if type(x) in _PLAIN:
            return repr(x)
        return super().repr1(x, level) if type(x) in _CONTAINERS else f"<{type(x).__name__[:80]}>"


def shorten(value: object, length: int = 80) -> str:
    """Return a text of a value for a message.

    A value of a few hundred bytes may stand for more items than any text could list, because its
    parts are the same objects again and again.

    Args:
        value: Anything.
        length: Most characters of the text.
    """
    is_text = type(value) in (str, bytes)
    text = repr(value[:length]) if is_text else _Shortened().repr(value)  # type: ignore[index]
    return text if len(text) <= length else f"{text[: length - 3]}..."
