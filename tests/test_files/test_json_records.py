from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest

from mmctl.files import to_record


class Pair(NamedTuple):
    name: str
    count: int


@dataclass
class Inner:
    size: tuple[int, int] | None


@dataclass
class Outer:
    name: str
    seconds: float
    inner: Inner
    done: bool = False
    pairs: list[Pair] = field(default_factory=list)
    scores: dict[str, float] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    rest: Any = None


WHOLE = {"name": "a", "seconds": 1, "inner": {"size": [2, 3]}}


def test_values_become_the_declared_types():
    content = {
        **WHOLE,
        "done": True,
        "pairs": [["b", 4]],
        "scores": {"c": 0.5},
        "words": ["d", "e"],
        "rest": {"x": [None]},
    }
    assert to_record(Outer, content, "file") == Outer(
        "a", 1, Inner((2, 3)), True, [Pair("b", 4)], {"c": 0.5}, ("d", "e"), {"x": [None]}
    )


def test_fields_with_a_default_may_be_missing():
    assert to_record(Outer, WHOLE, "file") == Outer("a", 1, Inner((2, 3)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": 5}, r"file: 'name' must be text, got 5"),
        ({"name": None}, r"'name' must be text, got None"),
        ({"seconds": True}, r"'seconds' must be a finite number, got True"),
        ({"seconds": "1"}, r"'seconds' must be a finite number, got '1'"),
        ({"seconds": float("nan")}, r"'seconds' must be a finite number, got nan"),
        ({"seconds": 10**400}, r"'seconds' must fit into 64 bits, got 1000"),
        ({"pairs": [["b", -(2**63) - 1]]}, r"'pairs'\[0\]\[1\] must fit into 64 bits, got -9223"),
        ({"done": 1}, r"'done' must be true or false, got 1"),
        ({"inner": [1]}, r"'inner' must be an object, got \[1\]"),
        ({"inner": {"size": [1]}}, r"'size' must be a list of 2 or null, got \[1\]"),
        ({"inner": {"size": ["a", None]}}, r"'size' must be a list of 2 or null"),
        ({"inner": {"size": None, "x": 1}}, r"'inner' has the unknown key 'x'; known are size"),
        ({"pairs": [["b"]]}, r"'pairs'\[0\] must have 2 entries, got \['b'\]"),
        ({"pairs": [["b", 1.5]]}, r"'pairs'\[0\]\[1\] must be an integer, got 1.5"),
        ({"scores": {"c": []}}, r"'scores'\['c'\] must be a finite number, got \[\]"),
        ({"scores": []}, r"'scores' must be an object, got \[\]"),
        ({"words": "de"}, r"'words' must be a list, got 'de'"),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(change, message):
    with pytest.raises(ValueError, match=message):
        to_record(Outer, {**WHOLE, **change}, "file")


def test_missing_keys_and_other_things_than_objects_are_refused():
    with pytest.raises(ValueError, match=r"^file lacks the key 'inner'$"):
        to_record(Outer, {"name": "a", "seconds": 1}, "file")
    with pytest.raises(ValueError, match=r"^file must be an object, got \[\]$"):
        to_record(Outer, [], "file")
