"""The name of the machine's processor, for figures that depend on it."""

from __future__ import annotations

import platform
import re
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
WIDEST = {"avx512f": "AVX-512", "avx2": "AVX2"}


def processor_name() -> str:
    """Return the processor's name and its widest vector instructions."""
    text = CPUINFO.read_text() if CPUINFO.is_file() else ""
    name = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
    flags = set((re.search(r"^flags\s*: (.+)$", text, re.MULTILINE) or ["", ""])[1].split())
    widest = next((said for flag, said in WIDEST.items() if flag in flags), "neither AVX2 nor more")
    return f"{name[1] if name else platform.processor() or 'unknown processor'} ({widest})"
