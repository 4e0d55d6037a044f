"""Write the report of a training, ``report.png`` and ``report.html``, from what it has logged.

``python tools/analysis_tools/report_run.py work_dirs/ctl``

``tools/train.py`` writes it when a training ends. This tool does it for one that runs still, or was
killed without a word.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmctl.engine import run_command
from mmctl.reports.report_files import write_run_report


def parse_args() -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("work_dirs", nargs="+", type=Path, help="work folders, one per run")
    return parser.parse_args()


def main() -> None:
    """Write the reports into the work folders."""
    for work_dir in parse_args().work_dirs:
        for file in write_run_report(work_dir):
            print(file)


if __name__ == "__main__":
    run_command(main)
