"""tools/analysis_tools/calibrate.py: from features to a table, a picture and a file."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from mmctl.evaluation import read_calibration, verify
from mmctl.evaluation.calibration_records import Bootstrap, Source
from mmctl.evaluation.feature_files import read_known_features
from mmctl.visualization.verification_sheet import draw_verification
from tests.test_evaluation.verified_tracklets import drawn

TOOL = "analysis_tools/calibrate.py"
QUICK = ("--bootstrap", "20")
SAID = {"model": "ab12", "dataset": "MARS", "feature": "after"}


@pytest.fixture
def features(tmp_path):
    """A file as ``tools/test.py --out`` writes it."""
    drawn(1, 400, 40).tracklets.save(tmp_path / "features.npz", settings=SAID)
    return tmp_path / "features.npz"


def test_a_calibration_is_printed_drawn_and_kept(features, tmp_path, run_tool, capsys):
    out, picture = tmp_path / "new" / "calibration.json", tmp_path / "pictures" / "a.png"
    options = ["--out", str(out), "--picture", str(picture), "--gallery-size", "50", "5000"]
    run_tool(TOOL, str(features), *options, *QUICK)
    kept = read_calibration(out)
    expected = verify(read_known_features(features), Source(**SAID), bootstrap=Bootstrap(20))
    assert kept == expected.calibration
    assert kept.source == Source(**SAID)
    said = capsys.readouterr().out
    assert "false alarms in 5,000" in said
    assert f"{kept.rates[0].threshold:.4f}" in said
    assert "0.0001" in said
    assert "refused" in said
    assert "equal error rate" in said
    assert f"{kept.counts.junk:,} junk" in said
    assert "WARNING" not in said
    assert Image.open(picture).size == (1430, 550)


def test_the_files_of_others_are_taken_with_a_warning(tmp_path, run_tool, capsys):
    labels = drawn(1, 400, 40).tracklets
    rows = {"query": slice(0, 150), "gallery": slice(150, None)}
    arrays = {}
    for split, own in rows.items():
        arrays[f"{split}_f"] = labels.features[own]
        arrays[f"{split}_label"], arrays[f"{split}_cam"] = labels.pids[own], labels.camids[own]
    savemat(tmp_path / "result.mat", arrays)
    run_tool(TOOL, str(tmp_path / "result.mat"), "--dataset", "Market", *QUICK)
    said = capsys.readouterr().out
    assert "WARNING: the features do not say their model and feature" in said
    for split, own in rows.items():
        half = {"features": labels.features[own], "pids": labels.pids[own]}
        np.savez(tmp_path / f"{split}.npz", camids=labels.camids[own], **half)
    halves = [str(tmp_path / "query.npz"), "--gallery", str(tmp_path / "gallery.npz")]
    run_tool(TOOL, *halves, "--dataset", "Market", *QUICK)
    assert capsys.readouterr().out.splitlines()[-8:] == said.splitlines()[-8:]


def test_a_mismatch_is_named_and_training_persons_are_warned_of(tmp_path, run_tool, capsys):
    features = drawn(1, 400, 40)
    own = np.where(np.arange(400) < 7, "train", "query")
    np.savez(tmp_path / "f.npz", own_splits=own, **vars(features.tracklets))
    run_tool(TOOL, str(tmp_path / "f.npz"), *QUICK)
    assert "7 of 400 tracklets are of the training split" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--rates", "1e-6"), "false accept rate 1e-06 is refused: .* smallest that these allow"),
        (("--far", "2"), "a false accept rate must be above 0 and up to 1, got 2"),
        (("--out", "a.txt"), "the file to write must end in .json, got a.txt"),
        (("--picture", "a.jpg"), "the file to write must end in .png, got a.jpg"),
        (("--gallery-size", "0"), "--gallery-size must be positive, got 0"),
        (("--bootstrap", "3"), "needs 20 replicates or more"),
        (("--seed", "-1"), "--seed must be 0 or more, got -1"),
        (
            ("--model", "cd"),
            "--model is for files that do not say .* says 'ab12', got 'cd'",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(features, run_tool, capsys, options, message):
    with pytest.raises(SystemExit) as status:
        run_tool(TOOL, str(features), *options)
    assert status.value.code == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert re.search(message, line)


def test_a_picture_shows_what_lies_beyond_the_measured_similarities(tmp_path):
    found = verify(drawn(3, 300, 30, noise=0.01), bootstrap=Bootstrap(20))
    draw_verification(found.calibration, found.pairs, "$drawn$", tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").format == "PNG"


def test_the_file_says_what_it_is_made_of_in_plain_json(features, tmp_path, run_tool):
    run_tool(TOOL, str(features), "--out", str(tmp_path / "c.json"), *QUICK)
    content = json.loads((tmp_path / "c.json").read_text())
    assert content["version"] == 1
    assert content["source"] == SAID
    assert content["similarity"] == "cosine"
    assert content["bootstrap"] == {"replicates": 20, "seed": 0, "confidence": 0.95}
    assert "threshold" not in content
