"""Tables whose numbers are whole at any width: Rich cuts cells where a line is too short."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

_ENDLESS = 100_000


def print_table(table: Table, title: str = "", console: Console | None = None) -> None:
    """Print a table, no cell cut.

    A file or pipe has no width, so lines there are as long as they have to be. On a terminal that
    is too narrow every row becomes a block with a line for each of its cells.

    Args:
        table: The table, without a title of its own, which would be broken to its width.
        title: What stands above it.
        console: Where it goes; standard output by default.
    """
    console = console or Console()
    if title:
        console.print(title, style="italic", markup=False, highlight=False, soft_wrap=True)
    endless = console.options.update(max_width=_ENDLESS)
    width = console.measure(table, options=endless).maximum
    if not console.is_terminal:
        Console(file=console.file, width=width).print(table)
    elif width <= console.width:
        console.print(table)
    else:
        for line in _to_lines(table, console):
            console.print(line, markup=False, highlight=False, soft_wrap=True)


def _to_lines(table: Table, console: Console) -> Iterator[str]:
    names = [_to_text(column.header, console) for column in table.columns]
    margin = max(map(len, names)) + 2
    for cells in zip(*(column.cells for column in table.columns), strict=True):
        for name, cell in zip(names, cells, strict=True):
            words = textwrap.wrap(
                _to_text(cell, console),
                max(1, console.width - margin),
                break_long_words=False,
                break_on_hyphens=False,
            )
            for index, line in enumerate(words):
                yield f"{'' if index else name:<{margin}}{line}"
        yield ""


def _to_text(cell: RenderableType, console: Console) -> str:
    text = cell if isinstance(cell, Text) else console.render_str(str(cell))
    return text.plain
