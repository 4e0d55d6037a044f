"""Run the notebooks of docs/en/notebooks from top to bottom, each in an empty folder.

``python -m dev.run_notebooks`` fails where a cell does; with ``--write`` what the cells show is
kept in the notebooks. Needs ``pip install -r requirements/docs.txt``.
"""

from __future__ import annotations

import argparse
import base64
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from mmctl.engine import run_command

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "docs" / "en" / "notebooks"
WIDTH = 800
"""Of the pictures that are kept."""

_COLOURS = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]")

LONGEST = 1800
"""Seconds that only a cell that hangs takes."""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="parts of names; default: all notebooks")
    parser.add_argument("--write", action="store_true", help="keep what the cells show")
    return parser.parse_args()


def run(path: Path, write: bool) -> None:
    """Run a notebook in a temporary folder.

    Args:
        path: The notebook.
        write: Whether to keep what its cells show.

    Raises:
        ValueError: If a cell fails, with the end of what it printed.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        client = NotebookClient(
            notebook, timeout=LONGEST, resources=resources, coalesce_streams=True
        )
        try:
            client.execute()
        except CellExecutionError as error:
            raise ValueError(f"notebook {path.name}: {str(error)[-2000:]}") from error
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            if "text" in output:
                output["text"] = _to_plain(output["text"].replace(folder, "."))
            _shrink(output.get("data", {}))
    if write:
        nbformat.write(notebook, path)


def _to_plain(text: str) -> str:
    """Return what a terminal would show in the end, without colours."""
    lines = _COLOURS.sub("", text).split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def _shrink(data: dict[str, str]) -> None:
    """Make a picture small enough for a repository: a JPEG of at most :data:`WIDTH` pixels."""
    if "image/png" in data:
        content = np.frombuffer(base64.b64decode(data.pop("image/png")), np.uint8)
        picture = np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR))
        height, width = picture.shape[:2]
        size = (min(width, WIDTH), round(height * min(width, WIDTH) / width))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 75])[1]
        data["image/jpeg"] = base64.b64encode(jpeg.tobytes()).decode("ascii")


def main() -> None:
    args = parse_args()
    # Commands of the cells find this interpreter and this checkout.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    os.environ |= {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    chosen = [
        path
        for path in sorted(NOTEBOOKS.glob("*.ipynb"))
        if not args.names or any(name in path.name for name in args.names)
    ]
    if not chosen:
        raise ValueError(f"no notebook of {NOTEBOOKS} has one of {args.names} in its name")
    for path in chosen:
        start = time.monotonic()
        run(path, args.write)
        print(
            f"{path.name}: ran from top to bottom in {time.monotonic() - start:.0f} s", flush=True
        )


if __name__ == "__main__":
    run_command(main)
