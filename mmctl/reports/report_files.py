"""One page about a training: curves, best numbers, changes of the config, environment."""

from __future__ import annotations

from pathlib import Path

from mmctl.files import write_whole
from mmctl.reports.learning_curve import read_training_log
from mmctl.reports.report_figure import draw_report
from mmctl.reports.report_html import write_html
from mmctl.reports.run_record import read_records
from mmctl.reports.run_report import RunReport


def write_run_report(work_dir: str | Path) -> tuple[Path, Path]:
    """Write the page of a run into its work folder, as ``report.png`` and ``report.html``.

    Args:
        work_dir: Work folder with the logs of one run, however often it was resumed.

    Returns:
        The picture, and the page with the curves in it, which needs no other file.

    Raises:
        FileNotFoundError: If there are no logs.
        ValueError: If nothing was logged yet, or a file is none of MMEngine's or ours.
    """
    folder = Path(work_dir)
    report = RunReport(read_training_log(folder), read_records(folder))
    picture, page = folder / "report.png", folder / "report.html"
    drawn, curves = draw_report(report)
    write_whole(picture, drawn)
    write_whole(page, write_html(report, curves).encode())
    return picture, page
