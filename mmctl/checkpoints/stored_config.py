"""The config that a checkpoint carries, read without running it: MMEngine executes its text."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.config import ConfigDict
from mmengine.config.utils import MODULE2PACKAGE

_WHERE = "message_hub.runtime_info.cfg or meta.cfg"
_PLAIN = {"inf": float("inf"), "nan": float("nan")}
_SCOPES = {"mmctl", "mmengine", "mmcv", *MODULE2PACKAGE}
"""Packages whose registered components a stored config may name."""


def read_stored_config(checkpoint: Any, filename: str) -> ConfigDict:
    """Return the config of the training that wrote a checkpoint.

    Only plain values are read, and types only as names of registered components: a dotted path
    could name any function of the machine.

    Args:
        checkpoint: What was loaded from the file.
        filename: What to call it in the message.

    Raises:
        ValueError: If it carries no config, or one that is more than plain values.
    """
    text = _find_text(checkpoint)
    if text is None:
        raise ValueError(
            f"checkpoint {filename!r} carries no config ({_WHERE}), so the model must be named: "
            "give the config that it was trained with, model= (--config FILE)"
        )
    try:
        values = parse_config(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = str(error).partition("\n")[0][:200] or type(error).__name__
        raise ValueError(
            f"checkpoint {filename!r}: the config that it carries must be plain values, because "
            f"its text is read and not run: {reason}; give the config file instead"
        ) from error
    for name in _types(values):
        scope, dot, _ = name.rpartition(".")
        if dot and scope not in _SCOPES:
            raise ValueError(
                f"checkpoint {filename!r}: the config that it carries names {name[:80]!r}, and a "
                f"type must be a registered component, as 'VideoReID' or 'mmpretrain.ResNet', "
                "because a path could name any function: give the config file instead"
            )
    return ConfigDict(values)


def parse_config(text: str) -> dict[str, Any]:
    """Return the values of a config's text as MMEngine writes it, without running it.

    Args:
        text: Lines ``key = value``; values are literals, lists, tuples, dicts and ``dict(...)``.

    Raises:
        SyntaxError: If it is no Python.
        ValueError: If it is more than plain values; the line is named.
    """
    values = {}
    for line in ast.parse(text).body:
        if isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant):
            continue  # a docstring
        target = line.targets[0] if isinstance(line, ast.Assign) else None
        if not isinstance(line, ast.Assign) or not isinstance(target, ast.Name):
            raise ValueError(f"line {line.lineno} is no 'key = value'")
        values[target.id] = _evaluate(line.value)
    return values


def _find_text(checkpoint: Any) -> str | None:
    for path in (("message_hub", "runtime_info", "cfg"), ("meta", "cfg")):
        value = checkpoint
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        if isinstance(value, str) and value.strip():
            return value
    return None


def _evaluate(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        kinds = {ast.List: list, ast.Tuple: tuple, ast.Set: set}
        return kinds[type(node)](_evaluate(item) for item in node.elts)
    if isinstance(node, ast.Dict):
        if None not in node.keys:
            pairs = zip(node.keys, node.values, strict=True)
            return {_evaluate(key): _evaluate(value) for key, value in pairs if key is not None}
    elif isinstance(node, ast.UnaryOp):
        value = _evaluate(node.operand)
        if type(value) in (int, float) and isinstance(node.op, (ast.USub, ast.UAdd)):
            return -value if isinstance(node.op, ast.USub) else value
    elif isinstance(node, ast.Name) and node.id in _PLAIN:
        return _PLAIN[node.id]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        names = [keyword.arg for keyword in node.keywords]
        if node.func.id == "dict" and not node.args and None not in names:
            return {str(keyword.arg): _evaluate(keyword.value) for keyword in node.keywords}
    raise ValueError(f"line {node.lineno} has {ast.unparse(node)[:60]!r}, which is no plain value")


def _types(value: Any) -> Iterator[str]:
    """Yield every text under a key ``type``, at any depth."""
    if isinstance(value, dict):
        if isinstance(value.get("type"), str):
            yield value["type"]
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _types(item)
