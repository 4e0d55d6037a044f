"""Every command of the pages names what is there: tool, options, choices, configs, extras.

Nothing is run: a tool is imported and its parser taken from it, which then reads the arguments of
each command of the pages. That some pages' commands do what they say is tested beside the page.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import re
import runpy
import shlex
import sys
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from pathlib import Path
from unittest import mock

import pytest

from mmctl.__main__ import find_tools
from tests.conftest import ROOT

PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs" / "en").glob("*.md")),
    *sorted((ROOT / "configs").glob("*/README.md")),
]
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
SHELL = ("bash", "console", "")
SCRIPTS = {  # what a script calls, and how many arguments of its own stand before those of the tool
    "dist_train.sh": ("train.py", 2, ["CONFIG"]),
    "dist_test.sh": ("test.py", 3, ["CONFIG", "CHECKPOINT"]),
    "slurm_train.sh": ("train.py", 4, ["CONFIG"]),
    "quickstart.sh": ("quickstart.py", 0, []),
}
OWN_ARGUMENTS = ("run_tests.sh", "set_up_environment.sh")  # pytest's, or none


class ParserFoundError(Exception):
    """Carries the parser of a tool out of its main."""


def find_main(tool: str) -> Callable[[], object]:
    """Return the main of ``tools/<tool>`` or ``dev.<name>``."""
    if tool.startswith("dev."):
        is_folder = (ROOT / tool.replace(".", "/")).is_dir()
        return importlib.import_module(f"{tool}.__main__" if is_folder else tool).main
    path = ROOT / "tools" / tool
    with mock.patch.object(sys, "path", [str(path.parent), *sys.path]):  # as for a script
        return runpy.run_path(str(path), run_name="tool")["main"]


@cache
def find_parser(tool: str) -> argparse.ArgumentParser | None:
    """Return the parser of ``tools/<tool>`` or ``dev.<name>``; None where it takes no options."""

    def stop(parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        raise ParserFoundError(parser)

    try:
        with mock.patch.object(argparse.ArgumentParser, "parse_args", stop):
            find_main(tool)()
    except ParserFoundError as found:
        return found.args[0]
    return None


def option_names(parser: argparse.ArgumentParser) -> set[str]:
    """Return the options of a parser and of its subcommands."""
    names = set(parser._option_string_actions)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            names |= {name for sub in action.choices.values() for name in option_names(sub)}
    return names


def read_lines(block: str) -> Iterator[str]:
    """Yield the commands of a shell block: continued lines in one, its variables put in."""
    names: dict[str, list[str]] = {}
    for line in block.replace("\\\n", " ").splitlines():
        line = re.sub(r"\$\([^)]*\)", "VALUE", line.strip())
        if loop := re.match(r"for (\w+) in (.*?);", line):
            names[loop[1]] = loop[2].split()
            continue
        if assigned := re.fullmatch(r"(\w+)=(\S+)", line):
            names[assigned[1]] = [assigned[2]]
            continue
        used = [name for name in names if f"${name}" in line]
        for values in product(*(names[name] for name in used)):
            whole = line
            for name, value in zip(used, values, strict=True):
                whole = whole.replace(f"${name}", value)
            yield whole


def read_page(path: Path) -> tuple[list[str], list[str]]:
    """Return the lines of a page's shell blocks, and the code within its sentences."""
    text = path.read_text()
    blocks = [block for language, block in FENCE.findall(text) if language in SHELL]
    spans = re.findall(r"`([^`]+)`", FENCE.sub("", text))
    return [line for block in blocks for line in read_lines(block)], [
        " ".join(span.split()) for span in spans
    ]


def split_command(line: str) -> tuple[str, list[str]] | None:
    """Return the tool or module of a command and its arguments; None where it has none of ours."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:  # prose
        return None
    for place, word in enumerate(words):
        rest = words[place + 1 :]
        if found := re.search(r"(?:^|/)tools/([\w/]+\.(?:py|sh))$", word):
            return found[1], rest
        if word == "-m" and rest[0].startswith("dev."):
            return rest[0], rest[1:]
        if word == "-m" and rest[0] == "mmctl" and rest[1:]:
            return find_tool(rest[1]), rest[2:]
        if place == 0 and word.endswith(".py") and word[:-3] in find_tools():  # in a sentence
            return find_tool(word[:-3]), rest
    return None


def find_tool(name: str) -> str:
    """Return the path below ``tools/`` of the tool that ``python -m mmctl`` knows by a name."""
    return find_tools()[name].as_posix().rpartition("/tools/")[2]


def parse(tool: str, arguments: list[str]) -> None:
    """Read arguments as the tool does; what it refuses is an AssertionError."""
    name = Path(tool).name
    if name in SCRIPTS:
        called, count, stand_ins = SCRIPTS[name]
        assert len(arguments) >= count, f"{name} needs {count} arguments"
        tool, arguments = called, [*stand_ins, *arguments[count:]]
    elif name in OWN_ARGUMENTS:
        return
    parser = find_parser(tool)
    if parser is None:
        assert not arguments, f"{tool} takes no arguments, got {arguments}"
        return

    def refuse(_: argparse.ArgumentParser, message: str) -> None:
        raise AssertionError(f"{tool}: {message}")

    check_options(parser, arguments)  # argparse takes their beginnings, too
    for named in re.findall(r"\bdata/[\w/.-]+\.np[yz]\b", " ".join(arguments)):
        Path(named).parent.mkdir(parents=True, exist_ok=True)
        Path(named).touch()  # some options look for their file
    with mock.patch.object(argparse.ArgumentParser, "error", refuse):
        parser.parse_args(arguments)


def check_options(parser: argparse.ArgumentParser, arguments: list[str]) -> None:
    """Compare the options in a command with those of its tool."""
    given = {word.partition("=")[0] for word in arguments if word.startswith("--")}
    unknown = given - option_names(parser)
    assert not unknown, f"unknown options: {', '.join(sorted(unknown))}"


def config_paths(words: list[str]) -> list[str]:
    """Return the arguments that name configs of ours, as paths in the checkout."""
    paths = [re.sub(r"^mmctl::", "configs/", word) for word in words]
    return [path for path in paths if re.match(r"configs/[\w./*-]+\.py$", path)]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_tools_read_the_commands_of_a_page(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines, spans = read_page(path)
    for line in [*lines, *spans]:
        found = split_command(line)
        if found is None:
            continue
        tool, arguments = found
        assert tool.startswith("dev.") or (ROOT / "tools" / tool).is_file(), line
        for config in config_paths(arguments):
            assert list(ROOT.glob(config)), line
        if line in lines:
            parse(tool, arguments)
        elif any(word.startswith("--") for word in arguments):  # a sentence leaves out the rest
            parser = find_parser(SCRIPTS.get(tool, (tool,))[0])
            assert parser is not None, line
            check_options(parser, arguments)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_extras_to_install_are_those_of_the_package(path: Path) -> None:
    setup = (ROOT / "setup.py").read_text()
    (names,) = re.findall(r"^NAMES = (\(.*\))", setup, re.MULTILINE)
    extras = {*ast.literal_eval(names), *re.findall(r'^EXTRAS\["(\w+)"\]', setup, re.MULTILINE)}
    for named in re.findall(r"(?:mmctl|\.)\[([\w,]+)\]", path.read_text()):
        assert set(named.split(",")) <= extras, named


def test_what_a_tool_does_not_take_is_noticed() -> None:
    right = "bash tools/dist_train.sh CONFIG 8 --auto-scale-lr  # and so on"
    assert split_command(right) == ("dist_train.sh", ["CONFIG", "8", "--auto-scale-lr"])
    parse(*split_command(right))
    for wrong, reason in {
        "bash tools/dist_train.sh CONFIG 8 --auto-scale": "unknown options: --auto-scale",
        "python tools/test_splits.py": "required: config",
        "python tools/gallery.py ad work_dirs/gallery": "invalid choice: 'ad'",
        "python -m mmctl draw_street data/street --cameras two": "--cameras: invalid int value",
        "python -m dev.kill_trainings --kils 50": "unknown options: --kils",
    }.items():
        with pytest.raises(AssertionError, match=reason):
            parse(*split_command(wrong))
    with pytest.raises(KeyError, match="trainn"):
        split_command("python -m mmctl trainn CONFIG")


def test_variables_of_a_block_are_put_in() -> None:
    block = "run=a\nfor x in b c; do\n    f $x \\\n --out $run/$(basename $x)\ndone\n"
    assert [" ".join(line.split()) for line in read_lines(block)] == [
        "f b --out a/VALUE",
        "f c --out a/VALUE",
        "done",
    ]
