"""The evaluation protocols of video person re-identification, as data.

They differ in few facts, which move a published number by up to two points (see
``docs/en/protocols.md``); the rules that all of them share are in
:mod:`mmctl.functional.ranking`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Protocol:
    """What a protocol decides.

    Attributes:
        name: As configs and logs call it.
        queries_in_gallery: Whether a query tracklet is also a gallery tracklet of other queries.
        average_precision: ``'rectangle'`` or ``'trapezoid'``.
        single_match: Whether query and gallery are two cameras with one tracklet of each person,
            so that every query has exactly one match.
    """

    name: str
    queries_in_gallery: bool
    average_precision: str
    single_match: bool = False

    @classmethod
    def named(cls, name: str) -> Protocol:
        """Return the protocol called ``name``.

        Raises:
            ValueError: If there is none.
        """
        for protocol in PROTOCOLS:
            if protocol.name == name:
                return protocol
        names = tuple(protocol.name for protocol in PROTOCOLS)
        raise ValueError(f"protocol must be one of {names}, got {name!r}")

    def __str__(self) -> str:
        place = "in" if self.queries_in_gallery else "not in"
        return f"{self.name} (queries {place} the gallery, {self.average_precision} AP)"


PROTOCOLS = (
    Protocol("query-in-gallery", queries_in_gallery=True, average_precision="rectangle"),
    Protocol("query-excluded", queries_in_gallery=False, average_precision="rectangle"),
    Protocol("mars-official", queries_in_gallery=True, average_precision="trapezoid"),
    Protocol(
        "cross-camera", queries_in_gallery=False, average_precision="rectangle", single_match=True
    ),
)
