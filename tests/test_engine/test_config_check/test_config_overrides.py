from __future__ import annotations

import pytest
from mmengine.config import Config, DictAction

from mmctl.engine.config_check.config_overrides import apply_overrides, parse_option


@pytest.mark.parametrize(
    "text",
    [
        *("1", "1.5", "1e-3", "a", "", "None", "true", "it's", "/a(1)/b", "'5'", "a=b", "a{b}"),
        *("[1,2]", "(1,2)", "1,2", "[1,2,]", "[]", "()", "[(1,2),[3,a],b]", "['a','b']"),
        "[ 1 , 2 ]",
    ],
)
def test_values_are_those_of_mmengine(text):
    value = parse_option(f"a.b={text}")[1]
    expected = DictAction._parse_iterable(text)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("/my data/a b", "/my data/a b"),
        ("'/data/a,b'", "/data/a,b"),
        ("['a,b', 'c)']", ["a,b", "c)"]),
        ("'/a(1/b'", "/a(1/b"),
    ],
)
def test_spaces_stay_and_quotes_keep_commas_and_brackets(text, value):
    assert parse_option(f"a={text}") == ("a", value)


@pytest.mark.parametrize(
    "text", ["dict(type='SGD',lr=0.1)", "{'type':'SGD'}", "{", "[dict(a=1)]", "( {} ,)", "dict ()"]
)
def test_a_dict_is_refused_with_the_way_to_give_it(text):
    with pytest.raises(ValueError, match=r"a dict is given key by key, as in a\.b=1") as caught:
        parse_option(f"a.b={text}")
    assert str(caught.value).startswith(f"--cfg-options a.b={text}: ")


@pytest.mark.parametrize(
    "text", ["[2,3", "[2", "2,3]", "(1,2]", "[1)", "[1][2]", "(a)b", "/a(1/b", "'a", "[(1,2])"]
)
def test_brackets_and_quotes_must_be_closed(text):
    with pytest.raises(ValueError, match=r"^--cfg-options a\.b=.*(closed|follow)"):
        parse_option(f"a.b={text}")


@pytest.mark.parametrize("item", ["a", "=1", ".a=1", "a.=1", "a..b=1"])
def test_a_path_must_have_a_name_at_each_step(item):
    with pytest.raises(ValueError, match=r"takes key\.sub=value pairs, got"):
        parse_option(item)


def config() -> Config:
    return Config(
        {
            "steps": [{"type": "A"}, {"type": "B", "size": 3}],
            "milestones": [1, 2],
            "train": {"epochs": 1, "none": None},
        }
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps.2.size": 1}, "steps is a list of 2, whose items are numbered from 0, got '2'"),
        ({"steps.x.size": 1}, "steps is a list of 2, whose items are numbered from 0, got 'x'"),
        ({"steps.-1.size": 1}, "numbered from 0, got '-1'"),
        ({"steps.²": 1}, "numbered from 0, got '²'"),
        ({"steps.0": 5}, "give the whole list, as steps=[...], or a key of the item, as steps.0."),
        ({"milestones.0": 5}, "give the whole list, as milestones=[...]"),
        ({"milestones.0.x": 5}, "milestones.0 must be a dict or list to have 'x' in it, it is 1"),
        ({"train.epochs.x": 5}, "train.epochs must be a dict or list to have 'x' in it, it is 1"),
        ({"train.none.x": 5}, "train.none must be a dict or list to have 'x' in it, it is None"),
        ({"steps.1.type.x": 5}, "steps.1.type must be a dict or list"),
        ({"train": 5, "train.epochs": 1}, "train is overridden as a whole as well"),
        ({"train.epochs": 1, "train": 5}, "train is overridden as a whole as well"),
    ],
)
def test_a_path_that_leads_nowhere_is_named(options, message):
    with pytest.raises(ValueError, match=r"^--cfg-options ") as caught:
        apply_overrides(config(), options)
    assert message in str(caught.value)


def test_values_within_dicts_and_lists_are_changed():
    cfg = config()
    apply_overrides(
        cfg, {"steps.1.size": 5, "train._delete_": True, "train.new.a": 1, "milestones": [7]}
    )
    assert cfg.to_dict() == {
        "steps": [{"type": "A"}, {"type": "B", "size": 5}],
        "milestones": [7],
        "train": {"new": {"a": 1}},
    }


@pytest.mark.parametrize("text", ["[" * 9000, "(1" + "]" * 9000, "x" * 9000, "a=" + "{1" * 9000])
def test_the_message_about_a_long_override_is_short(text):
    with pytest.raises(ValueError, match=r"^[^\n]{1,900}$"):
        parse_option(text if text.startswith(("x", "a")) else f"a={text}")
