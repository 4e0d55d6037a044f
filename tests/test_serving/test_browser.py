"""The gallery in a real browser, where Qt's Chromium is installed (PyQt6-WebEngine)."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.test_serving.conftest import folder_of
from tests.test_tools.test_serve_gallery import start_server

pytest.importorskip("PyQt6.QtWebEngineWidgets")


@pytest.mark.parametrize("token", ["", "a-token-of-20-letters"])
def test_a_user_s_way_through_the_gallery(filled, checkpoints, drawn_mars, tmp_path, token):
    crops = [str(path) for path in folder_of(drawn_mars, 1)]
    options = ("--checkpoint", str(checkpoints["baseline"]))
    with start_server(filled.path, *options, MMCTL_SERVE_TOKEN=token) as (_, address):
        walk = subprocess.run(
            [sys.executable, "-m", "tests.test_serving.walk", address, str(tmp_path), *crops],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
    assert "walked through" in walk.stdout, walk.stderr[-3000:]
    assert len(list(tmp_path.glob("*.png"))) == 7
    assert len(filled) == 5
