"""The optional packages of exporting and running graphs."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

EXPORTING = ("onnx", "onnxscript", "onnxruntime")
RUNNING = ("onnxruntime",)


def check_packages(names: Sequence[str], what: str) -> None:
    """Raise unless packages are installed.

    Args:
        names: Those that are needed.
        what: What needs them, for the message.

    Raises:
        ImportError: If one is missing; the message says how it is installed.
    """
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise ImportError(
            f"{what} needs {', '.join(names)}, of which {', '.join(missing)} cannot be found: "
            "pip install 'mmctl[onnx]'"
        )
