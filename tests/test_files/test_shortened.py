"""Texts of foreign values stay short, and are made in no time."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest

from mmctl.files import shorten


def laughs() -> tuple:
    value: tuple = ("ha",)
    for _ in range(40):
        value = (value,) * 10
    return value


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(laughs(), id="laughs"),
        pytest.param({"a": laughs()}, id="dict"),
        pytest.param([laughs()] * 3, id="list"),
        pytest.param(OrderedDict(a=laughs()), id="other"),
        pytest.param("x" * 10**7, id="text"),
        pytest.param(b"x" * 10**7, id="bytes"),
        pytest.param(10 ** (10**6), id="number"),
        np.zeros(10**6),
        set(range(10**5)),
        type("X" * 1000, (), {})(),
    ],
)
def test_a_text_is_short(value):
    assert 0 < len(shorten(value)) <= 80
    assert "\n" not in shorten(value)


@pytest.mark.parametrize("value", [1, 1.5, None, True, "a'b", b"a", (1, "b"), {"a": [1]}, []])
def test_a_small_value_is_told_whole(value):
    assert shorten(value) == repr(value)


def test_other_objects_are_told_by_their_class():
    assert shorten(np.zeros(2)) == "<ndarray>"
    assert shorten([OrderedDict()]) == "[<OrderedDict>]"
    assert shorten("x" * 100, 20) == "'" + "x" * 16 + "..."


def test_a_name_is_told_as_far_as_there_is_room():
    assert shorten("a" * 200, 300) == repr("a" * 200)
