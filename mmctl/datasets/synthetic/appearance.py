"""What people look like: the traits of an identity, and groups that are hard to tell apart."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

import numpy as np

Colour = tuple[float, float, float]

GROUP_SIZE = 4
"""People who wear the same colours on different parts."""

CLOTHES = ("torso", "sleeves", "legs", "shoes")
"""The garments that carry a colour of the group, in the order of every placement."""

PALETTE: dict[str, Colour] = {
    "red": (196, 44, 46),
    "blue": (44, 76, 186),
    "green": (44, 134, 66),
    "yellow": (228, 198, 66),
    "white": (230, 230, 226),
    "black": (38, 38, 44),
    "grey": (132, 132, 138),
    "orange": (226, 128, 44),
    "purple": (126, 62, 150),
    "brown": (112, 74, 44),
    "sky": (92, 184, 214),
    "pink": (228, 150, 178),
}
"""Colours of clothes, RGB in 0..255."""

_SKINS: tuple[Colour, ...] = ((240, 206, 178), (222, 180, 146), (186, 138, 100), (118, 80, 56))
_HAIR: tuple[Colour, ...] = (
    *((28, 24, 22), (78, 50, 32), (156, 108, 62), (208, 182, 118), (150, 150, 150)),
    (138, 54, 34),
)

_SWAPS = ((0, 1, 2, 3), (2, 1, 0, 3), (0, 3, 2, 1), (2, 3, 0, 1))
"""Placements of a group: torso and legs, which have about the same area, exchange colours, and so
do sleeves and shoes. The average colour of the whole body hardly changes; nothing is exchanged
between left and right, because a mirrored frame could not tell it."""


_Kind = TypeVar("_Kind", bound=Enum)


class HairStyle(Enum):
    """Shape of what is on the head."""

    SHORT = "short"
    SHAVED = "shaved"
    LONG = "long"
    CAP = "cap"


class Pattern(Enum):
    """What the torso garment shows besides its colour."""

    PLAIN = "plain"
    STRIPES = "stripes"
    JACKET = "jacket"


class Bag(Enum):
    """What the person carries."""

    NONE = "none"
    HAND = "hand"
    BACKPACK = "backpack"


@dataclass(frozen=True)
class Appearance:
    """The looks of one identity.

    Attributes:
        group: Confuser group; its members wear the same colours on different parts.
        placement: Names of the colours of torso, sleeves, legs and shoes.
        clothes: RGB of torso, sleeves, legs and shoes, 0..255: the palette's, a little varied.
        accessory: RGB of bag, cap and pattern, the same for the whole group.
        skin: RGB of the skin.
        hair: RGB of the hair.
        hair_style: Shape of the hair, or a cap.
        pattern: Pattern of the torso garment.
        bag: What is carried.
        bag_side: 0 carries it in the left hand, 1 in the right.
        short_sleeves: Whether the lower arms are bare.
        shorts: Whether the lower legs are bare.
        stature: Height of the body, 1 is average.
        build: Width of the body, 1 is average.
        stride: Length of the step, 1 is average.
    """

    group: int
    placement: tuple[str, ...]
    clothes: tuple[Colour, ...]
    accessory: Colour
    skin: Colour
    hair: Colour
    hair_style: HairStyle
    pattern: Pattern
    bag: Bag
    bag_side: int
    short_sleeves: bool
    shorts: bool
    stature: float
    build: float
    stride: float

    def colour_of(self, garment: str) -> Colour:
        """Return the RGB of 'torso', 'sleeves', 'legs' or 'shoes'."""
        return self.clothes[CLOTHES.index(garment)]


@dataclass(frozen=True)
class _GroupTraits:
    """What the members of a confuser group have in common."""

    group: int
    colours: tuple[str, ...]
    accessory: Colour
    skin: Colour
    hair: Colour
    hair_style: HairStyle
    pattern: Pattern
    bag: Bag
    bag_side: int
    short_sleeves: bool
    shorts: bool
    stature: float
    build: float


def draw_group(rng: np.random.Generator, group: int) -> tuple[Appearance, ...]:
    """Draw the looks of the four members of a confuser group.

    The members share one multiset of colours over torso, sleeves, legs and shoes, and their body,
    pattern, sleeves and trousers. They differ in the placement of the colours, a little in
    stature, build and stride, and some of them in hair or bag.

    Args:
        rng: Source of randomness.
        group: Number of the group.

    Returns:
        One appearance per member; the order of the placements is random.
    """
    traits = _draw_traits(rng, group)
    return tuple(_draw_member(rng, traits, _SWAPS[index]) for index in rng.permutation(GROUP_SIZE))


def _draw_traits(rng: np.random.Generator, group: int) -> _GroupTraits:
    torso, sleeves, legs, shoes, accessory = rng.permutation(list(PALETTE))[:5]
    if rng.random() < 0.5:
        sleeves = torso
    return _GroupTraits(
        group=group,
        colours=(str(torso), str(sleeves), str(legs), str(shoes)),
        accessory=PALETTE[str(accessory)],
        skin=_SKINS[rng.integers(len(_SKINS))],
        hair=_HAIR[rng.integers(len(_HAIR))],
        hair_style=_choose(rng, HairStyle),
        pattern=_choose(rng, Pattern),
        bag=_choose(rng, Bag),
        bag_side=int(rng.integers(2)),
        short_sleeves=bool(rng.random() < 0.35),
        shorts=bool(rng.random() < 0.3),
        stature=float(rng.uniform(0.92, 1.08)),
        build=float(rng.uniform(0.85, 1.2)),
    )


def _draw_member(
    rng: np.random.Generator, traits: _GroupTraits, order: tuple[int, ...]
) -> Appearance:
    placement = tuple(traits.colours[index] for index in order)
    other_hair, other_bag = rng.random(2) < (0.35, 0.25)
    return Appearance(
        group=traits.group,
        placement=placement,
        clothes=tuple(_vary(rng, PALETTE[name]) for name in placement),
        accessory=_vary(rng, traits.accessory),
        skin=traits.skin,
        hair=_HAIR[rng.integers(len(_HAIR))] if other_hair else traits.hair,
        hair_style=_choose(rng, HairStyle) if other_hair else traits.hair_style,
        pattern=traits.pattern,
        bag=_choose(rng, Bag) if other_bag else traits.bag,
        bag_side=traits.bag_side,
        short_sleeves=traits.short_sleeves,
        shorts=traits.shorts,
        stature=traits.stature + float(rng.normal(0, 0.02)),
        build=traits.build * float(np.exp(rng.normal(0, 0.04))),
        stride=float(rng.uniform(0.85, 1.15)),
    )


def _choose(rng: np.random.Generator, kinds: type[_Kind]) -> _Kind:
    return list(kinds)[rng.integers(len(kinds))]


def _vary(rng: np.random.Generator, colour: Colour) -> Colour:
    red, green, blue = np.clip(np.asarray(colour) + rng.normal(0, 6, 3), 0, 255)
    return float(red), float(green), float(blue)
