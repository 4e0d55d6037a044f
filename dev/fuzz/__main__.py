"""Fuzz the readers: ``python -m dev.fuzz --cases 20000 --seed 7``."""

import os
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")

from dev.fuzz.command import main

if __name__ == "__main__":
    sys.exit(main())
