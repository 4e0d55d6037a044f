"""The report of a run says what its logs and records say."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import replace

import cv2
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from mmctl.engine.config_check.config_changes import Change
from mmctl.reports import report_figure
from mmctl.reports.learning_curve import read_training_log
from mmctl.reports.report_figure import draw_report
from mmctl.reports.report_files import write_run_report
from mmctl.reports.run_record import RunRecord
from mmctl.reports.run_report import RunReport
from tests.test_reports.test_learning_curve import train_record, val_record, write

FIRST = RunRecord(
    command="train.py config.py --cfg-options model.depth=18",
    config="config.py",
    started=1.7e9,
    first_iter=0,
    num_iters=100,
    environment={"devices": "1 process(es), no GPU", "torch": "2.12.1"},
    evaluation={"protocol": "query-in-gallery (queries in the gallery, rectangle AP)"},
    file_changes=[Change("model.width", "64", "<16>")],
    run_changes=[Change("model.depth", "50", "18")],
    outcome="stopped by SIGTERM: snapshot_30.pth is saved",
    seconds=100.0,
    last_iter=30,
    memory="0.50 GiB resident",
)
SECOND = replace(FIRST, first_iter=30, outcome="finished", seconds=3600.4, last_iter=100)
SHOWN = {"frames_per_second": 40.0, "grad_norm": 2.5, "active_triplets_sum": 0.5}


def records(first, last):
    lines = [train_record(i, (i + 19) // 20) | SHOWN for i in range(first, last + 1, 10)]
    return lines + [val_record(epoch, score) for epoch, score in ((1, 41.0), (2, 47.5), (3, 43.0))]


@pytest.fixture
def work_dir(tmp_path):
    counts = {"reid/num_queries": 1980, "reid/num_gallery": 9330, "reid/R5": 71.25}
    logged = [r | counts if "reid/mAP" in r else r for r in records(10, 100)]
    write(tmp_path / "run", "20250101_000000", logged)
    return tmp_path / "run"


def report(work_dir, *starts):
    return RunReport(read_training_log(work_dir), starts)


def test_the_best_validation_is_shown_with_what_was_measured(work_dir):
    found = report(work_dir, FIRST, SECOND)
    assert found.headline() == "best mAP 47.5, R1 60.0 at epoch 2"
    results = dict(found.results())
    assert (results["best at epoch"], results["mAP"], results["R5"]) == ("2", "47.50", "71.25")
    assert results["mAP at epoch 3"] == "43.00"
    assert (results["scored queries"], results["gallery"]) == ("1980", "9330")
    assert results["protocol"].startswith("query-in-gallery")
    assert "time" not in results


def test_progress_adds_the_starts_up(work_dir):
    found = dict(report(work_dir, FIRST, SECOND).progress())
    assert found["outcome"] == "finished"
    assert found["iterations"] == "100 of 100"
    assert found["wall time"] == "1:01:40 in 2 start(s)"
    assert (found["median frames/s"], found["median gradient"]) == ("40", "2.5")
    assert found["peak memory"] == "0.50 GiB resident"


def test_a_start_without_an_end_is_called_so(work_dir):
    killed = replace(SECOND, outcome=None, seconds=None, last_iter=None, memory=None)
    found = report(work_dir, FIRST, killed)
    assert found.outcome == "running, or killed without a word"
    assert found.history()[1][1:] == ("30 to ?", "?", "no end recorded: running, or killed")
    assert dict(found.progress())["wall time"] == "0:01:40 in 2 start(s)"


def test_a_run_without_records_or_validations_has_a_page_too(tmp_path):
    write(tmp_path / "run", "20250101_000000", [train_record(10), train_record(20)])
    found = report(tmp_path / "run")
    assert (found.outcome, found.headline()) == ("not recorded", "no validation yet")
    assert found.results() == [("validation", "none yet")]
    picture, page = write_run_report(tmp_path / "run")
    assert cv2.imread(str(picture)).shape[1] == 1600
    assert "Environment" not in page.read_text()


def test_the_page_has_the_tables_and_its_picture_and_needs_no_other_file(work_dir):
    FIRST.save(work_dir / "20250101_000000")
    SECOND.save(work_dir / "20250101_010000")
    picture, page = write_run_report(work_dir)
    assert (picture.name, page.name) == ("report.png", "report.html")
    text = page.read_text()
    for shown in ("47.50", "stopped by SIGTERM", "model.depth", "&lt;16&gt;", "2.12.1", "1980"):
        assert shown in text, shown
    assert "<16>" not in text
    assert re.findall(r'(?:src|href)="(?!data:)', text) == []
    encoded = re.search(r'src="data:image/png;base64,([^"]+)"', text)[1]
    curves = cv2.imdecode(np.frombuffer(b64decode(encoded), np.uint8), cv2.IMREAD_COLOR)
    whole = cv2.imread(str(picture))
    assert curves.shape == (whole.shape[0] - 500, 1600, 3)
    np.testing.assert_array_equal(curves, whole[75:-425])


def test_curves_and_texts_are_drawn(work_dir):
    def pixels(found):
        return cv2.imdecode(np.frombuffer(draw_report(found)[0], np.uint8), cv2.IMREAD_COLOR)

    # Signs that begin a formula in matplotlib, and more changes and starts than there is room for.
    many = [Change(f"model.key{i}", "$a_1", "$b^2 {") for i in range(60)]
    full = pixels(report(work_dir, *[replace(FIRST, file_changes=many)] * 9))
    bare = pixels(report(work_dir))
    assert full.shape == bare.shape
    differs = (full != bare).any(axis=2)
    assert differs[850:, :460].any(), "protocol"
    assert differs[850:, 1030:1500].sum() > 5000, "changes"
    assert not differs[:, 1590:].any(), "nothing runs over the edge"
    coloured = (np.ptp(bare.astype(int), axis=2) > 60).sum()
    assert coloured > 2000


def test_no_legend_covers_a_curve_or_another_text(work_dir, monkeypatch):
    drawn = []

    def keep(figure):
        drawn.append(figure)
        return FigureCanvasAgg(figure)

    monkeypatch.setattr(report_figure, "FigureCanvasAgg", keep)
    log = read_training_log(work_dir)
    terms = {f"loss_term_{number}": 1.0 + number for number in range(15)}
    names = ("active_triplets_all", "attention_entropy", "clamped_degrees", "time", "data_time")
    values = dict.fromkeys(names, 0.4)
    many = replace(log, training=[{**record, **terms, **values} for record in log.training])
    draw_report(RunReport(many, [FIRST]))
    (figure,) = drawn
    head, curves, text = figure.subfigs
    panels = curves.axes
    legends = [panel.get_legend().get_window_extent() for panel in panels if panel.get_legend()]
    assert len(legends) == 5
    others = [panel.get_window_extent() for panel in panels]
    others += [panel.xaxis.label.get_window_extent() for panel in panels]
    others += [panel.title.get_window_extent() for panel in panels]
    others += [one.get_window_extent() for one in (*head.texts, *text.texts)]
    for legend in legends:
        assert sum(legend.overlaps(other) for other in legends) == 1  # itself
        assert not any(legend.overlaps(other) for other in others)


def test_a_folder_without_logs_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"must hold <time>/vis_data/scalars\.json"):
        write_run_report(tmp_path)
