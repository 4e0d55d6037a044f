"""Export drawn pedestrians as COCO keypoint annotations: what a pose estimator is trained on.

Writes ``info/coco_train.json`` and ``info/coco_test.json`` into the folder of the data set.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmctl.datasets.synthetic import write_coco_files
from mmctl.engine import run_command

CONFIG = "configs/pose/td-hm_hrnet-w8_1xb32-8e_drawn-128x64.py"


def main() -> None:
    """Write the files and name the next command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data_root", type=Path, help="folder of the data set, as data/quickstart")
    root = parser.parse_args().data_root
    for path in write_coco_files(root):
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    loaders = ("train_dataloader", "val_dataloader", "test_dataloader")
    places = " ".join(f"{loader}.dataset.data_root={root}" for loader in loaders)
    print(f"next: python tools/train.py {CONFIG} --cfg-options {places}")


if __name__ == "__main__":
    run_command(main)
