"""The record of the splits that the folds of a work folder come from."""

from __future__ import annotations

import json

import pytest

from mmctl.engine.commands.split_record import claim_splits


@pytest.mark.parametrize("key", ["file", "hash", "name"])
def test_the_message_about_other_splits_is_short_whatever_the_record_says(tmp_path, key):
    before = {"file": "splits.mat", "hash": "0123456789ab"}
    if key != "name":
        before[key] = "y" * 5000
    name = "test" if key != "name" else "t" * 5000
    (tmp_path / "splits.json").write_text(json.dumps({name: before}))
    with pytest.raises(ValueError, match=r"^[^\n]{1,900}$"):
        claim_splits(tmp_path, {"test": {"file": "other.mat", "hash": "ba9876543210"}})
