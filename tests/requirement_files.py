"""What the files below requirements/ ask for."""

from __future__ import annotations

from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]


def requirement_lines(name: str) -> list[str]:
    return (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()


def requirements(name: str, python: str) -> list[Requirement]:
    found = [
        Requirement(line) for line in requirement_lines(name) if line[:1] not in ("-", "#", "")
    ]
    return [
        requirement
        for requirement in found
        if requirement.marker is None or requirement.marker.evaluate({"python_version": python})
    ]
