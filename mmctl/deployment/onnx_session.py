"""ONNX Runtime: a session with the providers that were asked for, or a clear refusal."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmctl.deployment.packages import RUNNING, check_packages

CPU = "CPUExecutionProvider"


def choose_providers(names: str | Sequence[str] | None) -> list[str]:
    """Return the full names of execution providers, the CPU's last.

    Args:
        names: In the order of preference, as ``'CUDAExecutionProvider'`` or ``'cuda'``; None: the
            CPU alone.

    Raises:
        ImportError: If onnxruntime is not installed.
        ValueError: If this build of onnxruntime has no such provider.
    """
    check_packages(RUNNING, "running a graph")
    import onnxruntime

    available = onnxruntime.get_available_providers()
    by_name = {name.removesuffix("ExecutionProvider").lower(): name for name in available}
    chosen = []
    for name in [names] if isinstance(names, str) else names or ():
        found = by_name.get(name.removesuffix("ExecutionProvider").lower())
        if found is None:
            raise ValueError(
                f"providers must be among those of this onnxruntime, {', '.join(available)}, got "
                f"{name!r}"
            )
        chosen.append(found)
    return list(dict.fromkeys([*chosen, CPU]))


def open_session(
    graph: bytes | str | os.PathLike,
    providers: str | Sequence[str] | None = None,
    num_threads: int = 0,
) -> Any:
    """Return a session of ONNX Runtime.

    Args:
        graph: The bytes of a file, or its path.
        providers: As for :func:`choose_providers`.
        num_threads: Of one operator; 0: as many as there are cores.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If onnxruntime is not installed.
        ValueError: If it cannot be read or run, or a provider does not start.
    """
    chosen = choose_providers(providers)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = num_threads
    options.log_severity_level = 3
    name = "the graph" if isinstance(graph, bytes) else str(Path(graph))
    if not isinstance(graph, bytes) and not os.path.isfile(graph):
        raise FileNotFoundError(f"graph {name} does not exist")
    try:
        source = graph if isinstance(graph, bytes) else name
        session = onnxruntime.InferenceSession(source, options, providers=chosen)
    # onnxruntime's errors have no common type of its own.
    except Exception as error:
        raise ValueError(
            f"{name} must be a graph that onnxruntime {onnxruntime.__version__} can run: "
            f"{str(error).splitlines()[0]:.200}"
        ) from error
    started = session.get_providers()
    if started[0] != chosen[0]:
        raise ValueError(
            f"{name} must run with {chosen[0]}, which was asked for and does not start here (are "
            f"its libraries installed?), got {started[0]}"
        )
    return session


def run_session(session: Any, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Run a graph.

    Args:
        session: The session.
        inputs: In the order of the graph.

    Raises:
        ValueError: If it cannot take them.
    """
    names = [item.name for item in session.get_inputs()]
    feed: Mapping[str, np.ndarray] = dict(zip(names, inputs, strict=True))
    try:
        return list(session.run(None, feed))
    # As above: their errors have no common type.
    except Exception as error:
        sizes = " and ".join(f"{name} {array.shape}" for name, array in feed.items())
        raise ValueError(
            f"the graph cannot run with {sizes}: {str(error).splitlines()[0]:.200}"
        ) from error
