"""What is listed twice in a long file is found in the time that reading it takes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mmctl.datasets.listings.annotation_file import _check_time_order
from mmctl.datasets.listings.person_splits import _check_fold, _Fold

LENGTH = 2000


class Counted(str):
    """A name that counts how often it is compared with another one."""

    comparisons = 0
    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        Counted.comparisons += 1
        return super().__eq__(other)


def check_fold(place: str, names: list[str]) -> None:
    _check_fold(place, _Fold(train=names, test=[]), names)


@pytest.mark.parametrize("check", [_check_time_order, check_fold])
def test_the_last_name_of_a_long_list_may_be_there_twice(
    check: Callable[[str, list[str]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [Counted(f"{index:05d}.jpg") for index in range(LENGTH)]
    monkeypatch.setattr(Counted, "comparisons", 0)
    with pytest.raises(ValueError, match=r"^file.* twice"):
        check("file", [*names, Counted(names[-1])])
    assert Counted.comparisons < 10 * LENGTH
