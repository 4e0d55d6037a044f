"""python -m dev.compare_branches: the features of a head, each ranked by itself."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from dev import compare_branches
from mmctl.engine import run_command
from mmctl.models.heads import FusionHead
from tests.random_state import normal, randomize
from tests.test_apis.tiny_checkpoint import save_checkpoint, small_config

V_G, PARTS = normal(3, 4, 7), normal(3, 4, 5, 7, seed=1)


def test_features_are_those_of_the_head_and_parts_of_equal_length() -> None:
    head = randomize(FusionHead(7, 4).double()).eval()
    found = compare_branches.clip_features(head, V_G, PARTS)
    torch.testing.assert_close(found["sum"], head.predict(V_G, PARTS))
    head.choose_test_feature("after")
    torch.testing.assert_close(found["sum, after the neck"], head.predict(V_G, PARTS))
    torch.testing.assert_close(found["parts alone"], found["sum"] - found["global"])
    unit = PARTS / PARTS.norm(dim=-1, keepdim=True)
    expected = (unit.mean(dim=2) + V_G / V_G.norm(dim=-1, keepdim=True)).mean(dim=1)
    name = "sum, V_g and the mean of the parts at length one"
    torch.testing.assert_close(found[name], expected)


def test_parts_are_compared_with_their_own_as_far_as_both_show_them() -> None:
    pieces, weights = normal(3, 2, 4), torch.tensor([[1.0, 0.5], [1.0, 0.0], [0.25, 1.0]])
    found = compare_branches.fused_distances(pieces, weights)
    for a in range(3):
        for b in range(3):
            shared = weights[a] * weights[b]
            cosines = torch.cosine_similarity(pieces[a], pieces[b])
            expected = 1 - (shared * cosines).sum() / shared.sum()
            assert found[a, b] == pytest.approx(expected.item())


@pytest.mark.parametrize(("name", "rows"), [("ctl", 12), ("baseline", 2)])
def test_a_checkpoint_gives_a_row_for_each(
    name: str,
    rows: int,
    drawn_mars: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cfg = small_config(name, drawn_mars)
    checkpoint = save_checkpoint(tmp_path / "weights.pth", cfg)
    cfg.dump(tmp_path / "small.py")
    arguments = ["compare_branches", str(tmp_path / "small.py"), str(checkpoint)]
    monkeypatch.setattr(sys, "argv", arguments)
    run_command(compare_branches.main)
    said = capsys.readouterr().out
    assert "small: one clip of each of 13 tracklets" in said
    assert sum(line.startswith("│ ") for line in said.splitlines()) == rows
