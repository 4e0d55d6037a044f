from __future__ import annotations

import copy
import pickle
import random
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from mmctl.datasets.batches.numbered_items import NumberedIndex, NumberedItems, NumberedSampler
from mmctl.datasets.batches.random_state import (
    kept_random_state,
    read_random_state,
    write_random_state,
)


class Draws(Dataset):
    metainfo: ClassVar = {"name": "draws"}

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> tuple:
        assert type(index) is int
        return draw_all(index)


class Backwards(Sampler[int]):
    """The order of an epoch, one person of three items after another."""

    def __init__(self, indices: list[int], seed: int = 3) -> None:
        self.indices = indices
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.indices)

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self):
        return iter(self.indices)


def draw_all(index: int = 0) -> tuple:
    drawn = np.random.random(), random.random(), float(torch.rand(()))  # noqa: NPY002
    return (index, *drawn)


def drawn(epoch=0, seed=7, skipped=0, workers=0, batch_size=2, indices=(5, 4, 3, 2, 1, 0)):
    sampler = NumberedSampler(None, Backwards(list(indices)), batch_size, seed)
    sampler.set_epoch(epoch)
    sampler.num_skipped = skipped
    loader = DataLoader(NumberedItems(Draws()), 1, sampler=sampler, num_workers=workers)
    return [tuple(value.item() for value in item) for item in loader]


def test_draws_depend_on_seed_epoch_and_place_alone():
    first = drawn()
    assert drawn() == first
    values = [row[k] for row in first + drawn(epoch=1) + drawn(seed=8) for k in (1, 2, 3)]
    assert len(set(values)) == 3 * 3 * 6
    # A place has its draws, whatever lies there.
    assert [row[1:] for row in drawn(indices=(0,) * 6)] == [row[1:] for row in first]


def test_workers_and_skipped_items_change_nothing():
    assert drawn(workers=2, skipped=2) == drawn()[2:]
    assert drawn(skipped=6) == []


def test_the_main_process_draws_as_if_no_item_had_been_drawn():
    state = read_random_state()
    expected = draw_all()
    write_random_state(state)
    NumberedItems(Draws())[NumberedIndex.at(1, (0, 0, 0))]
    assert draw_all() == expected


def test_a_plain_index_draws_from_the_running_streams():
    state = read_random_state()
    item = NumberedItems(Draws())[2]
    write_random_state(state)
    assert item == draw_all(2)


def test_two_ranks_draw_what_one_process_with_the_whole_batch_draws(monkeypatch):
    def places(rank: int, world: int, indices: list[int], batch: int) -> list[tuple]:
        monkeypatch.setattr(
            "mmctl.datasets.batches.numbered_items.get_dist_info", lambda: (rank, world)
        )
        sampler = NumberedSampler(None, Backwards(indices), batch, 7)
        return [(int(index), index.place) for index in sampler]

    # Steps of four items: the first two belong to rank 0.
    both = places(0, 2, [0, 1, 4, 5], 2) + places(1, 2, [2, 3, 6, 7], 2)
    assert sorted(both) == places(0, 1, list(range(8)), 4)


def test_a_numbered_index_is_an_integer_that_travels():
    index = NumberedIndex.at(4, (1, 2, 3))
    assert index == 4
    assert [10, 11, 12, 13, 14][index] == 14
    travelled = pickle.loads(pickle.dumps(index))
    assert (travelled, travelled.place) == (4, (1, 2, 3))


def test_what_others_ask_of_data_set_and_sampler_is_passed_on():
    items = NumberedItems(Draws())
    assert items.metainfo == {"name": "draws"}
    assert not hasattr(items, "__getitems__")
    assert len(copy.deepcopy(pickle.loads(pickle.dumps(items)))) == 6
    sampler = NumberedSampler(items, Backwards([1, 0]), 2, None)
    sampler.set_epoch(4)
    assert (sampler.sampler.epoch, sampler.indices, len(sampler)) == (4, [1, 0], 2)
    assert sampler.item_seed == 3  # no seed of its own: the sampler's
    with pytest.raises(AttributeError):
        items.no_such_thing  # noqa: B018


def test_a_config_samples_the_data_set_within():
    config = {"type": "DefaultSampler", "shuffle": False}
    items = NumberedItems(Draws())
    sampler = NumberedSampler(items, config, 2, 5)
    assert sampler.sampler.dataset is items.dataset
    assert [int(index) for index in sampler] == list(range(6))


def test_a_block_with_kept_state_is_not_noticed_even_if_it_fails():
    state = read_random_state()
    expected = draw_all()
    write_random_state(state)
    with pytest.raises(ZeroDivisionError), kept_random_state():
        draw_all()[0] / 0  # the index
    assert draw_all() == expected
