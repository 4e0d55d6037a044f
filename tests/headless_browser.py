"""Chromium without a window, by Qt: for a process of its own (``python -m tests.<module>``)."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QTWEBENGINE_CHROMIUM_FLAGS", "--no-sandbox --disable-gpu")

from PyQt6.QtCore import QEventLoop, QPoint, Qt, QTimer, QUrl
from PyQt6.QtTest import QTest
from PyQt6.QtWebEngineCore import QWebEnginePage
from PyQt6.QtWebEngineWidgets import QWebEngineView
from PyQt6.QtWidgets import QApplication

PATIENCE = 60.0


class _Page(QWebEnginePage):
    def __init__(self, parent: QWebEngineView) -> None:
        super().__init__(parent)
        self.chosen: list[str] = []
        self.complaints: list[str] = []

    def javaScriptConsoleMessage(self, level: Any, text: str, line: int, source: str) -> None:  # noqa: N802
        self.complaints.append(f"{source}:{line}: {text}")

    def chooseFiles(self, mode: Any, old: Any, types: Any) -> list[str]:  # noqa: N802
        return self.chosen


class Browser:
    """One page, driven by a mouse and a keyboard as a user does."""

    def __init__(self) -> None:
        self.app = QApplication(["browser"])
        self.view = QWebEngineView()
        self.page = _Page(self.view)
        self.view.setPage(self.page)

    def open(self, address: str, width: int, height: int) -> None:
        self.view.resize(width, height)
        self.view.show()
        loop = QEventLoop()
        self.page.loadFinished.connect(loop.quit)
        self.view.load(QUrl(address))
        loop.exec()

    def spin(self, seconds: float) -> None:
        loop = QEventLoop()
        QTimer.singleShot(int(1000 * seconds), loop.quit)
        loop.exec()

    def run(self, program: str) -> Any:
        """Return the value of an expression."""
        found, loop = [], QEventLoop()
        self.page.runJavaScript(program, lambda value: (found.append(value), loop.quit()))
        loop.exec()
        return found[0]

    def wait(self, condition: str) -> None:
        end = time.monotonic() + PATIENCE
        while not self.run(f"Boolean({condition})"):
            if time.monotonic() > end:
                said = self.run("document.body.innerText.slice(0, 300)")
                raise TimeoutError(f"never came true: {condition}; the page says {said!r}")
            self.spin(0.05)

    def click(self, selector: str) -> None:
        place = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center'}); const b = e.getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        self.spin(0.1)
        point = QPoint(*map(int, place))
        QTest.mouseClick(self.view.focusProxy(), Qt.MouseButton.LeftButton, pos=point)
        self.spin(0.1)

    def press(self, key: str) -> None:
        """Press a key: ``'A'``, ``'Delete'``, ``'Return'``."""
        QTest.keyClick(self.view.focusProxy(), getattr(Qt.Key, f"Key_{key}"))
        self.spin(0.1)

    def shoot(self, path: Path) -> None:
        self.spin(0.5)
        self.view.grab().save(str(path))
