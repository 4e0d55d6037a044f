import json
import os

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure
from mmengine.visualization import LocalVisBackend

from mmctl.reports.learning_curve import (
    TrainingLog,
    draw_learning_curve,
    read_training_log,
    running_mean,
)


def train_record(iteration, epoch=None, **losses):
    losses = losses or {"loss_triplet": 1.0, "loss_id": 2.0}
    record = {"lr": 0.1, "loss": sum(losses.values()), "iter": iteration, "step": iteration}
    return record | losses | ({} if epoch is None else {"epoch": epoch})


def val_record(step, mean_average_precision=50.0):
    return {"reid/mAP": mean_average_precision, "reid/R1": 60.0, "time": 0.1, "step": step}


def write(work_dir, time, records, tail=""):
    folder = work_dir / time / "vis_data"
    folder.mkdir(parents=True)
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (folder / "scalars.json").write_text(lines + tail)


def epochs(first, last, length=20):
    """Records of a run that logs iterations 10 and 20 of an epoch and validates after it."""
    records = []
    for epoch in range(first, last + 1):
        start = (epoch - 1) * length
        records += [train_record(start + 10, epoch), train_record(start + 20, epoch)]
        records.append(val_record(epoch))
    return records


def test_training_and_validation_are_told_apart(tmp_path):
    write(tmp_path / "run", "20250101_000000", epochs(1, 3))
    log = read_training_log(tmp_path / "run")
    assert log.name == "run"
    assert [record["iter"] for record in log.training] == [10, 20, 30, 40, 50, 60]
    assert [record["step"] for record in log.validation] == [1, 2, 3]
    np.testing.assert_allclose(log.positions(), [0.5, 1, 1.5, 2, 2.5, 3])


def test_what_mmengine_writes_is_read(tmp_path):
    backend = LocalVisBackend(str(tmp_path / "20250101_000000" / "vis_data"))
    backend.add_scalars(train_record(10, 1), step=10)
    backend.add_scalars({"reid/mAP": 12.5, "reid/R1": 20.0}, step=1)
    log = read_training_log(tmp_path)
    assert log.training[0]["loss"] == 3.0
    assert log.validation == [{"reid/mAP": 12.5, "reid/R1": 20.0, "step": 1}]


def test_a_resumed_run_is_joined_and_replaces_what_it_did_again(tmp_path):
    # Stopped within epoch 4 after the validation of 3; resumed from the checkpoint of epoch 2.
    stopped = [*epochs(1, 3), train_record(70, 4)]
    resumed = [record | {"lr": 0.5} for record in epochs(3, 5)]
    write(tmp_path, "20250102_000000", resumed)
    write(tmp_path, "20250101_000000", stopped)
    log = read_training_log(tmp_path)
    assert [record["iter"] for record in log.training] == list(range(10, 101, 10))
    assert [record["lr"] for record in log.training] == [0.1] * 4 + [0.5] * 6
    assert [record["step"] for record in log.validation] == [1, 2, 3, 4, 5]
    assert log.validation[2]["lr"] == 0.5


def test_a_fresh_start_drops_the_old_validations_before_its_own_first(tmp_path):
    write(tmp_path, "20250101_000000", epochs(1, 3))
    write(tmp_path, "20250102_000000", [train_record(10, 1)])
    log = read_training_log(tmp_path)
    assert len(log.training) == 1
    assert log.validation == []


def test_a_later_test_run_changes_nothing(tmp_path):
    write(tmp_path, "20250101_000000", epochs(1, 2))
    expected = read_training_log(tmp_path)
    write(tmp_path, "20250102_000000", [val_record(0)])
    (tmp_path / "20250103_000000" / "vis_data").mkdir(parents=True)
    assert read_training_log(tmp_path) == expected


def test_a_last_line_that_was_cut_off_is_left_out(tmp_path):
    write(tmp_path, "20250101_000000", epochs(1, 2), tail='{"lr": 0.1, "lo')
    assert len(read_training_log(tmp_path).training) == 4


def test_a_broken_line_in_the_middle_is_named(tmp_path):
    write(tmp_path, "20250101_000000", epochs(1, 1), tail="oops\n{}\n")
    with pytest.raises(ValueError, match=r"line 4 of .*scalars\.json is not JSON that can be read"):
        read_training_log(tmp_path)


def test_a_folder_without_a_log_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="training run, found none"):
        read_training_log(tmp_path)


def test_a_run_that_has_logged_no_training_is_named(tmp_path):
    write(tmp_path, "20250101_000000", [])
    with pytest.raises(ValueError, match="at least one training record"):
        read_training_log(tmp_path)


def test_epochs_whose_last_iterations_are_not_logged_keep_their_length():
    # Epochs of 23 iterations, logged at 10 and 20 of each.
    places = [(epoch, (epoch - 1) * 23 + inner) for epoch in (1, 2, 3) for inner in (10, 20)]
    log = TrainingLog("run", [train_record(place, epoch) for epoch, place in places], [])
    np.testing.assert_allclose(log.positions(), [place / 23 for _, place in places])


def test_a_run_that_counts_no_epochs_is_placed_by_iteration():
    log = TrainingLog("run", [train_record(10), train_record(20)], [val_record(20)])
    assert not log.counts_epochs
    assert log.positions().tolist() == [10, 20]


def test_the_running_mean_is_centred():
    # Windows of a line are symmetric, so it stays a line: no lag.
    line = np.arange(12.0)
    np.testing.assert_allclose(running_mean(line, window=5), line)
    # (3 + 6 + 0) / 3 in the middle; the ends have only themselves.
    np.testing.assert_allclose(running_mean(np.array([3.0, 6.0, 0.0]), window=3), [3, 3, 0])


def test_the_running_mean_passes_over_values_that_are_not_finite():
    values = np.array([1.0, np.nan, 3.0, np.inf, 5.0])
    np.testing.assert_allclose(running_mean(values, window=3), [1, 2, 3, 4, 5])
    assert np.isnan(running_mean(np.array([np.nan]), window=3)).all()


@pytest.mark.parametrize(
    ("names", "num_validations", "by_epoch"),
    [(["a"], 0, True), (["a"], 2, False), (["a", "b", "c"], 2, True)],
)
def test_the_picture_is_drawn(tmp_path, names, num_validations, by_epoch):
    training = [train_record(10 * step, step if by_epoch else None) for step in range(1, 5)]
    logs = [
        TrainingLog(name, training, [val_record(step) for step in range(num_validations)])
        for name in names
    ]
    path = tmp_path / "new" / "curves.png"
    draw_learning_curve(logs, path)
    picture = cv2.imread(str(path))
    assert picture.shape[0] >= 935
    assert picture.shape[1:] == (1430, 3)
    assert picture.std() > 5


def test_legends_of_many_runs_take_no_room_from_the_curves(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: drawn.append(figure))
    for count in (1, 12):
        names = [f"a_run_with_quite_a_long_name_{number}" for number in range(count)]
        training, validation = [train_record(10, 1), train_record(20, 2)], [val_record(1)]
        logs = [TrainingLog(name, training, validation) for name in names]
        draw_learning_curve(logs, tmp_path / "curves.png")
    heights = []
    for figure in drawn:
        figure.draw_without_rendering()
        extents = [axes.get_window_extent() for axes in figure.axes]
        heights.append(min(extent.height for extent in extents))
        for legend in (axes.get_legend() for axes in figure.axes if axes.get_legend()):
            assert not any(legend.get_window_extent().overlaps(extent) for extent in extents)
    assert heights[1] > 0.8 * heights[0]


def test_runs_that_cannot_share_an_axis_are_refused(tmp_path):
    one = TrainingLog("one", [train_record(10, 1)], [])
    two = TrainingLog("two", [train_record(10)], [])
    with pytest.raises(ValueError, match=r"all count epochs.*\('one', True\), \('two', False\)"):
        draw_learning_curve([one, two], tmp_path / "curves.png")
    with pytest.raises(ValueError, match="all count epochs"):
        draw_learning_curve([], tmp_path / "curves.png")


def test_dollar_signs_in_the_names_of_runs_are_drawn_as_they_are(tmp_path):
    for name in ("a$^$b", "$", "c"):
        write(tmp_path / name, "20250101_000000", [*epochs(1, 2), val_record(2)])
    logs = [read_training_log(tmp_path / name) for name in ("a$^$b", "$", "c")]
    draw_learning_curve(logs, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"iter": 1, "step": 1, "loss": "low"}', "'loss' must be a number, got 'low'"),
        ('{"iter": 1, "step": 1, "loss": true}', "'loss' must be a number, got True"),
        ('{"iter": 1, "step": 1, "loss": [1]}', "'loss' must be a number, got"),
        ('{"iter": 1, "step": 1, "loss": 1' + "0" * 400 + "}", "'loss' must be .* up to 1e"),
        ('{"iter": 1.5, "step": 1}', "'iter' must be a whole number, got 1.5"),
        ('{"iter": 1, "step": 1, "epoch": 0}', "'epoch' must be 1 or more"),
        ('{"iter": -1, "step": 1}', "'iter' must be 0 or more"),
        ('{"iter": 1}', "lacks 'step'"),
        ('{"iter": 1, "iter": 2, "step": 1}', "the key 'iter' stands twice"),
        ("[" * 100_000, "nested too deeply"),
        ("[1]", "must be a JSON object"),
    ],
)
def test_what_mmengine_does_not_log_is_named_by_its_line(line, message, tmp_path):
    write(tmp_path, "20250101_000000", epochs(1, 1), tail=f"{line}\n" + json.dumps(val_record(1)))
    with pytest.raises(ValueError, match=rf"line 4 of .*scalars\.json.*{message}"):
        read_training_log(tmp_path)


def test_records_with_and_without_epochs_are_no_one_run(tmp_path):
    write(tmp_path, "20250101_000000", [train_record(10, 1), train_record(20)])
    with pytest.raises(ValueError, match="counts epochs or none does, got both in 1 file"):
        read_training_log(tmp_path)


def test_a_log_that_is_a_named_pipe_is_not_waited_for(tmp_path):
    (tmp_path / "1" / "vis_data").mkdir(parents=True)
    os.mkfifo(tmp_path / "1" / "vis_data" / "scalars.json")
    with pytest.raises(ValueError, match=r"scalars\.json must be a regular file"):
        read_training_log(tmp_path)
