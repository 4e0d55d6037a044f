"""Random draws of each item that depend on its place in the run alone.

A data loader's draws usually come from streams that run on from item to item, one in each worker:
they depend on the number of workers and start anew with the process. Here the sampler numbers the
items and the data set draws each from a seed of its own, so a run that goes on in the midst of an
epoch draws what it would have drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sized
from contextlib import contextmanager
from typing import Any

import numpy as np
from mmengine.dist import get_dist_info
from mmengine.registry import DATA_SAMPLERS, DATASETS
from torch.utils.data import Dataset, Sampler

from mmctl.datasets.batches.random_state import kept_random_state, seed_random_state
from mmctl.datasets.joint_dataset import refuse_mixed_persons


class NumberedIndex(int):
    """An index of a data set that knows its place in the run.

    Attributes:
        place: What its draws depend on: seed, epoch and place in the epoch.
    """

    place: tuple[int, int, int]

    @classmethod
    def at(cls, index: int, place: tuple[int, int, int]) -> NumberedIndex:
        """Return ``index`` with its place."""
        numbered = cls(index)
        numbered.place = place
        return numbered


class NumberedItems(Dataset):
    """A data set whose items draw from their own seeds if their index has a place.

    Python's, NumPy's and PyTorch's CPU generators are seeded for each item and put back after it,
    so that data drawn in the main process leaves the training's own draws alone. Everything else
    is that of the data set within.

    Args:
        dataset: The data set, or its config.

    Raises:
        ValueError: If it mixes the persons of several.
    """

    def __init__(self, dataset: Dataset | dict) -> None:
        self.dataset: Any = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
        refuse_mixed_persons(self.dataset)

    def __getitem__(self, index: int) -> Any:
        """Return the item; a plain integer draws from the streams as they are."""
        if not isinstance(index, NumberedIndex):
            return self.dataset[index]
        with _drawing_from(index.place):
            return self.dataset[int(index)]

    def __len__(self) -> int:
        return len(self.dataset)

    def __getattr__(self, name: str) -> Any:
        # Without its own dict while it is unpickled; torch asks for __getitems__, which would
        # go around the seeds.
        if name == "dataset" or name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.dataset, name)


@contextmanager
def _drawing_from(place: tuple[int, int, int]) -> Iterator[None]:
    with kept_random_state(cuda=False):
        seed_random_state(np.random.SeedSequence(place))
        yield


class NumberedSampler(Sampler[int]):
    """A sampler that numbers the indices of another one, and can begin within an epoch.

    The number of an item is its place in the batches of all ranks together. With
    ``IdentitySampler`` several processes draw just what one process with the whole batch draws.

    Args:
        dataset: The data set to sample.
        sampler: The sampler, or its config.
        batch_size: Items of this rank's batch.
        seed: Seed of the items' draws, and of a sampler that is built here.

    Attributes:
        num_skipped: Items at the front of the next epoch to leave out; they are never loaded.
    """

    def __init__(
        self, dataset: Sized, sampler: Sampler | dict, batch_size: int, seed: int | None
    ) -> None:
        if isinstance(sampler, dict):
            inner = dataset.dataset if isinstance(dataset, NumberedItems) else dataset
            sampler = DATA_SAMPLERS.build(sampler, default_args={"dataset": inner, "seed": seed})
        self.sampler: Any = sampler
        self.batch_size = batch_size
        self.item_seed = getattr(sampler, "seed", 0) if seed is None else seed
        self.epoch = 0
        self.num_skipped = 0
        self.rank, self.world_size = get_dist_info()

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration draws."""
        self.epoch = epoch
        if hasattr(self.sampler, "set_epoch"):
            self.sampler.set_epoch(epoch)

    def __len__(self) -> int:
        """Return the number of items of a whole epoch on this rank."""
        return len(self.sampler)

    def __iter__(self) -> Iterator[NumberedIndex]:
        """Yield the numbered indices."""
        for position, index in enumerate(self.sampler):
            if position >= self.num_skipped:
                step, place = divmod(position, self.batch_size)
                number = (step * self.world_size + self.rank) * self.batch_size + place
                yield NumberedIndex.at(index, (self.item_seed, self.epoch, number))

    def __getattr__(self, name: str) -> Any:
        if name == "sampler" or name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.sampler, name)
