"""The config that a checkpoint carries, as text."""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from dev.fuzz.case import Change, Effect, Files, Kind, edit_lines, edit_text
from mmctl.checkpoints.stored_config import read_stored_config

_NAME = "config.txt"
_CODE = (
    *("import os", "x = open('y')", "x = __import__('os')", "x = (lambda: 1)()", "x: int = 1"),
    *("x = [y for y in (1,)]", "x = dict(**{})", "x = f'{1}'", "x = y", "x += 1", "x, y = 1, 2"),
    *("def f(): pass", "x = 1 + 1", "x = {**{}}", "x = dict([(1, 2)])", "x = -'a'", "raise 1"),
)
_PATHS = ("os.system", "builtins.eval", "subprocess.run", "torch.load", "mmctl.a.B", ".", "a.")


def _path_as_type(rng: random.Random, content: Any) -> None:
    content["model"][rng.choice(("type", "parts"))] = rng.choice(_PATHS)
    if "parts" in content["model"] and isinstance(content["model"]["parts"], str):
        content["model"]["parts"] = [{"type": content["model"]["parts"]}]


def _add_code(rng: random.Random, lines: list[str]) -> None:
    lines.insert(rng.randint(0, len(lines)), rng.choice(_CODE))


def _add_comment(rng: random.Random, lines: list[str]) -> None:
    lines.insert(rng.randint(0, len(lines)), rng.choice(("# a comment", "", "'a docstring'")))


class StoredConfigs(Kind):
    """Text of ``meta.cfg``, as MMEngine writes it and as others might."""

    name = "stored-configs"
    changes: ClassVar[Sequence[Change]] = (Change("a path as type", Effect.REFUSED, _path_as_type),)
    edits: ClassVar[Sequence[Change]] = (
        edit_lines("code", Effect.REFUSED, _NAME, _add_code),
        edit_lines("a comment", Effect.SAME, _NAME, _add_comment),
        edit_text("nothing", Effect.REFUSED, _NAME, lambda *_: ""),
        edit_text("deep", Effect.REFUSED, _NAME, lambda *_: "x = " + "[" * 5000),
        edit_text("deep and whole", Effect.EITHER, _NAME, lambda *_: f"x = {'-' * 3000}1"),
        edit_text("cut off", Effect.EITHER, _NAME, lambda r, t: t[: r.randrange(len(t))]),
    )

    def make(self, rng: random.Random) -> Any:
        """Draw a config."""
        part = {"type": rng.choice(("mmpretrain.ResNet", "LoadFrames", "mmctl.PackClip")), "n": -1}
        return {
            "model": {"type": "VideoReID", "parts": [part] * rng.randint(1, 3)},
            "size": (rng.randint(1, 9), 2.5),
            "name": rng.choice(("a", "ä'\"\\", None, True)),
            "items": [1, [2, {"k": 1e-3}], {}, ()],
        }

    def render(self, rng: random.Random, content: Any) -> Files:
        """Write it with literals or with ``dict(...)``."""
        call = rng.random() < 0.5
        lines = [f"{key} = {_write(value, call)}\n" for key, value in content.items()]
        return {_NAME: "".join(lines).encode()}

    def meaning(self, content: Any) -> Any:
        """Return the config."""
        return copy.deepcopy(content)

    def read(self, folder: Path) -> Any:
        """Read the text as that of a checkpoint."""
        text = (folder / _NAME).read_bytes().decode("utf-8", "replace")
        return read_stored_config({"meta": {"cfg": text}}, str(folder / _NAME)).to_dict()

    def check(self, meaning: Any) -> None:
        """Assert that there are plain values only."""
        assert isinstance(meaning, dict), "a config is a dict"
        _check_plain(meaning)


def _write(value: Any, call: bool) -> str:
    if isinstance(value, dict) and call:
        return f"dict({', '.join(f'{key}={_write(v, call)}' for key, v in value.items())})"
    if isinstance(value, dict):
        pairs = (f"{key!r}: {_write(v, call)}" for key, v in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{', '.join(_write(v, call) for v in value)}]"
    return repr(value)


def _check_plain(value: Any) -> None:
    kinds = (dict, list, tuple, set, str, bytes, int, float, complex, bool, type(None), type(...))
    assert isinstance(value, kinds), f"{type(value)} is no plain value"
    if isinstance(value, (dict, list, tuple, set)):
        for item in value.values() if isinstance(value, dict) else value:
            _check_plain(item)
