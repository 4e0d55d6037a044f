"""A report as one HTML file that needs no other."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

from mmctl.reports.run_report import RunReport

_STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; max-width: 1280px; margin: 1.5em auto; padding: 0 1em;
       color: #222; background: #fff; }
h1 { font-size: 1.5em; margin: 0; } h2 { font-size: 1.05em; margin: 1.4em 0 .3em; }
.headline { font-size: 1.1em; margin: .2em 0 1em; } img { width: 100%; }
.columns { display: flex; flex-wrap: wrap; gap: 0 3em; }
table { border-collapse: collapse; } td, th { padding: .15em 1.2em .15em 0; text-align: left;
       vertical-align: top; border-bottom: 1px solid #e4e4e4; overflow-wrap: anywhere; }
th { color: #666; font-weight: normal; } code { font-size: .92em; }
"""


def write_html(report: RunReport, curves: bytes) -> str:
    """Return the page.

    Args:
        report: The report.
        curves: PNG file of the curves.

    Returns:
        HTML text with the picture in it.
    """
    last = report.starts[-1] if report.starts else None
    picture = base64.b64encode(curves).decode("ascii")
    facts = "".join(
        f"<div>{_section(title, _table((), rows))}</div>"
        for title, rows in (("Best validation", report.results()), ("Training", report.progress()))
    )
    sections = [
        f"<h1>{escape(report.log.name)}</h1>",
        f'<p class="headline">{escape(f"{report.headline()} | {report.outcome}")}</p>',
        f'<img alt="curves" src="data:image/png;base64,{picture}">',
        f'<div class="columns">{facts}</div>',
        _section("Starts", _table(("start", "iterations", "time", "end"), report.history())),
    ]
    for title, changes in (
        ("Changed by the command line", last.run_changes if last else ()),
        ("Changed by the config against its _base_", last.file_changes if last else ()),
    ):
        sections.append(_section(title, _table(("key", "before", "now"), changes, code=True)))
    sections.append(_section("Environment", _table((), report.environment())))
    title = escape(f"{report.log.name}: {report.headline()}")
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n{chr(10).join(filter(None, sections))}\n"
        "</body></html>\n"
    )


def _section(title: str, table: str) -> str:
    return f"<h2>{escape(title)}</h2>{table}" if table else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], *, code: bool = False) -> str:
    """Return a table, or nothing if it has no rows."""
    begin, end = ("<code>", "</code>") if code else ("", "")
    body = "".join(
        f"<tr>{''.join(f'<td>{begin}{escape(cell)}{end}</td>' for cell in row)}</tr>"
        for row in rows
    )
    if not body:
        return ""
    names = "".join(f"<th>{escape(name)}</th>" for name in head)
    return f"<table>{f'<tr>{names}</tr>' if names else ''}{body}</table>"
