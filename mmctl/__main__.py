"""The tools by their names, wherever they lie: ``python -m mmctl train CONFIG``."""

from __future__ import annotations

import ast
import runpy
import sys
from pathlib import Path

HERE = Path(__file__).parent
SHIPPED = HERE / ".mim" / "tools"
"""In a wheel and an editable install; a checkout that was not installed has them beside it."""


def find_tools() -> dict[str, Path]:
    """Return the files of tools by their names, without ``.py`` and whatever folder they are in."""
    folder = SHIPPED if SHIPPED.is_dir() else HERE.parent / "tools"
    paths = (path for path in sorted(folder.rglob("*.py")) if "benchmarks" not in path.parts)
    return {path.stem: path for path in paths if "__main__" in path.read_text("utf-8")}


def describe(tools: dict[str, Path]) -> str:
    """Return what each tool is for, a line each."""
    width = max(map(len, tools))
    lines = []
    for name, path in tools.items():
        text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "-"
        lines.append(f"  {name:<{width}}  {text.splitlines()[0]}")
    return "\n".join(lines)


def main() -> None:
    """Run the tool that the first argument names."""
    tools = find_tools()
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in ("--help", "-h"):
        print(f"usage: python -m mmctl TOOL ...\n\n{describe(tools)}\n\nTOOL --help says more")
        return
    if name not in tools:
        print(f"error: TOOL must be one of {', '.join(tools)}, got {name!r:.80}", file=sys.stderr)
        sys.exit(2)
    del sys.argv[0]
    sys.path.insert(0, str(tools[name].parent))  # as for a script that is run itself
    runpy.run_path(str(tools[name]), run_name="__main__")


if __name__ == "__main__":
    main()
