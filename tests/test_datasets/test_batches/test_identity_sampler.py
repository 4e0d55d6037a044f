from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.dataset import RepeatDataset

from mmctl.datasets import IdentitySampler
from mmctl.datasets.batches import identity_sampler
from mmctl.registry import DATA_SAMPLERS


class Tracklets:
    """A data set of pids."""

    metainfo = {}  # noqa: RUF012 (what RepeatDataset asks for)

    def __init__(self, pids):
        self.pids = list(pids)

    def __len__(self):
        return len(self.pids)

    def get_data_info(self, index):
        return {"pid": self.pids[index]}

    def full_init(self):
        pass


def sampler(pids, num_pids, num_clips, *, rank=0, world_size=1, **arguments):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(identity_sampler, "get_dist_info", lambda: (rank, world_size))
        arguments.setdefault("seed", 0)
        return IdentitySampler(Tracklets(pids), num_pids, num_clips, **arguments)


def batches(identities, num_pids, num_clips):
    return np.array(list(identities)).reshape(-1, num_pids, num_clips)


@st.composite
def cases(draw):
    """Pids in mixed order, P, K and the number of ranks, always feasible."""
    counts = draw(st.lists(st.integers(1, 9), min_size=1, max_size=12))
    pids = [pid * 3 + 1 for pid, count in enumerate(counts) for _ in range(count)]
    world_size = draw(st.integers(1, min(3, len(counts))))
    num_pids = draw(st.integers(1, len(counts) // world_size))
    shuffled = np.random.default_rng(draw(st.integers(0, 9))).permutation(pids).tolist()
    return shuffled, num_pids, draw(st.integers(1, 5)), world_size


def all_ranks(case, epoch, number=0):
    """Tracklets of an epoch, (steps, P * world size, K), and the samplers of the ranks."""
    pids, num_pids, num_clips, world_size = case
    samplers = [
        sampler(pids, num_pids, num_clips, rank=rank, world_size=world_size, epoch=epoch)
        for rank in range(world_size)
    ]
    for each in samplers:
        each.set_epoch(number)
    return np.concatenate([batches(s, num_pids, num_clips) for s in samplers], axis=1), samplers


@pytest.mark.parametrize("epoch", ["tracklets", "pids"])
@settings(max_examples=60, deadline=None)
@given(case=cases(), number=st.integers(0, 3))
def test_a_step_holds_distinct_persons_over_all_ranks(epoch, case, number):
    steps, _ = all_ranks(case, epoch, number)
    pids = np.array(case[0])[steps]
    assert (pids == pids[:, :, :1]).all(), "a tuple has tracklets of one person"
    for step in pids[:, :, 0]:
        assert len(set(step.tolist())) == case[1] * case[3]


@pytest.mark.parametrize("epoch", ["tracklets", "pids"])
@settings(max_examples=60, deadline=None)
@given(case=cases(), number=st.integers(0, 3))
def test_a_tuple_repeats_no_tracklet_of_a_person_with_enough(epoch, case, number):
    steps, _ = all_ranks(case, epoch, number)
    totals = Counter(case[0])
    for group in steps.reshape(-1, case[2]).tolist():
        num_tracklets = totals[case[0][group[0]]]
        counts = Counter(group)
        assert len(counts) == min(case[2], num_tracklets)
        assert max(counts.values()) - min(counts.values()) <= 1


@settings(max_examples=60, deadline=None)
@given(case=cases(), number=st.integers(0, 3))
def test_every_tracklet_is_visited_in_every_epoch(case, number):
    steps, _ = all_ranks(case, "tracklets", number)
    assert set(steps.ravel().tolist()) == set(range(len(case[0])))


@settings(max_examples=60, deadline=None)
@given(case=cases(), number=st.integers(0, 3))
def test_no_person_waits_longer_than_its_tuples_need(case, number):
    pids, num_pids, num_clips, world_size = case
    steps, _ = all_ranks(case, "tracklets", number)
    tuples = [-(-count // num_clips) for count in Counter(pids).values()]
    assert len(steps) == max(-(-sum(tuples) // (num_pids * world_size)), max(tuples))


@settings(max_examples=60, deadline=None)
@given(case=cases(), number=st.integers(0, 3))
def test_with_pids_every_person_comes_once_but_in_the_filled_step(case, number):
    pids, num_pids, _, world_size = case
    steps, _ = all_ranks(case, "pids", number)
    persons = np.array(pids)[steps[:, :, 0]].ravel().tolist()
    num_persons, per_step = len(set(pids)), num_pids * world_size
    assert len(steps) == -(-num_persons // per_step)
    assert sorted(persons[:num_persons]) == sorted(set(pids)) or world_size > 1
    assert set(persons) == set(pids)
    assert max(Counter(persons).values()) <= 2


@pytest.mark.parametrize("epoch", ["tracklets", "pids"])
@settings(max_examples=30, deadline=None)
@given(case=cases())
def test_the_length_is_constant_and_true_on_every_rank(epoch, case):
    _, samplers = all_ranks(case, epoch)
    assert len({len(s) for s in samplers}) == 1
    for number in range(3):
        for each in samplers:
            each.set_epoch(number)
            assert len(list(each)) == len(each) == each.num_steps * case[1] * case[2]


PIDS = [pid for pid in range(1, 21) for _ in range(2 + pid % 5)]


@pytest.mark.parametrize("epoch", ["tracklets", "pids"])
def test_the_order_is_a_function_of_seed_and_epoch(epoch):
    def order(seed, number):
        identities = sampler(PIDS, 4, 2, epoch=epoch, seed=seed)
        identities.set_epoch(number)
        return list(identities)

    assert order(0, 3) == order(0, 3)
    # Neither neighbouring epochs nor neighbouring seeds may share an order.
    assert len({tuple(order(seed, number)) for seed in range(3) for number in range(3)}) == 9


def test_extra_tuples_come_only_when_nobody_has_any_left():
    # Three persons of one tuple and one of three: 3 steps of 2, so no extra tuple is needed.
    pids = [1, 1, 2, 2, 3, 3, *[4] * 6]
    for number in range(20):
        identities = sampler(pids, 2, 2)
        identities.set_epoch(number)
        assert sorted(identities) == list(range(12))


def test_a_dominant_person_comes_in_every_step():
    pids = [1] * 10 + [2, 2, 3, 3]
    steps = batches(sampler(pids, 2, 2), 2, 2)
    assert len(steps) == 5
    assert all(1 in {pids[i] for i in step.ravel()} for step in steps)


def test_every_rank_gets_its_share_of_the_critical_persons():
    pids = [1] * 20 + [pid for pid in range(2, 8) for _ in range(2)]
    ranks = set()
    for rank in range(2):
        for step in batches(sampler(pids, 2, 2, rank=rank, world_size=2), 2, 2):
            if 1 in {pids[i] for i in step.ravel()}:
                ranks.add(rank)
    assert ranks == {0, 1}


def test_persons_are_drawn_by_what_they_have_left():
    # Person 1 has 6 of 12 tuples, the others 2 each, and nobody has to come in the first step.
    pids = [1] * 6 + [2] * 2 + [3] * 2 + [4] * 2
    firsts = Counter()
    for number in range(200):
        identities = sampler(pids, 1, 1)
        identities.set_epoch(number)
        firsts[pids[next(iter(identities))]] += 1
    # 200 draws of 6/12, standard deviation 7.1; without weights it were 200 of 1/4
    assert abs(firsts[1] - 100) < 5 * 7.1


def test_a_person_of_one_tracklet_fills_its_tuple_with_it():
    steps = batches(sampler([5, 6], 2, 3), 2, 3)
    assert sorted(steps[0].tolist()) == [[0, 0, 0], [1, 1, 1]]


def test_without_a_seed_one_is_drawn_and_shared(monkeypatch):
    monkeypatch.setattr(identity_sampler, "sync_random_seed", lambda: 77)
    assert sampler(PIDS, 4, 2, seed=None).seed == 77


def test_it_builds_from_a_config_over_a_wrapped_data_set():
    config = {"type": "IdentitySampler", "num_pids": 2, "num_clips": 2}
    dataset = RepeatDataset.__new__(RepeatDataset)
    dataset.dataset, dataset.times, dataset._ori_len = Tracklets([1, 1, 2]), 2, 3
    dataset._fully_initialized = True
    identities = DATA_SAMPLERS.build(config, default_args={"dataset": dataset, "seed": 3})
    assert set(identities) == set(range(6))


def test_too_many_persons_for_the_data_set_are_refused():
    with pytest.raises(ValueError, match=r"num_pids \* world_size .*4 \* 2 = 8.* has 5"):
        sampler([1, 2, 3, 4, 5], 4, 2, world_size=2)


@pytest.mark.parametrize("value", [0, -1, 2.0])
def test_numbers_that_are_not_positive_are_refused(value):
    with pytest.raises(ValueError, match=f"num_pids must be a positive integer, got {value}"):
        sampler(PIDS, value, 2)
    with pytest.raises(ValueError, match=f"num_clips must be a positive integer, got {value}"):
        sampler(PIDS, 2, value)


def test_an_unknown_epoch_is_refused():
    with pytest.raises(ValueError, match=r"epoch must be 'tracklets' .* got 'frames'"):
        sampler(PIDS, 2, 2, epoch="frames")


@pytest.mark.parametrize("dataset", [[1, 2, 3], Tracklets([])])
def test_a_data_set_without_pids_is_refused(dataset):
    with pytest.raises(ValueError, match=r"get_data_info\(i\) has 'pid', got"):
        IdentitySampler(dataset, 1, 1, seed=0)


class Images(Tracklets):
    def get_data_info(self, index):
        return {"img_path": f"{index}.jpg", "gt_label": self.pids[index]}


@pytest.mark.parametrize("kind", [int, np.int64, lambda pid: [pid], lambda pid: np.array([pid])])
def test_persons_may_be_told_apart_by_another_key(kind):
    pids = [7, 7, 3, 3, 5]
    images = Images([kind(pid) for pid in pids])
    order = list(IdentitySampler(images, 2, 2, seed=0, key="gt_label"))
    assert order == list(IdentitySampler(Tracklets(pids), 2, 2, seed=0))


def test_a_key_that_is_missing_or_names_no_person_is_refused():
    with pytest.raises(
        ValueError, match=r"has 'pid', that of Images has gt_label, img_path: .*key="
    ):
        IdentitySampler(Images([1, 1, 2]), 2, 2)
    for value in ([1, 2], 0.5, "ann"):
        with pytest.raises(
            ValueError, match=r"one whole number as 'gt_label'.*for item 1 of Images"
        ):
            IdentitySampler(Images([1, value, 2]), 2, 2, key="gt_label")
