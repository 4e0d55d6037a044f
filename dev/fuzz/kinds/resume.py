"""What a checkpoint holds beside its weights, for a training that goes on from it."""

from __future__ import annotations

import copy
import io
import random
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from dev.fuzz.case import Change, Effect, Files, Kind, pick
from dev.fuzz.changed_json import (
    anything,
    get,
    missing_key,
    paths,
    replace,
    wrong_type,
    wrong_value,
)
from dev.fuzz.commands import run_main
from tests.test_engine.tiny_runner import tiny_runner

_RIGHT = Effect.SAME_OR_REFUSED  # what the config says, too, need not come from the checkpoint
_SCHEDULER, _GROUP = "param_schedulers/0", "optimizer/param_groups/0"
_NUMBERS: tuple[Any, ...] = ("abc", None, [1], {}, float("nan"), float("inf"), -1, 1.5, True)


def _train(work_dir: Path, epochs: int, **changes: Any) -> dict[str, Any]:
    runner = tiny_runner(
        work_dir,
        train_cfg={"type": "ResumableEpochLoop", "max_epochs": epochs},
        custom_hooks=[{"type": "CheckpointMatchHook"}, {"type": "SnapshotHook"}],
        randomness={"seed": 3},
        **changes,
    )
    runner.train()
    weights = {key: value.numpy().copy() for key, value in runner.model.state_dict().items()}
    return {"epoch": runner.epoch, "iter": runner.iter, "weights": weights}


@cache
def _whole_run() -> tuple[bytes, dict[str, Any]]:
    """Return the checkpoint of the first of two epochs, and what there is after both."""
    with tempfile.TemporaryDirectory() as folder:
        end = _train(Path(folder), 2)
        checkpoint = (Path(folder) / "epoch_1.pth").read_bytes()
    return checkpoint, end


def _state(content: Any) -> dict[str, Any]:
    return content["optimizer"]["state"][0]


def _other_shape(rng: random.Random, content: Any) -> None:
    key = rng.choice(("exp_avg", "exp_avg_sq"))
    old = _state(content)[key]
    _state(content)[key] = rng.choice((old[:-1], old[None], torch.ones(99), old.T[:1]))


def _not_finite(rng: random.Random, content: Any) -> None:
    state = _state(content)
    key = rng.choice(("exp_avg", "exp_avg_sq"))
    state[key] = torch.full_like(state[key], rng.choice((float("nan"), float("inf"))))


def _more_groups(rng: random.Random, content: Any) -> None:
    groups = content["optimizer"]["param_groups"]
    rng.choice((groups.clear, lambda: groups.append(dict(groups[0]))))()


def _other_params(rng: random.Random, content: Any) -> None:
    group = content["optimizer"]["param_groups"][0]
    group["params"] = rng.choice((group["params"][:-1], [*group["params"], 99], [], "abc", None))


def _no_state(rng: random.Random, content: Any) -> None:
    key = rng.choice(("exp_avg", "exp_avg_sq", "step"))
    del _state(content)[key]


def _within(rng: random.Random, content: Any) -> Any:
    """Take any key or item out, or put it elsewhere."""
    places = [path for path in paths(content) if len(path) > 1 and path[0] != "state_dict"]
    path = pick(rng, places)
    value = get(content, path)
    del get(content, path[:-1])[path[-1]]
    other = rng.choice((None, path[:-1]))
    if other is not None and isinstance(get(content, other), dict):
        return replace(content, (*other, "x"), value)
    return content


class Resume(Kind):
    """``--resume`` of a small training, to its end."""

    name = "resume"
    damaged: ClassVar[tuple[str, ...]] = ()
    changes: ClassVar[Sequence[Change]] = (
        missing_key("meta|optimizer|message_hub|param_schedulers", effect=_RIGHT),
        missing_key("meta/(epoch|iter)", effect=_RIGHT),
        missing_key("optimizer/(state|param_groups)", effect=_RIGHT),
        missing_key(f"{_GROUP}/(lr|betas|eps|params)", effect=_RIGHT),
        wrong_type("meta|message_hub|optimizer|optimizer/state", dict, effect=_RIGHT),
        wrong_type("optimizer/param_groups|param_schedulers", list, effect=_RIGHT),
        wrong_type(f"{_SCHEDULER}", dict, effect=_RIGHT),
        wrong_value("meta/(epoch|iter)", *_NUMBERS, effect=_RIGHT),
        wrong_value(f"{_GROUP}/lr", "abc", None, float("nan"), effect=_RIGHT),
        wrong_value(f"{_SCHEDULER}/(last_step|_global_step)", *_NUMBERS[:6], effect=_RIGHT),
        Change("moments of another shape", _RIGHT, _other_shape),
        Change("moments that are not finite", _RIGHT, _not_finite),
        Change("groups of parameters more or none", _RIGHT, _more_groups),
        Change("other parameters in a group", _RIGHT, _other_params),
        Change("moments missing", _RIGHT, _no_state),
        Change("anything missing or misspelt", Effect.EITHER, _within),
        anything(),
        anything(),
    )

    def make(self, rng: random.Random) -> Any:
        """Return the checkpoint of a run."""
        return torch.load(io.BytesIO(_whole_run()[0]), weights_only=False)

    def render(self, rng: random.Random, content: Any) -> Files:
        """Write the file."""
        buffer = io.BytesIO()
        torch.save(content, buffer)
        return {"epoch_1.pth": buffer.getvalue()}

    def meaning(self, content: Any) -> Any:
        """Return the end of a run that never stopped."""
        return copy.deepcopy(_whole_run()[1])

    def read(self, folder: Path) -> Any:
        """Go on to the end."""
        found: dict[str, Any] = {}
        path = str(folder / "epoch_1.pth")
        run_main(lambda: found.update(_train(folder / "work", 2, load_from=path, resume=True)))
        return found

    def check(self, meaning: Any) -> None:
        """Assert that the run came to its end, with weights that are finite."""
        assert (meaning["epoch"], meaning["iter"]) == (2, 4), "another end of the run"
        assert all(np.isfinite(value).all() for value in meaning["weights"].values()), "not finite"
