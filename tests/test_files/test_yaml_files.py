import pytest

from mmctl.files.yaml_files import MAX_BYTES, read_yaml


def read(tmp_path, text):
    (tmp_path / "a.yaml").write_text(text)
    return read_yaml(tmp_path / "a.yaml", "list")


def test_values_are_those_of_json_and_all_else_is_text(tmp_path):
    text = "a: [1, -2, 0.5, -1.5e3, true, false, null, ~, '1', x]\nb:\n- {c: }\n"
    assert read(tmp_path, text) == {
        "a": [1, -2, 0.5, -1500.0, True, False, None, None, "1", "x"],
        "b": [{"c": None}],
    }
    others = ["2024-05-31", "2024-05-31T12:30:00Z", "yes", "off", "010", "0x1F", "1_000", "12:30"]
    assert read(tmp_path, f"[{', '.join(others)}]") == others


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: [1\n", r"a\.yaml, line 3 is not YAML that can be read: expected ',' or ']'"),
        ("a: 1\nb:\n  c: 1\n  c: 2\n", "line 3 .* the key 'c' stands twice in one mapping"),
        ("a: 1\n2: 3\n", "line 2 .* the keys of a mapping must be texts"),
        ("? [1]\n: 2\n", "line 1 .* the keys of a mapping must be texts"),
        ("a: &x [1]\nb: *x\n", r"line 2 .* the reference \*x is not read"),
        ("a: !!python/object/apply:os.getcwd []\n", "line 1 .* could not determine a constructor"),
        ("--- 1\n--- 2\n", "line 2 .* but found another document"),
        ("a: \x07\n", "is not YAML that can be read: .*special characters are not allowed"),
        ("[" * 5000, "is not YAML that can be read: it is nested too deeply"),
        ("a: " + "9" * 5000, "a value cannot be read: "),
        ("a: 1\n" * MAX_BYTES, "must be at most 262,144 bytes of YAML, got 1,310,720"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(tmp_path, text, message):
    with pytest.raises(ValueError, match=message) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_many_keys_take_no_time(tmp_path):
    content = read(tmp_path, "".join(f"k{number}: 1\n" for number in range(20_000)))
    assert len(content) == 20_000


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"list .*no\.yaml does not exist; look"):
        read_yaml(tmp_path / "no.yaml", "list", "look")
