"""Move all weights of a system from their public names to ours, or back, or none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

import torch
from torch import Tensor

from mmctl.checkpoints.public_code.moves import Move
from mmctl.checkpoints.public_code.systems import SYSTEMS, PublicSystem

_COUNTER = "num_batches_tracked"


def from_public(
    system: str, weights: Mapping[str, Tensor], model: Mapping[str, Tensor], filename: str
) -> dict[str, Tensor]:
    """Return the weights of a public checkpoint under our names.

    Args:
        system: Name in :data:`SYSTEMS`.
        weights: Weights of the checkpoint.
        model: ``state_dict`` of the model that shall load them; its shapes are what is compared.
        filename: What to call the checkpoint in the message.

    Returns:
        All weights of the model, in its order.

    Raises:
        ValueError: If the system is unknown, the model is none of it, or the checkpoint lacks a
            weight, has one that is unknown or of another shape, or has other classes.
    """
    known = _find(system)
    moves = _moves(system, known, model)
    place = f"checkpoint {filename!r}"
    _check_classes(known, weights, model, moves, place)
    wanted = [name for move in moves for name in move.theirs]
    given = {name: weight for name, weight in weights.items() if not name.startswith(known.unused)}
    missing = [n for n in wanted if n not in given and not n.endswith(_COUNTER)]
    unknown = [n for n in given if n not in set(wanted)]
    if missing or unknown:
        raise ValueError(
            f"{place} must have exactly the weights of {known.source} for this config, because a "
            f"part that is not loaded keeps random ones, but {_describe(missing, unknown)}; is it "
            "of this system, and the config of its variant?"
        )
    taken: dict[str, Tensor] = {}
    for move in moves:
        theirs = [weights[n] if n in weights else torch.tensor(0) for n in move.theirs]
        taken |= dict(zip(move.ours, _change(move, theirs, place), strict=True))
    for name, weight in taken.items():
        if weight.shape != model[name].shape:
            raise ValueError(
                f"{place} must fit the model's sizes, because weights fix them, but {name} is "
                f"{tuple(weight.shape)} there and {tuple(model[name].shape)} in the model"
            )
    return {name: taken[name].clone().contiguous() for name in model}


def to_public(system: str, model: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of our model under the names of the public code.

    Args:
        system: Name in :data:`SYSTEMS`.
        model: ``state_dict`` of the model.

    Raises:
        ValueError: If the system is unknown, or the model is none of it.
    """
    given: dict[str, Tensor] = {}
    for move in _moves(system, _find(system), model):
        theirs = move.give([model[name] for name in move.ours])
        given |= dict(zip(move.theirs, theirs, strict=True))
    return {name: weight.clone().contiguous() for name, weight in given.items()}


def _find(system: str) -> PublicSystem:
    if system not in SYSTEMS:
        raise ValueError(f"system must be one of {', '.join(SYSTEMS)}, got {system!r}")
    return SYSTEMS[system]


def _moves(system: str, known: PublicSystem, model: Mapping[str, Tensor]) -> list[Move]:
    """Return the moves of all weights of a model."""
    try:
        moves = list(known.moves(model))
    except KeyError as error:
        raise ValueError(
            f"the config must be of a system of {known.source} to take weights of {system!r}, but "
            f"its model has {error}, which that code has no name for"
        ) from None
    left = [name for name in model if name not in {n for move in moves for n in move.ours}]
    if left:
        raise ValueError(
            f"the config must be of a system of {known.source} to take weights of {system!r}, but "
            f"its model has {left[0]}, which that code has no name for"
        )
    return moves


def _check_classes(
    known: PublicSystem,
    weights: Mapping[str, Tensor],
    model: Mapping[str, Tensor],
    moves: Iterable[Move],
    place: str,
) -> None:
    ours = next((m.ours[0] for m in moves if known.classifier in m.theirs), None)
    if ours is None or known.classifier not in weights:
        return
    theirs, wanted = len(weights[known.classifier]), len(model[ours])
    if theirs != wanted:
        raise ValueError(
            f"{place} has {theirs} classes and the config {wanted}: add --cfg-options "
            f"model.head.num_classes={theirs}"
        )


def _change(move: Move, theirs: list[Tensor], place: str) -> list[Tensor]:
    try:
        return move.take(theirs)
    except (RuntimeError, ValueError, IndexError) as error:
        shapes = ", ".join(
            f"{n} {tuple(w.shape)}" for n, w in zip(move.theirs, theirs, strict=True)
        )
        raise ValueError(
            f"{place} must fit the model's sizes to become {', '.join(move.ours)}, got {shapes} "
            f"({str(error).splitlines()[0]})"
        ) from None


def _describe(missing: list[str], unknown: list[str]) -> str:
    parts = []
    if missing:
        near = get_close_matches(missing[0], unknown, n=1)
        hint = f" (it has {near[0]})" if near else ""
        parts.append(f"{len(missing)} are missing, as {missing[0]}{hint}")
    if unknown:
        parts.append(f"{len(unknown)} are unknown, as {unknown[0]}")
    return " and ".join(parts)
