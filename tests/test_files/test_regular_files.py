from __future__ import annotations

import os
import socket

import pytest

from mmctl.files import read_bytes, read_lines, read_text


def test_a_file_is_read_through_a_link(tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert read_bytes(tmp_path / "b", "list") == b"x"


def test_a_system_may_give_a_file_in_pieces(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(bytes(range(100)))
    read = os.read
    monkeypatch.setattr(os, "read", lambda descriptor, count: read(descriptor, min(count, 7)))
    assert read_bytes(tmp_path / "a", "frame") == bytes(range(100))


def test_text_loses_its_mark_of_byte_order(tmp_path):
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbf\xc3\xa4")
    assert read_text(tmp_path / "a", "list") == "ä"


def test_what_would_never_end_is_not_read(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)  # the name of a socket is at most 107 bytes long
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        for name, kind in (
            *(("pipe", "a named pipe"), ("folder", "a folder")),
            *(("socket", "a socket"), ("/dev/zero", "a device")),
        ):
            with pytest.raises(ValueError, match=rf"list {name} must be a regular .* got {kind}"):
                read_bytes(name, "list")


def test_names_of_nothing_are_refused(tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "ring").symlink_to(tmp_path / "ring")
    for name in (tmp_path / "b", tmp_path / "a" / "b"):
        with pytest.raises(FileNotFoundError, match=rf"^list {name} does not exist$"):
            read_bytes(name, "list")
    for name in ("a\0b", "x" * 300, tmp_path / "ring"):
        with pytest.raises(ValueError, match="must be the name of a file"):
            read_bytes(name, "list")


def test_lines_end_where_every_program_ends_them(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfa b\r\n\nc\rd\n \n\n")
    assert read_lines(tmp_path / "a.txt", "list") == ["a b", "", "c", "d"]
    (tmp_path / "a.txt").write_bytes(b" \n")
    assert read_lines(tmp_path / "a.txt", "list") == []


@pytest.mark.parametrize("odd", ["\0", "\x0b", "\x0c", "\x1c", "\x1f", "\x85", "\u2028", "\u2029"])
def test_a_character_that_ends_lines_for_some_is_refused(tmp_path, odd):
    (tmp_path / "a.txt").write_text(f"a\nb{odd}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"^list \S+a\.txt, line 2: control characters and line"):
        read_lines(tmp_path / "a.txt", "list")
