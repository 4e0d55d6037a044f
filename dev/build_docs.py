"""Build the site of docs/en, every warning an error.

``python -m dev.build_docs`` needs ``pip install -r requirements/docs.txt``; the pages lie in
``docs/en/_build/html`` then. ``--links`` also asks the network whether every address is there.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from mmctl.engine import run_command

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "docs" / "en"


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=SOURCE / "_build", help="folder of the result")
    parser.add_argument("--links", action="store_true", help="check addresses of others, too")
    return parser.parse_args()


def check_names(inventory: Path) -> list[str]:
    """Return the public names that the site lacks."""
    from sphinx.util.inventory import InventoryFile

    sys.path.insert(0, str(SOURCE))
    from reference_pages import owned_names, public_modules

    with open(inventory, "rb") as file:
        found = InventoryFile.load(file, "", lambda base, path: path)
    there = {name for kind, names in found.items() if kind.startswith("py:") for name in names}
    owned = owned_names(public_modules())
    wanted = [f"{module}.{name}" for module, names in owned.items() for name in names]
    return [name for name in wanted if name not in there]


def main() -> None:
    args = parse_args()
    html = args.out / "html"
    shutil.rmtree(html, ignore_errors=True)
    sphinx = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q"]
    for kind in ("html", *(["linkcheck"] if args.links else [])):
        doctrees = ["-d", str(args.out / "doctrees")]
        built = subprocess.run([*sphinx, "-b", kind, *doctrees, str(SOURCE), str(args.out / kind)])
        if built.returncode:
            sys.exit(built.returncode)
    missing = check_names(html / "objects.inv")
    if missing:
        raise ValueError(f"the site lacks {len(missing)} public names: {', '.join(missing[:10])}")
    print(f"{html / 'index.html'}: every page, every public name")


if __name__ == "__main__":
    run_command(main)
