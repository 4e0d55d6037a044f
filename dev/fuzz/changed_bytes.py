"""Changes of bytes that know nothing of what the bytes mean."""

from __future__ import annotations

import random
from typing import Literal

_INTERESTING = (b"\x00", b"\xff", b"\x7f", b"\x80", b"\r", b"\n", b"-", b"9", b'"', b"\xef\xbb\xbf")
_MOST = 64


def damage(rng: random.Random, content: bytes) -> tuple[str, bytes]:
    """Return a change in words, and the changed bytes.

    Args:
        rng: Where the change is drawn from.
        content: The bytes.
    """
    name = rng.choice(sorted(_DAMAGES)) if content else "insert"
    changed = bytes(_DAMAGES[name](rng, bytearray(content)))
    return name, changed


def _span(rng: random.Random, content: bytearray) -> slice:
    begin = rng.randrange(len(content))
    return slice(begin, begin + rng.randint(1, min(_MOST, len(content) - begin)))


def _flip(rng: random.Random, content: bytearray) -> bytearray:
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    return content


def _set(rng: random.Random, content: bytearray) -> bytearray:
    content[rng.randrange(len(content))] = rng.choice(_INTERESTING)[0]
    return content


def _cut(rng: random.Random, content: bytearray) -> bytearray:
    return content[: rng.randrange(len(content))]


def _behead(rng: random.Random, content: bytearray) -> bytearray:
    return content[rng.randrange(1, len(content) + 1) :]


def _insert(rng: random.Random, content: bytearray) -> bytearray:
    at = rng.randrange(len(content) + 1)
    content[at:at] = rng.choice((rng.randbytes(rng.randint(1, 9)), rng.choice(_INTERESTING)))
    return content


def _drop(rng: random.Random, content: bytearray) -> bytearray:
    del content[_span(rng, content)]
    return content


def _zero(rng: random.Random, content: bytearray) -> bytearray:
    span = _span(rng, content)
    content[span] = bytes(span.stop - span.start)
    return content


def _repeat(rng: random.Random, content: bytearray) -> bytearray:
    span = _span(rng, content)
    content[span.stop : span.stop] = content[span] * rng.choice((1, 1, 30))
    return content


def _splice(rng: random.Random, content: bytearray) -> bytearray:
    source, target = _span(rng, content), rng.randrange(len(content))
    piece = content[source]
    content[target : target + len(piece)] = piece
    return content


def _write_number(rng: random.Random, content: bytearray) -> bytearray:
    """Write a length or an offset that is a little or far off."""
    size = rng.choice((2, 4, 8))
    order: Literal["little", "big"] = "little" if rng.random() < 0.5 else "big"
    at = rng.randrange(len(content))
    old = int.from_bytes(content[at : at + size], order)
    top = 256**size
    new = rng.choice((old + 1, old - 1, 2 * old, 0, top - 1, top // 2, top // 2 - 1)) % top
    content[at : at + size] = new.to_bytes(size, order)
    return content


def _append(rng: random.Random, content: bytearray) -> bytearray:
    return content + rng.choice((rng.randbytes(rng.randint(1, _MOST)), content))


def _replace(rng: random.Random, content: bytearray) -> bytearray:
    others = (b"", b"\x00", b"<html>login</html>", b"PK\x03\x04", b"\x80\x02.", b"\x93NUMPY")
    return bytearray(rng.choice((*others, rng.randbytes(len(content)))))


_DAMAGES = {
    "flip": _flip,
    "set": _set,
    "cut": _cut,
    "behead": _behead,
    "insert": _insert,
    "drop": _drop,
    "zero": _zero,
    "repeat": _repeat,
    "splice": _splice,
    "write a number": _write_number,
    "append": _append,
    "replace": _replace,
}
