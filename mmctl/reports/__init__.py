"""What a run was: record, environment, curves, figure, page."""

from mmctl.reports.run_report_hook import RunReportHook, reported

__all__ = ["RunReportHook", "reported"]
