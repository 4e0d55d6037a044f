import contextlib
import os
import random
import signal

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmctl.apis import BrokenFramesError, ExtractionSettings, KeypointExtraction
from mmctl.apis.keypoint_extraction import uses_udp
from mmctl.datasets.keypoints.keypoint_header import hash_frame_list, read_header
from mmctl.datasets.transforms import LoadFrames, ResizeClip
from mmctl.functional.keypoints import decode_heatmaps
from tests.forked_processes import run_group
from tests.test_apis.tiny_estimator import (
    NUM_FRAMES,
    SIZES,
    run_in_child,
    tiny_estimator,
    write_frames,
)

SETTINGS = {
    "frame_size": (48, 24),
    "map_size": (6, 3),
    "batch_size": 3,
    "num_workers": 0,
    "rows_per_block": 5,
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_frames(tmp_path_factory.mktemp("frames") / "set")


def make(dataset, folder, estimator=None, heatmaps=True, **changes):
    paths = {"keypoints": folder / "keypoints.npy"}
    if heatmaps:
        paths["heatmaps"] = folder / "heatmaps.npy"
    settings = ExtractionSettings(**{**SETTINGS, **changes})
    return KeypointExtraction(dataset, estimator or tiny_estimator(), "tiny", paths, settings)


def content(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def whole(dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    make(dataset, folder).run()
    return content(folder)


@pytest.mark.parametrize("input_size", [None, (64, 32)])
def test_rows_are_what_the_estimator_says_of_the_frames_one_by_one(dataset, tmp_path, input_size):
    estimator = tiny_estimator(input_size=input_size)
    make(dataset, tmp_path, estimator).run()
    keypoints, heatmaps = (np.load(tmp_path / f"{kind}.npy") for kind in ("keypoints", "heatmaps"))
    assert keypoints.shape == (NUM_FRAMES, 17, 3)
    assert heatmaps.shape == (NUM_FRAMES, 17, 6, 3)
    paths = [f"{dataset.data_root}/{name}" for name in dataset.frame_names()]
    results = {"frame_paths": paths, "clip_indices": np.arange(NUM_FRAMES)[None]}
    frames = ResizeClip((48, 24)).transform(LoadFrames().transform(results))["frames"]
    for row, frame in enumerate(frames):
        maps = estimator(torch.from_numpy(frame).permute(2, 0, 1)[None].float())
        size = torch.tensor([SIZES[row % len(SIZES)]])
        expected = decode_heatmaps(maps, size, input_size or (48, 24))[0]
        np.testing.assert_allclose(keypoints[row], expected, atol=1e-4)
        expected = F.interpolate(maps, (6, 3), mode="bilinear", align_corners=False)[0]
        np.testing.assert_allclose(heatmaps[row], expected, rtol=1e-3, atol=1e-3)


def test_the_header_says_where_the_rows_come_from(dataset, tmp_path):
    estimator = tiny_estimator(flip_test=True, input_size=(64, 32))
    make(dataset, tmp_path, estimator).run()
    headers = [read_header(tmp_path / f"{kind}.npy") for kind in ("keypoints", "heatmaps")]
    for header in headers:
        assert header.num_frames == NUM_FRAMES
        assert header.frame_list_sha256 == hash_frame_list(dataset.frame_names())
        assert header.estimator == "tiny"
        assert header.weights_sha256 == estimator.weights_hash()
        assert (header.frame_size, header.input_size, header.flip_test) == (
            (48, 24),
            (64, 32),
            True,
        )
    assert [header.map_size for header in headers] == [None, (6, 3)]


def test_a_data_set_takes_what_was_made_for_it(dataset, tmp_path):
    make(dataset, tmp_path).run()
    again = type(dataset)(
        data_root=dataset.data_root,
        split="test",
        pipeline=[
            {"type": "mmctl.SampleClip", "clip_len": 2, "mode": "evenly"},
            {"type": "mmctl.LoadKeypoints"},
            {"type": "mmctl.LoadHeatmaps"},
        ],
        keypoint_file=str(tmp_path / "keypoints.npy"),
        heatmap_file=str(tmp_path / "heatmaps.npy"),
    )
    data = again[0]
    rows = 5 + data["clip_indices"].ravel()
    np.testing.assert_array_equal(data["keypoints"], np.load(tmp_path / "keypoints.npy")[rows])
    np.testing.assert_array_equal(data["heatmaps"], np.load(tmp_path / "heatmaps.npy")[rows])


@pytest.mark.parametrize("num_workers", [0, 2])
def test_workers_and_heatmaps_do_not_change_the_keypoints(dataset, tmp_path, whole, num_workers):
    make(dataset, tmp_path, heatmaps=num_workers == 0, num_workers=num_workers).run()
    assert (tmp_path / "keypoints.npy").read_bytes() == whole["keypoints.npy"]


def test_a_kill_at_any_change_of_a_file_costs_one_block_and_no_byte(dataset, tmp_path, whole):
    statuses, estimator = [], tiny_estimator()
    for num_calls in range(3, 100, 4):
        folder = tmp_path / str(num_calls)
        folder.mkdir()
        statuses.append(run_in_child(make(dataset, folder, estimator).run, num_calls))
        done = len(list((folder / "keypoints.partial").glob("heatmaps-*.npy")))
        seen = []
        make(dataset, folder, estimator).run(lambda rows, more, seen=seen: seen.append(rows + more))
        assert content(folder) == whole, num_calls
        if seen:  # no block that is there is made again
            assert seen[0] >= min(5 * done + 3, NUM_FRAMES)
            assert seen[-1] == NUM_FRAMES
        if statuses[-1] == 0:
            break
    assert statuses[-1] == 0
    assert statuses.count(-signal.SIGKILL) >= 8


def test_ends_at_random_moments_are_continued_to_the_same_bytes(dataset, tmp_path, whole):
    estimator, moments = tiny_estimator(), random.Random(3)
    ended, children = [], []
    for last_moment in (0, 0.05, 0.1, 0.2, 0.3, 0.5):
        # Of its processor time, however busy the machine: SIGPROF ends a process as SIGKILL does.
        moment = 1e-6 + moments.uniform(0, last_moment)
        child = os.fork()
        if child == 0:
            try:
                os.setpgid(0, 0)
                signal.setitimer(signal.ITIMER_PROF, moment)
                make(dataset, tmp_path, estimator, num_workers=moments.randrange(2)).run()
            finally:
                os._exit(0)
        children.append(child)
        ended.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    make(dataset, tmp_path, estimator).run()
    assert content(tmp_path) == whole
    assert ended[0] == -signal.SIGPROF
    for child in children:  # a worker that has not begun yet misses the end of its parent
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)


def test_processes_share_the_work_and_write_the_same_bytes(dataset, tmp_path, whole):
    estimator = tiny_estimator()
    make(dataset, tmp_path, estimator).partial.prepare()  # as a killed run of one process

    def work(rank, _):
        seen = []
        extraction = make(dataset, tmp_path, estimator)
        estimate = extraction._estimate
        extraction._estimate = lambda f, s, batch: seen.extend(batch) or estimate(f, s, batch)
        extraction.run()
        (tmp_path / f"rank{rank}").write_text(" ".join(map(str, seen)))

    assert run_group(work, tmp_path) == [0, 0]
    shares = [
        [int(row) for row in (tmp_path / f"rank{rank}").read_text().split()] for rank in (0, 1)
    ]
    assert shares == [list(range(15)), list(range(15, NUM_FRAMES))]
    for name, expected in whole.items():
        assert (tmp_path / name).read_bytes() == expected


def test_broken_frames_are_named_together_and_the_other_work_is_kept(tmp_path, whole):
    dataset = write_frames(tmp_path / "set")
    out = tmp_path / "out"
    out.mkdir()
    frames = [tmp_path / "set" / name for name in dataset.frame_names()]
    originals = {row: frames[row].read_bytes() for row in (1, 3, 22)}
    frames[1].unlink()
    frames[3].write_bytes(b"")
    frames[22].write_bytes(originals[22][:-9])
    extraction = make(dataset, out)
    with pytest.raises(
        BrokenFramesError,
        match=r"(?s)^3 of 23 frames cannot be read.*001\.png.*003\.png is empty.*022\.png is cut",
    ):
        extraction.run()
    assert extraction.partial.pending() == [0, 4]
    for row, original in originals.items():
        frames[row].write_bytes(original)
    make(dataset, out).run()
    assert content(out) == whole


def test_broken_frames_get_zeros_where_that_is_allowed(tmp_path, whole):
    dataset = write_frames(tmp_path / "set")
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "set" / dataset.frame_names()[7]).write_bytes(b"no picture")
    make(dataset, out, allow_broken=True).run()
    keypoints = np.load(out / "keypoints.npy")
    (out / "whole.npy").write_bytes(whole["keypoints.npy"])
    expected = np.load(out / "whole.npy")
    expected[7] = 0
    np.testing.assert_allclose(keypoints, expected, atol=1e-5)
    assert not np.load(out / "heatmaps.npy")[7].any()


def test_finished_work_is_not_done_again(dataset, tmp_path, whole):
    make(dataset, tmp_path).run()
    (tmp_path / "keypoints.partial").mkdir()  # as a kill at the very end leaves it
    again = make(dataset, tmp_path)
    assert again.is_complete()
    again._estimate = None
    again.run()
    assert content(tmp_path) == whole


def test_other_weights_do_not_go_on_with_the_work(dataset, tmp_path):
    extraction = make(dataset, tmp_path)
    extraction.partial.prepare()
    extraction.partial.close()
    with pytest.raises(ValueError, match=r"weights_sha256 '\w+' there, '\w+' now"):
        make(dataset, tmp_path, tiny_estimator(seed=1)).run()
    with pytest.raises(ValueError, match=r"keypoints\.frame_size \(48, 24\) there, \(40, 24\) now"):
        make(dataset, tmp_path, frame_size=(40, 24)).run()
    make(dataset, tmp_path, tiny_estimator(seed=1)).run(overwrite=True)


def test_an_estimator_without_finite_values_is_stopped_with_the_frames(dataset, tmp_path):
    estimator = tiny_estimator()
    with torch.no_grad():
        estimator.estimator.head.bias[3] = 1e30  # fits into float32, not into 16 bits
    with pytest.raises(ValueError, match=r"heatmaps of frames f/000\.png to f/002\.png are not"):
        make(dataset, tmp_path, estimator).run()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 6}, "batch_size must be from 1 to 5, .* got 6"),
        ({"batch_size": 0}, "batch_size must be from 1 to 5, .* got 0"),
        ({"num_workers": -1}, "num_workers must be 0 or more, got -1"),
        ({"frame_size": (0, 24)}, r"frame_size must be \(height, width\).* got \(0, 24\)"),
        ({"map_size": (4,)}, r"map_size must be .* got \(4,\)"),
    ],
)
def test_settings_out_of_range_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        ExtractionSettings(**{**SETTINGS, **change})


class Codec:
    pass


class UDPCodec:
    pass


@pytest.mark.parametrize(
    ("decoder", "test_cfg", "expected"),
    [
        (Codec(), {"shift_heatmap": False}, False),
        (UDPCodec(), {"shift_heatmap": True}, True),
        (None, {"shift_heatmap": False}, True),
        (None, {"shift_heatmap": True}, False),
        (None, None, False),
    ],
)
def test_the_codec_tells_what_the_cells_mean(decoder, test_cfg, expected):
    estimator = tiny_estimator()
    estimator.estimator.head = nn.Identity()
    if decoder is not None:
        estimator.estimator.head.decoder = decoder
    estimator.estimator.test_cfg = test_cfg
    assert uses_udp(estimator) is expected
