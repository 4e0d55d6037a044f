import random

import numpy as np
import torch
from mmengine.runner import Runner
from torch.utils.data import Dataset


class Draws(Dataset):
    """Items that are what each generator draws."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        # The global stream is what is seeded.
        return (
            np.random.randint(2**31),  # noqa: NPY002
            random.getrandbits(31),
            int(torch.randint(2**31, ())),
        )


def epochs(num_epochs=2, seed=0):
    """Draws of two workers in each epoch, as a set of (generator, number) pairs per epoch."""
    torch.manual_seed(seed)
    config = {
        "dataset": Draws(),
        "batch_size": 1,
        "num_workers": 2,
        "persistent_workers": False,
        "sampler": {"type": "DefaultSampler", "shuffle": False},
        "worker_init_fn": {"type": "mmctl.seed_worker"},
    }
    loader = Runner.build_dataloader(config, seed=seed)
    return [
        [{int(item[which]) for item in loader_items} for which in range(3)]
        for loader_items in ([tuple(batch) for batch in _flat(loader)] for _ in range(num_epochs))
    ]


def _flat(loader):
    for batch in loader:
        yield [values[0] for values in batch]


def test_every_worker_and_epoch_draws_anew_and_a_run_repeats():
    first, second = epochs()
    for which in range(3):
        assert len(first[which] | second[which]) == 8
    assert epochs() == [first, second]


def test_ranks_draw_differently(monkeypatch):
    (mine,) = epochs(num_epochs=1)
    monkeypatch.setenv("RANK", "1")
    (other,) = epochs(num_epochs=1)
    for which in range(3):
        assert not mine[which] & other[which]
