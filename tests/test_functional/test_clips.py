import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmctl.functional import clips
from tests.references import clips as reference

ALL_MODES = sorted({**clips.RANDOM_MODES, **clips.FIXED_MODES})
counts = st.tuples(st.integers(1, 60), st.integers(1, 9))


def sample(mode, num_frames, clip_len, seed=0):
    if mode in clips.RANDOM_MODES:
        return clips.RANDOM_MODES[mode](num_frames, clip_len, np.random.default_rng(seed))
    return clips.FIXED_MODES[mode](num_frames, clip_len)


@settings(max_examples=60, deadline=None)
@given(counts)
def test_deterministic_modes_equal_the_loop_references(count):
    assert clips.evenly_spaced_frames(*count).tolist() == [reference.middle_frames(*count)]
    assert clips.first_of_chunk_frames(*count).tolist() == [reference.first_frames(*count)]
    assert clips.interleaved_clips(*count).tolist() == reference.interleaved(*count)
    assert clips.dense_clips(*count).tolist() == reference.dense(*count)


@pytest.mark.parametrize("mode", ALL_MODES)
@settings(max_examples=30, deadline=None)
@given(count=counts, seed=st.integers(0, 5))
def test_clips_are_real_frames_in_time_order(mode, count, seed):
    indices = sample(mode, *count, seed)
    assert indices.dtype == np.int64
    assert indices.shape[1] == count[1]
    assert indices.min() >= 0
    assert indices.max() < count[0]
    assert (np.diff(indices, axis=1) >= 0).all()


@pytest.mark.parametrize("mode", ["interleaved", "dense"])
@settings(max_examples=40, deadline=None)
@given(count=counts)
def test_full_modes_hold_every_frame_in_exactly_one_clip(mode, count):
    indices = sample(mode, *count)
    assert len(indices) == -(-count[0] // count[1])
    own = [frame for clip in indices for frame in np.unique(clip)]
    assert sorted(own) == list(range(count[0]))


@pytest.mark.parametrize("mode", [m for m in ALL_MODES if m not in ("interleaved", "dense")])
@settings(max_examples=30, deadline=None)
@given(count=counts, seed=st.integers(0, 5))
def test_single_clips_repeat_no_frame_where_there_are_enough(mode, count, seed):
    num_frames, clip_len = count
    indices = sample(mode, num_frames, clip_len, seed)
    assert indices.shape == (1, clip_len)
    if num_frames >= clip_len:
        assert len(np.unique(indices)) == clip_len


@settings(max_examples=40, deadline=None)
@given(count=counts, seed=st.integers(0, 5))
def test_restricted_takes_one_frame_of_each_chunk(count, seed):
    num_frames, clip_len = count
    (frames,) = clips.restricted_frames(num_frames, clip_len, np.random.default_rng(seed))
    if num_frames >= clip_len:
        chunks = [reference.chunk_of_frame(f, num_frames, clip_len) for f in frames.tolist()]
        assert chunks == list(range(clip_len))
    else:
        assert frames.tolist() == reference.first_frames(num_frames, clip_len)


def test_random_draws_every_frame_equally_often():
    generator = np.random.default_rng(0)
    drawn = np.concatenate([clips.random_frames(7, 3, generator)[0] for _ in range(2100)])
    # 2100 draws of 3 out of 7: 900 of each, standard deviation sqrt(2100 * 3/7 * 4/7) = 22.7
    assert np.abs(np.bincount(drawn, minlength=7) - 900).max() < 5 * 22.7


def test_restricted_draws_every_frame_of_a_chunk_equally_often():
    generator = np.random.default_rng(0)
    drawn = np.concatenate([clips.restricted_frames(6, 2, generator)[0] for _ in range(1800)])
    # 1800 draws of 1 out of 3: 600 of each, standard deviation sqrt(1800 * 1/3 * 2/3) = 20
    assert np.abs(np.bincount(drawn, minlength=6) - 600).max() < 5 * 20


def test_a_short_tracklet_is_drawn_with_replacement():
    indices = clips.random_frames(2, 6, np.random.default_rng(0))
    assert indices.shape == (1, 6)
    assert set(indices[0].tolist()) <= {0, 1}


def test_interleaved_by_hand():
    # S=5, T=4: M=2; clip 0 owns 0,2,4 -> slots floor(t*3/4)=0,0,1,2; clip 1 owns 1,3 -> 0,0,1,1
    assert clips.interleaved_clips(5, 4).tolist() == [[0, 0, 2, 4], [1, 1, 3, 3]]


def test_dense_by_hand():
    # S=5, T=4: the second clip owns frame 4 alone
    assert clips.dense_clips(5, 4).tolist() == [[0, 1, 2, 3], [4, 4, 4, 4]]


def test_evenly_and_first_of_chunk_by_hand():
    # S=12, T=3: chunks 0-3, 4-7, 8-11
    assert clips.evenly_spaced_frames(12, 3).tolist() == [[2, 6, 10]]
    assert clips.first_of_chunk_frames(12, 3).tolist() == [[0, 4, 8]]


@pytest.mark.parametrize("mode", ALL_MODES)
def test_as_many_frames_as_slots_is_the_tracklet_itself(mode):
    assert sample(mode, 5, 5).tolist() == [[0, 1, 2, 3, 4]]


@pytest.mark.parametrize("mode", ALL_MODES)
def test_one_frame_fills_a_clip(mode):
    assert sample(mode, 1, 3).tolist() == [[0, 0, 0]]


def test_weights_count_distinct_frames():
    weights = clips.count_distinct_frames(np.array([[0, 0, 2, 4], [1, 1, 3, 3], [7, 7, 7, 7]]))
    assert weights.dtype == np.float32
    assert weights.tolist() == [3, 2, 1]


@settings(max_examples=20, deadline=None)
@given(counts)
def test_weights_of_a_full_mode_sum_to_the_tracklet(count):
    assert clips.count_distinct_frames(clips.interleaved_clips(*count)).sum() == count[0]
    assert clips.count_distinct_frames(clips.dense_clips(*count)).sum() == count[0]


@pytest.mark.parametrize("mode", ALL_MODES)
def test_counts_below_one_are_refused(mode):
    with pytest.raises(ValueError, match=r"num_frames must be at least 1 .* got 0"):
        sample(mode, 0, 4)
    with pytest.raises(ValueError, match=r"clip_len must be at least 1 .* got -2"):
        sample(mode, 4, -2)


@settings(max_examples=40, deadline=None)
@given(count=counts, stride=st.integers(1, 9), seed=st.integers(0, 99))
def test_strided_frames_are_a_stride_apart_and_may_start_anywhere(count, stride, seed):
    num_frames, clip_len = count
    (frames,) = clips.strided_frames(num_frames, clip_len, np.random.default_rng(seed), stride)
    if num_frames >= clip_len * stride:
        assert np.diff(frames).tolist() == [stride] * (clip_len - 1)
        # The clip and the stride behind its last frame lie within the tracklet.
        assert 0 <= frames[0] <= num_frames - clip_len * stride


def test_every_start_of_a_strided_and_of_a_consecutive_clip_is_drawn():
    generator = np.random.default_rng(0)
    strided = [clips.strided_frames(14, 3, generator, 4)[0, 0] for _ in range(200)]
    consecutive = [clips.consecutive_frames(6, 4, generator)[0].tolist() for _ in range(200)]
    assert set(strided) == {0, 1, 2}
    assert {tuple(own) for own in consecutive} == {(0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5)}


def test_first_strided_by_hand():
    # 10 frames hold 4 with a stride of 2 and not of 3; 3 frames are all there are.
    assert clips.first_strided_frames(10, 4, 3).tolist() == [[0, 2, 4, 6]]
    assert clips.first_strided_frames(3, 4, 3).tolist() == [[0, 0, 1, 2]]
