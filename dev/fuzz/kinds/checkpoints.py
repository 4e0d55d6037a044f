"""Checkpoints: bytes, forged contents, and weights that are not what a model takes."""

from __future__ import annotations

import copy
import io
import pickle
import random
import zipfile
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from dev.fuzz.case import Change, Effect, Files, Kind, not_a_file, pick
from dev.fuzz.changed_bytes import damage
from mmctl.checkpoints.checkpoint_reading import load_from_local_safely
from mmctl.engine import check_state_dict

_KEYS = ("0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var")


@cache
def _model() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


def _draw_weights(rng: random.Random) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(rng.getrandbits(63))
    shapes = {key: value.shape for key, value in _model().state_dict().items()}
    weights = {
        key: torch.rand(shape, generator=generator) for key, shape in shapes.items() if shape
    }
    weights["1.num_batches_tracked"] = torch.tensor(rng.randint(0, 99))
    return {key: weights[key] for key in shapes}


def _replace(function: Callable[[torch.Tensor], Any]) -> Callable[..., None]:
    def apply(rng: random.Random, content: Any) -> None:
        key = rng.choice(_KEYS)
        content["state_dict"][key] = function(content["state_dict"][key])

    return apply


def _not_finite(value: torch.Tensor) -> torch.Tensor:
    value = value.clone()
    value.view(-1)[0] = float("nan")
    return value


def _drop(rng: random.Random, content: Any) -> None:
    del content["state_dict"][rng.choice(_KEYS)]


def _rename(rng: random.Random, content: Any) -> None:
    weights = content["state_dict"]
    key = rng.choice(_KEYS)
    weights[rng.choice((f"{key}x", key.upper(), f"x.{key}"))] = weights.pop(key)


def _extra(rng: random.Random, content: Any) -> None:
    content["state_dict"][rng.choice(("2.weight", "fc.bias", ""))] = torch.ones(3)


def _odd_key(rng: random.Random, content: Any) -> None:
    content["state_dict"][rng.choice((1, None, ("a",), 1.5))] = torch.ones(3)


def _no_weights(rng: random.Random, content: Any) -> None:
    content["state_dict"] = rng.choice((None, [], {}, 1, "abc", torch.ones(3), True))


def _by_modules(rng: random.Random, content: Any) -> None:
    content["state_dict"] = {f"module.{key}": v for key, v in content["state_dict"].items()}


def _meta(rng: random.Random, content: Any) -> None:
    deep: Any = 1
    for _ in range(400):
        deep = [deep]
    odd: list[Any] = [None, 5, [], {"config": "import os"}, {"x": deep}, {"epoch": float("nan")}]
    content["meta"] = rng.choice(odd)


def _laughs(rng: random.Random, content: Any) -> None:
    """Add lists of the same lists, whose text would have no end."""
    items: Any = ["x"] * 10
    for _ in range(40):
        items = [items] * 10
    content["meta"]["x"] = items


_WRONG = {
    "numpy arrays": lambda v: v.numpy(),
    "sparse weights": lambda v: v.to_sparse(),
    "weights without values": lambda v: v.to("meta"),
    "complex weights": lambda v: v.to(torch.complex64),
    "quantised weights": lambda v: torch.quantize_per_tensor(v, 0.1, 0, torch.qint8),
    "whole numbers": lambda v: v.long(),
    "truth values": lambda v: v > 0,
    "another shape": lambda v: torch.cat([v, v]),
    "one more dimension": lambda v: v[None],
    "a list": lambda v: v.tolist(),
    "a number": lambda v: 1.0,
    "nothing": lambda v: None,
    "not finite": _not_finite,
}


class Checkpoints(Kind):
    """Files of ``torch.save``, loaded as MMEngine does after they are checked."""

    name = "checkpoints"
    damage = Effect.SAME_OR_REFUSED
    changes: ClassVar[Sequence[Change]] = (
        *(Change(name, Effect.REFUSED, _replace(change)) for name, change in _WRONG.items()),
        Change("a weight missing", Effect.REFUSED, _drop),
        Change("a weight misspelt", Effect.REFUSED, _rename),
        Change("a weight too many", Effect.REFUSED, _extra),
        Change("a name that is no text", Effect.REFUSED, _odd_key),
        Change("no weights", Effect.REFUSED, _no_weights),
        Change("names of a wrapped model", Effect.SAME, _by_modules),
        Change("another meta", Effect.SAME_OR_REFUSED, _meta),
        Change("lists of lists of lists", Effect.SAME_OR_REFUSED, _laughs),
    )
    edits: ClassVar[Sequence[Change]] = (not_a_file(".pth"),)

    def make(self, rng: random.Random) -> Any:
        """Draw weights."""
        meta = {"epoch": 3, "iter": 12, "time": "20240101", "seed": 5}
        return {"state_dict": _draw_weights(rng), "meta": meta}

    def render(self, rng: random.Random, content: Any) -> Files:
        """Write the file."""
        buffer = io.BytesIO()
        torch.save(content, buffer)
        return {"a.pth": buffer.getvalue()}

    def meaning(self, content: Any) -> Any:
        """Return the weights."""
        weights = content["state_dict"].items()
        return {key.removeprefix("module."): value.numpy() for key, value in weights}

    def read(self, folder: Path) -> Any:
        """Check and load the file; return what the model holds then."""
        path = str(folder / "a.pth")
        checkpoint = load_from_local_safely(path, map_location="cpu")
        model = copy.deepcopy(_model())
        check_state_dict(model, checkpoint, path)
        weights = checkpoint.get("state_dict", checkpoint)
        state = {key.removeprefix("module."): value for key, value in weights.items()}
        # As MMEngine: what does not fit would only be logged.
        for key, own in model.state_dict().items():
            value = state.get(key)
            if isinstance(value, torch.Tensor) and value.shape == own.shape and key in state:
                own.copy_(value)
        return {key: value.numpy() for key, value in model.state_dict().items()}

    def check(self, meaning: Any) -> None:
        """Assert that the weights are finite."""
        assert all(np.isfinite(value).all() for value in meaning.values()), "not finite"


def _members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _edit_member(
    ending: str, change: Callable[[random.Random, bytes], bytes]
) -> Callable[..., None]:
    """Return the edit of a part of the archive, with the right checksum."""

    def apply(rng: random.Random, files: Files) -> None:
        found = _members(files["a.pth"])
        name = pick(rng, [name for name in found if ending in name])
        found[name] = change(rng, found[name])
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for key, content in found.items():
                archive.writestr(key, content)
        files["a.pth"] = buffer.getvalue()

    return apply


def _other_code(rng: random.Random, content: bytes) -> bytes:
    names = (
        b"ctorch\nSize\n",
        b"cos\nsystem\n",
        b"cbuiltins\neval\n",
        b"cnumpy\ndtype\n",
        b"ca\nb\n",
    )
    at = content.find(b"c", rng.randrange(len(content)))
    end = content.find(b"\n", content.find(b"\n", at) + 1) + 1
    return content[:at] + rng.choice(names) + content[end:] if 0 <= at < end else content[:-2]


def _odd_number(rng: random.Random, content: bytes) -> bytes:
    """Change the whole numbers of the pickle: shapes, strides, offsets, sizes of storages."""
    places = [i for i in range(len(content) - 1) if content[i : i + 1] == b"K"]
    at = pick(rng, places)
    new = rng.choice(
        (b"K\x00", b"K\xff", b"J\xff\xff\xff\xff", b"J\xff\xff\xff\x7f", b"N", b"\x88")
    )
    return content[:at] + new + content[at + 2 :]


class _Bomb:
    def __reduce__(self) -> Any:
        return (print, ("code ran",))


def _foreign(rng: random.Random, files: Files) -> None:
    """Put another kind of file in the place of the checkpoint."""
    deep = b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."
    legacy, buffer = {"state_dict": {"0.weight": np.ones(3)}}, io.BytesIO()
    torch.save({"state_dict": torch.ones(2)}, buffer, _use_new_zipfile_serialization=False)
    files["a.pth"] = rng.choice(
        (
            pickle.dumps(_Bomb()),
            pickle.dumps(legacy),
            buffer.getvalue(),
            deep,
            b"<html>login</html>",
            b"version https://git-lfs.github.com/spec/v1\n",
            zlib.compress(b"x" * 999),
            b"",
        )
    )


class ForgedCheckpoints(Checkpoints):
    """Files whose checksums are right and whose contents are not."""

    name = "forged-checkpoints"
    damaged: ClassVar[tuple[str, ...]] = ()
    changes: ClassVar[Sequence[Change]] = ()
    edits: ClassVar[Sequence[Change]] = (
        Change(
            "bytes of the pickle",
            Effect.EITHER,
            _edit_member("data.pkl", lambda r, c: damage(r, c)[1]),
        ),
        Change("a global of the pickle", Effect.EITHER, _edit_member("data.pkl", _other_code)),
        Change("a number of the pickle", Effect.EITHER, _edit_member("data.pkl", _odd_number)),
        Change(
            "bytes of a storage",
            Effect.EITHER,
            _edit_member("/data/", lambda r, c: damage(r, c)[1]),
        ),
        Change(
            "another byte order",
            Effect.EITHER,
            _edit_member("byteorder", lambda r, c: r.choice((b"big", b"", b"x"))),
        ),
        Change(
            "another version",
            Effect.EITHER,
            _edit_member("version", lambda r, c: r.choice((b"9\n", b"", b"-1"))),
        ),
        Change("another kind of file", Effect.REFUSED, _foreign),
    )
