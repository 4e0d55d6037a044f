"""Config files and ``--cfg-options``, through ``tools/train.py`` up to the Runner."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

from mmengine.config import Config
from mmengine.runner import Runner

from dev.fuzz.case import Case, Change, Effect, Files, Kind, edit_text, not_a_file, pick
from dev.fuzz.changed_json import get, paths, renamed_key, unknown_key, wrong_value
from dev.fuzz.commands import ROOT, run_tool

_FILE = ROOT / "configs/quickstart/ctl_r18_quickstart.py"
_SET_BY_TOOL = ("work_dir", "launcher", "load_from", "resume")
_COMPONENTS = "(model|optim_wrapper|train_dataloader|val_evaluator)"


class _ReachedError(BaseException):
    """The config has come to the Runner."""


def read_run(config: Path, *options: str) -> Any:
    """Return the config that ``tools/train.py`` hands to the Runner."""
    reached: list[Config] = []

    def stop(cfg: Config) -> None:
        reached.append(cfg)
        raise _ReachedError

    arguments = [str(config), "--work-dir", str(config.parent / "work"), *options]
    try:
        with mock.patch.object(Runner, "from_cfg", stop):
            run_tool("train.py", *arguments)
    except _ReachedError:
        return plain(reached[0].to_dict())
    raise AssertionError("the tool ended without a run")


def plain(content: Any) -> Any:
    """Return a config without what the tool sets and what no run reads, tuples as lists."""
    text = json.dumps(content, default=repr, sort_keys=True)
    names = json.loads(text).items()
    return {k: v for k, v in names if k not in _SET_BY_TOOL and not k.startswith("_")}


@cache
def _quickstart() -> dict[str, Any]:
    content = Config.fromfile(_FILE).to_dict()
    return {key: value for key, value in content.items() if key not in _SET_BY_TOOL}


def _no_type(rng: random.Random, content: Any) -> None:
    # Of what lies within the model its registry knows more, when it is built.
    places = [path for path in paths(content) if path[-1:] == ("type",)]
    sections = ("train_dataloader", "custom_hooks")
    path = pick(rng, [p for p in places if p[0] in sections or p == ("model", "type")])
    odd = (5, True, ["VideoReID"], "NoSuch", "", "mmctl.NoSuch", "no.such.Thing", 1.5, {"a": 1})
    get(content, path[:-1])["type"] = rng.choice(odd)


def _any(rng: random.Random, content: Any) -> None:
    path = pick(rng, [path for path in paths(content) if len(path) > 1])
    odd: tuple[Any, ...] = (
        None,
        True,
        "abc",
        "",
        -1,
        0,
        10**30,
        float("nan"),
        [],
        {},
        [[]],
        [None],
        {"type": 5},
    )
    get(content, path[:-1])[path[-1]] = copy.deepcopy(rng.choice(odd))


_BROKEN = {
    "a bracket open": "x = (1, 2\n",
    "an undefined name": "x = undefined\n",
    "a division by zero": "x = 1 / 0\n",
    "a module that is not there": "import no_such_module_xyz\n",
    "an indent": "  x = 1\n",
    "too many brackets": f"x = {'(' * 3000}{')' * 3000}\n",
    "endless recursion": "def _f():\n    return _f()\nx = _f()\n",
    "an error of its own": "raise KeyError('mine')\n",
    "a base that is not there": "_base_ = './nowhere.py'\n",
    "itself as its base": "_base_ = './config.py'\n",
    "a number as its base": "_base_ = 5\n",
    "a NUL": "x = 1\0\n",
    "a number without end": f"x = {'9' * 5000}\n",
}


class Configs(Kind):
    """Python config files."""

    name = "configs"
    lists_faults = True
    damage = Effect.EITHER
    changes: ClassVar[Sequence[Change]] = (
        unknown_key(f"{_COMPONENTS}?"),
        renamed_key(f"{_COMPONENTS}/(head|optimizer|dataset|sampler|batch_size|backbone)"),
        Change("a type that is none", Effect.REFUSED, _no_type),
        wrong_value("train_cfg/max_epochs", -1, 0, "ten", 1.5, None, float("nan"), [1], {}),
        wrong_value("train_dataloader/batch_size", 0, -1, "abc", 1.5, [1]),
        wrong_value("train_dataloader/num_workers", -1, "abc", 1.5, [1]),
        wrong_value("optim_wrapper/optimizer/lr", "abc", None, [1]),
        wrong_value("model|train_dataloader|optim_wrapper", 5, "abc", [], True),
        Change("any value replaced by another one", Effect.EITHER, _any),
    )
    edits: ClassVar[Sequence[Change]] = (
        *(
            edit_text(name, Effect.REFUSED, "config.py", lambda rng, text, add=add: add + text)
            for name, add in _BROKEN.items()
        ),
        Change(
            "Latin-1",
            Effect.REFUSED,
            lambda rng, files: {**files, "config.py": b"x = '\xe4'\n" + files["config.py"]},
        ),
        not_a_file("config.py"),
    )

    def make(self, rng: random.Random) -> Any:
        """Return the quickstart's config."""
        return copy.deepcopy(_quickstart())

    def render(self, rng: random.Random, content: Any) -> Files:
        """Write the file, part of it in a base."""
        lines = [f"{key} = {value!r}\n" for key, value in content.items() if key.isidentifier()]
        odd = {key: value for key, value in content.items() if not key.isidentifier()}
        if odd:
            lines.append(f"globals().update({odd!r})\n")
        head = "nan, inf = float('nan'), float('inf')\n" if "nan" in "".join(lines) else ""
        names = [line for line in lines if rng.random() < 0.3] if rng.random() < 0.5 else []
        rest = "".join(line for line in lines if line not in names)
        files = {"config.py": f"{head}{rest}{'del nan, inf' if head else ''}\n"}
        if names:
            files["base.py"] = f"{head}{''.join(names)}{'del nan, inf' if head else ''}\n"
            files["config.py"] = f"_base_ = ['./base.py']\n{files['config.py']}"
        return {name: text.encode() for name, text in files.items()}

    def meaning(self, content: Any) -> Any:
        """Return the config."""
        return plain(content)

    def read(self, folder: Path) -> Any:
        """Start a training, up to its Runner."""
        return read_run(folder / "config.py")

    def check(self, meaning: Any) -> None:
        """Assert that there is a config; what a run needs of it is the Runner's business."""
        assert isinstance(meaning, dict), "no config"


_GOOD = {
    "train_cfg.max_epochs": (("3", 3), ("12", 12)),
    "train_dataloader.batch_size": (("8", 8),),
    "train_dataloader.num_workers": (("0", 0), ("2", 2)),
    "optim_wrapper.optimizer.lr": (("0.5", 0.5), ("1e-3", 0.001)),
    "custom_hooks.0.priority": (("LOW", "LOW"), ('"LOW"', "LOW")),
    "default_hooks.logger.interval": (("5", 5),),
}
_BAD = (
    *("train_cfg.max_epochs", "=3", "..=1", "train_cfg..max_epochs=3", ".train_cfg=1"),
    *("train_cfg.max_epochs.x=3", "train_cfg.max_epoch=3", "trian_cfg.max_epochs=3"),
    *("custom_hooks.99.priority=LOW", "custom_hooks.x.priority=LOW", "custom_hooks=5"),
    *("train_cfg.max_epochs=-1", "train_cfg.max_epochs=abc", "train_cfg.max_epochs=[1,2]"),
    *("train_dataloader.batch_size=", "train_dataloader.batch_size=[8", "model=5"),
    *("optim_wrapper.optimizer.lr=abc", "model.type=NoSuch", "model.type=", "model={'a':1}"),
    *("train_dataloader.batch_size=0", "train_dataloader.batch_size=-3", "model=None"),
    *(f"train_cfg.max_epochs={'9' * 5000}", "train_cfg.max_epochs=(1", f"model={'[' * 3000}"),
)


def _bad(rng: random.Random, content: Any) -> None:
    content.append((rng.choice(_BAD), None))  # the last one for a key counts


class CfgOptions(Kind):
    """Overrides of the quickstart's config."""

    name = "cfg-options"
    damaged: ClassVar[tuple[str, ...]] = ()
    lists_faults = True
    changes: ClassVar[Sequence[Change]] = (
        Change("an override that is none", Effect.REFUSED, _bad),
    )

    def make(self, rng: random.Random) -> Any:
        """Draw overrides, as text and value."""
        pairs = []
        for key in rng.sample(sorted(_GOOD), rng.randint(1, 3)):
            text, value = rng.choice(_GOOD[key])
            pairs.append((f"{key}={text}", value))
        return pairs

    def render(self, rng: random.Random, content: Any) -> Files:
        """Write the config and the overrides."""
        return {
            "config.py": f"_base_ = [{str(_FILE)!r}]\n".encode(),
            "options.json": json.dumps([text for text, _ in content]).encode(),
        }

    def meaning(self, content: Any) -> Any:
        """Return the config with the values in their places."""
        config = copy.deepcopy(_quickstart())
        for text, value in content:
            *names, last = text.partition("=")[0].split(".")
            parent: Any = config
            for name in names:
                parent = parent[int(name) if name.isdigit() else name]
            parent[last] = value
        return plain(config)

    def read(self, folder: Path) -> Any:
        """Start a training with the overrides, up to its Runner."""
        options = json.loads((folder / "options.json").read_text())
        return read_run(folder / "config.py", "--cfg-options", *options)

    def is_named(self, message: str, folder: Path, case: Case) -> bool:
        """Return whether a refusal names the last override, or where its path begins."""
        option = json.loads(case.files["options.json"])[-1]
        names = [option.partition("=")[0].partition(".")[0] or option]
        return any(name in message for name in names)
