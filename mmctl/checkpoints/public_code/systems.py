"""The systems whose public checkpoints can be read, by the name of their code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mmctl.checkpoints.public_code import ap3d, nvan, sinet, stripe_systems, tclnet, temporal_models
from mmctl.checkpoints.public_code.moves import Move


@dataclass(frozen=True)
class PublicSystem:
    """How public code names the weights of a system.

    Attributes:
        source: Its repository.
        moves: From our model's weights by name to the moves of all of them.
        classifier: Public name of a weight whose first axis is the number of classes.
        unused: Beginnings of public names that the public code itself does not use.
    """

    source: str
    moves: Callable[[Any], Iterator[Move]]
    classifier: str = "classifier.weight"
    unused: tuple[str, ...] = ()


SYSTEMS: dict[str, PublicSystem] = {
    "agrl": PublicSystem(
        "weleen/AGRL.pytorch", stripe_systems.agrl, classifier="global_classifier.weight"
    ),
    "ap3d": PublicSystem("guxinqian/AP3D", ap3d.moves),
    "cosam": PublicSystem("InnovArul/vidreid_cosegmentation", temporal_models.cosam),
    "mgh": PublicSystem(
        "daodaofr/hypergraph_reid",
        stripe_systems.mgh,
        classifier="fc_list.0.weight",
        unused=("classifier.",),
    ),
    "nvan": PublicSystem("jackie840129/STE-NVAN", nvan.moves),
    "sinet": PublicSystem("baist/SINet", sinet.moves),
    "tclnet": PublicSystem(
        "blue-blue272/VideoReID-TCLNet", tclnet.moves, classifier="classifier.0.weight"
    ),
    "video-person-reid": PublicSystem(
        "jiyanggao/Video-Person-ReID", temporal_models.video_person_reid
    ),
}
