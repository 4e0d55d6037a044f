"""Batches come in memory that the worker uses again: never while anything still sees it."""

from __future__ import annotations

import copy
import multiprocessing
import os

import pytest
import torch
from torch.utils.data import DataLoader

from mmctl.datasets import collate_clips
from mmctl.datasets.batches.lent_memory import (
    FREE,
    GIVEN_UP,
    LENT,
    NUM_PIECES,
    Lender,
    LentTensor,
    _set,
)
from mmctl.structures import TrackletSample

NUM_ITEMS, SHAPE = 40, (1, 2, 3, 4, 5)


class Numbered:
    """Clips filled with their number."""

    def __len__(self):
        return NUM_ITEMS

    def __getitem__(self, index):
        clips = torch.full((1, 2, 4, 5, 3), index, dtype=torch.uint8).permute(0, 1, 4, 2, 3)
        return {"inputs": clips, "data_samples": TrackletSample(tracklet_id=index)}


def loader(**options):
    options = {"num_workers": 1, "persistent_workers": True, **options}
    return DataLoader(Numbered(), 2, collate_fn=collate_clips, **options)


def files_of(batches):
    """Return which piece of shared memory each batch lies in, one batch at a time."""
    found = []
    for batch in batches:
        start = batch["inputs"].data_ptr()
        with open("/proc/self/maps") as maps:
            for line in maps:
                low, high = (int(end, 16) for end in line.split()[0].split("-"))
                if low <= start < high:
                    found.append(line.split()[4])
        del batch
    return found


def numbers(batch):
    return [int(number) for number in batch["inputs"].flatten(1)[:, 0]]


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_batches_that_are_kept_are_not_written_over(context):
    batches = list(loader(multiprocessing_context=context, num_workers=2))
    assert len(batches) > 2 * NUM_PIECES
    assert [numbers(batch) for batch in batches] == [[i, i + 1] for i in range(0, NUM_ITEMS, 2)]
    assert all(tuple(batch["inputs"].shape) == (2, *SHAPE) for batch in batches)
    assert all(type(batch["inputs"]) is torch.Tensor for batch in batches)


@pytest.mark.parametrize(
    "view", [lambda x: x[1, :, 1:], lambda x: x.numpy()[1], lambda x: x.untyped_storage()]
)
def test_what_sees_a_part_of_a_batch_keeps_it(view):
    batches = iter(loader())
    kept = [view(next(batches)["inputs"]) for _ in range(4)]
    before = [values(part) for part in kept]
    for batch in batches:
        del batch
    assert [values(part) for part in kept] == before


def values(part):
    return part.tolist() if isinstance(part, torch.UntypedStorage) else part.reshape(-1).tolist()


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="needs /proc")
def test_memory_is_used_again_once_a_batch_is_gone():
    batches = loader()
    files = [file for _ in range(3) for file in files_of(batches)]
    assert len(files) == 3 * NUM_ITEMS // 2
    assert len(set(files)) <= NUM_PIECES
    kept = [batch for _ in range(2) for batch in batches]
    assert len(set(files_of(kept))) > NUM_PIECES


def test_a_lender_that_has_lent_all_says_so_and_takes_back():
    lender, like = Lender(), torch.zeros(3, 2, dtype=torch.uint8)
    lent = [lender.lend(like, 2) for _ in range(NUM_PIECES)]
    assert sorted(tensor.piece for tensor in lent) == list(range(NUM_PIECES))
    assert all(tensor.shape == (2, 3, 2) for tensor in lent)
    assert lender.lend(like, 2) is None
    _set(lent[4].states, 4, FREE)
    again = lender.lend(like, 1)
    assert (again.piece, again.data_ptr()) == (4, lent[4].data_ptr())
    _set(again.states, 4, FREE)
    assert lender.lend(like, 9).shape == (9, 3, 2)


def test_a_piece_that_was_given_up_is_replaced():
    lender, like = Lender(), torch.zeros(4, dtype=torch.uint8)
    lent = [lender.lend(like, 1) for _ in range(NUM_PIECES)]
    _set(lent[2].states, 2, GIVEN_UP)
    again = lender.lend(like, 1)
    assert again.piece == 2
    assert again.data_ptr() != lent[2].data_ptr()
    assert again.states.tolist() == [LENT] * NUM_PIECES


def sleep_and_read(inputs, ready, path):
    ready.wait(30)
    torch.save(inputs.clone(), path)


def test_a_fork_keeps_what_its_parent_had(tmp_path):
    batches, context = iter(loader()), multiprocessing.get_context("fork")
    ready, children, expected = context.Event(), [], []
    for number in range(3):
        batch = next(batches)
        arguments = (batch["inputs"], ready, tmp_path / f"{number}.pt")
        children.append(context.Process(target=sleep_and_read, args=arguments))
        expected.append(batch["inputs"].clone())
        children[-1].start()
        del batch, arguments
    for batch in batches:
        del batch
    ready.set()
    for child in children:
        child.join()
    found = [torch.load(tmp_path / f"{number}.pt") for number in range(3)]
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def collate_with_a_view(items):
    batch = collate_clips(items)
    return batch | {"first": batch["inputs"][:, :, :1]}


def test_a_view_that_a_worker_sends_beside_the_batch_keeps_it():
    batches = DataLoader(Numbered(), 2, collate_fn=collate_with_a_view, num_workers=1)
    kept = [batch["first"] for batch in batches]
    assert [int(first.flatten()[0]) for first in kept] == list(range(0, NUM_ITEMS, 2))


def test_what_is_computed_of_lent_memory_is_a_plain_tensor():
    lent = Lender().lend(torch.zeros(2, dtype=torch.uint8), 3)
    assert isinstance(lent, LentTensor)
    for made in (lent + 1, lent[0], lent.double(), copy.deepcopy(lent)):
        assert type(made) is torch.Tensor


def test_clips_of_another_order_in_memory_and_other_types_are_joined():
    class Floats(Numbered):
        def __getitem__(self, index):
            item = super().__getitem__(index)
            return item | {"inputs": item["inputs"].float().contiguous() / 2}

    batches = DataLoader(Floats(), 2, collate_fn=collate_clips, num_workers=1)
    found = [batch["inputs"][:, 0, 0, 0, 0, 0].tolist() for batch in batches]
    assert found == [[i / 2, (i + 1) / 2] for i in range(0, NUM_ITEMS, 2)]
