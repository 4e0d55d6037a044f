"""The terms of a head's loss: what each reads of the head, and what it is multiplied with."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from torch import Tensor, nn

from mmctl.models.build_component import build_component
from mmctl.registry import MODELS

READABLE = ("features", "logits", "parts", "labels", "normalized", "concat", "frames")
"""What a term may read: a clip feature (B, C) before the neck, the same after it (``normalized``)
and the logits (B, num_classes), once per clip feature; the parts after the temporal mean
(B, num_parts, C); the labels (B,); all clip features before the neck in one row (``concat``);
those of the frames after the neck, (B, T, C), which a branch gives that has ``frames=True``
(``frames``)."""

PAPER_READS = {
    "triplet": ("features", "labels"),
    "identity": ("logits", "labels"),
    "diversity": ("parts",),
}
"""What the terms of eq. 9 read, in the order in which they get it."""

PER_BRANCH = frozenset({"features", "logits", "normalized", "frames"})
"""A term that reads one of these is computed for each clip feature."""


_REQUIRED = inspect.Parameter.empty


@dataclass(frozen=True)
class LossTerm:
    """How a term is called.

    Attributes:
        name: Its name in the config and the log.
        reads: What it gets of :data:`READABLE`.
        by_name: Whether it gets that by keyword, or in this order.
        weight: Factor on what it returns; 1 where its class takes ``loss_weight`` itself.
    """

    name: str
    reads: tuple[str, ...]
    by_name: bool
    weight: float

    @property
    def is_per_branch(self) -> bool:
        """Whether it is computed for each clip feature."""
        return bool(PER_BRANCH & set(self.reads))

    def compute(self, module: nn.Module, given: Mapping[str, Tensor]) -> Tensor:
        """Return the weighted term.

        Args:
            module: Its loss.
            given: What there is of :data:`READABLE`.

        Raises:
            TypeError: If the loss does not return one number.
        """
        if self.by_name:
            value = module(**{name: given[name] for name in self.reads})
        else:
            value = module(*(given[name] for name in self.reads))
        if not isinstance(value, Tensor) or value.dim():
            shape = f" of shape {tuple(value.shape)}" if isinstance(value, Tensor) else ""
            raise TypeError(
                f"losses.{self.name}: {type(module).__name__} must return one number, a tensor "
                f"without axes, because it is logged and added, got a "
                f"{type(value).__name__}{shape}"
            )
        return value if self.weight == 1 else self.weight * value


def check_names(losses: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Raise unless every term is a config, or the name of a known one and ``None``.

    Args:
        losses: Configs by name, ``None`` for a term that is left out.
        known: The terms that there are without configs.

    Raises:
        TypeError: If a config is no dict.
        ValueError: If a name cannot be one, is unknown or has no ``type``.
    """
    for name, cfg in losses.items():
        if not str(name).isidentifier() or hasattr(nn.ModuleDict(), name):
            raise ValueError(
                "losses must have names that are Python names and no attribute of a module, "
                f"because they name modules and numbers of the log, got {name!r}"
            )
        if cfg is None and name in known:
            continue
        if cfg is not None and not isinstance(cfg, Mapping):
            raise TypeError(
                f"losses.{name} must be the config of a loss, a dict with type, got {cfg!r}"
            )
        if cfg is None or "type" not in cfg:
            near = get_close_matches(str(name), known, n=1)
            raise ValueError(
                f"losses.{name} must be a config with the type of a loss, because only "
                f"{', '.join(known)} are there without one, got {cfg!r}"
                f"{f'; did you mean {near[0]!r}?' if near else ''}"
            )


def build_term(
    name: str, cfg: Mapping[str, Any], branches: Sequence[str], **sizes: int
) -> tuple[LossTerm, nn.Module]:
    """Build a term from its config.

    ``reads`` is the head's: what the loss gets in the order of its arguments. So is
    ``loss_weight`` where the class does not take it. A term beyond eq. 9 has a module of its own
    for each clip feature, in a ``ModuleDict``: what it learns of one does not fit another.

    Args:
        name: Its name.
        cfg: Config of its loss.
        branches: Names of the clip features.
        **sizes: ``channels`` and ``num_classes`` of the head, for a loss that cannot be built
            without them and whose config does not give them.

    Raises:
        KeyError: If no loss of this type is registered.
        TypeError: If it is no module, or cannot be called with what the head has.
        ValueError: If ``reads`` has unknown names or nothing of a clip.
    """
    cfg = dict(cfg)
    reads, weight = cfg.pop("reads", PAPER_READS.get(name)), 1.0
    if "loss_weight" in cfg and not _takes(cfg["type"], "loss_weight"):
        weight = cfg.pop("loss_weight")
    required = _parameters(cfg["type"])
    cfg |= {k: n for k, n in sizes.items() if k not in cfg and required.get(k) is _REQUIRED}
    module = build_component(f"losses.{name}", cfg, cfg["type"])
    if isinstance(weight, bool) or not isinstance(weight, (int, float)):
        raise TypeError(f"losses.{name}.loss_weight must be a number, got {weight!r}")
    by_name = reads is None
    if reads is None:
        names = _parameters_read(name, module)
    else:
        names = _as_names(name, reads)
        _check_call(name, module, names)
    if not set(names) - {"labels"}:
        raise ValueError(
            f"losses.{name}: {type(module).__name__} must read features, logits or parts, because "
            f"nothing else is learnt, got {names}"
        )
    term = LossTerm(name, names, by_name, weight)
    if name in PAPER_READS or not term.is_per_branch:
        return term, module
    others = [build_component(f"losses.{name}", cfg, cfg["type"]) for _ in branches[1:]]
    return term, nn.ModuleDict(dict(zip(branches, (module, *others), strict=True)))


def _as_names(name: str, reads: Any) -> tuple[str, ...]:
    names = (reads,) if isinstance(reads, str) else tuple(reads)
    unknown = [item for item in names if item not in READABLE]
    if unknown:
        raise ValueError(
            f"losses.{name}.reads must be among {', '.join(READABLE)}, because that is what the "
            f"head has, got {unknown[0]!r}"
        )
    return names


def _check_call(name: str, module: nn.Module, names: tuple[str, ...]) -> None:
    try:
        inspect.signature(module.forward).bind(*names)
    except TypeError as error:
        raise TypeError(
            f"losses.{name}: forward of {type(module).__name__} must take ({', '.join(names)}), "
            f"because that is what the head gives it, but {error}"
        ) from None


def _parameters_read(name: str, module: nn.Module) -> tuple[str, ...]:
    """Return what a loss reads by the names of the parameters of its ``forward``."""
    parameters = inspect.signature(module.forward).parameters.values()
    plain = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    foreign = [p.name for p in plain if p.name not in READABLE and p.default is p.empty]
    reads = tuple(p.name for p in plain if p.name in READABLE)
    if foreign or not reads:
        given = ", ".join(p.name for p in parameters) or "none"
        raise TypeError(
            f"losses.{name}: forward of {type(module).__name__} must have parameters named "
            f"{', '.join(READABLE)}, because those are what the head has, got {given}; for a loss "
            "with other names give them in its order, as reads=('logits', 'labels')"
        )
    return reads


def _parameters(kind: Any) -> dict[str, Any]:
    """Return the defaults of a registered class; an unknown one is met when it is built."""
    target = MODELS.get(kind) if isinstance(kind, str) else kind
    return {} if target is None else {p.name: p.default for p in _signature(target)}


def _takes(kind: Any, key: str) -> bool:
    target = MODELS.get(kind) if isinstance(kind, str) else kind
    return target is None or any(
        p.name == key or p.kind is p.VAR_KEYWORD for p in _signature(target)
    )


def _signature(target: Any) -> list[inspect.Parameter]:
    return list(inspect.signature(target).parameters.values())
