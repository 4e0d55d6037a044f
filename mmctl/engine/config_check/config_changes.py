"""What a config changes against the files that it is based on, and a run against its config."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config

from mmctl.engine.config_check.config_check import is_helper
from mmctl.engine.repairs.config_reading import read_config

ABSENT = "–"
SHOWN_ELSEWHERE = frozenset({"work_dir", "launcher", "resume", "load_from", "model_wrapper_cfg"})
"""What ``tools/train.py`` sets from its own options."""

_MISSING = object()
_LONGEST = 100


class Change(NamedTuple):
    """One value that differs.

    Attributes:
        key: Dotted path, as ``--cfg-options`` takes it.
        before: The value in the base, or :data:`ABSENT`.
        after: The value now, or :data:`ABSENT`.
    """

    key: str
    before: str
    after: str


def changes_of_file(path: str | Path) -> list[Change]:
    """Return what a config file changes against the files of its ``_base_``.

    Args:
        path: The config file.

    Returns:
        The changes; none for a file without ``_base_``.
    """
    bases: dict[str, Any] = {}
    # MMEngine resolves 'package::name' and relative paths here alone.
    for name in Config._get_base_files(str(path)):
        base, _ = Config._get_cfg_path(name, str(path))
        bases |= read_config(base).to_dict()
    return list_changes(bases, read_config(path).to_dict()) if bases else []


def changes_of_run(cfg: Config) -> list[Change]:
    """Return what a run changes against its config file: ``--cfg-options``, ``--amp`` and so on.

    Args:
        cfg: Config of the run.

    Returns:
        The changes; none for a config that is of no file.
    """
    if not cfg.filename or not Path(cfg.filename).is_file():
        return []
    return list_changes(read_config(cfg.filename).to_dict(), cfg.to_dict())


def list_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Compare two configs.

    Variables of the file itself, such as ``train_pipeline``, are left out: their values stand
    where the run reads them.

    Args:
        before: Config of the base.
        after: Config now.

    Returns:
        The values that differ, in the order of ``after``; a section that is all new or gone, and a
        list that is longer or shorter, count as one value.
    """
    names = [
        name
        for name in dict.fromkeys([*after, *before])
        if not is_helper(name) and name not in SHOWN_ELSEWHERE
    ]
    return [
        change
        for name in names
        for change in _compare(name, before.get(name, _MISSING), after.get(name, _MISSING))
    ]


def _compare(path: str, before: Any, after: Any) -> Iterator[Change]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys([*after, *before]):
            yield from _compare(
                f"{path}.{key}", before.get(key, _MISSING), after.get(key, _MISSING)
            )
    elif _are_alike_lists(before, after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _compare(f"{path}.{index}", old, new)
    elif _plain(before) != _plain(after):
        yield Change(path, _describe(before), _describe(after))


def _are_alike_lists(before: Any, after: Any) -> bool:
    """Return whether both are lists of the same components, whose arguments may differ."""
    if not all(
        isinstance(value, (list, tuple)) and _has_components(value) for value in (before, after)
    ):
        return False
    return [item["type"] for item in before] == [item["type"] for item in after]


def _has_components(items: Sequence[Any]) -> bool:
    return bool(items) and all(isinstance(item, Mapping) and "type" in item for item in items)


def _plain(value: Any) -> Any:
    """Return a value in which tuples are lists, as in what a command line or a file gives."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _describe(value: Any) -> str:
    if value is _MISSING:
        return ABSENT
    text = _short_form(value)
    if len(text) > _LONGEST and isinstance(value, (list, tuple)) and _has_components(value):
        text = f"[{', '.join(str(item['type']) for item in value)}]"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _short_form(value: Any) -> str:
    if isinstance(value, Mapping) and "type" in value:
        rest = ", ".join(f"{k}={_short_form(v)}" for k, v in value.items() if k != "type")
        kind = value["type"]
        return f"{kind if isinstance(kind, str) else kind.__name__}({rest})"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_short_form(item)}' for key, item in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_short_form(item) for item in value)}]"
    return repr(value)
