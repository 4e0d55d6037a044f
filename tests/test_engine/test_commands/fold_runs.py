"""A project whose folds train and test in an instant, which several tests run."""

from __future__ import annotations

from mmengine.config import Config

from mmctl.engine.commands.split_runs import SplitRuns

TRAIN = """
import pathlib, sys
arguments = sys.argv[1:]
folder = pathlib.Path(arguments[arguments.index("--work-dir") + 1])
(folder.parent / "calls.txt").open("a").write("train " + " ".join(arguments) + "\\n")
if (folder.parent / "broken").exists() and folder.name == "fold1":
    print("error: out of memory")
    sys.exit(2)
(folder / "last_checkpoint").write_text(str(folder / "epoch_1.pth"))
(folder / "epoch_1.pth").touch()
"""
TEST = """
import json, pathlib, sys
arguments = sys.argv[1:]
out = pathlib.Path(arguments[arguments.index("--metrics-file") + 1])
(out.parents[1] / "calls.txt").open("a").write("test " + " ".join(arguments) + "\\n")
fold = int(arguments[-1].rpartition("=")[2])
out.write_text(json.dumps({
    "mAP": 50.0 + fold, "R1": 40.0 + 2 * fold, "num_queries": 3, "num_gallery": 4,
    "protocol": "cross-camera", "checkpoint": arguments[1],
}))
"""
LOADERS = ["train", "val", "test"]


def config_of(root, **others):
    def loader(split):
        # Serialising ends in a collection of garbage, which takes longer than the test.
        dataset = {"type": "ILIDSVID", "data_root": str(root / "data"), "split": split}
        return {"dataset": {**dataset, "serialize_data": False}}

    return Config(
        {
            "train_dataloader": loader("train"),
            "val_dataloader": loader("test"),
            "test_dataloader": loader("test"),
            **others,
        }
    )


def runs_in(root, checkpoint=None, options=("a=1",)):
    return SplitRuns(root / "cfg.py", root / "run", list(options), root / "tools", checkpoint)


def calls(root):
    path = root / "run" / "calls.txt"
    return path.read_text().splitlines() if path.exists() else []
