"""Batches of P persons with K tracklets each, for losses that compare the items of a batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sized
from typing import Any

import numpy as np
import numpy.typing as npt
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from mmctl.datasets.joint_dataset import refuse_mixed_persons
from mmctl.registry import DATA_SAMPLERS

IntArray = npt.NDArray[np.int64]
EPOCHS = ("tracklets", "pids")


@DATA_SAMPLERS.register_module()
class IdentitySampler(Sampler[int]):
    """Order tracklets so that consecutive batches hold ``num_pids`` persons x ``num_clips`` each.

    The data loader's ``batch_size`` must be ``num_pids * num_clips`` (per rank). All ranks draw
    the same persons for a step and each takes its own share, so a step holds
    ``num_pids * world_size`` distinct persons. The order is a function of seed and epoch.

    ``epoch='tracklets'``: every tracklet is visited in every epoch. The tracklets of a person are
    shuffled and cut into K-tuples, the last one filled up with others of that person (with
    repeats only where it has fewer than K). A step takes the persons who must come now or they
    could not finish in the steps left, then others with a probability proportional to the tuples
    they have left, and only when nobody has any, persons for an extra tuple. The number of steps
    is the smallest for which this works out: the larger of ceil(tuples / persons of a step) and
    the tuples of the person with most.

    ``epoch='pids'``: every person comes once per epoch with one random K-tuple; the last step is
    filled up with persons that it does not hold.

    Args:
        dataset: A data set whose ``get_data_info(i)`` has ``key``.
        num_pids: Persons of a rank's batch, P.
        num_clips: Tracklets of each, K.
        epoch: What an epoch visits once, ``'tracklets'`` or ``'pids'``.
        seed: Seed of all draws, equal on all ranks; None draws one and shares it.
        key: What tells the persons apart in ``get_data_info(i)``: ``'gt_label'`` for the data sets
            of MMPretrain.

    Raises:
        ValueError: If a number is not positive, ``epoch`` is unknown, the data set has no such
            key, or it has fewer than the persons of one step.
    """

    def __init__(
        self,
        dataset: Sized,
        num_pids: int,
        num_clips: int,
        epoch: str = "tracklets",
        seed: int | None = None,
        key: str = "pid",
    ) -> None:
        for name, value in (("num_pids", num_pids), ("num_clips", num_clips)):
            if not isinstance(value, int) or value < 1:
                raise ValueError(
                    f"IdentitySampler's {name} must be a positive integer, got {value!r}"
                )
        if epoch not in EPOCHS:
            raise ValueError(
                "IdentitySampler's epoch must be 'tracklets' (every tracklet) or 'pids' "
                f"(every person once), got {epoch!r}"
            )
        self.num_pids = num_pids
        self.num_clips = num_clips
        self.visits = epoch
        self.rank, self.world_size = get_dist_info()
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch_number = 0
        self.tracklets = _group_by_pid(read_pids(dataset, key))
        if self._pids_per_step > len(self.tracklets):
            raise ValueError(
                "IdentitySampler needs num_pids * world_size distinct persons in every step, "
                f"{num_pids} * {self.world_size} = {self._pids_per_step}, because the persons of "
                f"all ranks are distinct, but the data set has {len(self.tracklets)}; lower "
                "num_pids"
            )
        self.num_steps = self._count_steps()

    @property
    def _pids_per_step(self) -> int:
        return self.num_pids * self.world_size

    def _count_steps(self) -> int:
        if self.visits == "pids":
            return -(-len(self.tracklets) // self._pids_per_step)
        num_tuples = [-(-len(tracklets) // self.num_clips) for tracklets in self.tracklets]
        return max(-(-sum(num_tuples) // self._pids_per_step), max(num_tuples))

    def __len__(self) -> int:
        """Return the number of tracklets that this rank gets in an epoch."""
        return self.num_steps * self.num_pids * self.num_clips

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration draws."""
        self.epoch_number = epoch

    def __iter__(self) -> Iterator[int]:
        """Yield this rank's indices, the K tracklets of a person together."""
        generator = np.random.default_rng([self.seed, self.epoch_number])
        if self.visits == "pids":
            steps = self._draw_pid_steps(generator)
        else:
            steps = self._draw_tracklet_steps(generator)
        share = slice(self.rank * self.num_pids, (self.rank + 1) * self.num_pids)
        # (steps, persons of all ranks, K) -> this rank's persons
        yield from np.stack(steps)[:, share].ravel().tolist()

    def _draw_tracklet_steps(self, generator: np.random.Generator) -> list[IntArray]:
        """Return the K-tuples of each step, (P * world size, K)."""
        tuples = [_cut_tuples(group, self.num_clips, generator) for group in self.tracklets]
        remaining = np.array([len(group) for group in tuples])
        steps = []
        for steps_left in range(self.num_steps, 0, -1):
            chosen = _choose_pids(remaining, steps_left, self._pids_per_step, generator)
            step = []
            for pid in chosen.tolist():
                if remaining[pid] > 0:
                    remaining[pid] -= 1
                    step.append(tuples[pid][remaining[pid]])
                else:
                    step.append(_draw_tuple(self.tracklets[pid], self.num_clips, generator))
            steps.append(np.stack(step))
        return steps

    def _draw_pid_steps(self, generator: np.random.Generator) -> list[IntArray]:
        """Return the K-tuples of each step, (P * world size, K)."""
        order = generator.permutation(len(self.tracklets))
        short = -len(order) % self._pids_per_step
        # Persons of the whole steps are not in the last one, and are more than it lacks.
        whole = len(order) // self._pids_per_step * self._pids_per_step
        order = np.concatenate([order, generator.permutation(order[:whole])[:short]])
        return [
            np.stack([_draw_tuple(self.tracklets[pid], self.num_clips, generator) for pid in step])
            for step in order.reshape(self.num_steps, -1).tolist()
        ]


def read_pids(dataset: Sized, key: str = "pid") -> IntArray:
    """Read the pid of every tracklet without loading a frame.

    Args:
        dataset: A data set, or one of MMEngine's wrappers around it.
        key: What the pid is called in ``get_data_info(i)``.

    Returns:
        Person ids, (len(dataset),).

    Raises:
        ValueError: If the data set has no ``get_data_info`` with ``key``, an item has not one whole
            number there, the data set is empty, or mixes the persons of several.
    """
    refuse_mixed_persons(dataset)
    name = type(dataset).__name__
    get_data_info = getattr(dataset, "get_data_info", None)
    if get_data_info is None or len(dataset) == 0:
        raise ValueError(
            f"IdentitySampler needs a data set with tracklets whose get_data_info(i) has {key!r}, "
            f"got {name} of length {len(dataset)} without"
        )
    return np.array([_read_pid(get_data_info(i), key, name, i) for i in range(len(dataset))])


def _read_pid(info: Mapping[str, Any], key: str, name: str, index: int) -> np.int64:
    if key not in info:
        raise ValueError(
            f"IdentitySampler needs a data set whose get_data_info(i) has {key!r}, that of {name} "
            f"has {', '.join(sorted(map(str, info)))}: name what tells the persons apart, as in "
            "IdentitySampler(key='gt_label')"
        )
    pid = np.asarray(info[key])
    if pid.size != 1 or pid.dtype.kind not in "iu":
        raise ValueError(
            f"IdentitySampler needs one whole number as {key!r} of every item, because it names "
            f"one person, got {info[key]!r:.80} for item {index} of {name}"
        )
    return np.int64(pid.item())


def _group_by_pid(pids: IntArray) -> list[IntArray]:
    """Return the tracklets of each person, persons sorted by pid."""
    order = np.argsort(pids, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(pids[order])) + 1)


def _cut_tuples(tracklets: IntArray, size: int, generator: np.random.Generator) -> IntArray:
    """Shuffle tracklets and cut them into tuples that cover them all, (tuples, size)."""
    order = generator.permutation(tracklets)
    short = -len(order) % size
    # Tracklets of the whole tuples are not in the last one, and are more than it lacks.
    whole = len(order) // size * size
    if whole:
        filling = generator.permutation(order[:whole])[:short]
    else:
        filling = _draw_tuple(tracklets, short, generator)
    return np.concatenate([order, filling]).reshape(-1, size)


def _draw_tuple(tracklets: IntArray, size: int, generator: np.random.Generator) -> IntArray:
    """Draw tracklets as evenly as their number allows, without repeats where there are enough."""
    rounds = -(-size // len(tracklets))
    return np.concatenate([generator.permutation(tracklets) for _ in range(rounds)])[:size]


def _choose_pids(
    remaining: IntArray, steps_left: int, size: int, generator: np.random.Generator
) -> IntArray:
    """Choose the distinct persons of a step, in random order.

    A person with as many tuples left as there are steps must come in every one of them; there are
    never more than ``size`` of those, because all tuples left fit into the steps left.
    """
    chosen = np.flatnonzero(remaining == steps_left)
    optional = np.flatnonzero((remaining > 0) & (remaining < steps_left))
    num_optional = min(size - len(chosen), len(optional))
    if num_optional:
        weights = remaining[optional] / remaining[optional].sum()
        drawn = generator.choice(optional, num_optional, replace=False, p=weights)
        chosen = np.concatenate([chosen, drawn])
    spare = np.flatnonzero(remaining == 0)
    extra = generator.permutation(spare)[: size - len(chosen)]
    # Mixed, because each rank takes its share from the front to the back.
    return generator.permutation(np.concatenate([chosen, extra]))
