"""Tables at every width: what Rich cuts is whole here."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mmctl.engine.commands.whole_tables import print_table

PROTOCOLS = ("query-in-gallery", "query-excluded")
NAMES = ("protocol", "mAP", "R1", "R5", "R10", "R20", "mINP", "queries scored", "gallery")


def drawn_table(rows: int = 2) -> Table:
    table = Table(*NAMES)
    for protocol in PROTOCOLS[:rows]:
        cells = [Text("100.00", "green"), *["100.00"] * 5, "1980", "11310"]
        table.add_row(f"{protocol} (queries in the gallery, rectangle AP)", *cells)
    return table


def printed(table: Table, width: int, *, terminal: bool, title: str = "") -> list[str]:
    file = io.StringIO()
    print_table(
        table, title, Console(file=file, width=width, force_terminal=terminal, no_color=True)
    )
    return file.getvalue().splitlines()


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("width", [20, 40, 80, 120, 200])
def test_names_and_numbers_are_whole_at_any_width(width: int, terminal: bool) -> None:
    text = "\n".join(printed(drawn_table(), width, terminal=terminal))
    assert "…" not in text
    assert all(name in text for name in (*NAMES, *PROTOCOLS))
    assert text.count("100.00") == 12
    assert text.count("11310") == text.count("1980") == 2


def test_a_pipe_has_one_line_for_each_row() -> None:
    lines = printed(drawn_table(), 80, terminal=False)
    for protocol in PROTOCOLS:
        (line,) = [line for line in lines if protocol in line]
        assert line.count("100.00") == 6


@pytest.mark.parametrize("width", [40, 80])
def test_a_narrow_terminal_has_one_line_for_each_cell(width: int) -> None:
    lines = printed(drawn_table(1), width, terminal=True)
    assert max(map(len, lines)) <= width
    assert "mINP            100.00" in lines
    assert lines[0].startswith("protocol        query-in-gallery")


def test_a_table_that_fits_is_one() -> None:
    table = Table("fold", "mAP")
    table.add_row("3", "50.00")
    assert "│ 3    │ 50.00 │" in printed(table, 40, terminal=True)


def test_the_title_is_whole_and_is_no_markup() -> None:
    table = Table("a")
    table.add_row("1")
    title = "[bold]data/a_long_name_without_spaces in one line"
    assert printed(table, 20, terminal=False, title=title)[0] == title
