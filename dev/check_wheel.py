"""Build a wheel, install it alone into an empty environment, and train and test there.

``python -m dev.check_wheel`` asks every tool for its help, draws people, trains a config of its own
that begins with ``_base_ = 'mmctl::...'`` for an epoch, tests it and asks MMEngine for
``mmctl::...``, all with what the wheel brought. pip fetches what the wheel needs: 6 GB, most of it
PyTorch.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILT_FROM = (
    *("mmctl", "configs", "tools", "requirements", "setup.py", "pyproject.toml"),
    *("MANIFEST.in", "README.md", "LICENSE", "model-index.yml"),
)
NUM_PEOPLE = 8

CONFIG = """\"\"\"The quickstart of the wheel, one epoch on few people.\"\"\"

_base_ = "mmctl::quickstart/ctl_r18_quickstart.py"
train_dataloader = dict(dataset=dict(data_root="people"))
val_dataloader = dict(dataset=dict(data_root="people"))
test_dataloader = dict(dataset=dict(data_root="people"))
model = dict(head=dict(num_classes={people}))
train_cfg = dict(max_epochs=1, val_interval=1)
default_hooks = dict(checkpoint=dict(interval=1))
"""
LOOK = """
import importlib.metadata, pathlib
import cv2, numpy, torch, mmctl, mmctl.engine, mmctl.models
from mmengine.hub import get_config, get_model
assert pathlib.Path(mmctl.__file__).is_relative_to("{venv}"), mmctl.__file__
cfg = get_config("mmctl::ctl/ctl_r50_1xb32-240e_mars-256x128.py")
assert cfg.model.type == "VideoReID", cfg.model.type
assert type(get_model("mmctl::quickstart/ctl_r18_quickstart.py")) is mmctl.models.VideoReID
names = ("mmengine", "mmcv-lite", "mmpretrain", "setuptools")
versions = [f"{{name}} {{importlib.metadata.version(name)}}" for name in names]
print("torch", torch.__version__, "numpy", numpy.__version__, "cv2", cv2.__version__, *versions)
"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable, help="the interpreter to build on")
    parser.add_argument(
        "--keep", metavar="DIR", type=Path, help="work here and keep it; default: a temporary one"
    )
    parser.add_argument(
        "--pip", metavar="ARGUMENT", nargs="*", default=[], help="more to install, pip's options"
    )
    return parser.parse_args()


def build_wheel(folder: Path) -> Path:
    """Return the wheel of the checkout, built from a copy: old builds leave files behind."""
    source = folder / "source"
    for name in BUILT_FROM:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", ".mim")
            shutil.copytree(ROOT / name, source / name, ignore=ignored)
        else:
            shutil.copy2(ROOT / name, source / name)
    run([sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", folder, source], folder)
    return next(folder.glob("mmctl-*.whl"))


def run(command: list[str | Path], folder: Path) -> str:
    """Run a command in a folder, without the checkout on its path, and return what it prints.

    Raises:
        SystemExit: If it fails, with the end of its output.
    """
    words = [str(word) for word in command]
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    started = time.monotonic()
    done = subprocess.run(
        words,
        cwd=folder,
        env=clean | {"OMP_NUM_THREADS": clean.get("OMP_NUM_THREADS", "1")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    said = " ".join(word for word in words if "\n" not in word)
    print(f"[{time.monotonic() - started:4.0f} s] {said}", flush=True)
    if done.returncode != 0:
        sys.exit(f"{done.stdout[-3000:]}\nerror: status {done.returncode} of: {said}")
    return done.stdout


def list_tools(said: str) -> list[str]:
    """Return the tools that ``python -m mmctl`` lists."""
    return [line.split()[0] for line in said.splitlines() if line.startswith("  ")]


def check(folder: Path, args: argparse.Namespace) -> None:
    """Go from the checkout to numbers of a trained model, in new folders below ``folder``."""
    wheel, venv, work = build_wheel(folder), folder / "venv", folder / "work"
    run([args.python, "-m", "venv", venv], folder)
    python = venv / "bin" / "python"
    run([python, "-m", "pip", "install", "--quiet", wheel, *args.pip], folder)
    work.mkdir()
    (work / "mine.py").write_text(CONFIG.format(people=NUM_PEOPLE))
    print(run([python, "-c", LOOK.format(venv=venv)], work).strip().splitlines()[-1])
    front: list[str | Path] = [python, "-m", "mmctl"]
    for name in list_tools(run([*front, "--help"], work)):
        run([*front, name, "--help"], work)
    sizes = ["--num-train-pids", str(NUM_PEOPLE), "--num-test-pids", "6", "--frames", "4"]
    run([*front, "draw_pedestrians", "people", *sizes], work)
    run([*front, "train", "mine.py", "--work-dir", "run"], work)
    numbers = ["--work-dir", "run/test", "--metrics-file", "numbers.json"]
    run([*front, "test", "mine.py", "run/epoch_1.pth", *numbers], work)
    print((work / "numbers.json").read_text().strip())
    print(run(["du", "-sh", venv], folder).strip())


def main() -> None:
    args = parse_args()
    if args.keep is None:
        with tempfile.TemporaryDirectory() as folder:
            check(Path(folder), args)
    else:
        args.keep.mkdir(parents=True)
        check(args.keep.resolve(), args)
    print("the wheel works by itself")


if __name__ == "__main__":
    main()
