import pytest

from mmctl.datasets.tracking import SplitChoice

PIDS = [1, 1, 1, 2, 3, 0, -1]
CAMIDS = [1, 1, 2, 1, 2, 1, 2]
LENGTHS = [5, 9, 4, 3, 3, 8, 8]


def test_the_longest_tracklet_of_a_person_in_a_camera_is_the_query():
    assert SplitChoice("test").assign(PIDS, CAMIDS, LENGTHS) == [
        "gallery",
        "query",
        "query",
        "query",
        "query",
        "gallery",
        "gallery",
    ]


def test_the_first_of_equally_long_ones_is_the_query():
    assert SplitChoice("test").assign([4, 4], [1, 1], [3, 3]) == ["query", "gallery"]


def test_query_cameras_give_the_queries_and_nobody_is_one():
    splits = SplitChoice("test", query_cameras=(1,)).assign(PIDS, CAMIDS, LENGTHS)
    assert splits == ["query", "query", "gallery", "query", "gallery", "gallery", "gallery"]


def test_nobody_is_left_out_of_a_training_set():
    assert SplitChoice("train").assign(PIDS, CAMIDS, LENGTHS) == ["train"] * 5 + [None, None]


def test_a_random_split_keeps_persons_apart_and_repeats():
    pids = [pid for pid in range(1, 21) for _ in range(2)]
    camids = [1, 2] * 20
    choice = SplitChoice("random", test_share=0.3, seed=5)
    splits = choice.assign(pids, camids, [4] * 40)
    trained = {pid for pid, split in zip(pids, splits, strict=True) if split == "train"}
    tested = {pid for pid, split in zip(pids, splits, strict=True) if split == "query"}
    assert len(tested) == 6
    assert trained | tested == set(range(1, 21))
    assert not trained & tested
    assert splits == choice.assign(pids, camids, [4] * 40)
    assert splits != SplitChoice("random", test_share=0.3).assign(pids, camids, [4] * 40)


@pytest.mark.parametrize(("share", "tested"), [(0.01, 1), (0.99, 2)])
def test_both_sides_of_a_random_split_have_a_person(share, tested):
    splits = SplitChoice("random", test_share=share).assign([1, 2, 3], [1, 1, 1], [4, 4, 4])
    assert splits.count("query") == tested


def test_one_person_cannot_be_split():
    with pytest.raises(ValueError, match=r"at least two persons.* got 1"):
        SplitChoice("random").assign([7, 7, 0], [1, 2, 1], [4, 4, 4])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"mode": "val"}, "train, test, random, got 'val'"),
        ({"test_share": 1.0}, "got 1.0"),
        ({"seed": -1}, "seed must be 0 or more.*got -1"),
    ],
)
def test_a_wrong_choice_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        SplitChoice(**wrong)
