"""Measure an exported graph against PyTorch: frames per second and memory, in one run.

``python tools/benchmarks/bench_export.py`` exports a model with random weights in float32, float16
and int8, proves the graphs, and runs the same clips in turn through PyTorch, ``torch.compile`` and
ONNX Runtime. Then a process for each way runs them again, whose peak of memory is printed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from processor_name import processor_name
from rich.table import Table

from mmctl.apis import get_model
from mmctl.apis.graph_description import frame_size
from mmctl.apis.graph_export import ExportOptions, draw_inputs, export_model
from mmctl.deployment.clip_graph import ClipGraph
from mmctl.deployment.onnx_session import open_session, run_session
from mmctl.engine import run_command
from mmctl.engine.commands.whole_tables import print_table

ROOT = Path(__file__).resolve().parents[2]
CONFIG = "configs/ctl/baseline_r50_1xb32-240e_mars-256x128.py"
GOAL = 1.3
EAGER, COMPILED = "PyTorch", "torch.compile"
PRECISIONS = ("fp32", "fp16", "int8")
CALIBRATION = range(100, 104)
"""Seeds of the clips from which int8 takes its ranges: for speed any do."""

Run = Callable[[], Any]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--config", default=str(ROOT / CONFIG), help="model (default: the baseline, ResNet-50)")
    add("--clips", type=int, default=4, help="of a batch (default: %(default)s)")
    add("--frames", type=int, default=6, help="of a clip (default: %(default)s)")
    add("--threads", type=int, default=1, help="of each way (default: %(default)s)")
    add("--repeats", type=int, default=5, help="measurements of each way (default: %(default)s)")
    add("--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS, help="of the graphs")
    add("--skip-compile", action="store_true", help="leave torch.compile out")
    add("--skip-memory", action="store_true", help="do not measure memory")
    return parser.parse_args()


def export_all(model: Any, graph: ClipGraph, args: argparse.Namespace, folder: Path) -> list[str]:
    """Write the model and its graphs into a folder, and return how far the graphs are from it."""
    size, said = frame_size(model.cfg), []
    torch.save(graph, folder / "model.pt")
    inputs = draw_inputs(graph.reads, size, (0, 0), args.clips, args.frames, 0)
    np.savez(folder / "inputs.npz", *[tensor.numpy() for tensor in inputs])
    clips = [draw_inputs(graph.reads, size, (0, 0), 2, args.frames, seed) for seed in CALIBRATION]
    calibration = [[tensor.numpy() for tensor in batch] for batch in clips]
    for precision in args.precisions:
        options = ExportOptions(precision=precision, calibration=calibration)
        exported = export_model(model, precision, options=options)
        (folder / f"{precision}.onnx").write_bytes(exported.files[".onnx"])
        megabytes = len(exported.files[".onnx"]) / 1e6
        said.append(f"{precision} {megabytes:.0f} MB, {exported.report.largest:.1e} away")
    return said


def load_runs(folder: Path, threads: int, names: Mapping[str, str]) -> dict[str, Run]:
    """Return what runs the clips once, by the names of the ways."""
    arrays = list(np.load(folder / "inputs.npz").values())
    torch.set_num_threads(threads)
    runs: dict[str, Run] = {}
    for name, file in names.items():
        if file.endswith(".onnx"):
            session = open_session(folder / file, num_threads=threads)
            runs[name] = partial(run_session, session, arrays)
        else:
            # Written by this very run.
            module = torch.load(folder / file, weights_only=False)
            called = torch.compile(module) if name == COMPILED else module
            runs[name] = partial(called, *map(torch.from_numpy, arrays))
    return runs


def measure_all(runs: Mapping[str, Run], repeats: int) -> dict[str, np.ndarray]:
    """Run every way in turn, in alternating order after a warm-up.

    Returns:
        Seconds by the clock and of processor time, (repeats, 2), of each way.
    """
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    with torch.inference_mode():
        for turn in range(repeats + 1):
            for name in list(runs)[:: 1 if turn % 2 else -1]:
                start, processor = time.perf_counter(), time.process_time()
                runs[name]()
                spent = time.perf_counter() - start, time.process_time() - processor
                if turn:
                    seconds[name].append(spent)
    return {name: np.array(values) for name, values in seconds.items()}


PEAK = """
import sys
from pathlib import Path
sys.path.insert(0, {here!r})
folder, threads, file, compiled = Path({folder!r}), {threads}, {file!r}, {compiled}
import numpy as np
arrays = list(np.load(folder / "inputs.npz").values())
if file.endswith(".onnx"):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(folder / file, options)
    feed = dict(zip([item.name for item in session.get_inputs()], arrays))
    run = lambda: session.run(None, feed)
else:
    import torch
    torch.set_num_threads(threads)
    module = torch.load(folder / file, weights_only=False)
    module = torch.compile(module) if compiled else module
    tensors = [torch.from_numpy(array) for array in arrays]
    def run():
        with torch.inference_mode():
            module(*tensors)
run(), run()
from resident_memory import read_bytes
print(read_bytes("VmHWM"))
"""


def measure_peak(folder: Path, threads: int, name: str, file: str) -> float:
    """Return the most bytes resident in a process that loads one way and runs it twice."""
    values = {"here": str(Path(__file__).parent), "folder": str(folder), "threads": threads}
    code = PEAK.format(**values, file=file, compiled=name == COMPILED)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return float(done.stdout.split()[-1]) if done.returncode == 0 else float("nan")


def print_rates(
    seconds: Mapping[str, np.ndarray], peaks: Mapping[str, float], num_frames: int
) -> None:
    """Print a row for each way."""
    columns = ("frames/s (range)", "times PyTorch, clock", "processor time", "peak, MiB")
    table = Table("", *columns)
    for name, values in seconds.items():
        rates = num_frames / values[:, 0]
        # Runs of one turn met the same load.
        ratios = np.median(seconds[EAGER] / values, axis=0)
        table.add_row(
            name,
            f"{np.median(rates):.2f} ({rates.min():.2f}-{rates.max():.2f})",
            *(f"{ratio:.2f}" for ratio in ratios),
            f"{peaks[name] / 2**20:.0f}" if name in peaks else "",
        )
    print_table(table)
    if "ONNX Runtime, fp32" in seconds:
        print(f"goal: ONNX Runtime, fp32, at {GOAL} times PyTorch")


def main() -> None:
    args = parse_args()
    model = get_model(args.config, device="cpu")
    graph = ClipGraph(model)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        said = export_all(model, graph, args, folder)
        ways = {EAGER: "model.pt"} | ({} if args.skip_compile else {COMPILED: "model.pt"})
        ways |= {f"ONNX Runtime, {kind}": f"{kind}.onnx" for kind in args.precisions}
        height, width = frame_size(model.cfg)
        loads = ", ".join(f"{load:.2f}" for load in os.getloadavg())
        print(
            f"{Path(args.config).stem}: {args.clips} clips of {args.frames} frames of "
            f"{height}x{width}, {args.threads} threads on {os.cpu_count()} cores, "
            f"{processor_name()}, torch {torch.__version__}, load before {loads}"
        )
        print(f"graphs: {'; '.join(said)}")
        seconds = measure_all(load_runs(folder, args.threads, ways), args.repeats)
        peaks = {}
        if not args.skip_memory:
            peaks = {way: measure_peak(folder, args.threads, way, ways[way]) for way in ways}
        print_rates(seconds, peaks, args.clips * args.frames)


if __name__ == "__main__":
    run_command(main)
