from __future__ import annotations

import pytest
import torch

from mmctl.models.watched_values import watch, watching


def test_numbers_are_averaged_by_name_at_the_end_of_the_block():
    with watching() as watched:
        watch("a", torch.tensor(1.0, requires_grad=True))
        watch("a", torch.tensor(3.0))
        watch("b", torch.tensor(5.0))
        assert watched == {}
    assert {name: value.item() for name, value in watched.items()} == {"a": 2.0, "b": 5.0}
    assert not watched["a"].requires_grad


def test_nobody_watching_is_fine_and_leaves_nothing_behind():
    watch("a", torch.tensor(1.0))
    with watching() as watched:
        pass
    assert watched == {}


def test_an_inner_block_keeps_its_numbers_to_itself():
    with watching() as outer:
        watch("a", torch.tensor(1.0))
        with watching() as inner:
            watch("a", torch.tensor(9.0))
    assert (outer["a"].item(), inner["a"].item()) == (1.0, 9.0)


def test_a_block_that_fails_watches_no_longer():
    with pytest.raises(KeyError), watching():
        raise KeyError
    with watching() as watched:
        watch("a", torch.tensor(1.0))
    assert watched["a"].item() == 1.0
