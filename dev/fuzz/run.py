"""Fuzz the readers: ``python dev/fuzz/run.py --cases 20000 --seed 7``."""

import importlib
import os
import sys
from pathlib import Path

if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # The checkout that this file is of, whatever is installed.
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    sys.exit(importlib.import_module("dev.fuzz.command").main())
