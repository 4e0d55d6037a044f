"""Frames per second, and the time left, after a resume too."""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace

import mmengine.hooks.iter_timer_hook as timer
import pytest
import torch
from mmengine.logging import MessageHub

from mmctl.engine import FrameRateHook
from mmctl.engine.hooks import frame_rate_hook as module
from mmctl.engine.hooks.frame_rate_hook import count_frames
from tests.test_engine.drawing_runner import Killed, StopAt, drawing_runner

# Two tracklets of one and two clips, of four frames each.
BATCH = {"inputs": [torch.zeros(1, 4, 3, 2, 2), torch.zeros(2, 4, 3, 2, 2)]}


def rates(seconds, *, first_iter=0, earlier=(), window=20):
    """Return what is logged for iterations that take so long, after others of another process."""
    hub = MessageHub("rate")
    for value in earlier:
        hub.update_scalar("train/time", value)
    processor = SimpleNamespace(window_size=window)
    runner = SimpleNamespace(iter=first_iter, message_hub=hub, log_processor=processor)
    hook = FrameRateHook()
    hook.before_train(runner)
    for value in seconds:
        hub.update_scalar("train/time", value)
        hook.after_train_iter(runner, 0, BATCH)
        runner.iter += 1
    checkpoint = {"message_hub": hub.state_dict()}
    assert "train/frames_per_second" not in checkpoint["message_hub"]["log_scalars"]
    # MMEngine would warn of a name without its numbers when the run goes on.
    hook.before_save_checkpoint(runner, checkpoint)
    assert set(checkpoint["message_hub"]["resumed_keys"]) == {"train/time"}
    return hub.get_scalar("train/frames_per_second").data[0].tolist()


def test_frames_by_the_mean_time_of_the_window():
    # 12 frames by 2, by the mean of 2 and 4, by that of 4 and 1.
    assert rates([2.0, 4.0, 1.0], window=2) == pytest.approx([6.0, 4.0, 4.8])


def test_what_an_earlier_process_took_does_not_count():
    assert rates([2.0, 4.0], first_iter=7, earlier=[100.0] * 7) == pytest.approx([6.0, 4.0])


def test_all_processes_count(monkeypatch):
    monkeypatch.setattr(module, "get_world_size", lambda: 3)
    assert rates([3.0]) == pytest.approx([12.0])


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (torch.zeros(8, 3, 64, 32), 8),  # images
        ([torch.zeros(3, 64, 32)] * 8, 8),
        ([torch.zeros(3, 64, 32), torch.zeros(3, 32, 16)], 2),
        (torch.zeros(5, 1, 8, 8), 5),  # grey ones
        ([torch.zeros(4, 3, 8, 8)] * 2, 8),
        (torch.zeros(2, 1, 4, 3, 8, 8), 8),  # what collate_clips joins
        ([torch.zeros(2, 3, 16, 8, 8)] * 2, 64),  # mmaction's clips, colours before time
        (torch.zeros(2, 3, 16, 8, 8), 32),
        (torch.zeros(2, 5, 3, 16, 8, 8), 160),  # ... of several clips per item
        (torch.zeros(2, 5, 2, 16, 8, 8), None),  # optical flow
        ([[torch.zeros(3, 8, 8)] * 2, [torch.zeros(3, 8, 8)]], 3),
        (torch.zeros(3, 1, 8, 8), None),  # three grey pictures, or a clip of one
        (torch.zeros(3, 17, 64, 48), None),  # heatmaps
        (torch.zeros(1, 17, 48, 8, 8), None),
        (torch.zeros(8, 128), None),
        ([torch.zeros(3, 8, 8), torch.zeros(4)], None),
        ({"imgs": torch.zeros(8, 3, 8, 8)}, None),
        ([], None),
        (None, None),
        ("text", None),
    ],
)
def test_pictures_are_counted_where_they_are_known_to_be_some(inputs, expected):
    assert count_frames(inputs) == expected


@pytest.mark.parametrize("batch", [None, (torch.zeros(8, 3, 4, 4),), {}, {"inputs": {"a": 1}}])
def test_without_known_frames_there_is_no_rate(batch):
    hub = MessageHub("no-rate")
    hub.update_scalar("train/time", 1.0)
    runner = SimpleNamespace(iter=0, message_hub=hub, log_processor=None)
    hook = FrameRateHook()
    hook.before_train(runner)
    hook.after_train_iter(runner, 0, batch)
    assert "train/frames_per_second" not in hub.log_scalars


def test_the_time_left_is_right_after_a_resume(tmp_path, monkeypatch):
    with pytest.raises(Killed):
        drawing_runner(tmp_path, StopAt("after_train_iter", 5)).train()
    # Every look at the clock is a second later: two looks in an iteration without a validation.
    monkeypatch.setattr(timer, "time", SimpleNamespace(time=count().__next__))
    runner = drawing_runner(tmp_path, StopAt("after_train_iter", 6), resume=True)
    with pytest.raises(Killed):
        runner.train()
    # Iterations 6 and 7 of 12 are done by this process, two seconds each: 5 are left.
    assert runner.iter == 6
    assert runner.message_hub.get_info("eta") == pytest.approx(2.0 * 5)
