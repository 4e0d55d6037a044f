"""JSON as other programs may write it, and values and texts that no reader wants."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

from dev.fuzz.case import Change, DoesNotApplyError, Effect, Files, pick

Path = tuple[str | int, ...]
"""The way to a value within nested dicts and lists."""

_WRONG: tuple[tuple[str, Any], ...] = (
    ("null", None),
    ("true", True),
    ("false", False),
    ("text", "abc"),
    ("numeric text", "1"),
    ("empty text", ""),
    ("a fraction", 1.5),
    ("a whole float", 1.0),
    ("NaN", float("nan")),
    ("infinity", float("inf")),
    ("a huge integer", 10**30),
    ("a longer integer", -(10**400)),
    ("a list", [1]),
    ("no list", []),
    ("an object", {"a": 1}),
    ("no object", {}),
    ("a deep list", [[[[[[[[[[1]]]]]]]]]]),
    ("text of several lines", "a\nb\r\u2028c"),
    ("long text", "y" * 5000),
    ("a long list", list(range(2000))),
    ("an integer of 3,000 digits", 10**3000),
)


def to_json(rng: random.Random, content: Any) -> bytes:
    """Write JSON in one of the ways that mean the same.

    Args:
        rng: Where the way is drawn from.
        content: The content.
    """
    text = json.dumps(
        _shuffled(rng, content) if rng.random() < 0.3 else content,
        indent=rng.choice((None, None, 1, "\t")),
        ensure_ascii=rng.random() < 0.5,
        separators=rng.choice((None, (",", ":"))),
    )
    if rng.random() < 0.2:
        text = text.replace("\n", "\r\n")
    text = rng.choice(("", "", "\n", " \t")) + text + rng.choice(("", "\n", "\r\n"))
    return text.encode("utf-8-sig" if rng.random() < 0.15 else "utf-8", "surrogatepass")


def _shuffled(rng: random.Random, content: Any) -> Any:
    if isinstance(content, dict):
        keys = rng.sample(list(content), len(content))
        return {key: _shuffled(rng, content[key]) for key in keys}
    return [_shuffled(rng, item) for item in content] if isinstance(content, list) else content


def paths(content: Any, start: Path = ()) -> Iterator[Path]:
    """Yield the way to every value within some content, the content itself first."""
    yield start
    pairs: Any = ()
    if isinstance(content, dict):
        pairs = content.items()
    elif isinstance(content, list):
        pairs = enumerate(content)
    for key, value in pairs:
        yield from paths(value, (*start, key))


def get(content: Any, path: Path) -> Any:
    """Return the value at the end of a way."""
    for key in path:
        content = content[key]
    return content


def replace(content: Any, path: Path, value: Any) -> Any:
    """Put a value at the end of a way; return the content."""
    if not path:
        if value is None:  # which says that the content was changed in place
            raise DoesNotApplyError
        return value
    get(content, path[:-1])[path[-1]] = value
    return content


def _matching(content: Any, pattern: str) -> list[Path]:
    """Return the ways that a pattern such as ``tracklets/*/pid`` fits, by ``fullmatch``."""
    expression = re.compile(pattern.replace("*", "[^/]*"))
    return [path for path in paths(content) if expression.fullmatch("/".join(map(str, path)))]


def wrong_type(pattern: str, *allowed: type, effect: Effect = Effect.REFUSED) -> Change:
    """Return the change that puts a value of another type somewhere.

    Args:
        pattern: Where, as ``tracklets/*/pid``; alternatives stand in round brackets.
        allowed: The types that are right there.
        effect: What the reader must do.
    """

    def apply(rng: random.Random, content: Any) -> Any:
        path = pick(rng, _matching(content, pattern))
        _, value = pick(rng, [item for item in _WRONG if type(item[1]) not in allowed])
        return replace(content, path, value)

    return Change(f"{pattern}: a value of another type", effect, apply)


def wrong_value(pattern: str, *values: Any, effect: Effect = Effect.REFUSED) -> Change:
    """Return the change that puts one of some values somewhere."""

    def apply(rng: random.Random, content: Any) -> Any:
        return replace(content, pick(rng, _matching(content, pattern)), rng.choice(values))

    return Change(f"{pattern}: a value that is wrong", effect, apply)


def missing_key(pattern: str, effect: Effect = Effect.REFUSED) -> Change:
    """Return the change that takes a key of an object, or an item of a list, out."""

    def apply(rng: random.Random, content: Any) -> None:
        path = pick(rng, [path for path in _matching(content, pattern) if path])
        del get(content, path[:-1])[path[-1]]

    return Change(f"{pattern}: missing", effect, apply)


def renamed_key(pattern: str, effect: Effect = Effect.REFUSED) -> Change:
    """Return the change that misspells a key."""

    def apply(rng: random.Random, content: Any) -> None:
        path = pick(rng, [p for p in _matching(content, pattern) if p and isinstance(p[-1], str)])
        parent, key = get(content, path[:-1]), path[-1]
        ways: list[Callable[[str], str]] = [str.upper, lambda k: k + " ", lambda k: k + "s"]
        new = rng.choice(ways)(str(key))
        if new in parent:
            raise DoesNotApplyError
        parent[new] = parent.pop(key)

    return Change(f"{pattern}: misspelt", effect, apply)


def unknown_key(pattern: str, effect: Effect = Effect.REFUSED) -> Change:
    """Return the change that adds a key that nobody knows to an object."""

    def apply(rng: random.Random, content: Any) -> None:
        get(content, pick(rng, _matching(content, pattern)))[
            rng.choice(("extra", "", "\u00e4", "x" * 500))
        ] = rng.choice([value for _, value in _WRONG])

    return Change(f"{pattern}: a key that is unknown", effect, apply)


def anything(effect: Effect = Effect.EITHER) -> Change:
    """Return the change that replaces any value by any other."""

    def apply(rng: random.Random, content: Any) -> Any:
        path = rng.choice(list(paths(content)))
        return replace(content, path, rng.choice([value for _, value in _WRONG]))

    return Change("any value replaced by another one", effect, apply)


def broken_json(suffix: str = ".json") -> list[Change]:
    """Return the edits of a file that leave no JSON that says one thing.

    Args:
        suffix: Ending of the files.
    """

    def edit(change: Callable[[random.Random, str], str]) -> Callable[[random.Random, Files], None]:
        def apply(rng: random.Random, files: Files) -> None:
            name = pick(rng, [name for name in sorted(files) if name.endswith(suffix)])
            text = files[name].decode("utf-8-sig", "surrogatepass")
            files[name] = change(rng, text).encode("utf-8", "surrogatepass")

        return apply

    edits: dict[str, Callable[[random.Random, str], str]] = {
        "a key twice in one object": _double_key,
        "a comma too many": lambda rng, text: _at(rng, text, r"[}\]]", ",{0}"),
        "a bracket less": lambda rng, text: _at(rng, text, r"[}\]]", ""),
        "nested too deeply": lambda rng, text: _at(rng, text, r"[{\[]", "[" * 50_000 + "{0}"),
        "an endless integer": lambda rng, text: _at(
            rng, text, r"(?<=[:\[,\s])\d+(?=[,\]}\s])", "9" * 5000
        ),
        "single quotes": lambda rng, text: text.replace('"', "'") if '"' in text else "'",
        "a comment": lambda rng, text: _at(rng, text, r"[{\[]", "{0} // note\n"),
        "two documents": lambda rng, text: text + text,
    }
    changes = [Change(name, Effect.REFUSED, edit(change)) for name, change in edits.items()]

    def recode(rng: random.Random, files: Files) -> None:
        name = pick(rng, [name for name in sorted(files) if name.endswith(suffix)])
        files[name] = files[name].decode("utf-8-sig", "surrogatepass").encode("utf-16", "ignore")

    return [*changes, Change("UTF-16", Effect.REFUSED, recode)]


def _at(rng: random.Random, text: str, pattern: str, new: str) -> str:
    found = pick(rng, list(re.finditer(pattern, text)))
    return text[: found.start()] + new.replace("{0}", found[0]) + text[found.end() :]


def _double_key(rng: random.Random, text: str) -> str:
    found = pick(rng, list(re.finditer(r'[{,]\s*("(?:[^"\\]|\\.)*")\s*:', text)))
    opening, rest = found[0][0], found[0][1:]
    value = rng.choice(("null", "0", '"other"', "[]"))
    return f"{text[: found.start()]}{opening}{found[1]}: {value},{rest}{text[found.end() :]}"
