from __future__ import annotations

import pytest

from mmctl.files import parse_json, read_json


def test_content_is_read_with_and_without_a_mark_of_byte_order(tmp_path):
    for encoding in ("utf-8", "utf-8-sig"):
        (tmp_path / "a.json").write_text('{"ä": [1, 2.5, null]}', encoding=encoding)
        assert read_json(tmp_path / "a.json", "header") == {"ä": [1, 2.5, None]}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("{'a': 1}", "Expecting property name"),
        ('{"a": 1} x', "Extra data"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": ' * 100_000, "nested too deeply"),
        ("9" * 5000, "4300 digits"),
        ('{"a": {"b": 1, "c": 2, "b": 3}}', "the key 'b' stands twice in one object"),
    ],
)
def test_what_is_no_json_is_refused_with_place_and_reason(text, reason):
    with pytest.raises(ValueError, match=rf"^header a.json is not JSON .*{reason}"):
        parse_json(text, "header a.json")


def test_a_file_of_other_bytes_is_no_text(tmp_path):
    (tmp_path / "a.json").write_bytes(b'{"\xff": 1}')
    with pytest.raises(ValueError, match=r"must be UTF-8 text, got byte 0xff at position 2"):
        read_json(tmp_path / "a.json", "header")
