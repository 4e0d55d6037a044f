"""How soon a fresh process gives a first result, and what its imports take."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from mmengine.config import Config

from mmctl.engine import read_config
from mmctl.structures import NUM_KEYPOINTS

FIRST_RESULT = """
import time
started = time.time()
from mmctl.apis import TrackletInferencer
imported = time.time()
inferencer = TrackletInferencer({config!r}, device="cpu", show_progress=False)
built = time.time()
next(inferencer.stream([{frames!r}], keypoints=[{keypoints!r}]))
print(started, imported, built, time.time())
"""


def measure_start(config: str, frames: list[str]) -> dict[str, float]:
    """Return the seconds of a fresh process up to its first result, step by step."""
    keypoints = np.ones((len(frames), NUM_KEYPOINTS, 3)).tolist()
    code = FIRST_RESULT.format(config=config, frames=frames, keypoints=keypoints)
    start = time.time()
    said = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    ).stdout
    started, imported, built, done = map(float, said.split()[-4:])
    return {
        "Python itself": started - start,
        "imports": imported - started,
        "building the model": built - imported,
        "the first result": done - built,
    }


def measure_imports(config: str) -> dict[str, float]:
    """Return the seconds of each package's own imports when a model is built, the most first."""
    code = (
        "from mmctl.apis import TrackletInferencer\n"
        f"TrackletInferencer({config!r}, device='cpu', show_progress=False)"
    )
    said = subprocess.run(
        [sys.executable, "-W", "ignore", "-X", "importtime", "-c", code],
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    packages: dict[str, float] = {}
    for line in said.splitlines():
        cells = line.removeprefix("import time:").split("|")
        if len(cells) == 3 and cells[0].strip().isdigit():
            package = cells[2].strip().partition(".")[0]
            packages[package] = packages.get(package, 0) + int(cells[0]) / 1e6
    return dict(sorted(packages.items(), key=lambda pair: -pair[1]))


def write_config(config: str, folder: Path) -> str:
    """Write a config's text to a file of its own, which a fresh process reads."""
    cfg: Config = read_config(config)
    path = folder / "config.py"
    path.write_text(cfg.pretty_text)
    return str(path)
