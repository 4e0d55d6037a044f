"""The page about other projects says what is so: its code runs, section by section."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "en" / "use_from_other_projects.md"
SECTIONS = {
    title: re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL)
    for title, text in re.findall(r"^##? ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.M | re.S)
}
CODE = {title: blocks for title, blocks in SECTIONS.items() if blocks}
DRAW = "draw_pedestrians.py"  # the fixture has drawn the same
NEEDED = {"An estimator of mmpose": "mmpose", "A recognizer of mmaction2": "mmaction"}


@pytest.fixture
def workplace(tmp_path, drawn_mars, monkeypatch):
    """A folder with the files of the page and drawn people, in which its code runs."""
    shutil.copytree(drawn_mars, tmp_path / "data" / "people")
    for blocks in SECTIONS.values():
        for _, code in blocks:
            if name := re.match(r"# (\w+\.py)\n", code):
                (tmp_path / name[1]).write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def run_section(title, workplace, run_tool, monkeypatch):
    """Run the blocks of a section and return the names that its Python leaves."""
    names: dict = {}
    for language, code in CODE[title]:
        for line in code.splitlines() if language == "bash" else ():
            program, tool, *arguments = shlex.split(line)
            assert (program, tool[:6]) == ("python", "tools/")
            if DRAW not in tool:
                paths = [str(workplace / a) if a.startswith("data/") else a for a in arguments]
                run_tool(tool.removeprefix("tools/"), *paths)
                monkeypatch.chdir(workplace)
        if language == "python" and not re.match(r"# \w+\.py\n", code):
            exec(compile(code, f"{PAGE.name}: {title}", "exec"), names)
    return names


def of_page(title):
    needed = NEEDED.get(title)
    missing = needed is not None and find_spec(needed) is None
    return pytest.param(title, marks=pytest.mark.skipif(missing, reason=f"needs {needed}"))


@pytest.mark.parametrize(
    "title", [of_page(title) for title in CODE if title != "Our configs by name"]
)
def test_the_code_of_a_section_runs(title, workplace, run_tool, monkeypatch, capsys):
    if title in NEEDED:
        pytest.importorskip(f"{NEEDED[title]}.models", exc_type=ImportError)
    names = run_section(title, workplace, run_tool, monkeypatch)
    checks = {
        "A stock classifier that finds people": check_classifier,
        "A backbone of the zoo": check_backbone,
        "A recognizer of mmaction2": check_recognizer,
        "Whole models and data sets of ours": check_scope,
        "Stock runs go on with torch 2.6": check_resumed,
    }
    if title in checks:
        checks[title](names)


def check_classifier(names):
    runner = names["runner"]
    history = runner.message_hub.log_scalars
    assert {"train/loss_triplet", "train/frames_per_second", "train/grad_norm"} <= history.keys()
    evaluation = runner.test_evaluator.metrics[0].last_evaluation
    assert evaluation.ranking.num_queries == 8  # 4 people, 2 cameras
    assert 0 <= history["val/reid/mAP"].current() <= 100
    assert history["train/frames_per_second"].current() < 8e5


def check_backbone(names):
    assert names["maps"].shape == (8, 2048, 2, 1)


def check_recognizer(names):
    losses = names["recognizer"](torch.rand(4, 1, 3, 8, 32, 32), names["samples"], mode="loss")
    assert {"loss_cls", "loss_triplet"} <= losses.keys()
    assert names["found"][0].feature.shape == (64,)


def check_scope(names):
    assert type(names["model"]).__module__ == "mmctl.models.video_reid"
    assert names["train"][0]["inputs"].shape == (1, 2, 3, 64, 32)


def check_resumed(names):
    assert (names["resumed"].epoch, names["resumed"].iter) == (
        2,
        2 * len(names["resumed"].train_dataloader),
    )


@pytest.mark.skipif(not (ROOT / "mmctl" / ".mim").is_dir(), reason="needs an installed package")
def test_the_configs_of_the_page_have_names(workplace, run_tool, monkeypatch):
    names = run_section("Our configs by name", workplace, run_tool, monkeypatch)
    assert names["cfg"].model == names["same"].model
    assert type(names["model"]).__name__ == "VideoReID"
    assert Config.fromfile("mars_elsewhere.py").model.head.num_classes == 8


def test_a_component_that_is_named_exists():
    from mmctl import registry

    text = PAGE.read_text()
    names = set(re.findall(r"`([A-Z]\w+)`", text.split("## A stock")[0]))
    kinds = [vars(registry)[k] for k in vars(registry) if k.isupper()]
    for kind in kinds:
        kind.import_from_location()
    known = {name for kind in kinds for name in kind.module_dict}
    assert names - known <= {"MARS", "ClipDataPreprocessor"} | known
    assert len(names & known) >= 20
    prefixed = set(re.findall(r"mmctl\.([A-Z]\w+)", text))
    assert prefixed <= known


def test_the_table_of_repairs_is_the_one_that_is_applied():
    from mmctl.engine.repairs.chosen_repairs import REPAIRS

    section = PAGE.read_text().split("## What is replaced in MMEngine")[1].split("\n## ")[0]
    assert re.findall(r"^\| `([\w-]+)` \|", section, re.M) == list(REPAIRS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("model.head.losses.triplet.type='mmctl.DiversityLoss'", "parts of each clip"),
        ("model.neck={'type': 'mmctl.GraphConv3d', 'channels': 64}", "takes nodes"),
        ("train_dataloader.sampler.key='pid'", "key='gt_label'"),
        ("val_evaluator.fields={}", "lacks ['pid', 'camid']"),
        (
            "train_dataloader.dataset.pipeline.1={'type': 'mmctl.ResizeClip', 'size': (64, 32)}",
            "ResizeClip works on the clips",
        ),
    ],
)
def test_what_does_not_fit_ends_in_one_line(workplace, change, message):
    pytest.importorskip("mmpretrain")
    cfg = Config.fromfile("reid_resnet.py")
    key, _, value = change.partition("=")
    *parents, last = key.split(".")
    place = cfg
    for parent in parents:
        place = place[int(parent)] if parent.isdecimal() else place[parent]
    place[int(last) if last.isdecimal() else last] = eval(value)
    if "losses" in key:
        del cfg.model.head.losses.triplet.margin
    cfg.update(work_dir=str(workplace / "run"), log_level="ERROR", experiment_name=key)
    with pytest.raises(ValueError) as caught:
        Runner.from_cfg(cfg).train()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "person_images" in sys.modules
